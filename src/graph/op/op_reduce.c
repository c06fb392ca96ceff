/* Sums and their transposes: sum over axes, sum_to (what broadcasting repeats) and broadcast_to; mean; maximum and minimum. */
#include "graph/op/op_util.h"

static ito_status infer_reduce(ito_infer *n)
{
    const ito_attr_reduce *a = n->attr;
    ITO_TRY(ito__infer_real(n));
    ito_shape in = n->in[0]->shape, out = {0};
    for (int i = 0; i < in.n_dims; i++) {
        bool reduced = a->axes >> i & 1;
        if (!reduced || a->keep) out.d[out.n_dims++] = reduced ? 1 : in.d[i];
    }
    n->out[0] = (ito_desc){n->in[0]->dtype, out};
    return ITO_OK;
}

/* The shape of the output as if reduced axes had been kept. */
static ito_shape kept_shape(const ito_node *n)
{
    ito_shape shape = n->in[0]->shape;
    for (int i = 0; i < shape.n_dims; i++)
        if (((const ito_attr_reduce *)n->attr)->axes >> i & 1) shape.d[i] = 1;
    return shape;
}

static void sum_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ito_op_broadcast_to(g, ito_op_reshape(g, dy[0], kept_shape(n)), n->in[0]->shape);
}

static void mean_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    double share = (double)ito_shape_count(n->out[0].shape) / (double)ito_shape_count(n->in[0]->shape);
    (void)need;
    ito_value *part = ito_op_scale(g, ito_op_reshape(g, dy[0], kept_shape(n)), share, 0);
    dx[0] = ito_op_broadcast_to(g, part, n->in[0]->shape);
}

/* Elements equal to the extremum share its gradient. */
static void extremum_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    ito_value *hit = ito_op_eq(g, n->in[0], ito_op_reshape(g, &n->out[0], kept_shape(n)));
    ito_value *ties = ito_op_sum(g, hit, ((const ito_attr_reduce *)n->attr)->axes, true);
    dx[0] = ito_op_mul(g, hit, ito_op_div(g, ito_op_reshape(g, dy[0], kept_shape(n)), ties));
}

#define REDUCE_DEF(def, text, about, grad_rule)                                                                        \
    static const ito_op_def def = {.name = text,                                                                       \
                                   .summary = about,                                                                   \
                                   .kernel = "reduce",                                                                 \
                                   .min_in = 1,                                                                        \
                                   .max_in = 1,                                                                        \
                                   .n_out = 1,                                                                         \
                                   .attr_size = sizeof(ito_attr_reduce),                                               \
                                   .infer = infer_reduce,                                                              \
                                   .grad = grad_rule}
REDUCE_DEF(sum_op, "sum", "sum over axes", sum_grad);
REDUCE_DEF(mean_op, "mean", "mean over axes", mean_grad);
REDUCE_DEF(max_op, "reduce_max", "largest over axes", extremum_grad);
REDUCE_DEF(min_op, "reduce_min", "smallest over axes", extremum_grad);

static ito_value *reduce(ito_graph *g, const ito_op_def *op, ito_reduce kind, ito_value *x, uint32_t axes, bool keep)
{
    ito_attr_reduce attr = {.kind = kind, .keep = keep};
    attr.axes = ito__is_poison(x) ? 0 : axes & ((1u << x->shape.n_dims) - 1);
    return ITO_OP(g, op, &attr, x);
}

ito_value *ito_op_sum(ito_graph *g, ito_value *x, uint32_t axes, bool keep)
{
    return reduce(g, &sum_op, ITO_REDUCE_SUM, x, axes, keep);
}

ito_value *ito_op_mean(ito_graph *g, ito_value *x, uint32_t axes, bool keep)
{
    return reduce(g, &mean_op, ITO_REDUCE_MEAN, x, axes, keep);
}

ito_value *ito_op_reduce_max(ito_graph *g, ito_value *x, uint32_t axes, bool keep)
{
    return reduce(g, &max_op, ITO_REDUCE_MAX, x, axes, keep);
}

ito_value *ito_op_reduce_min(ito_graph *g, ito_value *x, uint32_t axes, bool keep)
{
    return reduce(g, &min_op, ITO_REDUCE_MIN, x, axes, keep);
}

/* ---- sum_to and broadcast_to ---- */

static ito_status infer_to(ito_infer *n, bool grows)
{
    ito_shape shape = ((const ito_attr_shape *)n->attr)->shape, in = n->in[0]->shape, both;
    char text[ITO_SHAPE_TEXT];
    ITO_TRY(ito__infer_real(n));
    if (!ito__broadcast(in, shape, &both) || !ito_shape_equal(both, grows ? shape : in))
        return ito__infer_fail(n, "%s is no shape to %s to", ito_shape_text(shape, text), grows ? "broadcast" : "sum");
    n->out[0] = (ito_desc){n->in[0]->dtype, shape};
    return ITO_OK;
}

static ito_status infer_sum_to(ito_infer *n)
{
    return infer_to(n, false);
}

