/* Choosing between values: select (cond != 0 ? a : b, broadcasting) and clip.
 * The gradient of select goes where the value came from; that of clip passes where low <= x <= high. */
#include "graph/op/op_util.h"

static ito_status infer_select(ito_infer *n)
{
    ito_shape both;
    if (n->in[1]->dtype != n->in[2]->dtype) return ito__infer_fail(n, "both choices must have one dtype");
    n->out[0].dtype = n->in[1]->dtype;
    if (!ito__broadcast(n->in[1]->shape, n->in[2]->shape, &both) ||
        !ito__broadcast(both, n->in[0]->shape, &n->out[0].shape))
        return ito__infer_fail(n, "extents must be equal or 1, aligned at the last axis");
    return ITO_OK;
}

static void select_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    ito_value *cond = n->in[0], *zero = ito_op_full(g, dy[0]->dtype, ITO_SCALAR, 0);
    if (need[1]) dx[1] = ito__fold(g, ito_op_select(g, cond, dy[0], zero), n->in[1]);
    if (need[2]) dx[2] = ito__fold(g, ito_op_select(g, cond, zero, dy[0]), n->in[2]);
}

static const ito_op_def select_op = {.name = "select",
                                     .summary = "cond != 0 ? a : b, broadcasting",
                                     .kernel = "select",
                                     .min_in = 3,
                                     .max_in = 3,
                                     .n_out = 1,
                                     .infer = infer_select,
                                     .grad = select_grad};

ito_value *ito_op_select(ito_graph *g, ito_value *cond, ito_value *a, ito_value *b)
{
    return ITO_OP(g, &select_op, NULL, cond, a, b);
}

static void clip_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_clip *attr = n->attr;
    ito_value *x = n->in[0];
    ito_value *low = ito_op_full(g, x->dtype, ITO_SCALAR, attr->low);
    ito_value *high = ito_op_full(g, x->dtype, ITO_SCALAR, attr->high);
    (void)need;
    dx[0] = ito_op_mul(g, dy[0], ito_op_mul(g, ito_op_ge(g, x, low), ito_op_le(g, x, high)));
}

static const ito_op_def clip_op = {.name = "clip",
                                   .summary = "between two bounds",
                                   .kernel = "clip",
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_clip),
                                   .infer = ito__infer_same,
                                   .grad = clip_grad,
                                   .inplace = 1};

ito_value *ito_op_clip(ito_graph *g, ito_value *x, double low, double high)
{
    ito_attr_clip attr = {low, high};
    if (!(low <= high)) return ito__graph_fail(g, ITO_USAGE, "clip: low %g is above high %g", low, high);
    return ITO_OP(g, &clip_op, &attr, x);
}

/* ---- cases ---- */

/* The condition is a comparison, so that about half of it holds. */
static ito_value *build_select(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    ito_value *cond = ito_op_gt(g, ito_op_stop_gradient(g, in[0]), ito_op_full(g, in[0]->dtype, ITO_SCALAR, 0));
    return ito_op_square(g, ito_op_select(g, cond, in[1], in[2]));
}

static ito_value *build_clip(ito_graph *g, ito_value *const *in, const void *arg)
{
    const double *bounds = arg;
    return ito_op_square(g, ito_op_clip(g, in[0], bounds[0], bounds[1]));
}

static const double inside[] = {-2, 2}, below[] = {3, 4};

#define S(n, ...)                                                                                                      \
    {                                                                                                                  \
        .shape = { n, {__VA_ARGS__} }                                                                                  \
    }
static const ito_op_case cases[] = {
    {.name = "select same shape", .n_in = 3, .in = {S(2, 3, 7), S(2, 3, 7), S(2, 3, 7)}, .build = build_select},
    {.name = "select per sample", .n_in = 3, .in = {S(2, 3, 1), S(2, 3, 7), S(1, 7)}, .build = build_select},
    {.name = "clip inside", .n_in = 1, .in = {S(2, 3, 5)}, .build = build_clip, .arg = inside},
    {.name = "clip outside", .n_in = 1, .in = {S(2, 3, 5)}, .build = build_clip, .arg = below},
};
static const ito_op_case real_cases[] = {
    {.name = "select images",
     .n_in = 3,
     .in = {S(4, 16, 32, 32, 128), S(4, 16, 32, 32, 128), S(4, 16, 32, 32, 128)},
     .build = build_select},
    {.name = "clip images", .n_in = 1, .in = {S(4, 16, 32, 32, 128)}, .build = build_clip, .arg = inside},
};
static const ito_op_def *const ops[] = {&select_op, &clip_op};
const ito_op_family ito__ops_select = ITO_OP_TABLES("select");
