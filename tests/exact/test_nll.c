/* The log-likelihood by the probability-flow ODE, on exact denoisers: Gaussians, where the ODE's own solution is known,
 * and mixtures in one and two dimensions, where the density is. Four processes, three kinds of prediction. */
#include "exact/own_processes.h"

#include <math.h>
#include <string.h>

#include <ito/likelihood.h>
#include <ito/mixture.h>
#include <ito/rng.h>

#include "base/base.h"

#define N 12

static ito_mixture *gauss, *line, *plane;

/* The mixtures' means are 0: what a process leaves of the data at t_max is then no more than signal^2 of a variance. */
static int setup(void **state)
{
    static const double zero[] = {0}, half[] = {0.5};
    static const double line_weight[] = {1, 3}, line_mean[] = {-0.9, 0.3}, line_sd[] = {0.3, 0.2};
    static const double plane_mean[] = {1, 0.5, -1, 0.3, 0, -0.8}, plane_sd[] = {0.2, 0.4, 0.3, 0.2, 0.5, 0.25};
    ito_mixture_options g = {.dim = 1, .n_components = 1, .mean = zero, .sd = half};
    ito_mixture_options one = {.dim = 1, .n_components = 2, .weight = line_weight, .mean = line_mean, .sd = line_sd};
    ito_mixture_options two = {.dim = 2, .n_components = 3, .mean = plane_mean, .sd = plane_sd};
    (void)state;
    own_processes_open(1);
    assert_ok(ctx, ito_mixture_create(ctx, &g, &gauss));
    assert_ok(ctx, ito_mixture_create(ctx, &one, &line));
    assert_ok(ctx, ito_mixture_create(ctx, &two, &plane));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(gauss);
    ito_mixture_destroy(line);
    ito_mixture_destroy(plane);
    own_processes_close();
    return 0;
}

/* The mixture's own n samples of the seed into x, and what ito_nll says of them. */
static void score(const ito_mixture *mixture, int dim, const ito_process *process, const char *kind,
                  const ito_nll_options *o, float *x, ito_nll_row *rows)
{
    ito_denoiser d;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, dim), x);
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 21, 0, N, x);
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, process, kind, &d));
    assert_ok(ctx, ito_nll(ctx, process, &d, &xs, NULL, NULL, o, rows));
    ito_denoiser_clear(&d);
}

static double density(const ito_mixture *mixture, const float *x, int dim)
{
    const ito_level data = {.signal = 1, .log_snr = (double)INFINITY};
    double in[2] = {(double)x[0], dim > 1 ? (double)x[1] : 0};
    return ito_mixture_log_density(mixture, &data, ITO_MIXTURE_ALL, in);
}

static const char *const kinds[] = {"eps", "x0", "v"};

/* Where each process starts: noise of 1e-3, or as little as it has. */
static double start_of(const ito_process *process)
{
    return process == linear ? 0.01 : process == cosine ? 0.02 : 0;
}

/* EQ[sde:39] = EQ[salimans22:D]  exact to 1e-3 nats, of which noise of 1e-3 to 2e-3 in x_0 and the prior's variance
 * make up to 3e-4. */
static void test_mixtures(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, cosine, own_flow, own_ve};
    for (int p = 0; p < 4; p++)
        for (int k = 0; k < 3; k++)
            for (int dim = 1; dim <= 2; dim++) {
                const ito_mixture *mixture = dim == 1 ? line : plane;
                ito_nll_options o = {.t_eps = start_of(processes[p]), .probe = ITO_PROBE_EXACT};
                ito_nll_row rows[N];
                float x[2 * N];
                score(mixture, dim, processes[p], kinds[k], &o, x, rows);
                for (int i = 0; i < N; i++) {
                    double want = density(mixture, x + i * dim, dim);
                    if (!(fabs(rows[i].log_density - want) < 1e-3))
                        fail_msg("process %d, %s, %d dimensions, row %d: %.6f, not %.6f", p, kinds[k], dim, i,
                                 rows[i].log_density, want);
                    assert_true(fabs(rows[i].bits * dim * log(2) + rows[i].log_density) < 1e-12);
                    assert_true(rows[i].probe_se == 0 && rows[i].n_evals > rows[i].n_steps && rows[i].n_steps > 3);
                }
            }
}

/* "mu" asks for the cleaner level, too: between integers that of t - 1. */
static void test_mean_prediction(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, cosine};
    for (int p = 0; p < 2; p++) {
        ito_nll_options o = {.t_eps = start_of(processes[p]), .probe = ITO_PROBE_EXACT};
        ito_nll_row rows[N];
        float x[2 * N];
        score(plane, 2, processes[p], "mu", &o, x, rows);
        for (int i = 0; i < N; i++) assert_true(fabs(rows[i].log_density - density(plane, x + 2 * i, 2)) < 1e-3);
    }
}

