/* AdamW with its moving average, and the sum of squares: the reference against the paper's formula in double, every
 * instruction set of the cpu backend against both, the test backend against the reference. */
#include <math.h>

#include "fast_kernel.h"

/* Runs body with ITO_ISA naming each instruction set of this machine. */
static void each_isa(void (*body)(int64_t n))
{
    static const int64_t sizes[] = {1, 15, 16384, 16385, 100003};
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        assert_int_equal(setenv("ITO_ISA", ito__isa_name((ito_isa)isa), 1), 0);
        for (int i = 0; i < ITO_COUNT(sizes); i++) body(sizes[i]);
    }
    unsetenv("ITO_ISA");
}

typedef struct training {
    float *param, *grad, *m, *v, *ema;
} training;

static training draw(int64_t n)
{
    uint64_t seed = 5;
    training t = {fast_floats(n, &seed), fast_floats(n, &seed), fast_floats(n, &seed), fast_floats(n, &seed),
                  fast_floats(n, &seed)};
    for (int64_t i = 0; i < n; i++) t.v[i] = fabsf(t.v[i]);
    return t;
}

static void drop(training t)
{
    free(t.param);
    free(t.grad);
    free(t.m);
    free(t.v);
    free(t.ema);
}

static const ito_adamw options = {.lr = 1e-2,
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .eps = 1e-8,
                                  .weight_decay = 0.1,
                                  .correction1 = 1 - 0.9 * 0.9 * 0.9,
                                  .correction2 = 1 - 0.999 * 0.999 * 0.999,
                                  .grad_scale = 0.25,
                                  .ema_decay = 0.99};

/* EQ[adamw:12], one parameter as the paper writes it. Tolerance: float32 arrays of numbers about 1. */
static void expect(const training *before, const training *after, int64_t i)
{
    const ito_adamw *o = &options;
    double g = (double)before->grad[i] * o->grad_scale;
    double m = o->beta1 * (double)before->m[i] + (1 - o->beta1) * g;
    double v = o->beta2 * (double)before->v[i] + (1 - o->beta2) * g * g;
    double p = (double)before->param[i] * (1 - o->lr * o->weight_decay);
    p -= o->lr * (m / o->correction1) / (sqrt(v / o->correction2) + o->eps);
    double ema = o->ema_decay * (double)before->ema[i] + (1 - o->ema_decay) * p;
    assert_true(fabs((double)after->m[i] - m) <= 1e-6);
    assert_true(fabs((double)after->v[i] - v) <= 1e-6);
    assert_true(fabs((double)after->param[i] - p) <= 1e-6 * (1 + fabs(p)));
    assert_true(fabs((double)after->ema[i] - ema) <= 1e-6 * (1 + fabs(ema)));
}

static void step(const ito_backend *b, int n_threads, int64_t n, training *t, bool with_ema)
{
    b->optim->adamw(&(ito_queue){n_threads}, n, &options, t->param, t->grad, t->m, t->v, with_ema ? t->ema : NULL);
}

static void adamw_on(const ito_backend *b, int64_t n)
{
    training before = draw(n), one = draw(n), plain = draw(n);
    step(b, 1, n, &one, true);
    for (int64_t i = 0; i < n; i++) expect(&before, &one, i);
    for (int t = 1; t < ITO_COUNT(fast_threads); t++) {
        training many = draw(n);
        step(b, fast_threads[t], n, &many, true);
        assert_memory_equal(one.param, many.param, (size_t)n * sizeof(float));
        assert_memory_equal(one.ema, many.ema, (size_t)n * sizeof(float));
        drop(many);
    }
    step(b, 2, n, &plain, false); /* without EMA the parameters are the same, and the EMA is left alone */
    assert_memory_equal(one.param, plain.param, (size_t)n * sizeof(float));
    assert_memory_equal(before.ema, plain.ema, (size_t)n * sizeof(float));
    drop(before);
    drop(one);
    drop(plain);
}

static void adamw_fast(int64_t n)
{
    adamw_on(&ito__backend_cpu, n);
}

static void adamw_reference(void **state)
{
    (void)state;
    adamw_on(&ito__backend_ref, 1003);
}

static void adamw(void **state)
{
    (void)state;
    each_isa(adamw_fast);
}

/* Against the reference; 1e-6 of a sum of squares in blocks of float32. */
static void sum_fast(int64_t n)
{
    uint64_t seed = 9;
    float *x = fast_floats(n, &seed);
    double want = ito__backend_ref.optim->sum_squares(&(ito_queue){1}, n, x);
    double one = ito__backend_cpu.optim->sum_squares(&(ito_queue){1}, n, x);
    assert_true(fabs(one - want) <= 1e-6 * want);
    for (int t = 0; t < ITO_COUNT(fast_threads); t++) {
        double again = ito__backend_cpu.optim->sum_squares(&(ito_queue){fast_threads[t]}, n, x);
        assert_memory_equal(&one, &again, sizeof one);
    }
    free(x);
}

static void sum_squares(void **state)
{
    (void)state;
    each_isa(sum_fast);
    sum_fast(5000000); /* more than 256 slices' worth */
    assert_true(ito__backend_cpu.optim->sum_squares(&(ito_queue){2}, 0, NULL) == 0);
    assert_true(ito__backend_ref.optim->sum_squares(&(ito_queue){2}, 3, (float[]){1, -2, 3}) == 14);
}

/* ---- the test backend: the reference's bits, from memory of its own ---- */

static float *to_device(ito_ctx *ctx, int64_t n, const float *host)
{
    float *device = ito__backend_test.alloc(ctx, (size_t)n * sizeof *device);
    assert_non_null(device);
    ito__backend_test.upload(device, host, (size_t)n * sizeof *device);
    return device;
}

static void assert_on_device(ito_ctx *ctx, int64_t n, const float *want, float *device)
{
    float *got = malloc((size_t)n * sizeof *got);
    assert_non_null(got);
    ito__backend_test.download(got, device, (size_t)n * sizeof *got);
    assert_memory_equal(got, want, (size_t)n * sizeof *got);
    free(got);
    ito__backend_test.free(ctx, device, (size_t)n * sizeof *device);
}

static void device(void **state)
{
    const int64_t n = 3001;
    training ref = draw(n), start = draw(n);
    ito_ctx *ctx = ctx_open(0);
    (void)state;
    training t = {to_device(ctx, n, start.param), to_device(ctx, n, start.grad), to_device(ctx, n, start.m),
                  to_device(ctx, n, start.v), to_device(ctx, n, start.ema)};
    step(&ito__backend_ref, 1, n, &ref, true);
    step(&ito__backend_test, 1, n, &t, true);
    double want = ito__backend_ref.optim->sum_squares(&(ito_queue){1}, n, start.grad);
    assert_true(ito__backend_test.optim->sum_squares(&(ito_queue){1}, n, t.grad) == want);
    assert_on_device(ctx, n, ref.param, t.param);
    assert_on_device(ctx, n, start.grad, t.grad);
    assert_on_device(ctx, n, ref.m, t.m);
    assert_on_device(ctx, n, ref.v, t.v);
    assert_on_device(ctx, n, ref.ema, t.ema);
    drop(ref);
    drop(start);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw),
        cmocka_unit_test(adamw_reference),
        cmocka_unit_test(sum_squares),
        cmocka_unit_test(device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
