/* What the variational bound makes of pictures: the decoder, padding, clipping, chains in continuous time, and errors
 * that say what is wrong. The denoiser says the same whatever it sees. */
#include "exact/own_processes.h"

#include <math.h>
#include <string.h>

#include <ito/likelihood.h>

#include "base/base.h"

#define LN2 0.69314718055994530942

static int setup(void **state)
{
    (void)state;
    own_processes_open(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    own_processes_close();
    return 0;
}

/* Says the same of every pixel at every time: prediction x0. */
typedef struct constant {
    float value, padding; /* padding: of what lies outside of rows and columns 1..3 of 5 x 6 */
} constant;

static ito_status constant_eval(void *self, ito_ctx *c, const ito_tensor *x, const double *t,
                                const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    const constant *k = self;
    (void)c;
    (void)t;
    (void)condition;
    (void)extra;
    for (int64_t j = 0; j < ito_shape_count(x->shape); j++) {
        int64_t row = j / 6 % 5, column = j % 6;
        bool inside = row >= 1 && row <= 3 && column >= 1 && column <= 3;
        ((float *)out->data)[j] = inside ? k->value : k->padding;
    }
    return ITO_OK;
}

static ito_denoiser constant_open(constant *k)
{
    ito_denoiser d = {.self = k, .eval = constant_eval};
    assert_ok(ctx, ito_prediction_find(ctx, "x0", &d.prediction));
    return d;
}

/* EQ[ddpm:13]  L_0 is the integral of the decoder's density over the bin of each pixel, by Simpson's rule. The decoder
 * of a chain of one step has variance beta, others beta_tilde of the step before. */
static void test_decoder(void **state)
{
    (void)state;
    float x[30];
    constant k = {0.1F, 0.1F};
    ito_denoiser d = constant_open(&k);
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 5, 6, 1), x);
    const double times[] = {300, 200};
    for (int i = 0; i < 30; i++) x[i] = (float)(((i * 31 + 5) % 254 + 1) / 127.5 - 1);
    for (int n = 1; n <= 2; n++) {
        double abar_t = ito_process_alpha_bar(linear, 300), abar_s = ito_process_alpha_bar(linear, 200);
        double variance = n == 1 ? 1 - abar_s : (1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s), want = 0;
        ito_vlb_options o = {.times = times + 2 - n, .n_times = n, .cdf = ITO_CDF_EXACT};
        ito_vlb *v;
        ito_vlb_result r;
        assert_ok(ctx, ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 6, 1), &o, &v));
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        for (int i = 0; i < 30; i++) {
            double sum = 0, h = 1 / 2550.0;
            for (int q = 0; q <= 20; q++) {
                double z = (double)x[i] + (q - 10) * h - (double)0.1F;
                sum += exp(-0.5 * z * z / variance) * (q == 0 || q == 20 ? 1 : q % 2 ? 4 : 2) * h / 3;
            }
            want -= log2(sum / sqrt(2 * acos(-1.0) * variance)) / 30;
        }
        assert_true(fabs(r.decoder - want) < 1e-8);
        ito_vlb_destroy(v);
        o.cdf = ITO_CDF_TANH; /* the default */
        assert_ok(ctx, ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 6, 1), &o, &v));
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        assert_true(fabs(r.decoder - want) < 0.1 && r.decoder != want);
        ito_vlb_destroy(v);
    }
}

static void test_padding_is_not_scored(void **state)
{
    (void)state;
    float x[60];
    for (int i = 0; i < 60; i++) x[i] = (float)((i * 31 + 5) % 256 / 127.5 - 1);
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 5, 6, 1), x);
    const double times[] = {500, 200, 10};
    double total[4];
    for (int k = 0; k < 4; k++) {
        constant c = {k == 3 ? 0.5F : 0.25F, k == 1 ? 0.9F : 0.25F};
        ito_denoiser d = constant_open(&c);
        ito_vlb_options o = {.times = times, .n_times = 3, .inner = {1, 1, 3, 3}};
        ito_vlb *v;
        ito_vlb_result r;
        assert_ok(ctx, ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 6, 1), &o, &v));
        if (k == 2) x[0] = 1;
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        assert_int_equal(r.dims, 9);
        total[k] = r.total;
        double mse = 0;
        for (int i = 0; i < 60; i++)
            if (i / 6 % 5 >= 1 && i / 6 % 5 <= 3 && i % 6 >= 1 && i % 6 <= 3)
                mse += ((double)x[i] - (double)c.value) * ((double)x[i] - (double)c.value) / 18;
        assert_true(fabs(r.terms[1].x0_mse - mse) < 1e-12);
        ito_vlb_destroy(v);
    }
    assert_true(total[1] == total[0] && total[2] == total[0]);
    assert_true(fabs(total[3] - total[0]) > 1e-3);
}

