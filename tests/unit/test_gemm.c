/* Fast matrix products against a naive product in double: every transpose, broadcasting, bias, residual, activation, odd
 * sizes; the same bits for any number of threads; a row's bits do not depend on the rows around it. */
#include "fast_kernel.h"

#include <math.h>
#include <stdio.h>

#include "kernel/ref/ref.h"

static ito_desc f32(ito_shape shape)
{
    return (ito_desc){ITO_F32, shape};
}

/* Matrix number i of shape's leading dimensions, broadcast to those of y. */
static const float *matrix(const float *x, ito_shape shape, ito_shape y, int64_t i)
{
    int64_t at = 0, step = shape.d[shape.n_dims - 1] * shape.d[shape.n_dims - 2];
    for (int d = 3; d <= y.n_dims; d++) {
        int64_t index = i % y.d[y.n_dims - d], extent = shape.n_dims >= d ? shape.d[shape.n_dims - d] : 1;
        i /= y.d[y.n_dims - d];
        at += (extent == 1 ? 0 : index) * step;
        step *= extent;
    }
    return x + at;
}

static double element(const fast_case *c, int64_t p, int64_t i, int64_t j, int64_t reduction)
{
    const ito_attr_matmul *attr = c->attr;
    ito_shape y = c->out.shape;
    int64_t m = y.d[y.n_dims - 2], n = y.d[y.n_dims - 1], next = 2;
    const float *a = matrix(c->data[0], c->in[0].shape, y, p), *b = matrix(c->data[1], c->in[1].shape, y, p);
    double sum = 0;
    for (int64_t l = 0; l < reduction; l++)
        sum += (double)a[attr->trans_a ? l * m + i : i * reduction + l] *
               (double)b[attr->trans_b ? j * reduction + l : l * n + j];
    if (attr->has_bias) sum += (double)((const float *)c->data[next++])[j];
    if (attr->has_residual) sum += (double)((const float *)c->data[next])[(p * m + i) * n + j];
    return ito__unary_value(attr->act, sum);
}

/* shape with its last two extents replaced, in this order or turned around */
static ito_shape with_matrix(ito_shape shape, int64_t rows, int64_t columns, bool turned)
{
    shape.d[shape.n_dims - 2] = turned ? columns : rows;
    shape.d[shape.n_dims - 1] = turned ? rows : columns;
    return shape;
}

static void check(ito_shape lead_a, ito_shape lead_b, ito_shape lead_y, const int64_t mnk[3], ito_attr_matmul attr,
                  uint32_t frozen)
{
    uint64_t seed = (uint64_t)(mnk[0] * 10007 + mnk[1] * 101 + mnk[2]);
    ito_shape a = with_matrix(lead_a, mnk[0], mnk[2], attr.trans_a);
    ito_shape b = with_matrix(lead_b, mnk[2], mnk[1], attr.trans_b), y = with_matrix(lead_y, mnk[0], mnk[1], false);
    fast_case c = {.op = "matmul", .attr = &attr, .n_in = 2, .in = {f32(a), f32(b)}, .out = f32(y), .frozen = frozen};
    if (attr.has_bias) c.in[c.n_in++] = f32(ITO_SHAPE(mnk[1]));
    if (attr.has_residual) c.in[c.n_in++] = f32(y);
    for (int i = 0; i < c.n_in; i++) c.data[i] = fast_floats(ito_shape_count(c.in[i].shape), &seed);
    int64_t count = ito_shape_count(y);
    double *want = malloc(((size_t)count + 1) * sizeof *want);
    for (int64_t i = 0; i < count; i++)
        want[i] = element(&c, i / (mnk[0] * mnk[1]), i / mnk[1] % mnk[0], i % mnk[1], mnk[2]);
    char label[96];
    snprintf(label, sizeof label, "m %d n %d k %d trans %d %d bias %d residual %d act %d frozen %u", (int)mnk[0],
             (int)mnk[1], (int)mnk[2], attr.trans_a, attr.trans_b, attr.has_bias, attr.has_residual, (int)attr.act,
             frozen);
    fast_check(&c, want, 1e-6, label);
    free(want);
    for (int i = 0; i < c.n_in; i++) free((void *)c.data[i]);
}

