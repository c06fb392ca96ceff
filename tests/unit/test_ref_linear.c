/* The reference matrix product, convolutions, pooling and resampling: hand-computed cases, and adjointness, which ties
 * every gradient kernel to its forward kernel: <conv(x, w), dy> = <x, grad_input(dy, w)> = <w, grad_weight(x, dy)>. */
#include "unit/ref_check.h"

#include <ito/rng.h>

static void test_matmul(void **state)
{
    (void)state;
    arg a = F(D(2, 3), 1, 2, 3, 4, 5, 6), a_turned = F(D(3, 2), 1, 4, 2, 5, 3, 6);
    arg b = F(D(3, 2), 1, 0, 0, 1, 2, 2), b_turned = F(D(2, 3), 1, 0, 2, 0, 1, 2);
    arg y = F(D(2, 2), 7, 8, 16, 17);
    for (int i = 0; i < 4; i++) {
        ito_attr_matmul attr = {.trans_a = i & 1, .trans_b = i >> 1};
        check("matmul", &attr, ARGS(i & 1 ? a_turned : a, i >> 1 ? b_turned : b), ARGS(y));
    }
    ito_attr_matmul full = {.has_bias = true, .has_residual = true, .act = ITO_UNARY_relu};
    check("matmul", &full, ARGS(a, b, F(D(2), 1, -20), F(D(2, 2), 0.5, 0, 0, 4)), ARGS(F(D(2, 2), 8.5, 0, 17, 1)));
    full.has_bias = false;
    check("matmul", &full, ARGS(a, b, F(D(2, 2), 0.5, -9, 0, 4)), ARGS(F(D(2, 2), 7.5, 0, 16, 21)));
}

static void test_matmul_batches(void **state)
{
    (void)state;
    ito_attr_matmul attr = {0};
    arg a = F(D(2, 1, 2), 1, 2, 3, 4);
    check("matmul", &attr, ARGS(a, F(D(2, 1), 5, 6)), ARGS(F(D(2, 1, 1), 17, 39)));
    check("matmul", &attr, ARGS(a, F(D(2, 2, 1), 5, 6, 7, 8)), ARGS(F(D(2, 1, 1), 17, 53)));
    check("matmul", &attr, ARGS(F(D(2, 1, 1, 1), 2, 3), F(D(1, 2, 1, 1), 5, 7)),
          ARGS(F(D(2, 2, 1, 1), 10, 14, 15, 21)));
}

