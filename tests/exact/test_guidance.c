/* Classifier-free guidance and conditions: identities at 0 and 1, the formula in between, what the inner denoiser is
 * asked, and the vjp. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include <ito/guidance.h>
#include <ito/mixture.h>
#include <ito/sampler.h>

#include "base/base.h"

#define N 4

static ito_mixture *mixture;
static int32_t labels[N] = {0, 1, 1, 0}, null_label[1] = {2};
static ito_condition condition, null_condition;

static int setup(void **state)
{
    (void)state;
    static const double mean[] = {1, 1, -1, 0.5, 0.2, -1}, sd[] = {0.15, 0.3, 0.2, 0.2, 0.3, 0.1};
    static const int label[] = {0, 0, 1};
    ito_mixture_options o = {.dim = 2, .n_components = 3, .mean = mean, .sd = sd, .label = label};
    processes_open(0);
    assert_int_equal(ito_mixture_create(ctx, &o, &mixture), ITO_OK);
    ito_tensor rows = ito_tensor_view(ITO_I32, ITO_SHAPE(N), labels),
               row = ito_tensor_view(ITO_I32, ITO_SHAPE(1), null_label);
    assert_int_equal(ito_condition_add(ctx, &condition, "label", rows), ITO_OK);
    assert_int_equal(ito_condition_add(ctx, &null_condition, "label", row), ITO_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(mixture);
    processes_close();
    return 0;
}

/* Counts the rows it passes on; its one extra channel holds the label. */
typedef struct spy {
    ito_denoiser inner;
    int64_t rows;
    int calls;
} spy;

static ito_status spy_eval(void *self, ito_ctx *c, const ito_tensor *x, const double *t, const ito_condition *cond,
                           ito_tensor *out, ito_tensor *extra)
{
    spy *s = self;
    s->calls++;
    s->rows += x->shape.d[0];
    const int32_t *y = ito_condition_get(cond, "label")->data;
    for (int64_t i = 0; extra && i < x->shape.d[0]; i++) ((float *)extra->data)[i] = (float)y[i];
    return s->inner.eval(s->inner.self, c, x, t, cond, out, NULL);
}

static float input[2 * N] = {0.5F, 0.25F, -1, 0.125F, 0, 0, 1, -1};
static const double times[N] = {100, 300, 500, 999};

static void evaluate(const ito_denoiser *d, const ito_condition *c, float *out, float *extra)
{
    ito_tensor x = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), input), y = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), out);
    ito_tensor e = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1), extra);
    assert_int_equal(d->eval(d->self, ctx, &x, times, c, &y, extra ? &e : NULL), ITO_OK);
}

/* EQ[cfg:6] EQ[survey:26] (errata: brackets around the difference in the second text): eps_null + s (eps_y - eps_null) =
 * (w + 1) eps_y - w eps_null with w = s - 1, for every prediction kind and scale. One call with 2n rows, or n rows at 0
 * and 1. */
static void test_formula(void **state)
{
    (void)state;
    const char *const kinds[] = {"eps", "x0", "v"};
    const double scales[] = {0, 1, 2, 7.5, -1, 0.5};
    for (int k = 0; k < 3; k++) {
        spy s = {0};
        float of_y[2 * N], of_null[2 * N], got[2 * N], extra[N];
        assert_int_equal(ito_mixture_denoiser(ctx, mixture, cosine, kinds[k], &s.inner), ITO_OK);
        ito_denoiser d = {.self = &s, .eval = spy_eval, .prediction = s.inner.prediction, .n_extra = 1};
        evaluate(&s.inner, &condition, of_y, NULL);
        evaluate(&s.inner, NULL, of_null, NULL);
        for (int i = 0; i < ITO_COUNT(scales); i++) {
            ito_denoiser guided;
            double scale = scales[i], w = scale - 1;
            bool single = scale == 0 || scale == 1;
            assert_int_equal(ito_guidance_cfg(ctx, &d, &null_condition, scale, &guided), ITO_OK);
            assert_ptr_equal(guided.prediction.def, s.inner.prediction.def);
            s.calls = 0;
            s.rows = 0;
            evaluate(&guided, &condition, got, NULL);
            assert_int_equal(s.calls, 1);
            assert_int_equal(s.rows, single ? N : 2 * N);
            for (int j = 0; j < 2 * N; j++)
                assert_true(fabs((double)got[j] - ((w + 1) * (double)of_y[j] - w * (double)of_null[j])) < 1e-5);
            if (single) assert_memory_equal(got, scale == 1 ? of_y : of_null, sizeof got);
            evaluate(&guided, &condition, got, extra);
            for (int j = 0; j < N; j++) assert_true(extra[j] == (scale == 0 ? 2.0F : (float)labels[j]));
            ito_denoiser_clear(&guided);
        }
        ito_denoiser_clear(&s.inner);
    }
}