static void random_shapes(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const int32_t acts[] = {ITO_UNARY_identity, ITO_UNARY_silu, ITO_UNARY_relu, ITO_UNARY_gelu};
    for (int i = 0; i < 60; i++) {
        int64_t most = i % 3 ? 40 : 300;
        int64_t mnk[3];
        for (int d = 0; d < 3; d++) mnk[d] = fast_between(1, most, &seed);
        if (i % 10 == 0) mnk[2] += 700; /* several parts of the reduction */
        uint32_t bits = fast_random(&seed);
        ito_attr_matmul attr = {bits & 1, bits & 2, bits & 4, bits & 8, acts[bits >> 4 & 3]};
        ito_shape one = ITO_SHAPE(1, 1);
        check(one, one, one, mnk, attr, bits >> 6 & 2);
    }
}

/* a^T b with a long reduction has a kernel of its own. */
static void long_reductions(void **state)
{
    (void)state;
    const int64_t mnk[][3] = {{3, 128, 2000}, {128, 5, 1030}, {1, 1, 5000}, {100, 230, 700}};
    for (int i = 0; i < ITO_COUNT(mnk); i++)
        check(ITO_SHAPE(1, 1), ITO_SHAPE(1, 1), ITO_SHAPE(1, 1), mnk[i], (ito_attr_matmul){.trans_a = true}, 0);
}

static void broadcasting(void **state)
{
    (void)state;
    const int64_t mnk[3] = {5, 19, 33};
    for (int bits = 0; bits < 8; bits++) {
        ito_attr_matmul attr = {bits & 1, bits & 2, bits & 4, bits & 4, ITO_UNARY_identity};
        check(ITO_SHAPE(2, 3, 1, 1), ITO_SHAPE(2, 3, 1, 1), ITO_SHAPE(2, 3, 1, 1), mnk, attr, 0);
        check(ITO_SHAPE(2, 1, 1, 1), ITO_SHAPE(3, 1, 1), ITO_SHAPE(2, 3, 1, 1), mnk, attr, 2);
        check(ITO_SHAPE(2, 3, 1, 1), ITO_SHAPE(1, 1), ITO_SHAPE(2, 3, 1, 1), mnk, attr, 0);
        check(ITO_SHAPE(1, 1), ITO_SHAPE(4, 1, 1), ITO_SHAPE(4, 1, 1), mnk, attr, 0);
    }
}

/* Row 7 of a product of 200 rows has the bits of the same row alone. */
static void rows_stand_alone(void **state)
{
    (void)state;
    uint64_t seed = 5;
    const int64_t n = 70, k = 500;
    float *a = fast_floats(200 * k, &seed), *b = fast_floats(k * n, &seed);
    ito_attr_matmul attr = {0};
    fast_case many = {.op = "matmul", .attr = &attr, .n_in = 2, .data = {a, b}};
    many.in[0] = f32(ITO_SHAPE(200, k));
    many.in[1] = f32(ITO_SHAPE(k, n));
    many.out = f32(ITO_SHAPE(200, n));
    fast_case one = many;
    one.in[0].shape.d[0] = one.out.shape.d[0] = 1;
    one.data[0] = a + 7 * k;
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (!ito__isa_available((ito_isa)isa)) continue;
        float *y = fast_run(&many, (ito_isa)isa, 2), *row = fast_run(&one, (ito_isa)isa, 2);
        assert_memory_equal(row, y + 7 * n, (size_t)n * sizeof *row);
        free(y);
        free(row);
    }
    free(a);
    free(b);
}

static void instruction_sets(void **state)
{
    (void)state;
    assert_true(ito__isa_available(ITO_ISA_generic));
    assert_int_equal(setenv("ITO_ISA", "generic", 1), 0);
    assert_int_equal(ito__isa_best(), ITO_ISA_generic);
    assert_int_equal(unsetenv("ITO_ISA"), 0);
    assert_true(ito__isa_available(ito__isa_best()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_shapes),    cmocka_unit_test(long_reductions),  cmocka_unit_test(broadcasting),
        cmocka_unit_test(rows_stand_alone), cmocka_unit_test(instruction_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
