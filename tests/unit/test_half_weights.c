/* Weights that are packed in 16 bits, of every kernel and instruction set that packs them so. Where weights are products'
 * factors as they are, those that binary16 represents give what float32 gives; Winograd rounds what it has made of them, so there
 * the result is that of weights with an error of 2^-12 each, which its sums magnify. */
#include "fast_kernel.h"

#include <math.h>

#define ROUNDING  0.00390625 /* 2^-8, bf16's own: what Winograd makes of an error of 2^-12 */
#define REORDERED 1e-6       /* a sum of few columns is made in another order */

typedef struct sample {
    ito_attr_conv conv;
    ito_attr_matmul matmul;
    float *x, *w, *rounded;
    fast_case c;
} sample;

static void fill(sample *s, ito_shape x, ito_shape w, uint64_t seed)
{
    int64_t n = ito_shape_count(w);
    s->x = fast_floats(ito_shape_count(x), &seed);
    s->w = fast_floats(n, &seed);
    s->rounded = fast_floats(n, &seed);
    for (int64_t i = 0; i < n; i++) s->rounded[i] = ldexpf(roundf(ldexpf(s->w[i], 10)), -10);
    s->c.n_in = 2;
    s->c.in[0] = (ito_desc){ITO_F32, x};
    s->c.in[1] = (ito_desc){ITO_F32, w};
    s->c.data[0] = s->x;
    s->c.data[1] = s->w;
    s->c.frozen = 2;
}

static void clear(sample *s)
{
    free(s->x);
    free(s->w);
    free(s->rounded);
}

static sample conv_sample(bool grad, int64_t batch, int64_t size, int64_t in, int64_t out, int64_t kernel)
{
    int64_t pad = kernel / 2;
    sample s = {.conv = {.stride = {1, 1},
                         .dilation = {1, 1},
                         .pad_before = {pad, pad},
                         .pad_after = {pad, pad},
                         .groups = 1,
                         .x_shape = ITO_SHAPE(batch, size, size, in),
                         .w_shape = ITO_SHAPE(out, in, kernel, kernel)}};
    ito_shape y = ITO_SHAPE(batch, size, size, out);
    fill(&s, grad ? y : s.conv.x_shape, s.conv.w_shape, (uint64_t)(size * in + out));
    s.c.op = grad ? "conv2d_grad_input" : "conv2d";
    s.c.out = (ito_desc){ITO_F32, grad ? s.conv.x_shape : y};
    return s;
}

static float *run(const sample *s, const void *attr, ito_isa isa, const float *weights, ito_dtype packs, int threads)
{
    fast_case c = s->c;
    c.attr = attr;
    c.data[1] = weights;
    c.packs = packs;
    float *y = fast_run(&c, isa, threads);
    if (!y) fail_msg("%s: %s does not take the case", ito__isa_name(isa), c.algorithm);
    return y;
}

static double distance(int64_t n, const float *a, const float *b)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / size);
}

/* Packed in 16 bits, on any number of threads, against float32: the same with weights of 10 binary places, or as near as
 * rounding lets be. */
static void check(const sample *s, const void *attr, bool exact)
{
    int64_t n = ito_shape_count(s->c.out.shape);
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        const float *w = exact ? s->rounded : s->w;
        float *want = run(s, attr, (ito_isa)isa, w, ITO_F32, 1), *first = run(s, attr, (ito_isa)isa, w, ITO_BF16, 1);
        double error = distance(n, first, want);
        if (exact ? !(error < REORDERED) : !(error > 1e-4 && error < ROUNDING))
            fail_msg("%s, %s %s: differs by %g", ito__isa_name((ito_isa)isa), s->c.op, s->c.algorithm, error);
        for (int t = 0; t < ITO_COUNT(fast_threads); t++) {
            float *y = run(s, attr, (ito_isa)isa, w, ITO_BF16, fast_threads[t]);
            assert_memory_equal(y, first, (size_t)n * sizeof *y);
            free(y);
        }
        free(want);
        free(first);
    }
}

static void check_conv(const char *algorithm, bool grad, int64_t batch, int64_t size, int64_t in, int64_t out,
                       int64_t kernel, bool exact)
{
    sample s = conv_sample(grad, batch, size, in, out, kernel);
    s.c.algorithm = algorithm;
    check(&s, &s.conv, exact);
    clear(&s);
}

static void test_direct(void **state)
{
    (void)state;
    check_conv("direct", false, 2, 7, 33, 40, 3, true);
    check_conv("direct", true, 2, 7, 33, 40, 3, true);
    check_conv("direct", false, 2, 8, 300, 3, 1, true); /* few columns, a reduction in parts */
    check_conv("direct", false, 1, 6, 40, 300, 1, true);
}

static void test_winograd(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"winograd4", "winograd4-stages", "winograd2", "winograd2-stages"};
    for (int i = 0; i < ITO_COUNT(algorithms); i++)
        for (int grad = 0; grad < 2; grad++) {
            check_conv(algorithms[i], grad, 2, 9, 40, 70, 3, false);
            check_conv(algorithms[i], grad, 1, 8, 300, 40, 3, false);
        }
}

static void test_matmul(void **state)
{
    (void)state;
    for (int turned = 0; turned < 2; turned++)
        for (int64_t columns = 3; columns <= 300; columns *= 10) {
            sample s = {.matmul = {.trans_b = turned}};
            fill(&s, ITO_SHAPE(50, 270), turned ? ITO_SHAPE(columns, 270) : ITO_SHAPE(270, columns), (uint64_t)columns);
            s.c.op = "matmul";
            s.c.algorithm = "gemm";
            s.c.out = (ito_desc){ITO_F32, ITO_SHAPE(50, columns)};
            check(&s, &s.matmul, true);
            clear(&s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_direct), cmocka_unit_test(test_winograd),
                                       cmocka_unit_test(test_matmul)};
    return cmocka_run_group_tests_name("half_weights", tests, NULL, NULL);
}
