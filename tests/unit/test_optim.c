/* AdamW with its moving average, and the sum of squares, in float32 and with all but the parameters in bf16: the reference against
 * the paper's formula in double, every instruction set of the cpu backend against both, the test backend against the reference. */
#include <math.h>

#include "fast_kernel.h"
#include "tensor/bf16.h"

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

static ito_optim_arrays arrays_of(const training *t, bool with_ema)
{
    return (ito_optim_arrays){ITO_F32, t->param, t->grad, t->m, t->v, with_ema ? t->ema : NULL};
}

static const ito_adamw options = {.lr = 1e-2,
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .eps = 1e-8,
                                  .correction1 = 1 - 0.9 * 0.9 * 0.9,
                                  .correction2 = 1 - 0.999 * 0.999 * 0.999,
                                  .grad_scale = 0.25,
                                  .ema_decay = 0.99,
                                  .dither = {123456789, 987654321}};

/* A third of n that decays, a gap to the next multiple of 16, and the rest. */
static int cut(int64_t n, ito_optim_span spans[2])
{
    int64_t second = (n / 3 + 15) / 16 * 16;
    spans[0] = (ito_optim_span){0, second < n ? n / 3 : n, 0.1};
    spans[1] = (ito_optim_span){second, n - second, 0};
    return second < n ? 2 : 1;
}

static bool is_in(const ito_optim_span *s, int64_t i)
{
    return i >= s->first && i < s->first + s->count;
}

static double decay_at(int64_t n, int64_t i, bool *is_gap)
{
    ito_optim_span spans[2];
    int n_spans = cut(n, spans);
    bool first = is_in(&spans[0], i);
    *is_gap = !first && !(n_spans == 2 && is_in(&spans[1], i));
    return first ? spans[0].weight_decay : 0;
}

static void step(const ito_backend *b, int n_threads, int64_t n, const ito_optim_arrays *a)
{
    ito_optim_span spans[2];
    b->optim->adamw(&(ito_queue){n_threads}, &options, cut(n, spans), spans, a);
}

/* What a parameter and what goes with it are before or after a step. */
typedef struct element {
    double param, grad, m, v, ema;
} element;

/* EQ[adamw:12], one parameter as the paper writes it. */
static element want(const element *x, double weight_decay)
{
    const ito_adamw *o = &options;
    double g = x->grad * o->grad_scale;
    element y = {.grad = x->grad};
    y.m = o->beta1 * x->m + (1 - o->beta1) * g;
    y.v = o->beta2 * x->v + (1 - o->beta2) * g * g;
    y.param = x->param * (1 - o->lr * weight_decay);
    y.param -= o->lr * (y.m / o->correction1) / (sqrt(y.v / o->correction2) + o->eps);
    y.ema = o->ema_decay * x->ema + (1 - o->ema_decay) * y.param;
    return y;
}

static element at(const training *t, int64_t i)
{
    return (element){(double)t->param[i], (double)t->grad[i], (double)t->m[i], (double)t->v[i], (double)t->ema[i]};
}

/* Tolerance: float32 arrays of numbers about 1. */
static void expect(int64_t n, const training *before, const training *after, int64_t i)
{
    bool is_gap;
    double decay = decay_at(n, i, &is_gap);
    element x = at(before, i), y = is_gap ? x : want(&x, decay), got = at(after, i);
    assert_true(fabs(got.m - y.m) <= 1e-6);
    assert_true(fabs(got.v - y.v) <= 1e-6);
    assert_true(fabs(got.param - y.param) <= 1e-6 * (1 + fabs(y.param)));
    assert_true(fabs(got.ema - y.ema) <= 1e-6 * (1 + fabs(y.ema)));
}

