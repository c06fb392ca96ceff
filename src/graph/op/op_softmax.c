/* Softmax along one axis, its logarithm, and logsumexp (which drops the axis).
 *   softmax      dx = y (dy - sum(y dy))      log_softmax  dx = dy - e^y sum(dy)      logsumexp  dx = softmax(x) dy
 * The gradient kernels read the results y, not x. */
#include "graph/op/op_util.h"

static ito_status infer_softmax(ito_infer *n)
{
    int axis = ((const ito_attr_axis *)n->attr)->axis;
    ITO_TRY(ito__infer_same(n));
    return axis >= 0 && axis < n->in[0]->shape.n_dims ? ITO_OK : ito__infer_fail(n, "no axis %d", axis);
}

static ito_status infer_logsumexp(ito_infer *n)
{
    ITO_TRY(infer_softmax(n));
    n->out[0].shape = ito__shape_without(n->in[0]->shape, ((const ito_attr_axis *)n->attr)->axis);
    return ITO_OK;
}

/* The sum along the node's axis, kept. */
static ito_value *line_sum(ito_graph *g, const ito_node *n, ito_value *x)
{
    return ito_op_sum(g, x, 1u << ((const ito_attr_axis *)n->attr)->axis, true);
}

static void compose_softmax_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    ito_value *y = n->in[0], *dy = n->in[1];
    out[0] = ito_op_mul(g, y, ito_op_sub(g, dy, line_sum(g, n, ito_op_mul(g, y, dy))));
}

static void compose_log_softmax_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    ito_value *y = n->in[0], *dy = n->in[1];
    out[0] = ito_op_sub(g, dy, ito_op_mul(g, ito_op_exp(g, y), line_sum(g, n, dy)));
}

static const ito_op_def softmax_grad = {.name = "softmax_grad",
                                        .summary = "gradient of softmax from its result",
                                        .kernel = "softmax_grad",
                                        .min_in = 2,
                                        .max_in = 2,
                                        .n_out = 1,
                                        .attr_size = sizeof(ito_attr_axis),
                                        .infer = infer_softmax,
                                        .compose = compose_softmax_grad};
static const ito_op_def log_softmax_grad = {.name = "log_softmax_grad",
                                            .summary = "gradient of log_softmax from its result",
                                            .kernel = "log_softmax_grad",
                                            .min_in = 2,
                                            .max_in = 2,
                                            .n_out = 1,
                                            .attr_size = sizeof(ito_attr_axis),
                                            .infer = infer_softmax,
                                            .compose = compose_log_softmax_grad};

static void softmax_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ITO_OP(g, &softmax_grad, n->attr, &n->out[0], dy[0]);
}

static void log_softmax_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ITO_OP(g, &log_softmax_grad, n->attr, &n->out[0], dy[0]);
}

static void logsumexp_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    int axis = ((const ito_attr_axis *)n->attr)->axis;
    ito_shape kept = n->in[0]->shape;
    kept.d[axis] = 1;
    (void)need;
    dx[0] = ito_op_mul(g, ito_op_softmax(g, n->in[0], axis), ito_op_reshape(g, dy[0], kept));
}

static const ito_op_def softmax = {.name = "softmax",
                                   .summary = "e^x over its sum along an axis",
                                   .kernel = "softmax",
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_axis),
                                   .infer = infer_softmax,
                                   .grad = softmax_rule};
static const ito_op_def log_softmax = {.name = "log_softmax",
                                       .summary = "x minus its logsumexp along an axis",
                                       .kernel = "log_softmax",
                                       .min_in = 1,
                                       .max_in = 1,
                                       .n_out = 1,
                                       .attr_size = sizeof(ito_attr_axis),
                                       .infer = infer_softmax,
                                       .grad = log_softmax_rule};
static const ito_op_def logsumexp = {.name = "logsumexp",
                                     .summary = "logarithm of the sum of e^x along an axis",
                                     .kernel = "logsumexp",
                                     .min_in = 1,
                                     .max_in = 1,
                                     .n_out = 1,
                                     .attr_size = sizeof(ito_attr_axis),
                                     .infer = infer_logsumexp,
                                     .grad = logsumexp_rule};

static ito_value *along(ito_graph *g, const ito_op_def *op, ito_value *x, int axis)
{
    ito_attr_axis attr = {ito__axis(x, axis)};
    return ITO_OP(g, op, &attr, x);
}

ito_value *ito_op_softmax(ito_graph *g, ito_value *x, int axis)
{
    return along(g, &softmax, x, axis);
}

ito_value *ito_op_log_softmax(ito_graph *g, ito_value *x, int axis)
{
    return along(g, &log_softmax, x, axis);
}

ito_value *ito_op_logsumexp(ito_graph *g, ito_value *x, int axis)
{
    return along(g, &logsumexp, x, axis);
}

/* ---- cases ---- */

typedef struct along_case {
    ito_value *(*op)(ito_graph *g, ito_value *x, int axis);
    int axis;
} along_case;

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    const along_case *c = arg;
    return c->op(g, in[0], c->axis);
}

static const along_case soft_last = {ito_op_softmax, -1}, soft_middle = {ito_op_softmax, 1},
                        log_last = {ito_op_log_softmax, -1}, log_first = {ito_op_log_softmax, 0},
                        sum_last = {ito_op_logsumexp, -1}, sum_middle = {ito_op_logsumexp, 1};

#define CASE(text, a, n, ...)                                                                                          \
    {                                                                                                                  \
        .name = text, .n_in = 1, .in = {{.shape = {n, {__VA_ARGS__}}, .low = -4, .high = 4}}, .build = build,          \
        .arg = &a                                                                                                      \
    }
static const ito_op_case cases[] = {
    CASE("softmax last", soft_last, 3, 2, 3, 19),     CASE("softmax middle", soft_middle, 3, 2, 5, 3),
    CASE("softmax of one", soft_last, 2, 3, 1),       CASE("log_softmax last", log_last, 2, 4, 10),
    CASE("log_softmax first", log_first, 2, 4, 3),    CASE("logsumexp last", sum_last, 3, 2, 3, 17),
    CASE("logsumexp middle", sum_middle, 3, 2, 5, 3),
};
static const ito_op_case real_cases[] = {
    CASE("softmax 16 of 256x256", soft_last, 3, 16, 256, 256),
    CASE("log_softmax 1000 classes", log_last, 2, 256, 1000),
    CASE("logsumexp 16 of 256x256", sum_last, 3, 16, 256, 256),
};
static const ito_op_def *const ops[] = {&softmax, &softmax_grad, &log_softmax, &log_softmax_grad, &logsumexp};
const ito_op_family ito__ops_softmax = ITO_OP_TABLES("softmax");
