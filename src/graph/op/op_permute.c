/* Permute: the axes in another order. The gradient is the inverse permutation. */
#include "graph/op/op_util.h"

static ito_status infer_permute(ito_infer *n)
{
    const ito_attr_permute *attr = n->attr;
    ito_shape in = n->in[0]->shape, out = in;
    uint32_t seen = 0;
    for (int i = 0; i < in.n_dims; i++) {
        int32_t axis = attr->perm[i];
        if (axis < 0 || axis >= in.n_dims || seen >> axis & 1)
            return ito__infer_fail(n, "entry %d of the order is %d: each axis must come once", i, axis);
        seen |= 1u << axis;
        out.d[i] = in.d[axis];
    }
    n->out[0] = (ito_desc){n->in[0]->dtype, out};
    return ITO_OK;
}

static void permute_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_permute *attr = n->attr;
    int inverse[ITO_MAX_DIMS] = {0};
    (void)need;
    for (int i = 0; i < n->in[0]->shape.n_dims; i++) inverse[attr->perm[i]] = i;
    dx[0] = ito_op_permute(g, dy[0], inverse);
}

static const ito_op_def permute = {.name = "permute",
                                   .summary = "axes in another order",
                                   .kernel = "permute",
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_permute),
                                   .infer = infer_permute,
                                   .grad = permute_grad,
                                   .moves = true};

ito_value *ito_op_permute(ito_graph *g, ito_value *x, const int *order)
{
    ito_attr_permute attr = {{0}};
    bool same = true;
    for (int i = 0; !ito__is_poison(x) && i < x->shape.n_dims; i++) {
        attr.perm[i] = order[i];
        same &= order[i] == i;
    }
    return same && !ito__is_poison(x) ? x : ITO_OP(g, &permute, &attr, x);
}

/* ---- cases ---- */

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_permute(g, in[0], arg));
}

static const int swap[] = {1, 0}, to_channels_first[] = {0, 3, 1, 2}, to_channels_last[] = {0, 2, 3, 1},
                 heads[] = {0, 2, 1, 3}, patches[] = {0, 1, 3, 2, 4, 5};

#define CASE(text, order, n, ...)                                                                                      \
    {                                                                                                                  \
        .name = "permute " text, .n_in = 1, .in = {{.shape = {n, {__VA_ARGS__}}}}, .build = build, .arg = order        \
    }
static const ito_op_case cases[] = {
    CASE("transpose", swap, 2, 5, 7),
    CASE("to channels first", to_channels_first, 4, 2, 3, 5, 17),
    CASE("to channels last", to_channels_last, 4, 2, 17, 3, 5),
    CASE("heads", heads, 4, 2, 5, 3, 8),
    CASE("patches", patches, 6, 2, 3, 2, 3, 2, 3),
};
static const ito_op_case real_cases[] = {
    CASE("transpose 2048", swap, 2, 2048, 2048),
    CASE("to channels first 32x32x128", to_channels_first, 4, 16, 32, 32, 128),
    CASE("to channels last 128x32x32", to_channels_last, 4, 16, 128, 32, 32),
    CASE("6 heads of 64", heads, 4, 16, 256, 6, 64),
    CASE("patches 2x2 of 32x32", patches, 6, 16, 16, 2, 16, 2, 16),
};
static const ito_op_def *const ops[] = {&permute};
const ito_op_family ito__ops_permute = ITO_OP_TABLES("permute");