static void adamw_on(const ito_backend *b, int64_t n)
{
    training before = draw(n), one = draw(n), plain = draw(n);
    const ito_optim_arrays a = arrays_of(&one, true), without = arrays_of(&plain, false);
    step(b, 1, n, &a);
    for (int64_t i = 0; i < n; i++) expect(n, &before, &one, i);
    for (int t = 1; t < ITO_COUNT(fast_threads); t++) {
        training many = draw(n);
        const ito_optim_arrays c = arrays_of(&many, true);
        step(b, fast_threads[t], n, &c);
        assert_memory_equal(one.param, many.param, (size_t)n * sizeof(float));
        assert_memory_equal(one.ema, many.ema, (size_t)n * sizeof(float));
        drop(many);
    }
    step(b, 2, n, &without); /* without EMA the parameters are the same, and the EMA is left alone */
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

/* ---- bf16 ---- */

/* Kept in one block of 16-bit numbers: gradient, moments, distance. */
typedef struct narrow {
    float *param;
    uint16_t *all, *grad, *m, *v, *distance;
} narrow;

static narrow narrow_of(int64_t n)
{
    training t = draw(n);
    narrow x = {.param = fast_floats(n, &(uint64_t){5}), .all = malloc((size_t)n * 4 * sizeof(uint16_t))};
    assert_non_null(x.all);
    x.grad = x.all;
    x.m = x.grad + n;
    x.v = x.m + n;
    x.distance = x.v + n;
    for (int64_t i = 0; i < n; i++) {
        x.param[i] = t.param[i];
        x.grad[i] = ito__bf16_narrow(t.grad[i]);
        x.m[i] = ito__bf16_narrow(t.m[i]);
        x.v[i] = ito__bf16_narrow(t.v[i]);
        x.distance[i] = ito__bf16_narrow(0.01f * t.ema[i]);
    }
    drop(t);
    return x;
}

static void drop_narrow(narrow x)
{
    free(x.param);
    free(x.all);
}

static ito_optim_arrays narrow_arrays(const narrow *x, bool with_average)
{
    return (ito_optim_arrays){ITO_BF16, x->param, x->grad, x->m, x->v, with_average ? x->distance : NULL};
}

static void step_narrow(const ito_backend *b, int n_threads, int64_t n, const narrow *x, bool with_average)
{
    const ito_optim_arrays a = narrow_arrays(x, with_average);
    step(b, n_threads, n, &a);
}

static double wide(uint16_t x)
{
    return (double)ito__bf16_widen(x);
}

/* How far `got` lies above `exact`, in units of the last of bf16's 8 bits; `slack` is float32's own rounding, and 0 where that is not
 * much smaller. */
static double units(uint16_t got, double exact, double slack)
{
    int exponent;
    frexp(exact, &exponent);
    double unit = ldexp(1, exponent - 8), error = wide(got) - exact;
    assert_true(fabs(error) <= unit + slack); /* one of the two neighbours */
    return unit > 10 * slack ? error / unit : 0;
}

/* Every number is next to what it should be, and on average it is that. */
static void expect_narrow(int64_t n, const narrow *before, const narrow *after)
{
    double bias[3] = {0};
    for (int64_t i = 0; i < n; i++) {
        bool is_gap;
        double decay = decay_at(n, i, &is_gap), p = (double)before->param[i];
        element x = {p, wide(before->grad[i]), wide(before->m[i]), wide(before->v[i]), p + wide(before->distance[i])};
        element y = is_gap ? x : want(&x, decay);
        assert_true(fabs((double)after->param[i] - y.param) <= 1e-6 * (1 + fabs(y.param)));
        bias[0] += units(after->m[i], y.m, 1e-6);
        bias[1] += units(after->v[i], y.v, 1e-6);
        bias[2] += units(after->distance[i], y.ema - y.param, 1e-6);
    }
    for (int k = 0; k < 3; k++) assert_true(fabs(bias[k]) <= 5 * 0.5 * sqrt((double)n)); /* five standard deviations */
}

/* An instruction set rounds as the reference does but where float32 and double lie on two sides of the chance. */
static void expect_near_reference(int64_t n, const narrow *got)
{
    narrow ref = narrow_of(n);
    int64_t differ = 0;
    step_narrow(&ito__backend_ref, 1, n, &ref, true);
    for (int64_t i = 0; i < 4 * n; i++) differ += ref.all[i] != got->all[i];
    assert_true(differ <= n / 200 + 1);
    drop_narrow(ref);
}

static void adamw_bf16_on(const ito_backend *b, int64_t n)
{
    narrow before = narrow_of(n), one = narrow_of(n), plain = narrow_of(n);
    const size_t bytes = (size_t)n * sizeof(uint16_t);
    step_narrow(b, 1, n, &one, true);
    expect_narrow(n, &before, &one);
    expect_near_reference(n, &one);
    for (int t = 1; t < ITO_COUNT(fast_threads); t++) {
        narrow many = narrow_of(n);
        step_narrow(b, fast_threads[t], n, &many, true);
        assert_memory_equal(one.param, many.param, 2 * bytes);
        assert_memory_equal(one.all, many.all, 4 * bytes);
        drop_narrow(many);
    }
    step_narrow(b, 2, n, &plain, false);
    assert_memory_equal(one.param, plain.param, 2 * bytes);
    assert_memory_equal(before.distance, plain.distance, bytes);
    drop_narrow(before);
    drop_narrow(one);
    drop_narrow(plain);
}

static void adamw_bf16_fast(int64_t n)
{
    adamw_bf16_on(&ito__backend_cpu, n);
}

static void adamw_bf16(void **state)
{
    (void)state;
    adamw_bf16_on(&ito__backend_ref, 1003);
    each_isa(adamw_bf16_fast);
}

/* Without gradients v falls by a thousandth in a step, less than bf16 can tell: on average it falls all the same. */
static void small_changes_add_up(void **state)
{
    enum { N = 4096, STEPS = 1000 };
    narrow x = narrow_of(N);
    const ito_optim_arrays a = narrow_arrays(&x, true);
    const ito_optim_span all = {0, N, 0};
    ito_adamw o = options;
    double mean = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        x.grad[i] = 0;
        x.v[i] = ito__bf16_narrow(1);
    }
    for (uint32_t t = 0; t < STEPS; t++) {
        o.dither[0] = t * 2654435761u;
        o.dither[1] = ~t * 2246822519u;
        ito__backend_cpu.optim->adamw(&(ito_queue){2}, &o, 1, &all, &a);
    }
    for (int i = 0; i < N; i++) mean += wide(x.v[i]) / N;
    assert_true(fabs(mean - pow(0.999, STEPS)) <= 0.01 * pow(0.999, STEPS));
    drop_narrow(x);
}

