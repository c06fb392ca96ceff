/* DDPM and DDIM on denoisers that are known exactly: the recurrences of the papers step by step, and the distribution of the
 * samples; and a program's own sampler, whose order shows in float32, too. The claims of all: test_orders.c. */

#include "exact/processes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/mixture.h>
#include <ito/sampler.h>

#include "base/base.h"

/* One Gaussian in one dimension: everything is affine. */
#define MEAN 0.7
#define SD   0.4

static ito_mixture *gaussian(void)
{
    ito_mixture *m;
    const double mean[] = {MEAN}, sd[] = {SD};
    assert_int_equal(
        ito_mixture_create(ctx, &(ito_mixture_options){.dim = 1, .n_components = 1, .mean = mean, .sd = sd}, &m),
        ITO_OK);
    return m;
}

/* Three blobs in the plane, the data of the distribution tests. */
static ito_mixture *blobs(void)
{
    ito_mixture *m;
    const double weight[] = {1, 2, 1}, mean[] = {1, 1, -1, 0.5, 0.2, -1}, sd[] = {0.15, 0.3, 0.2, 0.2, 0.3, 0.1};
    ito_mixture_options o = {.dim = 2, .n_components = 3, .weight = weight, .mean = mean, .sd = sd};
    assert_int_equal(ito_mixture_create(ctx, &o, &m), ITO_OK);
    return m;
}

static ito_opts *sampler_opts(const char *sampler, const char *name, const char *value)
{
    const ito_sampler_def *def;
    ito_opts *opts;
    assert_int_equal(ito_sampler_find(ctx, sampler, &def), ITO_OK);
    assert_int_equal(ito_opts_create(ctx, def->choice.options, &opts), ITO_OK);
    assert_int_equal(ito_opts_set(opts, sampler, name, value), ITO_OK);
    return opts;
}

static void sample(const ito_process *process, const ito_mixture *m, const char *kind, const ito_sample_options *o,
                   int64_t n, int dim, float *x)
{
    ito_denoiser d;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(n, dim), x);
    assert_int_equal(ito_mixture_denoiser(ctx, m, process, kind, &d), ITO_OK);
    ito_status st = ito_sample(ctx, process, &d, NULL, o, &xs);
    if (st != ITO_OK) print_error("%s\n", ito_last_error(ctx));
    assert_int_equal(st, ITO_OK);
    ito_denoiser_clear(&d);
}

static double normal(ito_stream stream, uint32_t step, uint64_t sample_index, uint64_t seed)
{
    float z;
    ito_rng_normal((ito_rng_key){.seed = seed, .stream = stream, .step = step, .sample = sample_index}, 0, 1, &z);
    return (double)z;
}

/* E[x_0 | x_t] of the Gaussian, written out. */
static double gaussian_x0(double abar, double x)
{
    double a = sqrt(abar);
    return MEAN + a * SD * SD / (abar * SD * SD + 1 - abar) * (x - a * MEAN);
}

/* EQ[ddpm:11] EQ[survey:12] EQ[survey:17] EQ[survey:2] EQ[survey:5.2] EQ[survey:6]: algorithm 2 of the DDPM paper,
 * with alpha_bar from the product and eps from x_0, for the noise of the documented keys; all 1000 steps, both variances
 * and every prediction kind. Samples are floats, so 2e-5 is a few hundred roundings. */
static void test_ddpm_is_algorithm_2(void **state)
{
    (void)state;
    ito_mixture *m = gaussian();
    const char *const kinds[] = {"eps", "x0", "v", "score", "velocity", "edm", "mu"};
    for (int large = 0; large < 2; large++) {
        ito_opts *opts = sampler_opts("ddpm", "variance", large ? "fixed_large" : "fixed_small");
        for (int kind = 0; kind < ITO_COUNT(kinds); kind++) {
            float got[3];
            ito_sample_options o = {
                .sampler = "ddpm", .sampler_opts = opts, .n_steps = 1000, .seed = 5, .first_sample = 40};
            sample(linear, m, kinds[kind], &o, 3, 1, got);
            for (uint64_t i = 0; i < 3; i++) {
                double x = normal(ITO_STREAM_PRIOR, 0, 40 + i, 5);
                for (int t = 1000; t >= 1; t--) {
                    double abar_t = ito_process_alpha_bar(linear, t), abar_s = ito_process_alpha_bar(linear, t - 1);
                    double beta = 1e-4 + (0.02 - 1e-4) * (t - 1) / 999;
                    double eps = (x - sqrt(abar_t) * gaussian_x0(abar_t, x)) / sqrt(1 - abar_t);
                    double variance = large ? beta : (1 - abar_s) / (1 - abar_t) * beta;
                    double z = t > 1 ? normal(ITO_STREAM_STEP, (uint32_t)(1000 - t) * ITO_NOISE_DRAWS, 40 + i, 5) : 0;
                    x = (x - beta / sqrt(1 - abar_t) * eps) / sqrt(1 - beta) + sqrt(variance) * z;
                }
                assert_true(fabs((double)got[i] - x) < 2e-5);
            }
        }
        ito_opts_destroy(opts);
    }
    ito_mixture_destroy(m);
}

