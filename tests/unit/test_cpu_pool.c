/* Fast pooling, resampling and dropout against the reference kernels. */
#include "kernel_check.h"

/* --- pooling ------------------------------------------------------------------------------------------------------ */

static ito_shape pooled(ito_shape x, const ito_attr_pool *a)
{
    ito_shape y = x;
    for (int i = 0; i < 2; i++)
        y.d[i + 1] = (x.d[i + 1] + a->pad_before[i] + a->pad_after[i] - a->kernel[i]) / a->stride[i] + 1;
    return y;
}

static void check_pool(ito_shape x, ito_attr_pool a)
{
    a.x_shape = x;
    ito_shape y = pooled(x, &a);
    check_map("max_pool", &a, x, y, CHECK_NORMAL, 0);
    check_case m = {.op = "max_pool_grad", .attr = &a, .n_in = 2, .n_out = 1, .tolerance = 1e-6, .spread = 1};
    m.in[0] = m.out[0] = check_f32(x);
    m.in[1] = check_f32(y);
    check_kernel(&m, 3);
    for (int count_pad = 0; count_pad < 2; count_pad++) {
        a.count_pad = count_pad;
        check_case c = {.op = "avg_pool", .attr = &a, .n_in = 1, .n_out = 1, .tolerance = 1e-6, .spread = 1};
        c.in[0] = check_f32(x);
        c.out[0] = check_f32(y);
        check_kernel(&c, 4);
        c.op = "avg_pool_grad";
        c.in[0] = check_f32(y);
        c.out[0] = check_f32(x);
        check_kernel(&c, 5);
    }
}

static void pools(void **state)
{
    (void)state;
    check_pool(ITO_SHAPE(2, 8, 8, 16), (ito_attr_pool){.kernel = {2, 2}, .stride = {2, 2}});
    check_pool(ITO_SHAPE(3, 9, 7, 5), (ito_attr_pool){.kernel = {3, 2}, .stride = {2, 1}, .pad_before = {1, 0}});
    check_pool(ITO_SHAPE(1, 1, 1, 1), (ito_attr_pool){.kernel = {1, 1}, .stride = {1, 1}});
    check_pool(ITO_SHAPE(1, 6, 11, 130),
               (ito_attr_pool){.kernel = {3, 3}, .stride = {1, 3}, .pad_before = {1, 2}, .pad_after = {1, 2}});
    check_pool(ITO_SHAPE(2, 5, 5, 33), (ito_attr_pool){.kernel = {5, 5}, .stride = {5, 5}});
    check_pool(ITO_SHAPE(1, 7, 7, 3), (ito_attr_pool){.kernel = {1, 2}, .stride = {3, 3}, .pad_after = {0, 4}});
}

/* Equal elements: the gradient goes to the first. */
static void ties(void **state)
{
    (void)state;
    static float x[4 * 4 * 3];
    for (int i = 0; i < ITO_COUNT(x); i++) x[i] = (float)(i % 2);
    ito_attr_pool a = {.kernel = {2, 2}, .stride = {1, 1}, .x_shape = ITO_SHAPE(1, 4, 4, 3)};
    check_case c = {.op = "max_pool_grad", .attr = &a, .n_in = 2, .n_out = 1, .tolerance = 1e-6, .data = {x}};
    c.in[0] = c.out[0] = check_f32(a.x_shape);
    c.in[1] = check_f32(ITO_SHAPE(1, 3, 3, 3));
    check_kernel(&c, 1);
}

/* --- resampling --------------------------------------------------------------------------------------------------- */

static void check_resample(ito_shape small, int64_t fh, int64_t fw)
{
    ito_attr_resample a = {{fh, fw}};
    ito_shape large = small;
    large.d[1] *= fh;
    large.d[2] *= fw;
    check_map("upsample_nearest", &a, small, large, CHECK_NORMAL, 0);
    check_case c = {.op = "downsample_average", .attr = &a, .n_in = 1, .n_out = 1, .tolerance = 1e-6, .spread = 1};
    c.in[0] = check_f32(large);
    c.out[0] = check_f32(small);
    check_kernel(&c, 7);
}

static void resampling(void **state)
{
    (void)state;
    check_resample(ITO_SHAPE(2, 8, 8, 32), 2, 2);
    check_resample(ITO_SHAPE(3, 5, 7, 3), 3, 1);
    check_resample(ITO_SHAPE(1, 1, 1, 19), 4, 5);
}

/* --- dropout ------------------------------------------------------------------------------------------------------ */

static void dropout(void **state)
{
    (void)state;
    static const double p[] = {0, 0.1, 0.5, 1};
    for (int i = 0; i < ITO_COUNT(p); i++)
        for (int64_t size = 1; size < 20000; size = size * 5 + 2) {
            ito_attr_dropout a = {p[i], i};
            check_case c = {.op = "dropout", .attr = &a, .n_in = 2, .n_out = 1};
            c.in[0] = c.out[0] = check_f32(ITO_SHAPE(3, size));
            c.in[1] = check_i32(ITO_SHAPE(3, 4));
            c.fill[1] = CHECK_BITS;
            check_kernel(&c, (uint64_t)size);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools),
        cmocka_unit_test(ties),
        cmocka_unit_test(resampling),
        cmocka_unit_test(dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