static void test_clipping(void **state)
{
    (void)state;
    float x[30], strips[60];
    const int of[] = {2, 0};
    constant c = {4, -4};
    ito_denoiser d = constant_open(&c);
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 5, 6, 1), x);
    const double times[] = {500, 200, 10};
    for (int i = 0; i < 30; i++) x[i] = 1;
    for (int keep = 0; keep < 2; keep++) {
        ito_vlb_options o = {.times = times, .n_times = 3, .keep_range = keep};
        ito_vlb *v;
        ito_vlb_result r;
        assert_ok(ctx, ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 6, 1), &o, &v));
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        double want = keep ? (9 * 9.0 + 21 * 25.0) / 30 : 21 * 4.0 / 30;
        assert_true(fabs(r.terms[0].x0_mse - want) < 1e-12);
        assert_true(fabs(r.terms[0].distortion - 127.5 * sqrt(want)) < 1e-9);
        assert_ok(ctx, ito_vlb_reconstruct(v, &xs, NULL, NULL, 2, of, strips));
        assert_true(strips[7] == (keep ? 4 : 1) && strips[0] == (keep ? -4 : -1) && strips[37] == strips[7]);
        ito_vlb_destroy(v);
    }
}

/* Chains of processes in continuous time: the bound of data that is certain, under a perfect denoiser, is that of its
 * decoder alone but for the prior. */
static void test_continuous_time(void **state)
{
    (void)state;
    const ito_process *const processes[] = {own_flow, own_ve};
    const double times[2][4] = {{0.99, 0.5, 0.1, 0.01}, {80, 5, 0.5, 0.01}};
    float x[30];
    constant c = {0.2F, 0.2F};
    ito_denoiser d = constant_open(&c);
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 5, 6, 1), x);
    c.value = c.padding = x[0] = (float)(153 / 127.5 - 1);
    for (int i = 1; i < 30; i++) x[i] = x[0];
    for (int p = 0; p < 2; p++) {
        ito_vlb_options o = {.times = times[p], .n_times = 4};
        ito_vlb *v;
        ito_vlb_result r;
        assert_fails(ctx, ITO_USAGE, "has continuous time and no chain",
                     ito_vlb_create(ctx, processes[p], &d, ITO_SHAPE(5, 6, 1), NULL, &v));
        assert_ok(ctx, ito_vlb_create(ctx, processes[p], &d, ITO_SHAPE(5, 6, 1), &o, &v));
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        assert_true(fabs(r.kl) < 1e-12);
        ito_level t = ito_process_level(processes[p], times[p][0]), a = ito_process_level(processes[p], times[p][2]),
                  b = ito_process_level(processes[p], times[p][3]);
        double prior = ito_process_prior_sd(processes[p]), x0 = (double)x[0];
        assert_true(fabs(r.prior * LN2 - ito_gaussian_kl(t.signal * x0, 2 * log(t.sigma), 0, 2 * log(prior))) < 1e-9);
        double ratio = a.signal / b.signal, beta = a.sigma * a.sigma - ratio * ratio * b.sigma * b.sigma;
        double small = beta * b.sigma * b.sigma / (a.sigma * a.sigma);
        assert_true(fabs(r.decoder * LN2 + ito_gaussian_log_bin(x0, x0, log(small), ITO_CDF_TANH)) < 1e-9);
        assert_true(r.terms[3].s == ito_process_t_min(processes[p]));
        ito_vlb_destroy(v);
    }
}

/* ---- errors ---- */

