/* The log-likelihood under every built-in process and every kind of prediction, on an exact mixture in one dimension.
 * There the probability-flow ODE keeps the order of points, so it carries x_t to the x_T of the same quantile, and the
 * likelihood under the prior follows from the two marginal densities, however near to the prior the last one is:
 *     log p(x_0) = log q_t(signal x_0) + log signal + log prior(x_T) - log q_T(x_T). */
#include "exact/process_cases.h"

#include <ito/likelihood.h>
#include <ito/mixture.h>

#define N          5
#define COMPONENTS 2

static const double weight[] = {1, 3}, mean[] = {-0.9, 0.4}, sd[] = {0.3, 0.2};

/* Share of q_t below x. */
static double below(const ito_level *t, double x)
{
    double sum = 0;
    for (int k = 0; k < COMPONENTS; k++)
        sum += weight[k] / 8 * erfc((t->signal * mean[k] - x) / hypot(t->signal * sd[k], t->sigma) / sqrt(2));
    return sum;
}

static double quantile(const ito_level *t, double share)
{
    double low = -10 * (t->signal + t->sigma), high = -low;
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        if (below(t, middle) < share)
            low = middle;
        else
            high = middle;
    }
    return low;
}

typedef struct likelihood {
    double density, prior;
} likelihood;

static likelihood expected(const ito_mixture *mixture, const ito_process *process, double t_eps, double x0)
{
    ito_level t = ito_process_level(process, t_eps), end = ito_process_level(process, ito_process_t_max(process));
    double x = t.signal * x0, x_end = quantile(&end, below(&t, x));
    double prior = ito_gaussian_log_density(x_end, 0, 2 * log(ito_process_prior_sd(process)));
    return (likelihood){ito_mixture_log_density(mixture, &t, ITO_MIXTURE_ALL, &x) + log(t.signal) + prior -
                            ito_mixture_log_density(mixture, &end, ITO_MIXTURE_ALL, &x_end),
                        prior};
}

/* Where ito_nll starts by itself, and 0.1 where there is only one timestep. */
static double start_of(const ito_process *process)
{
    if (ito_process_get_def(process)->is_discrete) return ito_process_n_timesteps(process) > 1 ? 1 : 0.1;
    return fmax(ito_process_t_min(process), ito_process_time(process, -2 * log(1e-3)));
}

/* To 5e-4 nats: the tolerance of the steps, float32 outputs, and 1e-4 of the path where eps cannot tell x_0. */
static void check(ito_ctx *ctx, const ito_mixture *mixture, const process_case *c, const ito_process *process,
                  const char *kind)
{
    float x[N];
    ito_denoiser d;
    ito_nll_row rows[N];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1), x);
    double t_eps = start_of(process);
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, process, kind, &d));
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 4, 0, N, x);
    ito_nll_options o = {.t_eps = ito_process_n_timesteps(process) == 1 ? t_eps : 0};
    if (ito_nll(ctx, process, &d, &xs, NULL, NULL, &o, rows) != ITO_OK)
        fail_msg("%s %s, %s: %s", c->name, c->settings[0] ? c->settings[0] : "", kind, ito_last_error(ctx));
    for (int i = 0; i < N; i++) {
        likelihood want = expected(mixture, process, t_eps, (double)x[i]);
        if (!(fabs(rows[i].log_density - want.density) < 5e-4) || !(fabs(rows[i].log_prior - want.prior) < 5e-4))
            fail_msg("%s %s, %s, row %d: %.6f of which %.6f prior, not %.6f and %.6f (%d evaluations)", c->name,
                     c->settings[0] ? c->settings[0] : "", kind, i, rows[i].log_density, rows[i].log_prior,
                     want.density, want.prior, rows[i].n_evals);
    }
    ito_denoiser_clear(&d);
}

/* EQ[sde:39] */
static void test_every_process(void **state)
{
    static const char *const kinds[] = {"eps", "x0", "v", "score", "velocity", "edm", "mu"};
    ito_ctx *ctx = *state;
    ito_mixture *mixture;
    ito_mixture_options o = {.dim = 1, .n_components = COMPONENTS, .weight = weight, .mean = mean, .sd = sd};
    int checked = 0;
    assert_ok(ctx, ito_mixture_create(ctx, &o, &mixture));
    for (int k = 0; k < N_PROCESS_CASES; k++) {
        ito_process *process = process_open(ctx, &process_cases[k]);
        for (int j = 0; j < 7; j++) {
            ito_prediction kind;
            assert_ok(ctx, ito_prediction_find(ctx, kinds[j], &kind));
            if (ito_prediction_check(ctx, &kind, process) != ITO_OK) continue;
            check(ctx, mixture, &process_cases[k], process, kinds[j]);
            checked++;
        }
        ito_process_destroy(process);
    }
    assert_true(checked >= 6 * N_PROCESS_CASES);
    ito_mixture_destroy(mixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_process)};
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
