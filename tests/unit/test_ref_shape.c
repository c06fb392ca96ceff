/* The reference kernels that move elements, reduce, gather and draw dropout masks, against hand-written results. */
#include "kernel/dropout.h"
#include "unit/ref_check.h"

static void test_moving(void **state)
{
    (void)state;
    check("broadcast_to", NULL, ARGS(F(D(2, 1), 1, 2)), ARGS(F(D(2, 2, 2), 1, 1, 2, 2, 1, 1, 2, 2)));
    ito_attr_permute turn = {{2, 0, 1}};
    check("permute", &turn, ARGS(F(D(1, 2, 3), 1, 2, 3, 4, 5, 6)), ARGS(F(D(3, 1, 2), 1, 4, 2, 5, 3, 6)));
    ito_attr_axis last = {1};
    check("concat", &last, ARGS(F(D(2, 1), 1, 2), F(D(2, 2), 3, 4, 5, 6)), ARGS(F(D(2, 3), 1, 3, 4, 2, 5, 6)));
    ito_attr_pad pad = {.before = {0, 1}, .after = {1, 0}, .value = -1};
    check("pad", &pad, ARGS(F(D(1, 2), 7, 8)), ARGS(F(D(2, 3), -1, 7, 8, -1, -1, -1)));
    check("permute", &(ito_attr_permute){{0, 1}}, ARGS(I(D(1, 1), 5)), ARGS(I(D(1, 1), 5)));
}

static void test_slices(void **state)
{
    (void)state;
    ito_attr_slice every_other = {.start = {1, 0}, .step = {1, 2}, .shape = D(1, 2)};
    check("slice", &every_other, ARGS(F(D(2, 3), 1, 2, 3, 4, 5, 6)), ARGS(F(D(1, 2), 4, 6)));
    check("slice_grad", &every_other, ARGS(F(D(1, 2), 7, 8)), ARGS(F(D(2, 3), 0, 0, 0, 7, 0, 8)));
    ito_attr_slice backward = {.start = {2}, .step = {-1}, .shape = D(3)};
    check("slice", &backward, ARGS(F(D(3), 1, 2, 3)), ARGS(F(D(3), 3, 2, 1)));
}

static void reduce(ito_reduce kind, uint32_t axes, arg y)
{
    ito_attr_reduce attr = {.kind = kind, .axes = axes};
    check("reduce", &attr, ARGS(F(D(2, 3), 1, -2, 3, 4, 5, -6)), 1, &y);
}

static void test_reductions(void **state)
{
    (void)state;
    reduce(ITO_REDUCE_SUM, 1, F(D(3), 5, 3, -3));
    reduce(ITO_REDUCE_SUM, 2, F(D(2), 2, 3));
    reduce(ITO_REDUCE_SUM, 3, F(ITO_SCALAR, 5));
    reduce(ITO_REDUCE_MEAN, 2, F(D(2, 1), 2.0 / 3, 1));
    reduce(ITO_REDUCE_MAX, 1, F(D(3), 4, 5, 3));
    reduce(ITO_REDUCE_MIN, 3, F(D(1, 1), -6));
    ito_attr_reduce max = {.kind = ITO_REDUCE_MAX, .axes = 1};
    check("reduce", &max, ARGS(F(D(3), 1, (double)NAN, 2)), ARGS(F(ITO_SCALAR, (double)NAN)));
    check("sum_to", NULL, ARGS(F(D(2, 3), 1, 2, 3, 4, 5, 6)), ARGS(F(D(3), 5, 7, 9)));
    check("sum_to", NULL, ARGS(F(D(2, 3), 1, 2, 3, 4, 5, 6)), ARGS(F(D(2, 1), 6, 15)));
    check("sum_to", NULL, ARGS(F(D(1), 3)), ARGS(F(ITO_SCALAR, 3)));
}

/* 2^24 + 1 is not a float: a sum in float would lose the ones. */
static void test_sums_are_double(void **state)
{
    (void)state;
    ito_attr_reduce sum = {.kind = ITO_REDUCE_SUM, .axes = 1};
    check("reduce", &sum, ARGS(F(D(5), 16777216, 1, 1, 1, -16777216)), ARGS(F(ITO_SCALAR, 3)));
}

static void test_argmax(void **state)
{
    (void)state;
    ito_attr_axis first = {0}, last = {1};
    check("argmax", &last, ARGS(F(D(2, 3), 1, 3, 3, -1, -2, -1)), ARGS(I(D(2), 1, 0)));
    check("argmax", &first, ARGS(F(D(2, 2), 1, 3, 2, 3)), ARGS(I(D(2), 1, 0)));
    check("argmax", &last, ARGS(F(D(1, 3), 1, (double)NAN, (double)NAN)), ARGS(I(D(1), 1)));
    check("argmax", &last, ARGS(I(D(1, 2), 4, 9)), ARGS(I(D(1), 1)));
}

static void test_gather(void **state)
{
    (void)state;
    arg table = F(D(3, 2), 1, 2, 3, 4, 5, 6), index = I(D(2, 2), 2, 0, 2, -1);
    check("gather", NULL, ARGS(table, index), ARGS(F(D(2, 2, 2), 5, 6, 1, 2, 5, 6, 0, 0)));
    ito_attr_gather attr = {.table_shape = D(3, 2)};
    check("gather_grad", &attr, ARGS(index, F(D(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8)), ARGS(F(D(3, 2), 3, 4, 0, 0, 6, 8)));
    ito_attr_one_hot hot = {3, ITO_F64};
    check("one_hot", &hot, ARGS(I(D(3), 1, 3, 0)), ARGS(F(D(3, 3), 0, 1, 0, 0, 0, 0, 1, 0, 0)));
}

/* The mask follows from the documented words; half of 4096 elements is kept, give or take 5 standard deviations. */
static void test_dropout(void **state)
{
    (void)state;
    enum { SIZE = 2048 };
    static double ones[2 * SIZE], wanted[2 * SIZE];
    ito_attr_dropout attr = {.p = 0.5, .layer = 3};
    const int32_t keys[2][4] = {{7, 1, 40, 5}, {7, 1, 41, 5}};
    int kept = 0;
    for (int i = 0; i < 2 * SIZE; i++) {
        ito_rng_key key = {.seed = 0x100000007, .stream = ITO_STREAM_DROPOUT + 3 * 65536, .step = 5};
        key.sample = (uint64_t)(40 + i / SIZE);
        uint32_t words[4];
        ito_rng_block(key, (uint64_t)(i % SIZE / 4), words);
        ones[i] = 1;
        wanted[i] = words[i % 4] >= 0x80000000u ? 2 : 0;
        kept += wanted[i] > 0;
    }
    assert_in_range(kept, SIZE - 160, SIZE + 160);
    double flat_keys[8];
    for (int i = 0; i < 8; i++) flat_keys[i] = keys[i / 4][i % 4];
    arg x = {ITO_F64, D(2, SIZE / 2, 2), ones}, k = {ITO_I32, D(2, 4), flat_keys};
    check("dropout", &attr, ARGS(x, k), ARGS(((arg){ITO_F64, x.shape, wanted})));
    attr.p = 0;
    check("dropout", &attr, ARGS(x, k), ARGS(x));
    attr.p = 1;
    memset(wanted, 0, sizeof wanted);
    check("dropout", &attr, ARGS(x, k), ARGS(((arg){ITO_F64, x.shape, wanted})));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moving),          cmocka_unit_test(test_slices), cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_sums_are_double), cmocka_unit_test(test_argmax), cmocka_unit_test(test_gather),
        cmocka_unit_test(test_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
