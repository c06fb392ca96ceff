/* The builders of ito/ops.h: what they compute in small cases worked out by hand (float64, reference kernels), what they
 * refuse and how they say so, and which paths have no gradient. */

#include "testing.h"

#include <math.h>
#include <string.h>

#include <ito/ops.h>
#include <ito/program.h>

#define REAL(b, shape, ...) ito_graph_const((b).g, ITO_F64, shape, (const double[]){__VA_ARGS__})
#define INTS(b, shape, ...) ito_graph_const((b).g, ITO_I32, shape, (const int32_t[]){__VA_ARGS__})
#define D(...)              ITO_SHAPE(__VA_ARGS__)

/* y is [shape] and holds the values, to 1e-12. */
static void expect(bench *b, ito_value *y, ito_shape shape, const double *values)
{
    double found[64];
    ito_program *p;
    if (ito_graph_status(b->g) != ITO_OK) fail_msg("%s", ito_last_error(b->ctx));
    assert_true(ito_shape_equal(ito_value_shape(y), shape));
    assert_true(ito_shape_count(shape) <= 64);
    y = ito_op_cast(b->g, y, ITO_F64);
    if (ito_program_create(b->g, 1, &y, &(ito_program_options){.backend = "ref"}, &p) != ITO_OK)
        fail_msg("%s", ito_last_error(b->ctx));
    assert_int_equal(ito_program_run(p), ITO_OK);
    assert_int_equal(ito_program_read(p, y, found), ITO_OK);
    for (int i = 0; i < ito_shape_count(shape); i++)
        if (!(found[i] == values[i] || fabs(found[i] - values[i]) <= 1e-12))
            fail_msg("element %d is %.17g, expected %.17g", i, found[i], values[i]);
    ito_program_destroy(p);
}
#define EXPECT(b, y, shape, ...) expect(&(b), y, shape, (const double[]){__VA_ARGS__})

static void test_moves(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_value *x = REAL(b, D(2, 3), 1, 2, 3, 4, 5, 6);
    EXPECT(b, ito_op_slice_axis(b.g, x, -1, 1, 3), D(2, 2), 2, 3, 5, 6);
    EXPECT(b, ito_op_slice_axis(b.g, x, 0, 0, 2), D(2, 3), 1, 2, 3, 4, 5, 6);
    EXPECT(b, ito_op_permute(b.g, x, (const int[]){1, 0}), D(3, 2), 1, 4, 2, 5, 3, 6);
    ito_value *parts[] = {x, ito_op_slice_axis(b.g, x, 1, 0, 1)};
    EXPECT(b, ito_op_concat(b.g, 2, parts, -1), D(2, 4), 1, 2, 3, 1, 4, 5, 6, 4);
    EXPECT(b, ito_op_pad(b.g, x, (const int64_t[]){0, 1}, (const int64_t[]){1, 0}, 9), D(3, 4), 9, 1, 2, 3, 9, 4, 5, 6,
           9, 9, 9, 9);
    EXPECT(b, ito_op_argmax(b.g, x, -1), D(2), 2, 2);
    EXPECT(b, ito_op_mean(b.g, x, 1, false), D(3), 2.5, 3.5, 4.5);
    EXPECT(b, ito_op_reduce_max(b.g, x, 2, true), D(2, 1), 3, 6);
    EXPECT(b, ito_op_reduce_min(b.g, x, ITO_ALL_AXES, false), ITO_SCALAR, 1);
    EXPECT(b, ito_op_gather(b.g, x, INTS(b, D(2), 1, -1)), D(2, 3), 4, 5, 6, 0, 0, 0);
    EXPECT(b, ito_op_one_hot(b.g, INTS(b, D(2), 1, 7), 2, ITO_F64), D(2, 2), 0, 1, 0, 0);
    bench_close(&b);
}