/* EQ[ddim:12] EQ[ddim:16] EQ[survey:27] EQ[survey:28] EQ[survey:29] (errata: sd^2 = eta^2 beta_tilde, for s < t, not
 * eta beta_tilde): the paper's update with 20 strided steps for several eta. */
static void test_ddim_is_equation_12(void **state)
{
    (void)state;
    ito_mixture *m = gaussian();
    const char *const etas[] = {"0", "0.3", "1"};
    for (int e = 0; e < 3; e++) {
        float got[2];
        double eta = atof(etas[e]);
        ito_opts *opts = sampler_opts("ddim", "eta", etas[e]);
        ito_sample_options o = {.sampler_opts = opts, .spacing = "leading", .n_steps = 20, .seed = 6};
        sample(cosine, m, "v", &o, 2, 1, got);
        for (uint64_t i = 0; i < 2; i++) {
            double x = normal(ITO_STREAM_PRIOR, 0, i, 6);
            for (int k = 0; k < 20; k++) {
                int t = 951 - 50 * k, s = k < 19 ? t - 50 : 0;
                double abar_t = ito_process_alpha_bar(cosine, t), abar_s = ito_process_alpha_bar(cosine, s);
                double x0 = gaussian_x0(abar_t, x), eps = (x - sqrt(abar_t) * x0) / sqrt(1 - abar_t);
                double sd = eta * sqrt((1 - abar_s) / (1 - abar_t)) * sqrt(1 - abar_t / abar_s);
                double z = normal(ITO_STREAM_STEP, (uint32_t)k * ITO_NOISE_DRAWS, i, 6);
                x = sqrt(abar_s) * x0 + sqrt(1 - abar_s - sd * sd) * eps + sd * z;
            }
            assert_true(fabs((double)got[i] - x) < 1e-5);
        }
        ito_opts_destroy(opts);
    }
    ito_mixture_destroy(m);
}

/* The two samplers meet at eta = 1, for all steps and for few. */
static void test_ddim_eta_1_is_ddpm(void **state)
{
    (void)state;
    ito_mixture *m = blobs();
    ito_opts *opts = sampler_opts("ddim", "eta", "1");
    const int steps[] = {1000, 50, 7};
    for (int i = 0; i < 3; i++) {
        float a[16], b[16];
        sample(linear, m, "eps", &(ito_sample_options){.sampler = "ddim", .sampler_opts = opts, .n_steps = steps[i]}, 8,
               2, a);
        sample(linear, m, "eps", &(ito_sample_options){.sampler = "ddpm", .n_steps = steps[i]}, 8, 2, b);
        for (int j = 0; j < 16; j++) assert_true(fabs((double)a[j] - (double)b[j]) < 2e-4);
    }
    ito_opts_destroy(opts);
    ito_mixture_destroy(m);
}

/* The probability-flow ODE of a Gaussian keeps (x - signal MEAN) / sqrt(signal^2 SD^2 + sigma^2). */
static double gaussian_flow(const ito_process *p, double from, double to, double x)
{
    ito_level t = ito_process_level(p, from), s = ito_process_level(p, to);
    double v_t = t.signal * t.signal * SD * SD + t.sigma * t.sigma;
    double v_s = s.signal * s.signal * SD * SD + s.sigma * s.sigma;
    return s.signal * MEAN + sqrt(v_s / v_t) * (x - t.signal * MEAN);
}

static double flow_error(const ito_process *p, const char *sampler, int n)
{
    ito_mixture *m = gaussian();
    double times[400], worst = 0;
    float x[8], start[8];
    for (int k = 0; k < n; k++) times[k] = 900 - k * 800.0 / n;
    for (int i = 0; i < 8; i++) start[i] = -2 + 0.5F * (float)i;
    ito_sample_options o = {.sampler = sampler, .times = times, .n_steps = n, .t_end = 100, .start = start};
    sample(p, m, "eps", &o, 8, 1, x);
    for (int i = 0; i < 8; i++) worst = fmax(worst, fabs((double)x[i] - gaussian_flow(p, 900, 100, (double)start[i])));
    ito_mixture_destroy(m);
    return worst;
}

/* Halving the steps must divide the error by 2^order, within 0.3 of the order; 1e-5 of it may be float's. */
static void expect_order(const char *sampler, double order, int first)
{
    const ito_process *processes[] = {linear, cosine};
    for (int p = 0; p < 2; p++) {
        double before = flow_error(processes[p], sampler, first);
        for (int n = 2 * first; n <= 8 * first; n *= 2) {
            double error = flow_error(processes[p], sampler, n);
            assert_true(log2(before / error) > order - 0.3);
            before = error;
        }
    }
}

