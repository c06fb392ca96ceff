/* Reshape: the same memory under another shape. */
#include "graph/op/op_util.h"

static ito_status infer_reshape(ito_infer *n)
{
    ito_shape shape = ((const ito_attr_shape *)n->attr)->shape;
    char text[ITO_SHAPE_TEXT];
    if (ito_shape_count(shape) != ito_shape_count(n->in[0]->shape))
        return ito__infer_fail(n, "%s holds another number of elements", ito_shape_text(shape, text));
    n->out[0] = (ito_desc){n->in[0]->dtype, shape};
    return ITO_OK;
}

static void reshape_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ito_op_reshape(g, dy[0], n->in[0]->shape);
}

static const ito_op_def reshape = {.name = "reshape",
                                   .summary = "another shape for the same memory",
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_shape),
                                   .infer = infer_reshape,
                                   .grad = reshape_grad};

/* Resolves one extent of -1 from the number of elements. */
static ito_shape resolve(ito_shape shape, int64_t count)
{
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < shape.n_dims; i++) {
        if (shape.d[i] == -1)
            open = i;
        else
            known *= shape.d[i];
    }
    if (open >= 0 && known > 0) shape.d[open] = count / known;
    return shape;
}

ito_value *ito_op_reshape(ito_graph *g, ito_value *x, ito_shape shape)
{
    ito_attr_shape attr = {0};
    if (!ito__is_poison(x)) {
        attr.shape = resolve(shape, ito_shape_count(x->shape));
        if (ito_shape_equal(attr.shape, x->shape)) return x;
    }
    return ITO_OP(g, &reshape, &attr, x);
}

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_square(g, ito_op_reshape(g, in[0], ITO_SHAPE(4, -1)));
}

static const ito_op_case cases[] = {
    {.name = "reshape 2x6x3 to 4x9", .n_in = 1, .in = {{.shape = {3, {2, 6, 3}}}}, .build = build},
};
static const ito_op_def *const ops[] = {&reshape};
/* It has no kernel, so there is nothing to time. */
const ito_op_family ito__ops_reshape = {
    .name = "reshape", .n_ops = ITO_COUNT(ops), .n_cases = ITO_COUNT(cases), .ops = ops, .cases = cases};