/* Against the reference; 1e-6 of a sum of squares in blocks of float32. */
static void sum_fast(int64_t n)
{
    uint64_t seed = 9;
    float *x = fast_floats(n, &seed);
    double want = ito__backend_ref.optim->sum_squares(&(ito_queue){1}, n, ITO_F32, x);
    double one = ito__backend_cpu.optim->sum_squares(&(ito_queue){1}, n, ITO_F32, x);
    assert_true(fabs(one - want) <= 1e-6 * want);
    for (int t = 0; t < ITO_COUNT(fast_threads); t++) {
        double again = ito__backend_cpu.optim->sum_squares(&(ito_queue){fast_threads[t]}, n, ITO_F32, x);
        assert_memory_equal(&one, &again, sizeof one);
    }
    free(x);
}

static void sum_bf16_fast(int64_t n)
{
    narrow x = narrow_of(n);
    double want = 0, one = ito__backend_cpu.optim->sum_squares(&(ito_queue){1}, n, ITO_BF16, x.grad);
    for (int64_t i = 0; i < n; i++) want += wide(x.grad[i]) * wide(x.grad[i]);
    assert_true(fabs(one - want) <= 1e-6 * want);
    assert_true(ito__backend_ref.optim->sum_squares(&(ito_queue){1}, n, ITO_BF16, x.grad) == want);
    for (int t = 0; t < ITO_COUNT(fast_threads); t++) {
        double again = ito__backend_cpu.optim->sum_squares(&(ito_queue){fast_threads[t]}, n, ITO_BF16, x.grad);
        assert_memory_equal(&one, &again, sizeof one);
    }
    drop_narrow(x);
}