static void test_convolutions(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_value *line = REAL(b, D(1, 4, 1), 1, 2, 3, 4), *taps = REAL(b, D(1, 1, 2), 10, 1);
    ito_conv_options padded = {.pad_before = {0, 1}};
    EXPECT(b, ito_op_conv1d(b.g, line, taps, NULL, NULL), D(1, 3, 1), 12, 23, 34);
    EXPECT(b, ito_op_conv1d(b.g, line, taps, REAL(b, D(1), 0.5), &padded), D(1, 4, 1), 1.5, 12.5, 23.5, 34.5);
    /* each pixel puts down a scaled copy of the kernel, two pixels apart */
    ito_value *x = REAL(b, D(1, 1, 2, 1), 1, 10), *w = REAL(b, D(1, 1, 1, 3), 1, 2, 3);
    ito_conv_options up = {.stride = {1, 2}};
    EXPECT(b, ito_op_conv2d_transposed(b.g, x, w, NULL, &up), D(1, 1, 5, 1), 1, 2, 13, 20, 30);
    ito_conv_options trimmed = {.stride = {1, 2}, .pad_before = {0, 1}, .pad_after = {0, 1}, .output_pad = {0, 1}};
    EXPECT(b, ito_op_conv2d_transposed(b.g, x, w, REAL(b, D(1), 100), &trimmed), D(1, 1, 4, 1), 102, 113, 120, 130);
    ito_pool_options half = {.kernel = {1, 2}};
    EXPECT(b, ito_op_avg_pool(b.g, x, &half), D(1, 1, 1, 1), 5.5);
    EXPECT(b, ito_op_upsample_nearest(b.g, x, 1, 2), D(1, 1, 4, 1), 1, 1, 10, 10);
    bench_close(&b);
}

static void test_losses_and_norms(void **state)
{
    (void)state;
    bench b = bench_open();
    double ln2 = log(2.0), nothing = -(double)INFINITY;
    ito_value *logits = REAL(b, D(2, 3), 0, 0, nothing, 5, nothing, nothing), *labels = INTS(b, D(2), 1, 0);
    EXPECT(b, ito_op_cross_entropy(b.g, logits, labels), D(2), ln2, 0);
    EXPECT(b, ito_op_mse(b.g, REAL(b, D(2), 1, 5), REAL(b, D(1), 2)), ITO_SCALAR, 5);
    ito_value *x = REAL(b, D(1, 2), 3, 7), *mean = REAL(b, D(2), 1, 1), *var = REAL(b, D(2), 3, 8);
    EXPECT(b, ito_op_batch_norm(b.g, x, mean, var, NULL, NULL, 1), D(1, 2), 1, 2);
    EXPECT(b, ito_op_batch_norm(b.g, x, mean, var, REAL(b, D(2), 2, 3), REAL(b, D(2), 0, 1), 1), D(1, 2), 2, 7);
    EXPECT(b, ito_op_layer_norm(b.g, REAL(b, D(1, 2), 9, 11), NULL, NULL, 3), D(1, 2), -0.5, 0.5);
    EXPECT(b, ito_op_rms_norm(b.g, REAL(b, D(1, 2), -1, 1), NULL, 3), D(1, 2), -0.5, 0.5);
    EXPECT(b, ito_op_clip(b.g, REAL(b, D(3), -2, 0.5, 2), -1, 1), D(3), -1, 0.5, 1);
    bench_close(&b);
}

/* A query that sees nothing gives zero and sends zero gradients, not NaN. */
static void test_attention_that_sees_nothing(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_value *q = REAL(b, D(1, 2, 1, 1), 1, 2), *k = REAL(b, D(1, 2, 1, 1), 0, 0), *v = REAL(b, D(1, 2, 1, 1), 4, 8);
    ito_value *bias = ito_op_mask_bias(b.g, INTS(b, D(2, 2), 0, 0, 1, 1), ITO_F64), *grads[4];
    ito_value *y = ito_op_attention(b.g, q, k, v, bias, 1, false);
    EXPECT(b, y, D(1, 2, 1, 1), 0, 6);
    ito_value *xs[] = {q, k, v, bias};
    assert_int_equal(ito_graph_grad(b.g, 1, &y, NULL, 4, xs, grads), ITO_OK);
    EXPECT(b, grads[0], D(1, 2, 1, 1), 0, 0);
    EXPECT(b, grads[1], D(1, 2, 1, 1), -2, 2);
    EXPECT(b, grads[2], D(1, 2, 1, 1), 0.5, 0.5);
    EXPECT(b, grads[3], D(2, 2), 0, 0, -1, 1);
    ito_value *second[4]; /* through the composition */
    assert_int_equal(ito_graph_grad(b.g, 1, &grads[1], NULL, 1, &v, second), ITO_OK);
    EXPECT(b, second[0], D(1, 2, 1, 1), 0, 0);
    bench_close(&b);
}

