/* Samplers for models of few steps: consistency, LCM and TCD, written out for one Gaussian; their limits. */
#include "exact/solo.h"

enum { N = 3, STEPS = 4, SEED = 8 };

static double x0_at(const ito_level *t, double x)
{
    double v = t->signal * t->signal * SD * SD + t->sigma * t->sigma;
    return MEAN + t->signal * SD * SD / v * (x - t->signal * MEAN);
}

/* EQ[consistency:a1]: on EDM's process to sigma_min, as in the paper, and on one that loses signal. */
static void test_consistency(void **state)
{
    (void)state;
    const double up[] = {80, 24, 5, 0.6};
    double got[N];
    ito_sample_options o = {.sampler = "consistency", .times = up, .n_steps = STEPS, .t_end = 0.002, .seed = SEED};
    sample(edm, gaussian, "", o, N, got);
    for (uint64_t i = 0; i < N; i++) {
        double x = x0_of(80 * normal(ITO_STREAM_PRIOR, 0, i, SEED), 80);
        for (int k = 1; k < STEPS; k++)
            x = x0_of(x + sqrt(up[k] * up[k] - 0.002 * 0.002) * drawn(k - 1, 0, i, SEED), up[k]);
        assert_true(fabs(got[i] - x) < 1e-9);
    }
    const double times[] = {1000, 700, 400, 100};
    o = (ito_sample_options){.sampler = "consistency", .times = times, .n_steps = STEPS, .seed = SEED};
    sample(linear, gaussian, "", o, N, got);
    for (uint64_t i = 0; i < N; i++) {
        double x = normal(ITO_STREAM_PRIOR, 0, i, SEED);
        for (int k = 0; k < STEPS; k++) {
            ito_level t = ito_process_level(linear, times[k]);
            if (k) x = t.signal * x + t.sigma * drawn(k - 1, 0, i, SEED);
            x = x0_at(&t, x);
        }
        assert_true(fabs(got[i] - x) < 1e-9);
    }
}

/* EQ[lcm:a3] EQ[survey:30] EQ[consistency:5]: timesteps from 0, as diffusers counts them, times 10. */
static void test_lcm(void **state)
{
    (void)state;
    const double times[] = {1000, 700, 400, 1};
    double got[N];
    ito_sample_options o = {.sampler = "lcm", .times = times, .n_steps = STEPS, .seed = SEED};
    sample(linear, gaussian, "sigma_data=0.7 timestep_scaling=0.01", o, N, got);
    for (uint64_t i = 0; i < N; i++) {
        double x = normal(ITO_STREAM_PRIOR, 0, i, SEED);
        for (int k = 0; k < STEPS; k++) {
            ito_level t = ito_process_level(linear, times[k]);
            if (k) x = t.signal * x + t.sigma * drawn(k - 1, 0, i, SEED);
            double scaled = 0.01 * (times[k] - 1), c_skip = 0.49 / (scaled * scaled + 0.49);
            x = c_skip * x + scaled / sqrt(scaled * scaled + 0.49) * x0_at(&t, x);
        }
        assert_true(fabs(got[i] - x) < 1e-9);
    }
}

/* Far from the data the factors are 0 and 1, and LCM samples as consistency models do. */
static void test_lcm_is_consistency(void **state)
{
    (void)state;
    double a[4], b[4];
    ito_sample_options o = {.sampler = "lcm", .n_steps = 4, .seed = 2};
    sample(flow, blobs, "timestep_scaling=1e9", o, 2, a);
    o.sampler = "consistency";
    sample(flow, blobs, "", o, 2, b);
    for (int i = 0; i < 4; i++) assert_true(fabs(a[i] - b[i]) < 1e-9);
}

/* EQ[tcd:s4.3]: in diffusers' form, whose timesteps count from 0 and whose eta is gamma. */
static void test_tcd(void **state)
{
    (void)state;
    const double times[] = {1000, 700, 400, 100};
    double got[N], gamma = 0.3;
    ito_sample_options o = {.sampler = "tcd", .times = times, .n_steps = STEPS, .t_end = 1, .seed = SEED};
    sample(linear, gaussian, "", o, N, got);
    for (uint64_t i = 0; i < N; i++) {
        double x = normal(ITO_STREAM_PRIOR, 0, i, SEED);
        for (int k = 0; k < STEPS; k++) {
            int previous = k + 1 < STEPS ? (int)times[k + 1] - 1 : 0, past = (int)floor((1 - gamma) * previous);
            double abar_t = ito_process_alpha_bar(linear, times[k]),
                   abar_p = ito_process_alpha_bar(linear, previous + 1);
            double abar_s = ito_process_alpha_bar(linear, past + 1);
            ito_level t = ito_process_level(linear, times[k]);
            double x0 = x0_at(&t, x), eps = (x - sqrt(abar_t) * x0) / sqrt(1 - abar_t);
            x = sqrt(abar_s) * x0 + sqrt(1 - abar_s) * eps;
            if (k < STEPS - 1) x = sqrt(abar_p / abar_s) * x + sqrt(1 - abar_p / abar_s) * drawn(k, 0, i, SEED);
        }
        assert_true(fabs(got[i] - x) < 1e-9);
    }
}

/* gamma = 0 is DDIM; gamma = 1 goes to the data and back, as consistency sampling does. */
static void test_tcd_limits(void **state)
{
    (void)state;
    double a[4], b[4];
    const char *const texts[] = {"gamma=0", "gamma=1"}, *const others[] = {"ddim", "consistency"};
    for (int k = 0; k < 2; k++) {
        ito_sample_options o = {.sampler = "tcd", .n_steps = 6, .seed = 4};
        sample(flow, blobs, texts[k], o, 2, a);
        o.sampler = others[k];
        sample(flow, blobs, "", o, 2, b);
        for (int i = 0; i < 4; i++) assert_true(fabs(a[i] - b[i]) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_consistency),        cmocka_unit_test(test_lcm),
        cmocka_unit_test(test_lcm_is_consistency), cmocka_unit_test(test_tcd),
        cmocka_unit_test(test_tcd_limits),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