static void sum_squares(void **state)
{
    (void)state;
    each_isa(sum_fast);
    each_isa(sum_bf16_fast);
    sum_fast(5000000); /* more than 256 slices' worth */
    assert_true(ito__backend_cpu.optim->sum_squares(&(ito_queue){2}, 0, ITO_F32, NULL) == 0);
    assert_true(ito__backend_ref.optim->sum_squares(&(ito_queue){2}, 3, ITO_F32, (float[]){1, -2, 3}) == 14);
}

/* ---- the test backend: the reference's bits, from memory of its own ---- */

static void *to_device(ito_ctx *ctx, size_t bytes, const void *host)
{
    void *device = ito__backend_test.alloc(ctx, bytes);
    assert_non_null(device);
    ito__backend_test.upload(device, host, bytes);
    return device;
}

static void assert_on_device(ito_ctx *ctx, size_t bytes, const void *want, void *device)
{
    void *got = malloc(bytes);
    assert_non_null(got);
    ito__backend_test.download(got, device, bytes);
    assert_memory_equal(got, want, bytes);
    free(got);
    ito__backend_test.free(ctx, device, bytes);
}

/* One step on the device and by the reference, which changes ref; `start` is what ref was. */
static void same_on_device(int64_t n, const ito_optim_arrays *ref, const ito_optim_arrays *start)
{
    ito_ctx *ctx = ctx_open(0);
    const size_t bytes = (size_t)n * ito_dtype_size(ref->dtype), wide_bytes = (size_t)n * sizeof(float);
    void *grad = to_device(ctx, bytes, start->grad);
    const ito_optim_arrays t = {ref->dtype,
                                to_device(ctx, wide_bytes, start->param),
                                grad,
                                to_device(ctx, bytes, start->m),
                                to_device(ctx, bytes, start->v),
                                to_device(ctx, bytes, start->average)};
    step(&ito__backend_ref, 1, n, ref);
    step(&ito__backend_test, 1, n, &t);
    double sum = ito__backend_ref.optim->sum_squares(&(ito_queue){1}, n, ref->dtype, start->grad);
    assert_true(ito__backend_test.optim->sum_squares(&(ito_queue){1}, n, ref->dtype, grad) == sum);
    assert_on_device(ctx, wide_bytes, ref->param, t.param);
    assert_on_device(ctx, bytes, start->grad, grad);
    assert_on_device(ctx, bytes, ref->m, t.m);
    assert_on_device(ctx, bytes, ref->v, t.v);
    assert_on_device(ctx, bytes, ref->average, t.average);
    ito_ctx_destroy(ctx);
}

static void device(void **state)
{
    const int64_t n = 3001;
    training ref = draw(n), start = draw(n);
    narrow ref16 = narrow_of(n), start16 = narrow_of(n);
    const ito_optim_arrays a = arrays_of(&ref, true), b = arrays_of(&start, true);
    const ito_optim_arrays c = narrow_arrays(&ref16, true), d = narrow_arrays(&start16, true);
    (void)state;
    same_on_device(n, &a, &b);
    same_on_device(n, &c, &d);
    drop(ref);
    drop(start);
    drop_narrow(ref16);
    drop_narrow(start16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw),       cmocka_unit_test(adamw_reference),
        cmocka_unit_test(adamw_bf16),  cmocka_unit_test(small_changes_add_up),
        cmocka_unit_test(sum_squares), cmocka_unit_test(device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