static void test_dropout(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_value *x = REAL(b, D(1, 3), 1, 2, 3), *keys = INTS(b, D(1, 4), 1, 2, 3, 4);
    assert_ptr_equal(ito_op_dropout(b.g, x, keys, 0, 0), x);
    EXPECT(b, ito_op_dropout(b.g, x, keys, 1, 0), D(1, 3), 0, 0, 0);
    ito_value *y = ito_op_dropout(b.g, x, keys, 0.5, 0), *dx; /* an element and its gradient share their fate */
    assert_int_equal(ito_graph_grad(b.g, 1, &y, NULL, 1, &x, &dx), ITO_OK);
    EXPECT(b, ito_op_sub(b.g, y, ito_op_mul(b.g, dx, x)), D(1, 3), 0, 0, 0);
    bench_close(&b);
}

/* ---- refusals ---- */

/* The graph has failed with this status and a message that holds the word. */
static void refused(bench *b, ito_status status, const char *word)
{
    assert_int_equal(ito_graph_status(b->g), status);
    if (!strstr(ito_last_error(b->ctx), word)) fail_msg("\"%s\" lacks \"%s\"", ito_last_error(b->ctx), word);
    bench_close(b);
    *b = bench_open();
}
#define REFUSED(b, y, word)                                                                                            \
    do {                                                                                                               \
        (void)(y);                                                                                                     \
        refused(&(b), ITO_SHAPE, word);                                                                                \
    } while (0)

static ito_value *image(bench *b, int64_t height, int64_t channels)
{
    return ito_graph_input(b->g, "x", ITO_F32, D(2, height, 5, channels));
}

static ito_value *input(bench *b, ito_shape shape)
{
    return ito_graph_input(b->g, "w", ITO_F32, shape);
}

static void test_convolution_refusals(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_conv_options groups = {.groups = 3}, negative = {.pad_before = {-1, 0}};
    ito_pool_options wide = {.kernel = {2, 2}, .pad_before = {2, 0}};
    REFUSED(b, ito_op_conv2d(b.g, image(&b, 4, 3), input(&b, D(4, 2, 3, 3)), NULL, NULL), "3 channels, 1 groups");
    REFUSED(b, ito_op_conv2d(b.g, image(&b, 2, 3), input(&b, D(4, 3, 3, 3)), NULL, NULL),
            "larger than the padded image");
    REFUSED(b, ito_op_conv2d(b.g, image(&b, 4, 3), input(&b, D(4, 1, 3, 3)), NULL, &groups), "3 groups");
    REFUSED(b, ito_op_conv2d(b.g, image(&b, 4, 3), input(&b, D(4, 3, 3, 3)), NULL, &negative), "not negative");
    REFUSED(b, ito_op_conv2d(b.g, image(&b, 4, 3), input(&b, D(4, 3, 3, 3)), input(&b, D(3)), NULL), "bias of 4");
    REFUSED(b, ito_op_conv2d(b.g, input(&b, D(3)), input(&b, D(4, 3, 3, 3)), NULL, NULL), "[N, H, W, C]");
    REFUSED(b, ito_op_conv1d(b.g, image(&b, 4, 3), input(&b, D(4, 3, 3)), NULL, NULL), "[N, L, C]");
    REFUSED(b, ito_op_conv2d_transposed(b.g, image(&b, 4, 3), input(&b, D(4, 3, 3, 3)), NULL, NULL), "dy");
    REFUSED(b, ito_op_max_pool(b.g, image(&b, 4, 3), &wide), "kernel - 1");
    REFUSED(b, ito_op_downsample_average(b.g, image(&b, 4, 3), 2, 2), "2 does not divide");
    bench_close(&b);
}