/* For a Gaussian the ODE is linear, x_T / sd_T = x_t / sd_t, and the likelihood under the prior is known whatever t_eps
 * and the prior are. To 1e-5 with small steps: the denoiser's output is float32. */
static void test_gaussian(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, cosine, own_flow, own_ve};
    for (int p = 0; p < 4; p++)
        for (int k = 0; k < 3; k++) {
            ito_nll_options o = {.probe = ITO_PROBE_EXACT, .rtol = 1e-7, .atol = 1e-7};
            ito_nll_row rows[N];
            float x[N];
            if (processes[p] == own_flow && k == 0) continue; /* cut at signal = 1e-4: no closed form below 1e-4 */
            score(gauss, 1, processes[p], kinds[k], &o, x, rows);
            double first = p < 2 ? 1 : p == 2 ? 1e-3 / 1.001 : 0.002, prior = ito_process_prior_sd(processes[p]);
            ito_level t = ito_process_level(processes[p], first),
                      end = ito_process_level(processes[p], ito_process_t_max(processes[p]));
            double growth = hypot(0.5 * end.signal, end.sigma) / hypot(0.5 * t.signal, t.sigma);
            for (int i = 0; i < N; i++) {
                double x_t = growth * t.signal * (double)x[i];
                double log_prior = ito_gaussian_log_density(x_t, 0, 2 * log(prior));
                double want = log_prior + log(growth * t.signal);
                if (!(fabs(rows[i].log_density - want) < 1e-5))
                    fail_msg("process %d, %s, row %d: off by %g", p, kinds[k], i, rows[i].log_density - want);
                assert_true(fabs(rows[i].log_prior - log_prior) < 1e-5);
            }
        }
}

/* EQ[sde:40] = EQ[ffjord:s3.1]  The estimate's mean over 400 probes is the exact one within 5 standard errors, and 25
 * times fewer probes miss 5 times as much. */
static void test_hutchinson(void **state)
{
    (void)state;
    ito_nll_options o = {.t_eps = 0.01, .probe = ITO_PROBE_EXACT};
    ito_nll_row exact[N], few[N], rows[N];
    float x[2 * N];
    score(plane, 2, linear, "eps", &o, x, exact);
    for (int k = 0; k < 2; k++) {
        o.probe = k ? ITO_PROBE_GAUSSIAN : ITO_PROBE_RADEMACHER;
        o.n_probes = 400;
        score(plane, 2, linear, "eps", &o, x, rows);
        o.n_probes = 16;
        score(plane, 2, linear, "eps", &o, x, few);
        double large = 0, small = 0;
        for (int i = 0; i < N; i++) {
            assert_true(fabs(rows[i].log_density - exact[i].log_density) < 5 * rows[i].probe_se + 2e-4);
            assert_true(rows[i].probe_se < 0.3);
            large += few[i].probe_se;
            small += rows[i].probe_se;
        }
        assert_true(small > 1e-3 && large > 3.5 * small && large < 6.5 * small); /* sqrt(400 / 16) = 5 */
    }
    o = (ito_nll_options){.t_eps = 0.01};
    score(plane, 2, linear, "eps", &o, x, rows);
    assert_true(isnan(rows[0].probe_se));
    /* in one dimension a Rademacher probe is exact */
    score(line, 1, linear, "eps", &o, x, rows);
    o.probe = ITO_PROBE_EXACT;
    score(line, 1, linear, "eps", &o, x, exact);
    for (int i = 0; i < N; i++) assert_true(fabs(rows[i].log_density - exact[i].log_density) < 1e-6);
}

/* Smaller tolerances cost more evaluations, by about the fifth root, and leave smaller errors. */
static void test_tolerance(void **state)
{
    (void)state;
    double error[3] = {0}, evals[3] = {0};
    ito_nll_row best[N], rows[N];
    float x[2 * N];
    ito_nll_options o = {.probe = ITO_PROBE_EXACT, .rtol = 1e-8, .atol = 1e-8};
    score(plane, 2, cosine, "v", &o, x, best);
    for (int k = 0; k < 3; k++) {
        o.rtol = o.atol = pow(10, -2 - 2 * k);
        score(plane, 2, cosine, "v", &o, x, rows);
        for (int i = 0; i < N; i++) {
            error[k] += fabs(rows[i].log_density - best[i].log_density) / N;
            evals[k] += rows[i].n_evals / (double)N;
        }
    }
    assert_true(error[0] > 10 * error[1] && error[1] > 10 * error[2] && error[2] < 1e-5);
    assert_true(evals[1] > 1.2 * evals[0] && evals[2] > 1.5 * evals[1] && evals[2] < 4 * evals[1]);
}

