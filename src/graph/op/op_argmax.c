/* The index of the largest element along an axis, the first one of equals. Not differentiable. */
#include "graph/op/op_util.h"

static ito_status infer_argmax(ito_infer *n)
{
    int axis = ((const ito_attr_axis *)n->attr)->axis;
    if (axis < 0 || axis >= n->in[0]->shape.n_dims) return ito__infer_fail(n, "no axis %d", axis);
    n->out[0] = (ito_desc){ITO_I32, ito__shape_without(n->in[0]->shape, axis)};
    return ITO_OK;
}

static const ito_op_def argmax = {.name = "argmax",
                                  .summary = "index of the first largest element",
                                  .kernel = "argmax",
                                  .min_in = 1,
                                  .max_in = 1,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_axis),
                                  .infer = infer_argmax};

ito_value *ito_op_argmax(ito_graph *g, ito_value *x, int axis)
{
    ito_attr_axis attr = {ito__axis(x, axis)};
    return ITO_OP(g, &argmax, &attr, x);
}

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_argmax(g, in[0], *(const int *)arg);
}

static const int first = 0, middle = 1, last = -1;
#define CASE(text, axis, n, ...)                                                                                       \
    {                                                                                                                  \
        .name = "argmax " text, .n_in = 1, .in = {{.shape = {n, {__VA_ARGS__}}}}, .build = build, .arg = &axis,        \
        .no_grad = true                                                                                                \
    }
static const ito_op_case cases[] = {
    CASE("last", last, 2, 5, 19),
    CASE("middle", middle, 3, 2, 7, 3),
    CASE("first", first, 1, 9),
};
static const ito_op_case real_cases[] = {
    CASE("classes", last, 2, 4096, 1000),
};
static const ito_op_def *const ops[] = {&argmax};
const ito_op_family ito__ops_argmax = ITO_OP_TABLES("argmax");