static void test_shape_refusals(void **state)
{
    (void)state;
    bench b = bench_open();
    const int twice[] = {0, 0, 1, 2};
    REFUSED(b, ito_op_permute(b.g, image(&b, 4, 3), twice), "each axis must come once");
    REFUSED(b, ito_op_slice_axis(b.g, image(&b, 4, 3), 1, 2, 5), "axis 1: 3 elements from 2");
    REFUSED(b, ito_op_slice_axis(b.g, image(&b, 4, 3), 4, 0, 1), "no axis 4");
    ito_value *parts[] = {image(&b, 4, 3), image(&b, 3, 3)};
    REFUSED(b, ito_op_concat(b.g, 2, parts, 3), "input 1 differs beside axis 3");
    REFUSED(b, ito_op_softmax(b.g, image(&b, 4, 3), -5), "no axis");
    REFUSED(b, ito_op_group_norm(b.g, image(&b, 4, 3), NULL, NULL, 2, 1e-5), "2 groups");
    REFUSED(b, ito_op_layer_norm(b.g, image(&b, 4, 3), input(&b, D(4)), NULL, 1e-5), "input 1: expected one element");
    REFUSED(b, ito_op_attention(b.g, image(&b, 4, 3), image(&b, 4, 3), image(&b, 3, 3), NULL, 1, false), "k, v");
    REFUSED(b, ito_op_attention(b.g, image(&b, 4, 3), image(&b, 4, 2), image(&b, 4, 2), NULL, 1, false), "lengths");
    REFUSED(b, ito_op_gather(b.g, input(&b, D(3, 2)), input(&b, D(2))), "i32");
    REFUSED(b, ito_op_dropout(b.g, image(&b, 4, 3), input(&b, D(2, 4)), 0.5, 0), "keys i32 [N, 4]");
    REFUSED(b, ito_op_cross_entropy(b.g, input(&b, D(2, 3)), input(&b, D(3))), "labels [...]");
    REFUSED(b, ito_op_select(b.g, input(&b, D(2)), input(&b, D(3)), input(&b, D(3))), "extents");
    (void)ito_op_clip(b.g, input(&b, D(2)), 1, -1);
    refused(&b, ITO_USAGE, "above high");
    bench_close(&b);
}

static void test_poison_flows(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_value *bad = ito_op_softmax(b.g, input(&b, D(2)), 3);
    ito_value *y = ito_op_conv2d(b.g, bad, bad, NULL, NULL);
    y = ito_op_attention(b.g, y, y, ito_op_group_norm(b.g, y, NULL, NULL, 1, 0), NULL, 1, true);
    y = ito_op_cross_entropy(b.g, ito_op_slice_axis(b.g, ito_op_max_pool(b.g, y, &(ito_pool_options){0}), 0, 0, 1), y);
    y = ito_op_conv1d(b.g, ito_op_batch_norm(b.g, y, y, y, NULL, NULL, 0), y, NULL, NULL);
    (void)ito_op_pad(b.g, ito_op_permute(b.g, y, NULL), NULL, NULL, 0);
    refused(&b, ITO_SHAPE, "softmax: no axis 3");
    bench_close(&b);
}

static void test_no_gradient(void **state)
{
    (void)state;
    bench b = bench_open();
    ito_value *x = input(&b, D(2, 3)), *dx;
    ito_value *y = ito_op_cast(b.g, ito_op_argmax(b.g, x, 1), ITO_F32);
    (void)ito_graph_grad(b.g, 1, &y, NULL, 1, &x, &dx);
    refused(&b, ITO_NOT_DIFFERENTIABLE, "argmax");
    x = REAL(b, D(2), 1.5, -2.5); /* rounding is piecewise constant */
    y = ito_op_cast(b.g, ito_op_cast(b.g, x, ITO_I32), ITO_F64);
    assert_int_equal(ito_graph_grad(b.g, 1, &y, NULL, 1, &x, &dx), ITO_OK);
    EXPECT(b, dx, D(2), 0, 0);
    x = input(&b, D(2, 3));
    y = ito_op_one_hot(b.g, ito_op_cast(b.g, x, ITO_I32), 3, ITO_F32);
    (void)ito_graph_grad(b.g, 1, &y, NULL, 1, &x, &dx);
    refused(&b, ITO_NOT_DIFFERENTIABLE, "one_hot");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_losses_and_norms),
        cmocka_unit_test(test_attention_that_sees_nothing),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_convolution_refusals),
        cmocka_unit_test(test_shape_refusals),
        cmocka_unit_test(test_poison_flows),
        cmocka_unit_test(test_no_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