/* A sample's numbers are the same in any batch, bit for bit, and follow its index. */
static void test_any_batch(void **state)
{
    (void)state;
    ito_nll_options o = {.n_probes = 3, .seed = 4};
    ito_nll_row all[N], some[2];
    float x[2 * N];
    const uint64_t picked[] = {9, 2};
    float two[] = {0, 0, 0, 0};
    ito_denoiser d;
    score(plane, 2, own_flow, "v", &o, x, all);
    memcpy(two, x + 18, 2 * sizeof *two);
    memcpy(two + 2, x + 4, 2 * sizeof *two);
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 2), two);
    assert_ok(ctx, ito_mixture_denoiser(ctx, plane, own_flow, "v", &d));
    assert_ok(ctx, ito_nll(ctx, own_flow, &d, &xs, NULL, picked, &o, some));
    assert_memory_equal(&some[0], &all[9], sizeof some[0]);
    assert_memory_equal(&some[1], &all[2], sizeof some[0]);
    assert_ok(ctx, ito_nll(ctx, own_flow, &d, &xs, NULL, NULL, &o, some));
    assert_true(some[0].log_density != all[9].log_density);
    ito_denoiser_clear(&d);
}

/* Rows have conditions of their own: labels choose components, and the density is that of the class. */
static void test_conditions(void **state)
{
    (void)state;
    static const double mean[] = {0.5, -0.5}, sd[] = {0.3, 0.5};
    static const int label[] = {0, 1};
    ito_mixture_options two = {.dim = 1, .n_components = 2, .mean = mean, .sd = sd, .label = label};
    float x[] = {0.25F, 0.25F, -0.125F};
    int32_t labels[] = {0, 1, 1};
    const ito_level data = {.signal = 1, .log_snr = (double)INFINITY};
    ito_mixture *mixture;
    ito_denoiser d;
    ito_condition condition = {0};
    ito_nll_row rows[3];
    ito_nll_options o = {.t_eps = 0.02};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(3, 1), x);
    assert_ok(ctx, ito_mixture_create(ctx, &two, &mixture));
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, cosine, "v", &d));
    assert_ok(ctx, ito_condition_add(ctx, &condition, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(3), labels)));
    assert_ok(ctx, ito_nll(ctx, cosine, &d, &xs, &condition, NULL, &o, rows));
    for (int i = 0; i < 3; i++) {
        double in = (double)x[i], want = ito_mixture_log_density(mixture, &data, labels[i], &in);
        assert_true(fabs(rows[i].log_density - want) < 1e-3);
    }
    xs = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 1), x);
    assert_int_equal(ito_nll(ctx, cosine, &d, &xs, &condition, NULL, &o, rows), ITO_SHAPE);
    ito_denoiser_clear(&d);
    ito_mixture_destroy(mixture);
}

/* Padding that the denoiser knows: pictures of 2 x 2 whose first row is -1, up to 1e-6, and whose second is the plane's
 * mixture. Its likelihood is the plane's, whatever noise the padding has, with exact and with estimated traces, and
 * padding counts as no dimension. */
static void test_padding(void **state)
{
    (void)state;
    static const double mean[] = {-1, -1, 1, 0.5, -1, -1, -1, 0.3, -1, -1, 0, -0.8};
    static const double sd[] = {1e-6, 1e-6, 0.2, 0.4, 1e-6, 1e-6, 0.3, 0.2, 1e-6, 1e-6, 0.5, 0.25};
    ito_mixture_options four = {.dim = 4, .n_components = 3, .mean = mean, .sd = sd};
    float x[4 * N];
    ito_mixture *mixture;
    ito_denoiser d;
    ito_nll_row rows[N];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2, 2, 1), x);
    assert_ok(ctx, ito_mixture_create(ctx, &four, &mixture));
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, cosine, "v", &d));
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 21, 0, N, x);
    ito_nll_options o = {.t_eps = 0.02, .probe = ITO_PROBE_EXACT, .inner = {1, 0, 1, 2}};
    for (uint64_t seed = 0; seed < 2; seed++) {
        o.seed = seed;
        assert_ok(ctx, ito_nll(ctx, cosine, &d, &xs, NULL, NULL, &o, rows));
        for (int i = 0; i < N; i++) {
            assert_true(fabs(rows[i].log_density - density(plane, x + 4 * i + 2, 2)) < 1e-3);
            assert_true(fabs(rows[i].bits * 2 * log(2) + rows[i].log_density) < 1e-12);
        }
    }
    o.probe = ITO_PROBE_RADEMACHER;
    o.n_probes = 100;
    assert_ok(ctx, ito_nll(ctx, cosine, &d, &xs, NULL, NULL, &o, rows));
    for (int i = 0; i < N; i++)
        assert_true(fabs(rows[i].log_density - density(plane, x + 4 * i + 2, 2)) < 5 * rows[i].probe_se + 1e-3);
    o.inner.height = 2;
    assert_fails(ctx, ITO_USAGE, "2 x 2 at (1, 0)", ito_nll(ctx, cosine, &d, &xs, NULL, NULL, &o, rows));
    ito_denoiser_clear(&d);
    ito_mixture_destroy(mixture);
}