/* A program's own sampler with history: DPM-Solver++ (2M) in the half log-SNR, of order 2. */
static ito_status own_step(ito_step *st)
{
    ito_estimate e, before;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    double h = 0.5 * (st->s.log_snr - st->t.log_snr), of_now = 1, of_before = 0;
    if (ito_step_history(st, 1, &before)) {
        of_before = -h / (st->t.log_snr - before.t.log_snr);
        of_now = 1 - of_before;
    } else {
        before = e;
    }
    double gain = -st->s.signal * expm1(-h);
    return ito_step_to(
        st, 3,
        (const ito_term[]){{st->s.sigma / st->t.sigma, st->x}, {gain * of_now, e.x0}, {gain * of_before, before.x0}},
        0);
}

static void test_registered_sampler(void **state)
{
    (void)state;
    static const ito_sampler_def own = {.choice = {.name = "own-2m", .summary = "a test's multistep solver"},
                                        .order = 2,
                                        .n_history = 1,
                                        .step = own_step};
    assert_int_equal(ito_sampler_register(ctx, &own), ITO_OK);
    expect_order("own-2m", 2, 40);
    assert_true(flow_error(linear, "ddim", 320) < 3e-3);
    assert_true(flow_error(linear, "own-2m", 80) < flow_error(linear, "ddim", 80) / 10);
    static const ito_sampler_def empty = {.choice = {.name = "empty", .summary = "nothing"}};
    assert_int_equal(ito_sampler_register(ctx, &empty), ITO_USAGE);
}

static double distance(const float *a, const float *b)
{
    return hypot((double)a[0] - (double)b[0], (double)a[1] - (double)b[1]);
}

/* Energy distance of two sets of n points in the plane (unbiased, so it may be negative). */
static double energy(const float *a, const float *b, int n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            ab += distance(a + 2 * i, b + 2 * j);
            aa += distance(a + 2 * i, a + 2 * j);
            bb += distance(b + 2 * i, b + 2 * j);
        }
    return 2 * ab / n / n - (aa + bb) / n / (n - 1);
}

/* Samples against fresh data: the energy distance must stay below that of 20 pairs of fresh data sets, whose largest is
 * the noise floor, plus a bias of 2e-3 for the finite number of steps. A tenth of a standard deviation of shift would
 * make it 5e-3. */
static void test_distribution(void **state)
{
    (void)state;
    enum { n = 800 };
    static float x[2 * n], data[2 * n], other[2 * n];
    ito_mixture *m = blobs();
    double floor = 0;
    for (uint64_t i = 0; i < 20; i++) {
        ito_mixture_draw(m, ITO_MIXTURE_ALL, 100, 2 * i * n, n, data);
        ito_mixture_draw(m, ITO_MIXTURE_ALL, 100, (2 * i + 1) * n, n, other);
        floor = fmax(floor, energy(data, other, n));
    }
    ito_opts *large = sampler_opts("ddpm", "variance", "fixed_large"), *half = sampler_opts("ddim", "eta", "0.5");
    const ito_sample_options runs[] = {
        {.sampler = "ddpm", .n_steps = 1000, .seed = 1},
        {.sampler = "ddpm", .sampler_opts = large, .n_steps = 1000, .seed = 2},
        {.sampler = "ddim", .n_steps = 200, .seed = 3},
        {.sampler = "ddim", .sampler_opts = half, .n_steps = 200, .seed = 4},
    };
    for (int r = 0; r < ITO_COUNT(runs); r++) {
        sample(r % 2 ? cosine : linear, m, "v", &runs[r], n, 2, x);
        double got = energy(x, data, n);
        if (!(got < floor + 2e-3)) print_error("run %d: energy distance %g, floor %g\n", r, got, floor);
        assert_true(got < floor + 2e-3);
    }
    for (int i = 0; i < n; i++) x[2 * i] += 0.15F; /* and the measure sees a shift */
    assert_true(energy(x, data, n) > floor + 2e-3);
    ito_opts_destroy(large);
    ito_opts_destroy(half);
    ito_mixture_destroy(m);
}

/* DDIM's noise-to-data map hardly depends on the number of steps: eta = 0 gives the same samples from the same seed. */
static void test_ddim_keeps_its_samples(void **state)
{
    (void)state;
    float coarse[64], fine[64], middle[64];
    ito_mixture *m = blobs();
    sample(linear, m, "eps", &(ito_sample_options){.n_steps = 50, .seed = 8}, 32, 2, coarse);
    sample(linear, m, "eps", &(ito_sample_options){.n_steps = 200, .seed = 8}, 32, 2, middle);
    sample(linear, m, "eps", &(ito_sample_options){.n_steps = 1000, .seed = 8}, 32, 2, fine);
    double far = 0, near = 0;
    for (int i = 0; i < 32; i++) {
        far += distance(coarse + 2 * i, fine + 2 * i) / 32;
        near += distance(middle + 2 * i, fine + 2 * i) / 32;
    }
    assert_true(far < 0.2 && near < far / 2);
    ito_mixture_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ddpm_is_algorithm_2), cmocka_unit_test(test_ddim_is_equation_12),
        cmocka_unit_test(test_ddim_eta_1_is_ddpm),  cmocka_unit_test(test_registered_sampler),
        cmocka_unit_test(test_distribution),        cmocka_unit_test(test_ddim_keeps_its_samples),
    };
    return cmocka_run_group_tests(tests, processes_setup, processes_teardown);
}
