/* A tensor of one value. */
#include "graph/op/op_util.h"

static ito_status infer_full(ito_infer *n)
{
    const ito_attr_full *a = n->attr;
    if (ito_shape_count(a->shape) < 0) return ito__infer_fail(n, "the shape is impossible");
    n->out[0] = (ito_desc){a->dtype, a->shape};
    return ITO_OK;
}

static const ito_op_def full = {.name = "full",
                                .summary = "a tensor of one value",
                                .kernel = "full",
                                .n_out = 1,
                                .attr_size = sizeof(ito_attr_full),
                                .infer = infer_full,
                                .zero_grad = true};

ito_value *ito_op_full(ito_graph *g, ito_dtype dtype, ito_shape shape, double value)
{
    ito_attr_full attr = {.value = value, .dtype = dtype, .shape = shape};
    return ito__op(g, &full, &attr, 0, NULL);
}

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_mul(g, in[0], ito_op_full(g, ito_value_dtype(in[0]), ito_value_shape(in[0]), 0.7));
}

static const ito_op_case cases[] = {
    {.name = "full 2x3", .n_in = 1, .in = {{.shape = {2, {2, 3}}}}, .build = build},
};
static const ito_op_case real_cases[] = {
    {.name = "full image", .n_in = 1, .in = {{.shape = {4, {16, 32, 32, 128}}}}, .build = build},
};
static const ito_op_def *const ops[] = {&full};
const ito_op_family ito__ops_full = ITO_OP_TABLES("full");
