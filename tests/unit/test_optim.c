/* AdamW, EMA, sum of squares and the finiteness check, on every instruction set, against the formulas in double. */
#include "kernel/cpu/optim.h"

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

/* One parameter as the paper writes it. */
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

static void adamw_body(int64_t n)
{
    training before = draw(n), one = draw(n);
    ito__adamw(&(ito_queue){1}, n, &options, one.param, one.grad, one.m, one.v, one.ema);
    for (int64_t i = 0; i < n; i++) expect(&before, &one, i);
    for (int t = 1; t < ITO_COUNT(fast_threads); t++) {
        training many = draw(n);
        ito__adamw(&(ito_queue){fast_threads[t]}, n, &options, many.param, many.grad, many.m, many.v, many.ema);
        assert_memory_equal(one.param, many.param, (size_t)n * sizeof(float));
        assert_memory_equal(one.ema, many.ema, (size_t)n * sizeof(float));
        drop(many);
    }
    training plain = draw(n); /* without EMA the parameters are the same, and a separate EMA pass ends alike */
    ito__adamw(&(ito_queue){2}, n, &options, plain.param, plain.grad, plain.m, plain.v, NULL);
    assert_memory_equal(one.param, plain.param, (size_t)n * sizeof(float));
    ito__ema(&(ito_queue){2}, n, options.ema_decay, plain.param, plain.ema);
    for (int64_t i = 0; i < n; i++) assert_true(fabsf(plain.ema[i] - one.ema[i]) <= 1e-6f);
    drop(before);
    drop(one);
    drop(plain);
}

static void adamw(void **state)
{
    (void)state;
    each_isa(adamw_body);
}

static void measures_body(int64_t n)
{
    uint64_t seed = 9;
    float *x = fast_floats(n, &seed);
    double want = 0, one = ito__sum_squares(&(ito_queue){1}, n, x);
    for (int64_t i = 0; i < n; i++) want += (double)x[i] * (double)x[i];
    assert_true(fabs(one - want) <= 1e-6 * want);
    for (int t = 0; t < ITO_COUNT(fast_threads); t++) {
        ito_queue q = {fast_threads[t]};
        double again = ito__sum_squares(&q, n, x);
        assert_memory_equal(&one, &again, sizeof one);
        assert_true(ito__all_finite(&q, n, x));
    }
    static const float odd[] = {INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 3; i++)
        for (int64_t at = 0; at < n; at += n / 3 + 1) {
            float kept = x[at];
            x[at] = odd[i];
            assert_false(ito__all_finite(&(ito_queue){2}, n, x));
            x[at] = kept;
        }
    free(x);
}

static void measures(void **state)
{
    (void)state;
    each_isa(measures_body);
    measures_body(5000000); /* more than 256 slices' worth */
    assert_true(ito__all_finite(&(ito_queue){2}, 0, NULL));
    assert_true(ito__sum_squares(&(ito_queue){2}, 0, NULL) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw),
        cmocka_unit_test(measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
