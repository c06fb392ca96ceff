/* The operations with fast kernels on shapes nobody chose: odd sizes, single pixels, channels that fill no vector, batches
 * of one, images that are not square, strides, dilations, groups and uneven padding, all drawn from a fixed seed. Forward
 * and first derivatives in float32 on the cpu backend, with one thread and with three, against the reference in float64.
 * Tolerance 2e-5 of the largest value: float32 sums of up to some thousand terms, and Winograd's transforms. */
#include "op_compare.h"

#define TOLERANCE 2e-5

/* A reproducible source of choices: one per trial. */
typedef struct dice {
    uint64_t trial, next;
} dice;

/* low .. high, both included */
static int64_t roll(dice *d, int64_t low, int64_t high)
{
    ito_rng_key key = {.seed = 20261123, .stream = ITO_STREAM_USER, .sample = d->trial};
    return low + (int64_t)ito_rng_below(key, d->next++, (uint64_t)(high - low + 1));
}

static ito_case_input real(ito_shape shape)
{
    return (ito_case_input){.shape = shape};
}

static void check(const ito_op_case *c)
{
    outputs exact = run_case(c, "ref", ITO_F64, 1), one = run_case(c, "cpu", ITO_F32, 1);
    outputs three = run_case(c, "cpu", ITO_F32, 3);
    assert_close(c->name, &one, &exact, TOLERANCE);
    assert_close("three threads", &three, &one, 0);
    free_outputs(&exact);
    free_outputs(&one);
    free_outputs(&three);
}

/* ---- convolution ---- */

static ito_value *build_conv(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_conv2d(g, in[0], in[1], in[2], arg);
}

static void conv_trial(uint64_t trial)
{
    dice d = {.trial = trial};
    ito_conv_options o = {.groups = roll(&d, 0, 3) ? 1 : roll(&d, 1, 3)};
    int64_t c = roll(&d, 1, 40) * o.groups, out = roll(&d, 1, 40) * o.groups, kernel[2], size[2];
    bool usual = roll(&d, 0, 1); /* half of the trials are 3x3 with stride 1 and padding 1 */
    for (int i = 0; i < 2; i++) {
        kernel[i] = usual ? 3 : roll(&d, 1, 5);
        o.stride[i] = usual ? 1 : roll(&d, 1, 3);
        o.dilation[i] = usual ? 1 : roll(&d, 1, 2);
        o.pad_before[i] = usual ? 1 : roll(&d, 0, kernel[i] - 1);
        o.pad_after[i] = usual ? 1 : roll(&d, 0, kernel[i] - 1);
        int64_t reach = o.dilation[i] * (kernel[i] - 1) + 1 - o.pad_before[i] - o.pad_after[i];
        size[i] = ITO_MAX(reach, 1) + roll(&d, 0, 9);
    }
    char name[128];
    snprintf(name, sizeof name, "conv trial %d: %dx%dx%d to %d, kernel %dx%d, stride %d %d", (int)trial, (int)size[0],
             (int)size[1], (int)c, (int)out, (int)kernel[0], (int)kernel[1], (int)o.stride[0], (int)o.stride[1]);
    ito_op_case test = {.name = name, .n_in = 3, .build = build_conv, .arg = &o};
    test.in[0] = real(ITO_SHAPE(roll(&d, 1, 3), size[0], size[1], c));
    test.in[1] = real(ITO_SHAPE(out, c / o.groups, kernel[0], kernel[1]));
    test.in[2] = real(ITO_SHAPE(out));
    check(&test);
}

static void test_conv(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 90; trial++) conv_trial(trial);
}

/* ---- products ---- */

static ito_value *build_matmul(ito_graph *g, ito_value *const *in, const void *arg)
{
    const bool *trans = arg;
    return ito_op_matmul(g, in[0], in[1], trans[0], trans[1]);
}

