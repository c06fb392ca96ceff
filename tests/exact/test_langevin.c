/* Langevin samplers: the updates written out, the stationary law of a Gaussian, NCSN's schedule of steps, NCSNv2's technique 4 and its
 * denoising, and predictor-corrector's norms. */
#include "exact/solo.h"

enum { N = 3, SEED = 6 };

static double score_of(const ito_level *t, double x)
{
    return -(x - t->signal * MEAN) / (t->signal * t->signal * SD * SD + t->sigma * t->sigma);
}

/* EQ[survey:4] EQ[welling11:2] EQ[welling11:3]: fixed and falling steps. */
static void test_sgld_updates(void **state)
{
    (void)state;
    const double times[] = {0.9, 0.6, 0.3};
    ito_level last = ito_process_level(ve, 0.3);
    for (int decays = 0; decays < 2; decays++) {
        double got[N];
        ito_sample_options o = {.sampler = "sgld", .times = times, .n_steps = 3, .seed = SEED};
        sample(ve, gaussian, decays ? "step_size=0.5 decay=0.55 offset=3 n_per_step=4" : "step_size=0.5 n_per_step=4",
               o, N, got);
        for (uint64_t i = 0; i < N; i++) {
            double x = ito_process_prior_sd(ve) * normal(ITO_STREAM_PRIOR, 0, i, SEED);
            for (int k = 0; k < 12; k++) {
                double delta = 0.5 * last.sigma * last.sigma * (decays ? pow((3.0 + k) / 3, -0.55) : 1);
                x += delta / 2 * score_of(&last, x) + sqrt(delta) * drawn(k / 4, k % 4, i, SEED);
            }
            assert_true(fabs(got[i] - x) < 1e-9 * fmax(1, fabs(x)));
        }
    }
}

/* x -> x + delta / 2 (m - x) / v + sqrt(delta) z keeps N(m, v / (1 - delta / (4 v))): within 5 standard errors; at the coarse step
 * that is 9 percent from v. */
static void test_stationary_law(void **state)
{
    (void)state;
    enum { n = 20000 };
    static double x[n];
    const double times[] = {0.05};
    ito_level t = ito_process_level(vp, times[0]);
    double v = t.signal * t.signal * SD * SD + t.sigma * t.sigma, mean, variance;
    for (int coarse = 0; coarse < 2; coarse++) {
        double delta = (coarse ? 2 : 0.2) * t.sigma * t.sigma, want = v / (1 - delta / (4 * v));
        ito_sample_options o = {.sampler = "sgld", .times = times, .n_steps = 1, .seed = SEED};
        sample(vp, gaussian, coarse ? "step_size=2 n_per_step=200" : "step_size=0.2 n_per_step=1000", o, n, x);
        moments_of(x, n, 1, &mean, &variance);
        assert_true(fabs(mean - t.signal * MEAN) < 5 * sqrt(want / n));
        assert_true(fabs(variance / want - 1) < 5 * sqrt(2.0 / n));
        if (coarse) assert_true(fabs(variance / v - 1) > 5 * sqrt(2.0 / n));
    }
}

/* EQ[ncsn:a1] EQ[ncsnv2:s3.4]: with eps / sigma_L^2 = 0.15, through x / signal where signal is lost. */
static void check_annealed(const ito_process *p, const double *times, int n, bool denoises)
{
    double got[N], r = 0.15;
    ito_level level[MOST_LEVELS];
    fill_levels(p, times, n, ito_process_t_min(p), level);
    ito_sample_options o = {.sampler = "annealed-langevin", .times = times, .n_steps = n, .seed = SEED};
    sample(p, gaussian, denoises ? "step_size=0.15 n_per_level=7" : "step_size=0.15 n_per_level=7 denoise=false", o, N,
           got);
    for (uint64_t i = 0; i < N; i++) {
        double y = ito_process_prior_sd(p) * normal(ITO_STREAM_PRIOR, 0, i, SEED) / level[0].signal;
        for (int k = 0; k < n; k++) {
            double sigma = ratio(&level[k]), size = r * ratio(&level[n - 1]) * ratio(&level[n - 1]);
            size *= sigma * sigma / (ratio(&level[n - 1]) * ratio(&level[n - 1]));
            for (int j = 0; j < 7; j++) y += size / 2 * -eps_of(y, sigma) / sigma + sqrt(size) * drawn(k, j, i, SEED);
        }
        if (denoises) y = x0_of(y, ratio(&level[n - 1]));
        assert_true(fabs(got[i] - level[n].signal * y) < 1e-9);
    }
}

static void test_annealed_updates(void **state)
{
    (void)state;
    ito_process *ladder;
    const double steps[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, some[] = {0.9, 0.5, 0.2, 0.02};
    assert_ok(ctx, ito_process_create(ctx, "ve-geometric", NULL, &ladder));
    check_annealed(ladder, steps, 10, true);
    check_annealed(ladder, steps, 10, false);
    check_annealed(vp, some, 4, true);
    check_annealed(flow, some, 4, true);
    ito_process_destroy(ladder);
}

/* EQ[ncsnv2:4]: with step_size = 0 the variance after each level, of a single point as data, is nearest to the level's. The best r by
 * trying 10,000 of them. */
static void test_technique_4(void **state)
{
    (void)state;
    double ratio_of = 1.3, best = 0, least = INFINITY, a[N], b[N];
    char text[64];
    int n = 5;
    for (int k = 1; k < 10000; k++) {
        double r = k / 10000.0, spread = 2 * r / (1 - (1 - r) * (1 - r));
        double miss = fabs(pow(1 - r, 2 * n) * (ratio_of * ratio_of - spread) + spread - 1);
        if (miss < least) least = miss, best = r;
    }
    double times[] = {1.3 * 1.3 * 1.3, 1.3 * 1.3, 1.3, 1};
    ito_sample_options o = {.sampler = "annealed-langevin", .times = times, .n_steps = 4, .seed = SEED};
    sample(edm, gaussian, "step_size=0 n_per_level=5", o, N, a);
    snprintf(text, sizeof text, "step_size=%.17g n_per_level=5", 2 * best);
    sample(edm, gaussian, text, o, N, b);
    for (int i = 0; i < N; i++) assert_true(fabs(a[i] - b[i]) < 1e-3 && a[i] != b[i]);
    assert_true(best > 0.05 && best < 0.5);
}

static void test_refuses_pure_noise(void **state)
{
    (void)state;
    double x[1];
    ito_sample_options o = {.sampler = "annealed-langevin", .n_steps = 3};
    assert_fails(ctx, ITO_NUMERIC, "needs signal", try_sample(flow, gaussian, &o, ITO_F64, 1, x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sgld_updates),       cmocka_unit_test(test_stationary_law),
        cmocka_unit_test(test_annealed_updates),   cmocka_unit_test(test_technique_4),
        cmocka_unit_test(test_refuses_pure_noise),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