static void test_errors(void **state)
{
    (void)state;
    float x[30] = {0};
    constant c = {0.2F, 0.2F};
    ito_denoiser d = constant_open(&c), eps;
    const ito_variance_def *learned;
    ito_vlb *v;
    ito_vlb_result r;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 5, 6, 1), x);
    assert_ok(ctx, ito_variance_find(ctx, "learned_range", &learned));
    const double up[] = {5, 10}, end[] = {5, 0}, beyond[] = {1001, 4}, one[] = {1};
    const struct {
        ito_status status;
        const char *words;
        ito_vlb_options o;
    } bad[] = {
        {ITO_USAGE, "time 1 of 2 is 10", {.times = up, .n_times = 2}},
        {ITO_USAGE, "time 1 of 2 is 0", {.times = end, .n_times = 2}},
        {ITO_USAGE, "time 0 of 2 is 1001", {.times = beyond, .n_times = 2}},
        {ITO_USAGE, "at least 1 time", {.times = up}},
        {ITO_USAGE, "n_evals is 1", {.n_evals = 1}},
        {ITO_USAGE, "n_evals is -2", {.n_evals = -2}},
        {ITO_USAGE, "3 x 3 at (3, 1)", {.inner = {3, 1, 3, 3}}},
        {ITO_USAGE, "0 x 0 at (1, 1)", {.inner = {1, 1, 0, 0}}},
        {ITO_SHAPE, "the denoiser has 0", {.variance = learned}},
    };
    for (int k = 0; k < ITO_COUNT(bad); k++) {
        assert_fails(ctx, bad[k].status, bad[k].words,
                     ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 6, 1), &bad[k].o, &v));
        assert_null(v);
    }
    assert_fails(ctx, ITO_SHAPE, "none empty", ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 0), NULL, &v));
    assert_ok(ctx, ito_prediction_find(ctx, "eps", &d.prediction));
    assert_fails(
        ctx, ITO_NUMERIC, "cannot tell x_0 at t = 1",
        ito_vlb_create(ctx, own_flow, &d, ITO_SHAPE(5, 6, 1), &(ito_vlb_options){.times = one, .n_times = 1}, &v));
    assert_ok(ctx, ito_prediction_find(ctx, "mu", &d.prediction));
    assert_int_equal(
        ito_vlb_create(ctx, own_flow, &d, ITO_SHAPE(5, 6, 1), &(ito_vlb_options){.times = one, .n_times = 1}, &v),
        ITO_USAGE);
    eps = d;
    d = constant_open(&c);
    eps.eval = NULL;
    assert_fails(ctx, ITO_USAGE, "lacks eval", ito_vlb_create(ctx, linear, &eps, ITO_SHAPE(5, 6, 1), NULL, &v));

    assert_ok(ctx, ito_vlb_create(ctx, linear, &d, ITO_SHAPE(5, 6, 1), NULL, &v));
    assert_fails(ctx, ITO_STATE, "no image", ito_vlb_get(v, &r));
    assert_fails(ctx, ITO_USAGE, "non-8-bit data: value 0 of sample 0 is 0,", ito_vlb_add(v, &xs, NULL, NULL, NULL));
    for (int i = 0; i < 30; i++) x[i] = (float)(i / 127.5 - 1) + 9e-5F; /* near enough */
    assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
    x[7] = 1.01F;
    assert_fails(ctx, ITO_USAGE, "value 7 of sample 0 is 1.01", ito_vlb_add(v, &xs, NULL, NULL, NULL));
    x[7] = -1;
    c.value = NAN;
    assert_fails(ctx, ITO_NUMERIC, "row 0 is not finite at t = 1", ito_vlb_add(v, &xs, NULL, NULL, NULL));
    const int of[] = {1000};
    float out[30];
    assert_fails(ctx, ITO_USAGE, "terms 0 to 999, found 1000", ito_vlb_reconstruct(v, &xs, NULL, NULL, 1, of, out));
    xs = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 6, 5, 1), x);
    assert_fails(ctx, ITO_SHAPE, "[5, 6, 1], found [6, 5, 1]", ito_vlb_add(v, &xs, NULL, NULL, NULL));
    assert_ok(ctx, ito_vlb_get(v, &r));
    assert_true(r.n_images == 1 && isfinite(r.total) && isnan(r.total_se)); /* what failed does not count */
    ito_vlb_destroy(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoder),  cmocka_unit_test(test_padding_is_not_scored),
        cmocka_unit_test(test_clipping), cmocka_unit_test(test_continuous_time),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
