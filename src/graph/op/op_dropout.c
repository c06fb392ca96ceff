/* Dropout: each element is kept with probability 1 - p and then divided by 1 - p. Which ones is a function of the keys
 * alone (kernel/dropout.h), so the gradient is the same operation on dy. */
#include "graph/op/op_util.h"

static ito_status infer_dropout(ito_infer *n)
{
    const ito_attr_dropout *attr = n->attr;
    ito_shape x = n->in[0]->shape;
    if (!(attr->p >= 0 && attr->p <= 1)) return ito__infer_fail(n, "probability %g lies outside 0 .. 1", attr->p);
    if (x.n_dims < 1 || n->in[1]->dtype != ITO_I32 || !ito_shape_equal(n->in[1]->shape, ITO_SHAPE(x.d[0], 4)))
        return ito__infer_fail(n, "expected x [N, ...] and keys i32 [N, 4]");
    if (n->in[0]->dtype > ITO_F64) return ito__infer_fail(n, "expected a real input");
    n->out[0] = (ito_desc){n->in[0]->dtype, x};
    return ITO_OK;
}

static void dropout_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_dropout *attr = n->attr;
    if (need[0]) dx[0] = ito_op_dropout(g, dy[0], n->in[1], attr->p, attr->layer);
}

static const ito_op_def dropout = {.name = "dropout",
                                   .summary = "elements zeroed at random, by key",
                                   .kernel = "dropout",
                                   .min_in = 2,
                                   .max_in = 2,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_dropout),
                                   .infer = infer_dropout,
                                   .grad = dropout_rule,
                                   .inplace = 1};

ito_value *ito_op_dropout(ito_graph *g, ito_value *x, ito_value *keys, double p, int layer)
{
    ito_attr_dropout attr = {.p = p, .layer = layer};
    return p == 0 && !ito__is_poison(x) ? x : ITO_OP(g, &dropout, &attr, x, keys);
}

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_dropout(g, in[0], in[1], *(const double *)arg, 3));
}

static const double third = 1.0 / 3, tenth = 0.1;
#define KEYS(n)                                                                                                        \
    {                                                                                                                  \
        .dtype = ITO_I32, .shape = {2, {n, 4}}, .low = 0, .high = 1000                                                 \
    }
static const ito_op_case cases[] = {
    {.name = "dropout 1/3", .n_in = 2, .in = {{.shape = {4, {3, 3, 5, 7}}}, KEYS(3)}, .build = build, .arg = &third},
    {.name = "dropout 0.1", .n_in = 2, .in = {{.shape = {2, {2, 61}}}, KEYS(2)}, .build = build, .arg = &tenth},
};
static const ito_op_case real_cases[] = {
    {.name = "dropout 0.1, image",
     .n_in = 2,
     .in = {{.shape = {4, {16, 32, 32, 128}}}, KEYS(16)},
     .build = build,
     .arg = &tenth},
};
static const ito_op_def *const ops[] = {&dropout};
const ito_op_family ito__ops_dropout = ITO_OP_TABLES("dropout");
