/* Dtypes, shapes and views. */

#include "testing.h"

#include <string.h>

#include <ito/tensor.h>

static void test_dtypes(void **state)
{
    (void)state;
    assert_int_equal(ito_dtype_size(ITO_F32), sizeof(float));
    assert_int_equal(ito_dtype_size(ITO_F64), sizeof(double));
    assert_int_equal(ito_dtype_size(ITO_I32), sizeof(int32_t));
    assert_int_equal(ito_dtype_size(ITO_U8), 1);
    assert_string_equal(ito_dtype_name(ITO_F32), "f32");
    assert_string_equal(ito_dtype_name(ITO_DTYPE_COUNT), "?");
}

static void test_counts(void **state)
{
    (void)state;
    assert_int_equal(ito_shape_count(ITO_SCALAR), 1);
    assert_int_equal(ito_shape_count(ITO_SHAPE(2, 8, 8, 3)), 384);
    assert_int_equal(ito_shape_count(ITO_SHAPE(5, 0, 7)), 0);
    assert_int_equal(ito_shape_count(ITO_SHAPE(3, -1)), -1);
    assert_int_equal(ito_shape_count(ITO_SHAPE(INT64_MAX, 2)), -1);
    assert_int_equal(ito_shape_count(ITO_SHAPE((int64_t)1 << 32, (int64_t)1 << 32)), -1);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(ito_shape_equal(ITO_SHAPE(2, 3), ITO_SHAPE(2, 3)));
    assert_false(ito_shape_equal(ITO_SHAPE(2, 3), ITO_SHAPE(3, 2)));
    assert_false(ito_shape_equal(ITO_SHAPE(2, 3), ITO_SHAPE(2, 3, 1)));
    assert_true(ito_shape_equal(ITO_SCALAR, ITO_SCALAR));
}

static void test_text(void **state)
{
    (void)state;
    char text[ITO_SHAPE_TEXT];
    assert_string_equal(ito_shape_text(ITO_SCALAR, text), "[]");
    assert_string_equal(ito_shape_text(ITO_SHAPE(2, 8, 3), text), "[2, 8, 3]");
    int64_t big = INT64_MIN;
    assert_true(strlen(ito_shape_text(ITO_SHAPE(big, big, big, big, big, big), text)) < ITO_SHAPE_TEXT);
}

static void test_views(void **state)
{
    (void)state;
    float data[24];
    ito_tensor t = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 3, 4), data);
    assert_ptr_equal(t.data, data);
    assert_int_equal(t.stride[0], 12);
    assert_int_equal(t.stride[1], 4);
    assert_int_equal(t.stride[2], 1);
    assert_true(ito_tensor_is_dense(&t));
    t.stride[1] = 8;
    assert_false(ito_tensor_is_dense(&t));
    /* the stride of a dimension of one is never used */
    t = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 1, 4), data);
    t.stride[1] = 99;
    assert_true(ito_tensor_is_dense(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes), cmocka_unit_test(test_counts), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_text),   cmocka_unit_test(test_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
