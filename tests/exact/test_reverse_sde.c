/* Samplers of the reverse SDE: each update against the paper's, written out for one Gaussian; the discrete forms of NCSN and DDPM; where
 * rates are infinite; and flow-sde's marginals. */
#include "exact/solo.h"

enum { N = 3, STEPS = 15, SEED = 2 };

/* E[x_0 | x] at a level, x not divided by the signal; and the score. */
static double score_of(const ito_level *t, double x)
{
    double v = t->signal * t->signal * SD * SD + t->sigma * t->sigma;
    return -(x - t->signal * MEAN) / v;
}

typedef double (*rule)(const ito_process *p, const ito_level *t, const ito_level *s, double x, double z);

/* EQ[sde:6] */
static double euler_maruyama(const ito_process *p, const ito_level *t, const ito_level *s, double x, double z)
{
    double f = ito_process_drift(p, t->t), g = ito_process_diffusion(p, t->t), dt = s->t - t->t;
    return x + (f * x - g * g * score_of(t, x)) * dt + g * sqrt(-dt) * z;
}

/* EQ[sde:46] with the discretisation of the forward process by its own transition. */
static double reverse_diffusion(const ito_process *p, const ito_level *t, const ito_level *s, double x, double z)
{
    double a = t->signal / s->signal, variance = t->sigma * t->sigma - a * a * s->sigma * s->sigma, f = (a - 1) * x;
    (void)p;
    return x - f + variance * score_of(t, x) + sqrt(variance) * z;
}

/* EQ[sit:s2]: x_0 and eps of the Gaussian, for eta = 0.8. */
static double flow_sde(const ito_process *p, const ito_level *t, const ito_level *s, double x, double z)
{
    double eps = -t->sigma * score_of(t, x);
    double v = t->signal * t->signal * SD * SD + t->sigma * t->sigma;
    double x0 = MEAN + t->signal * SD * SD / v * (x - t->signal * MEAN);
    double sd = fmin(sqrt(0.8 * (t->sigma * t->sigma - s->sigma * s->sigma)), s->sigma);
    (void)p;
    return s->signal * x0 + sqrt(s->sigma * s->sigma - sd * sd) * eps + sd * z;
}

static void check(const ito_process *p, double from, double to, const char *sampler, const char *text, rule step)
{
    double times[STEPS], got[N];
    for (int k = 0; k < STEPS; k++) times[k] = from + (to - from) * k / STEPS;
    ito_sample_options o = {.sampler = sampler, .seed = SEED, .times = times, .n_steps = STEPS, .t_end = to};
    sample(p, gaussian, text, o, N, got);
    bool denoises = !*text;
    for (uint64_t i = 0; i < N; i++) {
        double x = ito_process_prior_sd(p) * normal(ITO_STREAM_PRIOR, 0, i, SEED);
        for (int k = 0; k < STEPS; k++) {
            ito_level t = ito_process_level(p, times[k]), s = ito_process_level(p, k + 1 < STEPS ? times[k + 1] : to);
            x = step(p, &t, &s, x, k == STEPS - 1 && denoises ? 0 : drawn(k, 0, i, SEED));
        }
        if (!(fabs(got[i] - x) < 1e-9 * fmax(1, fabs(x)))) print_error("%s %s: %g for %g\n", sampler, text, got[i], x);
        assert_true(fabs(got[i] - x) < 1e-9 * fmax(1, fabs(x)));
    }
}

static void test_updates(void **state)
{
    (void)state;
    check(vp, 1, 0.01, "euler-maruyama", "", euler_maruyama);
    check(vp, 1, 0.01, "euler-maruyama", "denoise=false", euler_maruyama);
    check(ve, 1, 0.1, "euler-maruyama", "denoise=false", euler_maruyama);
    check(linear, 1000, 20, "euler-maruyama", "", euler_maruyama);
    check(vp, 1, 0.01, "reverse-diffusion", "", reverse_diffusion);
    check(flow, 1, 0.05, "reverse-diffusion", "denoise=false", reverse_diffusion);
    check(edm, 80, 0, "reverse-diffusion", "", reverse_diffusion);
    check(flow, 1, 0.05, "flow-sde", "eta=0.8", flow_sde);
    check(vp, 1, 0.01, "flow-sde", "eta=0.8", flow_sde);
}

/* Single steps of DDPM's chain: x_(t-1) = (2 - sqrt(1 - beta)) x + beta score + sqrt(beta) z, as appendix E has it. */
static void test_vp_chain(void **state)
{
    (void)state;
    const double times[] = {700}, start[] = {0.9};
    double got[1], beta = ito_process_beta(linear, 700);
    ito_sample_options o = {
        .sampler = "reverse-diffusion", .seed = SEED, .times = times, .n_steps = 1, .t_end = 699, .start = start};
    sample(linear, gaussian, "denoise=false", o, 1, got);
    ito_level t = ito_process_level(linear, 700);
    double want = (2 - sqrt(1 - beta)) * 0.9 + beta * score_of(&t, 0.9) + sqrt(beta) * drawn(0, 0, 0, SEED);
    assert_true(fabs(got[0] - want) < 1e-12);
}

static void test_infinite_rates(void **state)
{
    (void)state;
    double x[1];
    ito_sample_options o = {.sampler = "euler-maruyama", .n_steps = 10};
    assert_fails(ctx, ITO_NUMERIC, "infinite rate at t = 1", try_sample(flow, gaussian, &o, ITO_F64, 1, x));
}

/* The marginals stay the flow's: mean and variance of x at a time in the middle, from any eta, within 5 standard errors and 1
 * percent; and it starts where no signal is left. */
static void test_flow_marginals(void **state)
{
    (void)state;
    enum { n = 20000 };
    static double x[n], times[200];
    const char *const texts[] = {"eta=0.5", "eta=1", "eta=2"};
    ito_level t = ito_process_level(flow, 0.4);
    double variance = t.signal * t.signal * SD * SD + t.sigma * t.sigma;
    for (int k = 0; k < 200; k++) times[k] = 1 - 0.6 * k / 200;
    ito_sample_options o = {.sampler = "flow-sde", .times = times, .n_steps = 200, .t_end = 0.4};
    for (int k = 0; k < ITO_COUNT(texts); k++) {
        double got, spread;
        sample(flow, gaussian, texts[k], o, n, x);
        moments_of(x, n, 1, &got, &spread);
        assert_true(fabs(got - t.signal * MEAN) < 5 * sqrt(variance / n));
        assert_true(fabs(spread / variance - 1) < 5 * sqrt(2.0 / n) + 0.01);
    }
}

/* eta = 0 is Euler's method of the straight path, DDIM. */
static void test_flow_without_noise(void **state)
{
    (void)state;
    double a[4], b[4];
    sample(flow, blobs, "eta=0", (ito_sample_options){.sampler = "flow-sde", .n_steps = 9}, 2, a);
    sample(flow, blobs, "eta=0", (ito_sample_options){.sampler = "ddim", .n_steps = 9}, 2, b);
    for (int i = 0; i < 4; i++) assert_true(fabs(a[i] - b[i]) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_vp_chain),
        cmocka_unit_test(test_infinite_rates),
        cmocka_unit_test(test_flow_marginals),
        cmocka_unit_test(test_flow_without_noise),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