static ito_attr_conv plain_conv(void)
{
    return (ito_attr_conv){.stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
}

static void test_conv_by_hand(void **state)
{
    (void)state;
    ito_attr_conv attr = plain_conv();
    arg x = F(D(1, 3, 3, 1), 1, 2, 3, 4, 5, 6, 7, 8, 9), w = F(D(1, 1, 2, 2), 1, 10, 100, 1000);
    check("conv2d", &attr, ARGS(x, w), ARGS(F(D(1, 2, 2, 1), 5421, 6532, 8754, 9865)));
    attr.pad_before[0] = attr.pad_after[1] = 1; /* a row above, a column to the right */
    check("conv2d", &attr, ARGS(x, w), ARGS(F(D(1, 3, 3, 1), 2100, 3200, 300, 5421, 6532, 603, 8754, 9865, 906)));
    ito_attr_conv strided = plain_conv();
    strided.stride[0] = strided.stride[1] = 2;
    strided.pad_before[0] = strided.pad_before[1] = 1;
    check("conv2d", &strided, ARGS(x, w), ARGS(F(D(1, 2, 2, 1), 1000, 3200, 7040, 9865)));
    ito_attr_conv dilated = plain_conv();
    dilated.dilation[0] = dilated.dilation[1] = 2;
    check("conv2d", &dilated, ARGS(x, w), ARGS(F(D(1, 1, 1, 1), 9731)));
}

static void test_conv_channels(void **state)
{
    (void)state;
    ito_attr_conv attr = plain_conv();
    arg x = F(D(1, 1, 1, 2), 2, 3), bias = F(D(2), 1, -50), residual = F(D(1, 1, 1, 2), 0.5, 0.25);
    check("conv2d", &attr, ARGS(x, F(D(2, 2, 1, 1), 1, 10, 2, 20)), ARGS(F(D(1, 1, 1, 2), 32, 64)));
    attr.has_bias = attr.has_residual = true;
    attr.act = ITO_UNARY_neg;
    check("conv2d", &attr, ARGS(x, F(D(2, 2, 1, 1), 1, 10, 2, 20), bias, residual),
          ARGS(F(D(1, 1, 1, 2), -33.5, -14.25)));
    ito_attr_conv grouped = plain_conv();
    grouped.groups = 2;
    check("conv2d", &grouped, ARGS(x, F(D(2, 1, 1, 1), 5, 7)), ARGS(F(D(1, 1, 1, 2), 10, 21)));
}

/* One dense float64 array with its own memory. */
static ito_ref_array array(ito_shape shape, uint64_t seed)
{
    ito_ref_array a = {ITO_F64, shape, ito_shape_count(shape), NULL};
    double *x = a.data = calloc((size_t)a.count, sizeof *x);
    assert_non_null(x);
    if (seed) ito_rng_uniform((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER}, 0, (size_t)a.count, x);
    return a;
}

static double inner(const ito_ref_array *a, const ito_ref_array *b)
{
    double sum = 0;
    assert_int_equal(a->count, b->count);
    for (int64_t i = 0; i < a->count; i++) sum += ref_get(a, i) * ref_get(b, i);
    return sum;
}

static void call(const ito_ref_def *def, const void *attr, ito_ref_array a, ito_ref_array b, ito_ref_array y)
{
    double scratch[1024];
    assert_true(y.count <= 1024);
    ito_ref r = {.attr = attr, .n_in = 2, .n_out = 1, .in = {a, b}, .out = {y}, .scratch = scratch};
    def->compute(&r);
}

static void adjoint_conv(ito_attr_conv attr, ito_shape x_shape, ito_shape w_shape)
{
    int64_t out[2];
    for (int i = 0; i < 2; i++)
        out[i] = (x_shape.d[1 + i] + attr.pad_before[i] + attr.pad_after[i] -
                  attr.dilation[i] * (w_shape.d[2 + i] - 1) - 1) /
                     attr.stride[i] +
                 1;
    ito_shape y_shape = D(x_shape.d[0], out[0], out[1], w_shape.d[0]);
    ito_ref_array x = array(x_shape, 1), w = array(w_shape, 2), dy = array(y_shape, 3), y = array(y_shape, 0);
    ito_ref_array dx = array(x_shape, 0), dw = array(w_shape, 0);
    call(&ito__ref_conv2d, &attr, x, w, y);
    call(&ito__ref_conv2d_grad_input, &attr, dy, w, dx);
    call(&ito__ref_conv2d_grad_weight, &attr, x, dy, dw);
    double forward = inner(&y, &dy);
    assert_true(fabs(inner(&x, &dx) - forward) < 1e-12 * fabs(forward));
    assert_true(fabs(inner(&w, &dw) - forward) < 1e-12 * fabs(forward));
    ito_ref_array all[] = {x, w, dy, y, dx, dw};
    for (int i = 0; i < ITO_COUNT(all); i++) free(all[i].data);
}

static void test_conv_gradients_are_adjoint(void **state)
{
    (void)state;
    ito_attr_conv attr = plain_conv();
    adjoint_conv(attr, D(1, 1, 1, 1), D(1, 1, 1, 1));
    adjoint_conv(attr, D(2, 4, 5, 3), D(2, 3, 3, 2));
    attr.pad_before[0] = attr.pad_before[1] = attr.pad_after[0] = 1;
    attr.stride[0] = 2;
    attr.stride[1] = 3;
    adjoint_conv(attr, D(2, 5, 6, 4), D(3, 4, 3, 3));
    attr.groups = 2;
    attr.dilation[1] = 2;
    adjoint_conv(attr, D(2, 5, 6, 4), D(6, 2, 3, 3));
}

static void test_max_pool(void **state)
{
    (void)state;
    ito_attr_pool attr = {.kernel = {2, 2}, .stride = {2, 2}};
    arg x = F(D(1, 2, 4, 1), 1, 5, -3, -3, 5, 2, -3, -3);
    check("max_pool", &attr, ARGS(x), ARGS(F(D(1, 1, 2, 1), 5, -3)));
    check("max_pool_grad", &attr, ARGS(x, F(D(1, 1, 2, 1), 10, 20)), ARGS(F(D(1, 2, 4, 1), 0, 10, 20, 0, 0, 0, 0, 0)));
    ito_attr_pool overlapping = {.kernel = {1, 3}, .stride = {1, 1}, .pad_before = {0, 1}, .pad_after = {0, 1}};
    arg row = F(D(1, 1, 3, 1), -1, -2, -4);
    check("max_pool", &overlapping, ARGS(row), ARGS(F(D(1, 1, 3, 1), -1, -1, -2)));
    check("max_pool_grad", &overlapping, ARGS(row, F(D(1, 1, 3, 1), 1, 10, 100)), ARGS(F(D(1, 1, 3, 1), 11, 100, 0)));
}

static void test_avg_pool(void **state)
{
    (void)state;
    ito_attr_pool attr = {.kernel = {1, 2}, .stride = {1, 2}, .pad_before = {0, 1}, .pad_after = {0, 0}};
    arg x = F(D(1, 1, 3, 1), 6, 2, 4), dy = F(D(1, 1, 2, 1), 1, 10);
    check("avg_pool", &attr, ARGS(x), ARGS(F(D(1, 1, 2, 1), 6, 3)));
    check("avg_pool_grad", &attr, ARGS(dy), ARGS(F(D(1, 1, 3, 1), 1, 5, 5)));
    attr.count_pad = true;
    check("avg_pool", &attr, ARGS(x), ARGS(F(D(1, 1, 2, 1), 3, 3)));
    check("avg_pool_grad", &attr, ARGS(dy), ARGS(F(D(1, 1, 3, 1), 0.5, 5, 5)));
}

static void test_resampling(void **state)
{
    (void)state;
    ito_attr_resample attr = {{1, 2}};
    check("upsample_nearest", &attr, ARGS(F(D(1, 1, 2, 2), 1, 2, 3, 4)),
          ARGS(F(D(1, 1, 4, 2), 1, 2, 1, 2, 3, 4, 3, 4)));
    ito_attr_resample down = {{2, 1}};
    check("downsample_average", &down, ARGS(F(D(1, 2, 2, 1), 1, 2, 3, 6)), ARGS(F(D(1, 1, 2, 1), 2, 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul),       cmocka_unit_test(test_matmul_batches),
        cmocka_unit_test(test_conv_by_hand), cmocka_unit_test(test_conv_channels),
        cmocka_unit_test(test_max_pool),     cmocka_unit_test(test_conv_gradients_are_adjoint),
        cmocka_unit_test(test_avg_pool),     cmocka_unit_test(test_resampling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