static void test_matmul(void **state)
{
    (void)state;
    for (uint64_t trial = 100; trial < 220; trial++) {
        dice d = {.trial = trial};
        bool trans[] = {roll(&d, 0, 1), roll(&d, 0, 1)};
        int64_t m = roll(&d, 1, 70), n = roll(&d, 1, 70), k = roll(&d, 1, 70), batch = roll(&d, 1, 3);
        ito_op_case test = {.name = "matmul", .n_in = 2, .build = build_matmul, .arg = trans};
        test.in[0] = real(trans[0] ? ITO_SHAPE(batch, k, m) : ITO_SHAPE(batch, m, k));
        test.in[1] = real(trans[1] ? ITO_SHAPE(batch, n, k) : ITO_SHAPE(batch, k, n));
        if (roll(&d, 0, 1)) test.in[1].shape.d[0] = 1;
        check(&test);
    }
}

/* ---- norms and softmax ---- */

static ito_value *build_norm(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_silu(g, ito_op_group_norm(g, in[0], in[1], in[2], *(const int64_t *)arg, 1e-2));
}

static ito_value *build_layer(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_layer_norm(g, in[0], in[1], in[2], 1e-2);
}

static ito_value *build_softmax(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_softmax(g, in[0], *(const int *)arg);
}

static void test_norms(void **state)
{
    (void)state;
    for (uint64_t trial = 400; trial < 500; trial++) {
        dice d = {.trial = trial};
        int64_t groups = roll(&d, 1, 8), c = groups * roll(&d, 2, 9); /* of one channel the gradient would be 0 */
        ito_op_case norm = {.name = "group_norm", .n_in = 3, .build = build_norm, .arg = &groups};
        norm.in[0] = real(ITO_SHAPE(roll(&d, 1, 3), roll(&d, 1, 9), roll(&d, 1, 9), c));
        norm.in[1] = norm.in[2] = real(ITO_SHAPE(c));
        check(&norm);
        ito_op_case layer = norm;
        layer.name = "layer_norm";
        layer.build = build_layer;
        check(&layer);
        int axis = (int)roll(&d, 0, 3);
        ito_op_case softmax = {.name = "softmax", .n_in = 1, .in = {norm.in[0]}, .build = build_softmax, .arg = &axis};
        check(&softmax);
    }
}

/* ---- attention ---- */

static ito_value *build_attention(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_attention(g, in[0], in[1], in[2], NULL, 0.3, *(const bool *)arg);
}

static void test_attention(void **state)
{
    (void)state;
    for (uint64_t trial = 600; trial < 700; trial++) {
        dice d = {.trial = trial};
        bool causal = roll(&d, 0, 1);
        int64_t n = roll(&d, 1, 2), heads = roll(&d, 1, 3), depth = roll(&d, 1, 40);
        ito_op_case test = {.name = "attention", .n_in = 3, .build = build_attention, .arg = &causal};
        test.in[0] = real(ITO_SHAPE(n, roll(&d, 1, 40), heads, depth));
        test.in[1] = test.in[2] = real(ITO_SHAPE(n, roll(&d, 2, 40), heads, depth)); /* of one key it would be 0 */
        check(&test);
    }
}

/* ---- pooling ---- */

static ito_value *build_avg_pool(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_avg_pool(g, in[0], arg);
}

static ito_value *build_max_pool(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_max_pool(g, in[0], arg);
}

static void test_pools(void **state)
{
    (void)state;
    for (uint64_t trial = 800; trial < 880; trial++) {
        dice d = {.trial = trial};
        ito_pool_options o = {.count_pad = roll(&d, 0, 1)};
        ito_shape shape = ITO_SHAPE(roll(&d, 1, 3), 1, 1, roll(&d, 1, 40));
        for (int i = 0; i < 2; i++) {
            o.kernel[i] = roll(&d, 1, 4);
            o.stride[i] = roll(&d, 1, 3);
            o.pad_before[i] = roll(&d, 0, o.kernel[i] - 1);
            o.pad_after[i] = roll(&d, 0, o.kernel[i] - 1);
            shape.d[1 + i] = o.kernel[i] + roll(&d, 0, 6);
        }
        check(&(ito_op_case){.name = "avg_pool", .n_in = 1, .in = {real(shape)}, .build = build_avg_pool, .arg = &o});
        check(&(ito_op_case){.name = "max_pool", .n_in = 1, .in = {real(shape)}, .build = build_max_pool, .arg = &o});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),      cmocka_unit_test(test_matmul), cmocka_unit_test(test_norms),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
