/* Fast reductions and softmax kernels against the reference kernels. */
#include "kernel_check.h"

static void check_sum_to(ito_shape x, ito_shape y)
{
    ito_attr_shape attr = {y};
    check_case c = {.op = "sum_to", .attr = &attr, .n_in = 1, .n_out = 1, .tolerance = 2e-6, .spread = 1};
    c.in[0] = check_f32(x);
    c.fill[0] = CHECK_POSITIVE; /* a total that cancels says nothing about the order of adding */
    c.out[0] = check_f32(y);
    check_kernel(&c, 11);
}

static void sums_to(void **state)
{
    (void)state;
    static const int64_t channels[] = {1, 3, 4, 5, 8, 16, 31, 64, 130, 320};
    for (int i = 0; i < ITO_COUNT(channels); i++) {
        int64_t c = channels[i];
        check_sum_to(ITO_SHAPE(3, 13, 11, c), ITO_SHAPE(c));
        check_sum_to(ITO_SHAPE(3, 13, 11, c), ITO_SHAPE(3, 1, 1, c));
        check_sum_to(ITO_SHAPE(2, 40, 40, c), ITO_SCALAR);
        check_sum_to(ITO_SHAPE(5, c), ITO_SHAPE(1, c));
    }
    check_sum_to(ITO_SHAPE(1, 1, 1, 3), ITO_SHAPE(3));
    check_sum_to(ITO_SHAPE(3, 70000), ITO_SHAPE(70000));
    check_sum_to(ITO_SHAPE(3, 70000), ITO_SHAPE(3, 1));
    check_sum_to(ITO_SHAPE(5000, 4, 2), ITO_SHAPE(5000, 1, 2));
}

static void reduces(void **state)
{
    (void)state;
    static const uint32_t axes[] = {1, 2, 3, 4, 6, 7};
    for (int kind = 0; kind <= ITO_REDUCE_MIN; kind++)
        for (int i = 0; i < ITO_COUNT(axes); i++) {
            ito_attr_reduce attr = {kind, axes[i], true};
            ito_shape x = ITO_SHAPE(37, 120, 19), y = x;
            for (int axis = 0; axis < 3; axis++)
                if (axes[i] >> axis & 1) y.d[axis] = 1;
            check_case c = {.op = "reduce", .attr = &attr, .n_in = 1, .n_out = 1, .tolerance = 2e-6, .spread = 1};
            c.in[0] = check_f32(x);
            c.out[0] = check_f32(y);
            check_kernel(&c, 13);
        }
}

/* NaN comes out of every reduction whose elements hold it. */
static void reduces_nan(void **state)
{
    (void)state;
    static float x[300];
    for (int i = 0; i < 300; i++) x[i] = (float)i;
    x[77] = NAN;
    for (int kind = 0; kind <= ITO_REDUCE_MIN; kind++)
        for (uint32_t axes = 1; axes <= 3; axes++) {
            ito_attr_reduce attr = {kind, axes, true};
            check_case c = {.op = "reduce", .attr = &attr, .n_in = 1, .n_out = 1, .tolerance = 1e-6, .data = {x}};
            c.in[0] = check_f32(ITO_SHAPE(15, 20));
            c.out[0] = check_f32(ITO_SHAPE(axes & 1 ? 1 : 15, axes & 2 ? 1 : 20));
            check_kernel(&c, 1);
        }
}

static void check_rows(ito_shape x)
{
    ito_attr_axis attr = {x.n_dims - 1};
    ito_shape rows = x;
    rows.n_dims--;
    check_map("softmax", &attr, x, x, CHECK_NORMAL, 2e-6);
    for (int i = 0; i < 4; i++) {
        static const char *const ops[] = {"log_softmax", "softmax_grad", "log_softmax_grad", "logsumexp"};
        check_case c = {.op = ops[i], .attr = &attr, .n_in = 1, .n_out = 1, .tolerance = 2e-6, .spread = 1};
        c.in[0] = c.in[1] = c.out[0] = check_f32(x);
        c.fill[0] = i == 1 ? CHECK_POSITIVE : CHECK_NORMAL;
        if (i == 1 || i == 2) c.n_in = 2;
        if (i == 3) c.out[0] = check_f32(rows);
        check_kernel(&c, 17);
    }
    check_case c = {.op = "argmax", .attr = &attr, .n_in = 1, .n_out = 1, .in = {check_f32(x)}};
    c.out[0] = check_i32(rows);
    check_kernel(&c, 19);
}

static void softmaxes(void **state)
{
    (void)state;
    check_rows(ITO_SHAPE(7, 10));
    check_rows(ITO_SHAPE(1, 1));
    check_rows(ITO_SHAPE(300, 3, 33));
    check_rows(ITO_SHAPE(3, 20001));
    check_rows(ITO_SHAPE(64));
}

/* Rows with infinities and NaN. (With +inf in a row only logsumexp is defined: softmax gives NaN.) */
static void softmax_specials(void **state)
{
    (void)state;
    static const float x[7][3] = {{-INFINITY, -INFINITY, -INFINITY},
                                  {0, -INFINITY, 2},
                                  {1e30f, 1, -1e30f},
                                  {NAN, 0, 1},
                                  {100, -100, 99},
                                  {3, 3, 3},
                                  {INFINITY, 0, -INFINITY}};
    ito_attr_axis attr = {1};
    static const char *const ops[] = {"softmax", "log_softmax", "logsumexp"};
    for (int i = 0; i < 3; i++) {
        check_case c = {.op = ops[i], .attr = &attr, .n_in = 1, .n_out = 1, .tolerance = 1e-6, .data = {x}};
        c.in[0] = check_f32(ITO_SHAPE(i == 2 ? 7 : 6, 3));
        c.out[0] = check_f32(i == 2 ? ITO_SHAPE(7) : ITO_SHAPE(6, 3));
        check_kernel(&c, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_to),   cmocka_unit_test(reduces),          cmocka_unit_test(reduces_nan),
        cmocka_unit_test(softmaxes), cmocka_unit_test(softmax_specials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
