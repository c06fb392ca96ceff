/* Learned variances: the two ends against their closed forms, and ancestral sampling with a denoiser whose extra output
 * is known, step by step against the recurrence in double. */

#include "exact/own_processes.h"

#include <ito/sampler.h>
#include <ito/variance.h>

#include "base/base.h"

static const ito_variance_def *small, *large, *learned;

static int setup(void **state)
{
    all_processes_setup(state);
    assert_ok(ctx, ito_variance_find(ctx, "fixed_small", &small));
    assert_ok(ctx, ito_variance_find(ctx, "fixed_large", &large));
    assert_ok(ctx, ito_variance_find(ctx, "learned_range", &learned));
    return 0;
}

/* EQ[iddpm:15] EQ[survey:23]: exp(v log beta + (1 - v) log beta_tilde) with v = (o + 1) / 2, for any s < t with noise
 * left */
static void test_ends(void **state)
{
    (void)state;
    const ito_process *const all[] = {linear, cosine, own_flow, own_ve};
    double u[3];
    for (uint64_t seed = 0; seed < 400; seed++) {
        const ito_process *p = all[seed % 4];
        random_numbers(seed, 3, u);
        double low = fmax(ito_process_t_min(p), 1e-3), high = 0.999 * ito_process_t_max(p);
        double time = low + (high - low) * (0.01 + 0.99 * u[0]), to = low + (time - low) * (0.01 + 0.98 * u[1]),
               o = 4 * u[2] - 2;
        ito_level t = ito_process_level(p, time), s = ito_process_level(p, to);
        double a = t.signal / s.signal, v = (o + 1) / 2, beta = t.sigma * t.sigma - a * a * s.sigma * s.sigma;
        double beta_tilde = s.sigma * s.sigma / (t.sigma * t.sigma) * beta;
        ito_log_variance got = ito_variance_log(learned, p, NULL, &t, &s);
        double digits = 1e-13 * t.sigma * t.sigma / beta; /* what the difference above loses */
        assert_true(fabs(got.shift + got.scale * o - (v * log(beta) + (1 - v) * log(beta_tilde))) < 1e-12 + digits);
        assert_true(fabs(exp(got.shift - got.scale) / small->fixed(&t, &s) - 1) < 1e-12);
        assert_true(fabs(exp(got.shift + got.scale) / large->fixed(&t, &s) - 1) < 1e-12);
    }
}

/* At s = 0 whatever is 0 is beta_tilde of the step before, beta_tilde_2 for t = 1 as DDPM's code clips it, and fixed_large is
 * that too. The upper end of a range stays. */
static void test_clipped_at_the_data(void **state)
{
    (void)state;
    double beta_1 = 1e-4, beta_2 = 1e-4 + (0.02 - 1e-4) / 999;
    double abar_1 = 1 - beta_1, abar_2 = abar_1 * (1 - beta_2), tilde_2 = (1 - abar_1) / (1 - abar_2) * beta_2;
    ito_level data = ito_process_level(linear, 0), one = ito_process_level(linear, 1);
    ito_log_variance range = ito_variance_log(learned, linear, NULL, &one, &data);
    assert_true(fabs(range.shift - range.scale - log(tilde_2)) < 1e-10);
    assert_true(fabs(range.shift + range.scale - log(beta_1)) < 1e-10);
    for (int is_large = 0; is_large < 2; is_large++) {
        ito_log_variance fixed = ito_variance_log(is_large ? large : small, linear, NULL, &one, &data);
        assert_true(fabs(fixed.shift - log(tilde_2)) < 1e-10 && fixed.scale == 0);
    }
}

/* The step before is the chain's own where there is a chain, else one stride noisier; a step that is the first takes beta. */
static void test_step_before(void **state)
{
    (void)state;
    ito_level data = ito_process_level(linear, 0), t = ito_process_level(linear, 50);
    ito_level stride = ito_process_level(linear, 100), far = ito_process_level(linear, 700);
    assert_true(ito_variance_log_clipped(linear, NULL, &t, &data) == log(small->fixed(&stride, &t)));
    assert_true(ito_variance_log_clipped(linear, &far, &t, &data) == log(small->fixed(&far, &t)));
    assert_true(ito_variance_log_clipped(linear, &t, &t, &data) == log(large->fixed(&t, &data)));
    ito_level last = ito_process_level(linear, 1000);
    assert_true(ito_variance_log_clipped(linear, NULL, &last, &data) == log(large->fixed(&last, &data)));
    ito_log_variance range = ito_variance_log(learned, linear, NULL, &last, &data);
    assert_true(range.scale == 0 && isfinite(range.shift));
    /* of a step that ends before the data it does not matter */
    assert_true(ito_variance_log_clipped(linear, &far, &stride, &t) == log(small->fixed(&stride, &t)));
    assert_true(ito_variance_log(large, linear, &far, &stride, &t).shift == log(large->fixed(&stride, &t)));
}

