/* Every process run backwards: DDIM with the exact denoiser of a mixture, from the process's own prior at t_max down to
 * t_min on times of equal log-SNR steps (through time()), gives the mixture's distribution. Processes that keep much signal
 * at t_max or much noise at t_min cannot, and are left out. */
#include "exact/ks.h"
#include "exact/process_cases.h"

#include <ito/mixture.h>
#include <ito/sampler.h>

#define N       4000
#define N_STEPS 200

static double bounded(double log_snr)
{
    return fmin(fmax(log_snr, -12), 12);
}

static bool is_whole(const ito_process *p)
{
    return ito_process_log_snr(p, ito_process_t_max(p)) < -4.5 && ito_process_sigma(p, ito_process_t_min(p)) < 0.05;
}

/* From t_max on; the last step, to t_min, is the sampler's. */
static void fill_times(const ito_process *p, double *times)
{
    double high = ito_process_t_max(p), from = bounded(ito_process_log_snr(p, high)),
           to = bounded(ito_process_log_snr(p, ito_process_t_min(p)));
    times[0] = high;
    for (int i = 1; i < N_STEPS; i++) times[i] = ito_process_time(p, from + (to - from) * i / N_STEPS);
}

/* Two samples of 4000 of one distribution are 0.06 = 2.7 sqrt(2 / N) apart once in a million seeds (these: 0.03); what the
 * prior leaves of the data's mean (at most exp(-2.25) of it) and 200 steps of order 1 take up some of the rest. */
static void run(ito_ctx *ctx, const process_case *c, const ito_process *p)
{
    static const double mean[] = {-0.8, 0.5}, sd[] = {0.1, 0.3}, weight[] = {1, 2};
    static float x[N], want[N];
    static double samples[N], data[N];
    double times[N_STEPS];
    ito_mixture_options o = {.dim = 1, .n_components = 2, .weight = weight, .mean = mean, .sd = sd};
    ito_mixture *mixture;
    ito_denoiser exact;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1), x);
    fill_times(p, times);
    ito_sample_options options = {.times = times, .n_steps = N_STEPS, .seed = 5};
    assert_ok(ctx, ito_mixture_create(ctx, &o, &mixture));
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, p, "x0", &exact));
    assert_ok(ctx, ito_sample(ctx, p, &exact, NULL, &options, &xs));
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 7, 0, N, want);
    for (int i = 0; i < N; i++) {
        samples[i] = (double)x[i];
        data[i] = (double)want[i];
    }
    double d = ks_distance(N, samples, data);
    if (!(d < 0.06))
        fail_msg("%s %s: the samples are %g from the data's distribution", c->name,
                 c->settings[0] ? c->settings[0] : "", d);
    ito_denoiser_clear(&exact);
    ito_mixture_destroy(mixture);
}

static void test_backwards(void **state)
{
    ito_ctx *ctx = *state;
    int n_run = 0;
    for (int k = 0; k < N_PROCESS_CASES; k++) {
        ito_process *p = process_open(ctx, &process_cases[k]);
        if (is_whole(p)) {
            run(ctx, &process_cases[k], p);
            n_run++;
        }
        ito_process_destroy(p);
    }
    assert_true(n_run >= 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_backwards, ctx_setup, ctx_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