/* The vjp is linear in dout and adds up over the halves. */
static void test_vjp(void **state)
{
    (void)state;
    ito_denoiser d, guided;
    float dout[2 * N] = {1, 2, -1, 0.5F, 3, 1, 0, 1}, out[2 * N], of_y[2 * N], of_null[2 * N], got[2 * N];
    ito_tensor x = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), input),
               v = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), dout);
    ito_tensor y = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), out), dx = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), of_y);
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, cosine, "v", &d), ITO_OK);
    assert_int_equal(d.vjp(d.self, ctx, &x, times, &condition, &v, &y, &dx), ITO_OK);
    dx.data = of_null;
    assert_int_equal(d.vjp(d.self, ctx, &x, times, NULL, &v, &y, &dx), ITO_OK);
    dx.data = got;
    for (int half = 0; half <= 6; half++) {
        double scale = 0.5 * half;
        assert_int_equal(ito_guidance_cfg(ctx, &d, &null_condition, scale, &guided), ITO_OK);
        assert_int_equal(guided.vjp(guided.self, ctx, &x, times, &condition, &v, &y, &dx), ITO_OK);
        for (int j = 0; j < 2 * N; j++) {
            double want = scale * (double)of_y[j] + (1 - scale) * (double)of_null[j];
            assert_true(fabs((double)got[j] - want) < 1e-5 * fmax(1, fabs(want)));
        }
        ito_denoiser_clear(&guided);
    }
    ito_denoiser_clear(&d);
}

/* Through a whole run: scale 1 samples the class, and each sample is nearer to its class than to the other. */
static void test_guided_samples(void **state)
{
    (void)state;
    ito_denoiser d, guided;
    float plain[2 * N], x[2 * N];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), plain);
    ito_level data = ito_process_level(cosine, 0);
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, cosine, "v", &d), ITO_OK);
    assert_int_equal(ito_sample(ctx, cosine, &d, &condition, NULL, &xs), ITO_OK);
    xs.data = x;
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ito_guidance_cfg(ctx, &d, &null_condition, i, &guided), ITO_OK);
        assert_int_equal(ito_sample(ctx, cosine, &guided, &condition, NULL, &xs), ITO_OK);
        if (i == 1) assert_memory_equal(x, plain, sizeof x);
        for (int j = 0; j < N; j++) {
            const double at[] = {(double)x[2 * j], (double)x[2 * j + 1]};
            assert_true(ito_mixture_log_density(mixture, &data, labels[j], at) >
                        ito_mixture_log_density(mixture, &data, 1 - labels[j], at));
        }
        ito_denoiser_clear(&guided);
    }
    ito_denoiser_clear(&d);
}

static void test_conditions(void **state)
{
    (void)state;
    float text[2 * 3] = {1, 2, 3, 4, 5, 6}, one[3] = {7, 8, 9};
    int32_t y[2] = {4, 5}, no[1] = {9};
    ito_condition a = {0}, b = {0}, c;
    ito_tensor rows = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 3), text),
               row = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 3), one);
    assert_int_equal(ito_condition_add(ctx, &a, "text", rows), ITO_OK);
    assert_int_equal(ito_condition_add(ctx, &a, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(2), y)), ITO_OK);
    assert_int_equal(ito_condition_add(ctx, &a, "text", rows), ITO_USAGE);
    assert_int_equal(ito_condition_add(ctx, &b, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(1), no)), ITO_OK);
    assert_int_equal(ito_condition_stack(ctx, 2, &a, &b, &c), ITO_USAGE); /* b has no text */
    assert_int_equal(ito_condition_add(ctx, &b, "text", row), ITO_OK);    /* in another order: names count */
    assert_int_equal(ito_condition_stack(ctx, 2, &a, &b, &c), ITO_OK);
    const ito_tensor *t = ito_condition_get(&c, "text"), *l = ito_condition_get(&c, "label");
    const float want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 9};
    const int32_t want_label[] = {4, 5, 9, 9};
    assert_true(t->shape.d[0] == 4 && l->shape.d[0] == 4);
    assert_memory_equal(t->data, want, sizeof want);
    assert_memory_equal(l->data, want_label, sizeof want_label);
    ito_condition_clear(ctx, &c);
    assert_null(ito_condition_get(&c, "text"));
    assert_int_equal(ito_condition_check(ctx, &a, 2), ITO_OK);
    assert_int_equal(ito_condition_check(ctx, &b, 2), ITO_SHAPE);
    assert_int_equal(ito_condition_check(ctx, NULL, 2), ITO_OK);
    assert_int_equal(ito_condition_stack(ctx, 3, &a, &b, &c), ITO_SHAPE);
}

/* By name, as the program does it. */
static void test_descriptor(void **state)
{
    (void)state;
    const ito_guidance_def *def;
    ito_opts *opts;
    ito_denoiser d, guided, same;
    float a[2 * N], b[2 * N];
    assert_int_equal(ito_guidance_find(ctx, "cfg", &def), ITO_OK);
    assert_int_equal(ito_opts_create(ctx, def->choice.options, &opts), ITO_OK);
    assert_int_equal(ito_opts_set(opts, "cfg", "scale", "3"), ITO_OK);
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, cosine, "eps", &d), ITO_OK);
    assert_int_equal(def->wrap(ctx, opts, &d, &null_condition, &guided), ITO_OK);
    assert_int_equal(ito_guidance_cfg(ctx, &d, &null_condition, 3, &same), ITO_OK);
    evaluate(&guided, &condition, a, NULL);
    evaluate(&same, &condition, b, NULL);
    assert_memory_equal(a, b, sizeof a);
    ito_denoiser_clear(&guided);
    ito_denoiser_clear(&same);
    ito_denoiser_clear(&d);
    ito_opts_destroy(opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula),    cmocka_unit_test(test_vjp),        cmocka_unit_test(test_guided_samples),
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_descriptor),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