static ito_status infer_broadcast_to(ito_infer *n)
{
    return infer_to(n, true);
}

static void sum_to_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ito_op_broadcast_to(g, dy[0], n->in[0]->shape);
}

static void broadcast_to_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ito_op_sum_to(g, dy[0], n->in[0]->shape);
}

static const ito_op_def sum_to = {.name = "sum_to",
                                  .summary = "sum what broadcasting repeats",
                                  .kernel = "sum_to",
                                  .min_in = 1,
                                  .max_in = 1,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_shape),
                                  .infer = infer_sum_to,
                                  .grad = sum_to_grad};
static const ito_op_def broadcast_to = {.name = "broadcast_to",
                                        .summary = "repeat along axes of extent 1",
                                        .kernel = "broadcast_to",
                                        .min_in = 1,
                                        .max_in = 1,
                                        .n_out = 1,
                                        .attr_size = sizeof(ito_attr_shape),
                                        .infer = infer_broadcast_to,
                                        .grad = broadcast_to_grad};

static ito_value *to_shape(ito_graph *g, const ito_op_def *op, ito_value *x, ito_shape shape)
{
    ito_attr_shape attr = {.shape = shape};
    if (!ito__is_poison(x) && ito_shape_equal(x->shape, shape)) return x;
    return ITO_OP(g, op, &attr, x);
}

ito_value *ito_op_sum_to(ito_graph *g, ito_value *x, ito_shape shape)
{
    return to_shape(g, &sum_to, x, shape);
}

ito_value *ito_op_broadcast_to(ito_graph *g, ito_value *x, ito_shape shape)
{
    return to_shape(g, &broadcast_to, x, shape);
}

/* ---- cases ---- */

static ito_value *build_sum(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_sum(g, in[0], *(const uint32_t *)arg, false));
}

static ito_value *build_mean(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_mean(g, in[0], *(const uint32_t *)arg, true));
}

static ito_value *build_max(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_reduce_max(g, in[0], *(const uint32_t *)arg, false));
}

static ito_value *build_min(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_reduce_min(g, in[0], *(const uint32_t *)arg, true));
}

static ito_value *build_sum_to(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_sum_to(g, in[0], *(const ito_shape *)arg));
}

static ito_value *build_broadcast(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_square(g, ito_op_broadcast_to(g, in[0], *(const ito_shape *)arg));
}

static const uint32_t all = ITO_ALL_AXES, first = 1, spatial = 6, last = 8;
static const ito_shape channels = {1, {5}}, sample_channels = {4, {2, 1, 1, 5}}, scalar = {0, {0}},
                       image = {4, {2, 3, 4, 5}}, wide = {1, {128}}, wide_image = {4, {16, 32, 32, 128}};

#define X                                                                                                              \
    {                                                                                                                  \
        .shape = { 4, {2, 3, 4, 5} }                                                                                   \
    }
#define CASE(text, make, a, ...)                                                                                       \
    {                                                                                                                  \
        .name = text, .n_in = 1, .in = {__VA_ARGS__}, .build = make, .arg = &a                                         \
    }
static const ito_op_case cases[] = {
    CASE("sum all", build_sum, all, X),
    CASE("sum axis 0", build_sum, first, X),
    CASE("sum height and width", build_sum, spatial, X),
    CASE("sum last", build_sum, last, X),
    CASE("mean all", build_mean, all, X),
    CASE("mean height and width", build_mean, spatial, X),
    CASE("max last", build_max, last, X),
    CASE("max height and width", build_max, spatial, X),
    CASE("min axis 0", build_min, first, X),
    CASE("sum_to channels", build_sum_to, channels, X),
    CASE("sum_to sample and channel", build_sum_to, sample_channels, X),
    CASE("sum_to scalar", build_sum_to, scalar, X),
    CASE("broadcast channels", build_broadcast, image, {.shape = {1, {5}}}),
    CASE("broadcast sample and channel", build_broadcast, image, {.shape = {4, {2, 1, 1, 5}}}),
};
#define IMAGE                                                                                                          \
    {                                                                                                                  \
        .shape = { 4, {16, 32, 32, 128} }                                                                              \
    }
static const ito_op_case real_cases[] = {
    CASE("sum all 32x32x128", build_sum, all, IMAGE),
    CASE("sum axis 0 32x32x128", build_sum, first, IMAGE),
    CASE("mean height and width 32x32x128", build_mean, spatial, IMAGE),
    CASE("max last 32x32x128", build_max, last, IMAGE),
    CASE("min axis 0 32x32x128", build_min, first, IMAGE),
    CASE("sum_to channels 32x32x128", build_sum_to, wide, IMAGE),
    CASE("broadcast channels 32x32x128", build_broadcast, wide_image, {.shape = {1, {128}}}),
};
static const ito_op_def *const ops[] = {&sum_op, &mean_op, &max_op, &min_op, &sum_to, &broadcast_to};
const ito_op_family ito__ops_reduce = ITO_OP_TABLES("reduce");