/* Dequantised data is the data plus noise that fills its bins, and the bits gain the logarithm of their width. */
static void test_dequantise(void **state)
{
    (void)state;
    float x[2 * N], noisy[2 * N];
    ito_nll_row rows[N], want[N];
    ito_denoiser d;
    assert_ok(ctx, ito_mixture_denoiser(ctx, plane, linear, "eps", &d));
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), x), zs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), noisy);
    for (int bins = 0; bins < 2; bins++) {
        ito_nll_options o = {.probe = ITO_PROBE_EXACT, .seed = 6, .rtol = 1e-6, .atol = 1e-6};
        for (int i = 0; i < N; i++) {
            double u[2];
            ito_rng_uniform((ito_rng_key){.seed = 6, .stream = ITO_STREAM_DEQUANTISE, .sample = (uint64_t)i}, 0, 2, u);
            for (int j = 0; j < 2; j++) {
                int k = (i * 97 + j * 31) % 256;
                x[2 * i + j] = (float)(k / 127.5 - 1);
                noisy[2 * i + j] = (float)(bins ? (k + u[j]) / 128 - 1 : (k + u[j] - 0.5) / 127.5 - 1);
            }
        }
        assert_ok(ctx, ito_nll(ctx, linear, &d, &zs, NULL, NULL, &o, want));
        o.dequantise = bins ? ITO_DEQUANTISE_BINS_256 : ITO_DEQUANTISE_BINS_255;
        assert_ok(ctx, ito_nll(ctx, linear, &d, &xs, NULL, NULL, &o, rows));
        for (int i = 0; i < N; i++) {
            assert_true(fabs(rows[i].log_density - want[i].log_density) < 1e-4 * (1 + fabs(want[i].log_density)));
            assert_true(fabs(rows[i].bits + rows[i].log_density / (2 * log(2)) - log2(bins ? 128 : 127.5)) < 1e-12);
        }
    }
    ito_nll_options o = {.dequantise = ITO_DEQUANTISE_BINS_255};
    x[3] += 0.003F;
    assert_fails(ctx, ITO_USAGE, "non-8-bit data: value 1 of sample 1",
                 ito_nll(ctx, linear, &d, &xs, NULL, NULL, &o, rows));
    ito_denoiser_clear(&d);
}

static void test_errors(void **state)
{
    (void)state;
    float x[4] = {0};
    ito_nll_row rows[4];
    ito_denoiser d;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 2), x);
    assert_ok(ctx, ito_mixture_denoiser(ctx, plane, linear, "eps", &d));
    assert_fails(ctx, ITO_USAGE, "t_eps is 1000",
                 ito_nll(ctx, linear, &d, &xs, NULL, NULL, &(ito_nll_options){.t_eps = 1000}, rows));
    assert_fails(ctx, ITO_USAGE, "must not be negative",
                 ito_nll(ctx, linear, &d, &xs, NULL, NULL, &(ito_nll_options){.rtol = -1}, rows));
    assert_fails(ctx, ITO_NUMERIC, "after 5 steps",
                 ito_nll(ctx, linear, &d, &xs, NULL, NULL, &(ito_nll_options){.max_steps = 5}, rows));
    x[2] = NAN;
    assert_fails(ctx, ITO_NUMERIC, "row 1 is not finite", ito_nll(ctx, linear, &d, &xs, NULL, NULL, NULL, rows));
    x[2] = 0;
    xs.shape.d[1] = 1;
    assert_fails(ctx, ITO_DTYPE, "strided", ito_nll(ctx, linear, &d, &xs, NULL, NULL, NULL, rows));
    xs = ito_tensor_view(ITO_F32, ITO_SHAPE(4), x);
    assert_fails(ctx, ITO_SHAPE, "found [4]", ito_nll(ctx, linear, &d, &xs, NULL, NULL, NULL, rows));
    xs = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 2), x);
    d.vjp = NULL;
    assert_fails(ctx, ITO_NOT_DIFFERENTIABLE, "no vjp", ito_nll(ctx, linear, &d, &xs, NULL, NULL, NULL, rows));
    ito_denoiser_clear(&d);
    assert_fails(ctx, ITO_USAGE, "lacks eval", ito_nll(ctx, linear, &d, &xs, NULL, NULL, NULL, rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixtures),   cmocka_unit_test(test_mean_prediction), cmocka_unit_test(test_gaussian),
        cmocka_unit_test(test_hutchinson), cmocka_unit_test(test_tolerance),       cmocka_unit_test(test_any_batch),
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_padding),         cmocka_unit_test(test_dequantise),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
