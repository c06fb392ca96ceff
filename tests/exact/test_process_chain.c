/* The forward chain, run with random normals one step after the other (DDPM's equation 1: x_t = sqrt(1 - beta_t) x_{t-1} +
 * sqrt(beta_t) eps), ends where the kernel q(x_t | x_0) says: mean, variance and the whole distribution. Every discrete
 * process, with N chains from a seed.
 *
 * Bounds, for N = 20,000: the mean of N normals lies within 4 / sqrt(N) deviations, their variance within 4 sqrt(2 / N) of
 * itself, and the Kolmogorov-Smirnov distance of two samples below c sqrt(2 / N) with c = 2.15, each but once in some ten
 * thousand seeds (2 exp(-2 c^2) = 2e-4). A deviation wrong by 3 % fails them. */
#include "exact/ks.h"
#include "exact/process_cases.h"

#include <ito/rng.h>

#define N 20000

static void normals(uint64_t sample, int step, float *out)
{
    ito_rng_key key = {.seed = 3, .stream = ITO_STREAM_USER, .step = (uint32_t)step, .sample = sample};
    ito_rng_normal(key, 0, N, out);
}

typedef struct chains {
    double x[N], direct[N];
    float eps[N];
} chains;

/* Against x_t = signal x_0 + sigma eps drawn at once. */
static void check(const process_case *c, const ito_process *p, int t, double x0, const chains *now)
{
    chains *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    *copy = *now;
    ito_level at = ito_process_level(p, t);
    double mean = 0, square = 0;
    normals(1000, t, copy->eps);
    for (int i = 0; i < N; i++) {
        double off = (copy->x[i] - at.signal * x0) / at.sigma;
        mean += off / N;
        square += off * off / N;
        copy->direct[i] = at.signal * x0 + at.sigma * (double)copy->eps[i];
    }
    double variance = square - mean * mean, d = ks_distance(N, copy->x, copy->direct);
    if (fabs(mean) > 4 / sqrt(N) || fabs(variance - 1) > 4 * sqrt(2.0 / N) || d > 2.15 * sqrt(2.0 / N))
        fail_msg("%s %s, t = %d: mean off by %g deviations, variance %g of the kernel's, distance %g", c->name,
                 c->settings[0] ? c->settings[0] : "", t, mean, variance, d);
    free(copy);
}

static bool is_looked_at(int t, int T)
{
    return t == 1 || t == T || t == T / 2 || t == T / 8;
}

/* EQ[ddpm:2] EQ[survey:1] EQ[ddpm:4] EQ[survey:3]. beta_t is 1 - scale^2 where variance is preserved; NCSN's ladder has no
 * loss of signal and adds sigma_t^2 - sigma_{t-1}^2. */
static void run(const process_case *c, const ito_process *p, uint64_t sample)
{
    int T = ito_process_n_timesteps(p);
    double x0 = 0.7;
    bool keeps = ito_process_get_def(p)->is_variance_preserving;
    chains *now = malloc(sizeof *now);
    assert_non_null(now);
    for (int i = 0; i < N; i++) now->x[i] = x0;
    for (int t = 1; t <= T; t++) {
        double beta = ito_process_beta(p, t), scale = keeps ? sqrt(1 - beta) : 1, sd = sqrt(beta);
        normals(sample, t, now->eps);
        for (int i = 0; i < N; i++) now->x[i] = scale * now->x[i] + sd * (double)now->eps[i];
        if (is_looked_at(t, T)) check(c, p, t, x0, now);
    }
    free(now);
}

static void test_chain_is_kernel(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    for (int k = 0; k < N_PROCESS_CASES; k++) {
        process_case c = process_cases[k];
        ito_process *p = process_open(ctx, &c);
        int T = ito_process_n_timesteps(p);
        if (T) run(&c, p, (uint64_t)k);
        ito_process_destroy(p);
    }
    ito_ctx_destroy(ctx);
}

/* A test of the test: the distance alone notices a deviation that is 12 % too large. */
static void test_distance_notices(void **state)
{
    (void)state;
    chains *c = malloc(sizeof *c);
    assert_non_null(c);
    normals(1, 1, c->eps);
    for (int i = 0; i < N; i++) c->x[i] = (double)c->eps[i];
    normals(2, 1, c->eps);
    for (int i = 0; i < N; i++) c->direct[i] = (double)c->eps[i];
    assert_true(ks_distance(N, c->x, c->direct) < 2.15 * sqrt(2.0 / N));
    for (int i = 0; i < N; i++) c->direct[i] = 1.12 * (double)c->eps[i];
    assert_true(ks_distance(N, c->x, c->direct) > 2.15 * sqrt(2.0 / N));
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_notices),
        cmocka_unit_test(test_chain_is_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