/* ---- sampling ---- */

#define N        3
#define CHANNELS 2
#define SIZE     (2 * CHANNELS) /* x is [N, 2, CHANNELS] */

/* x_0 is a constant of the element; the extra output of element j of row i at time t is known. */
typedef struct known {
    double o; /* NAN: of element and time */
    int calls, with_extra;
} known;

static double x0_of(int64_t j)
{
    return 0.25 * (double)j - 0.3;
}

static double extra_of(const known *k, int64_t i, int64_t j, double t)
{
    return isnan(k->o) ? (double)(float)sin((double)(3 * i + j) + t) : k->o;
}

static ito_status known_eval(void *self, ito_ctx *c, const ito_tensor *x, const double *t,
                             const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    known *k = self;
    (void)c;
    (void)condition;
    k->calls++;
    k->with_extra += extra != NULL;
    if (extra) assert_true(extra->dtype == ITO_F32 && ito_shape_equal(extra->shape, x->shape));
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < SIZE; j++) {
            ((float *)out->data)[i * SIZE + j] = (float)x0_of(j);
            if (extra) ((float *)extra->data)[i * SIZE + j] = (float)extra_of(k, i, j, t[i]);
        }
    return ITO_OK;
}

static ito_opts *ddpm_with(const char *variance)
{
    const ito_sampler_def *def;
    ito_opts *opts;
    assert_ok(ctx, ito_sampler_find(ctx, "ddpm", &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    assert_ok(ctx, ito_opts_set(opts, "ddpm", "variance", variance));
    return opts;
}

static ito_status run(known *k, int n_extra, const char *variance, ito_sample_options o, float *x)
{
    ito_denoiser d = {.self = k, .eval = known_eval, .n_extra = n_extra};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2, CHANNELS), x);
    ito_opts *opts = ddpm_with(variance);
    o.sampler = o.sampler ? o.sampler : "ddpm";
    if (!strcmp(o.sampler, "ddpm")) o.sampler_opts = opts;
    assert_ok(ctx, ito_prediction_find(ctx, "x0", &d.prediction));
    ito_status st = ito_sample(ctx, linear, &d, NULL, &o, &xs);
    ito_opts_destroy(opts);
    return st;
}

/* o = -1 is fixed_small, 1 fixed_large, to float32's rounding of the deviations (1e-6 of samples of size 1). */
static void test_constant_extra_is_fixed(void **state)
{
    (void)state;
    const ito_sample_options o = {.n_steps = 50, .t_end = 10, .seed = 3};
    float got[N * SIZE], want[N * SIZE];
    for (int is_large = 0; is_large < 2; is_large++) {
        known k = {.o = is_large ? 1 : -1};
        assert_ok(ctx, run(&k, CHANNELS, "learned_range", o, got));
        assert_true(k.calls == 50 && k.with_extra == 50);
        assert_ok(ctx, run(&k, CHANNELS, is_large ? "fixed_large" : "fixed_small", o, want));
        assert_true(k.calls == 100 && k.with_extra == 50); /* nobody asks for what is not used */
        for (int i = 0; i < N * SIZE; i++) assert_true(fabs((double)got[i] - (double)want[i]) < 2e-6);
    }
}

static double normal(ito_stream stream, uint32_t step, int64_t i, int64_t j)
{
    float z[SIZE];
    ito_rng_normal((ito_rng_key){.seed = 9, .stream = stream, .step = step, .sample = (uint64_t)i}, 0, SIZE, z);
    return (double)z[j];
}

/* Every element has its own deviation: algorithm 2 of DDPM with it, for strides of 40. 5e-6: a few hundred roundings. */
static void test_elements(void **state)
{
    (void)state;
    known k = {.o = (double)NAN};
    float got[N * SIZE];
    assert_ok(ctx,
              run(&k, CHANNELS, "learned_range", (ito_sample_options){.n_steps = 25, .t_end = 20, .seed = 9}, got));
    double spread = 0;
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < SIZE; j++) {
            double x = normal(ITO_STREAM_PRIOR, 0, i, j), plain = x;
            for (int step = 0; step < 25; step++) {
                int t = 1000 - 40 * step, s = t > 40 ? t - 40 : 20;
                double abar_t = ito_process_alpha_bar(linear, t), abar_s = ito_process_alpha_bar(linear, s);
                double beta = 1 - abar_t / abar_s, tilde = (1 - abar_s) / (1 - abar_t) * beta;
                double v = (extra_of(&k, i, j, t) + 1) / 2,
                       z = normal(ITO_STREAM_STEP, (uint32_t)step * ITO_NOISE_DRAWS, i, j);
                double of_x = sqrt(1 - beta) * (1 - abar_s) / (1 - abar_t), of_x0 = sqrt(abar_s) * beta / (1 - abar_t);
                double sd = sqrt(exp(v * log(beta) + (1 - v) * log(tilde)));
                x = of_x * x + of_x0 * (double)(float)x0_of(j) + sd * z;
                plain = of_x * plain + of_x0 * x0_of(j) + sqrt(tilde) * z;
            }
            spread += fabs(x - plain);
            assert_true(fabs((double)got[i * SIZE + j] - x) < 5e-6);
        }
    assert_true(spread > 0.05); /* the test can tell it from fixed_small */
}

