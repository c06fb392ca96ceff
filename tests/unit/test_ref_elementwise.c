/* The elementwise reference kernels against closed forms and hand-computed numbers. */
#include "unit/ref_check.h"

static void unary(ito_unary kind, double x, double y)
{
    ito_attr_unary attr = {kind};
    check("unary", &attr, ARGS(F(D(1, 1), x)), ARGS(F(D(1, 1), y)));
}

static void test_unary_values(void **state)
{
    (void)state;
    unary(ITO_UNARY_identity, -1.5, -1.5);
    unary(ITO_UNARY_neg, 2, -2);
    unary(ITO_UNARY_abs, -3, 3);
    unary(ITO_UNARY_sign, -3, -1);
    unary(ITO_UNARY_sign, 0, 0);
    unary(ITO_UNARY_exp, 0.5, 1.6487212707001282);
    unary(ITO_UNARY_log, 2, 0.69314718055994531);
    unary(ITO_UNARY_sqrt, 2.25, 1.5);
    unary(ITO_UNARY_rsqrt, 4, 0.5);
    unary(ITO_UNARY_square, -3, 9);
    unary(ITO_UNARY_reciprocal, 4, 0.25);
    unary(ITO_UNARY_sin, 0.5, 0.47942553860420301);
    unary(ITO_UNARY_cos, 0.5, 0.87758256189037276);
    unary(ITO_UNARY_tanh, 0.5, 0.46211715726000979);
    unary(ITO_UNARY_erf, 0.5, 0.52049987781304652);
    unary(ITO_UNARY_sigmoid, 0, 0.5);
    unary(ITO_UNARY_softplus, 0, 0.69314718055994531);
    unary(ITO_UNARY_relu, -2, 0);
    unary(ITO_UNARY_relu, 2, 2);
    unary(ITO_UNARY_silu, 1, 0.73105857863000490);
    unary(ITO_UNARY_gelu, 1, 0.84134474606854293);
    unary(ITO_UNARY_gelu_tanh, 1, 0.84119199060827676);
    unary(ITO_UNARY_log1p, 1, 0.69314718055994531);
    unary(ITO_UNARY_floor, -0.5, -1);
    unary(ITO_UNARY_round_bf16, -1.005859375, -1.0078125);
}

static void test_unary_extremes(void **state)
{
    (void)state;
    unary(ITO_UNARY_softplus, 800, 800);
    unary(ITO_UNARY_softplus, -800, 0);
    unary(ITO_UNARY_sigmoid, -800, 0);
    unary(ITO_UNARY_gelu, -40, 0);
    unary(ITO_UNARY_log, 0, -(double)INFINITY);
    for (int kind = 0; kind < ITO_UNARY_COUNT; kind++) unary((ito_unary)kind, (double)NAN, (double)NAN);
}

/* Slopes by central differences of the values: error of order h^2 plus rounding / h, below 1e-8. */
static void test_unary_slopes(void **state)
{
    (void)state;
    const double points[] = {0.3, 0.9, 1.7};
    for (int kind = 0; kind < ITO_UNARY_COUNT; kind++)
        for (int i = 0; i < ITO_COUNT(points); i++) {
            double x = points[i], h = 1e-5;
            if (kind == ITO_UNARY_round_bf16) continue; /* counts as the identity */
            double slope = (ito__unary_value(kind, x + h) - ito__unary_value(kind, x - h)) / (2 * h);
            assert_true(fabs(ito__unary_slope(kind, x) - slope) < 1e-8 * (1 + fabs(slope)));
        }
    ito_attr_unary relu = {ITO_UNARY_relu}, square = {ITO_UNARY_square};
    check("unary_grad", &relu, ARGS(F(D(3), -1, 0, 2), F(D(3), 5, 5, 5)), ARGS(F(D(3), 0, 0, 5)));
    check("unary_grad", &square, ARGS(F(D(2), 3, -4), F(D(2), 0.5, 2)), ARGS(F(D(2), 3, -16)));
}

static void binary(ito_binary kind, double a, double b, double y)
{
    ito_attr_binary attr = {kind};
    check("binary", &attr, ARGS(F(D(1), a), F(D(1), b)), ARGS(F(D(1), y)));
}

static void test_binary_values(void **state)
{
    (void)state;
    binary(ITO_BINARY_add, 2, 3, 5);
    binary(ITO_BINARY_sub, 2, 3, -1);
    binary(ITO_BINARY_mul, 2, 3, 6);
    binary(ITO_BINARY_div, 3, 2, 1.5);
    binary(ITO_BINARY_pow, 2, -2, 0.25);
    binary(ITO_BINARY_min, 2, 3, 2);
    binary(ITO_BINARY_max, 2, 3, 3);
    binary(ITO_BINARY_eq, 2, 2, 1);
    binary(ITO_BINARY_ne, 2, 2, 0);
    binary(ITO_BINARY_lt, 2, 2, 0);
    binary(ITO_BINARY_le, 2, 2, 1);
    binary(ITO_BINARY_gt, 3, 2, 1);
    binary(ITO_BINARY_ge, 1, 2, 0);
    binary(ITO_BINARY_min, (double)NAN, 1, (double)NAN);
    binary(ITO_BINARY_max, 1, (double)NAN, (double)NAN);
    binary(ITO_BINARY_eq, (double)NAN, (double)NAN, 0);
}

static void test_broadcasting(void **state)
{
    (void)state;
    ito_attr_binary add = {ITO_BINARY_add};
    check("binary", &add, ARGS(F(D(2, 1), 10, 20), F(D(3), 1, 2, 3)), ARGS(F(D(2, 3), 11, 12, 13, 21, 22, 23)));
    check("binary", &add, ARGS(F(ITO_SCALAR, 1), F(D(2), 1, 2)), ARGS(F(D(2), 2, 3)));
    check("select", NULL, ARGS(F(D(2, 1), 1, 0), F(D(1), 7), F(D(2), 1, 2)), ARGS(F(D(2, 2), 7, 7, 1, 2)));
    check("select", NULL, ARGS(I(D(2), 0, -1), F(D(2), 1, 2), F(D(2), 3, 4)), ARGS(F(D(2), 3, 2)));
}

static void test_scale_clip_full(void **state)
{
    (void)state;
    ito_attr_scale scale = {2, 1};
    check("scale", &scale, ARGS(F(D(2), 3, -1)), ARGS(F(D(2), 7, -1)));
    ito_attr_clip clip = {-1, 0.5};
    check("clip", &clip, ARGS(F(D(4), -2, 0.25, 3, (double)NAN)), ARGS(F(D(4), -1, 0.25, 0.5, (double)NAN)));
    ito_attr_full full = {.value = 2.5, .dtype = ITO_F64, .shape = D(3)};
    check("full", &full, NONE, ARGS(F(D(3), 2.5, 2.5, 2.5)));
}

static void test_cast(void **state)
{
    (void)state;
    ito_attr_cast cast = {ITO_I32};
    check("cast", &cast, ARGS(F(D(5), -1.75, 2.9, (double)NAN, 1e30, -1e30)),
          ARGS(I(D(5), -1, 2, 0, INT32_MAX, INT32_MIN)));
    check("cast", &cast, ARGS(I(D(2), -7, 8)), ARGS(F(D(2), -7, 8)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary_values), cmocka_unit_test(test_unary_extremes),
        cmocka_unit_test(test_unary_slopes), cmocka_unit_test(test_binary_values),
        cmocka_unit_test(test_broadcasting), cmocka_unit_test(test_scale_clip_full),
        cmocka_unit_test(test_cast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