/* No noise in a step that ends at the data, and other samplers do not care. */
static void test_last_step_and_other_samplers(void **state)
{
    (void)state;
    known k = {.o = 5};
    float got[N * SIZE];
    assert_ok(ctx, run(&k, CHANNELS, "learned_range", (ito_sample_options){.n_steps = 10}, got));
    for (int i = 0; i < N * SIZE; i++) assert_true(fabs((double)got[i] - x0_of(i % SIZE)) < 1e-6);
    k.with_extra = 0;
    assert_ok(ctx, run(&k, CHANNELS, "learned_range", (ito_sample_options){.sampler = "ddim", .n_steps = 10}, got));
    assert_int_equal(k.with_extra, 0);
}

typedef struct watched {
    int calls;
    double least, most, factor;
} watched;

static ito_status watch(void *user, ito_step *step, ito_moments *moments)
{
    watched *w = user;
    w->calls += moments->sd != NULL;
    for (int64_t i = 0; moments->sd && i < step->n * step->size; i++) {
        w->least = fmin(w->least, (double)moments->sd[i]);
        w->most = fmax(w->most, (double)moments->sd[i]);
    }
    if (moments->sd) assert_true(moments->variance == 1);
    moments->variance *= w->factor;
    return ITO_OK;
}

/* Hooks see the deviations and may scale or drop the noise. */
static void test_hooks(void **state)
{
    (void)state;
    known k = {.o = (double)NAN};
    watched w = {.least = 1e9, .factor = 1};
    const ito_hook hook = {.user = &w, .on_moments = watch};
    ito_sample_options o = {.n_steps = 10, .t_end = 50, .hooks = &hook, .n_hooks = 1}, bare = o;
    float got[N * SIZE], want[N * SIZE];
    bare.n_hooks = 0;
    assert_ok(ctx, run(&k, CHANNELS, "learned_range", o, got));
    assert_ok(ctx, run(&k, CHANNELS, "learned_range", bare, want));
    assert_memory_equal(got, want, sizeof got);
    assert_true(w.calls == 10 && w.least > 0 && w.most > w.least);
    w.factor = 0;
    assert_ok(ctx, run(&k, CHANNELS, "learned_range", o, got));
    assert_memory_not_equal(got, want, sizeof got);
    w.factor = 1e-8; /* of the variance: 1e-4 of the deviation is left */
    assert_ok(ctx, run(&k, CHANNELS, "learned_range", o, want));
    double most = 0;
    for (int i = 0; i < N * SIZE; i++) most = fmax(most, fabs((double)got[i] - (double)want[i]));
    assert_true(most > 1e-6 && most < 1e-3);
}

static void test_errors(void **state)
{
    (void)state;
    known k = {0};
    float x[N * SIZE];
    const ito_sample_options o = {.n_steps = 5};
    assert_fails(ctx, ITO_USAGE, "a learned variance, but the denoiser has 0 extra output channels, expected 2",
                 run(&k, 0, "learned_range", o, x));
    assert_fails(ctx, ITO_USAGE, "has 1 extra output channels", run(&k, 1, "learned_range", o, x));
    assert_int_equal(k.calls, 0);
    assert_fails(ctx, ITO_NOT_FOUND, "did you mean 'learned_range'", run(&k, 2, "learned-range", o, x));
    static const ito_variance_def empty = {.choice = {.name = "empty", .summary = "nothing"}};
    assert_int_equal(ito_variance_register(ctx, &empty), ITO_USAGE);
    ito_variance_def both = *small;
    both.choice = (ito_choice){.name = "both", .summary = "two"};
    both.range = learned->range;
    assert_int_equal(ito_variance_register(ctx, &both), ITO_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),        cmocka_unit_test(test_clipped_at_the_data),
        cmocka_unit_test(test_step_before), cmocka_unit_test(test_constant_extra_is_fixed),
        cmocka_unit_test(test_elements),    cmocka_unit_test(test_last_step_and_other_samplers),
        cmocka_unit_test(test_hooks),       cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, setup, all_processes_teardown);
}
