/* Matrix products, batched with broadcasting leading axes:  y = op(a) op(b)  with op the identity or the transpose.
 *   da = dy op(b)^T,  db = op(a)^T dy,  each turned when its operand was, and summed over broadcast axes. */
#include "graph/op/op_util.h"

typedef struct operand {
    ito_shape batch; /* leading axes */
    int64_t rows, cols;
} operand;

static operand split(ito_shape shape, bool trans)
{
    operand o = {.batch = shape};
    int64_t m = shape.d[shape.n_dims - 2], n = shape.d[shape.n_dims - 1];
    o.batch.n_dims -= 2;
    o.rows = trans ? n : m;
    o.cols = trans ? m : n;
    return o;
}

static ito_status infer_matmul(ito_infer *n)
{
    const ito_attr_matmul *attr = n->attr;
    ITO_TRY(ito__infer_real(n));
    if (n->in[0]->shape.n_dims < 2 || n->in[1]->shape.n_dims < 2)
        return ito__infer_fail(n, "expected at least two axes");
    operand a = split(n->in[0]->shape, attr->trans_a), b = split(n->in[1]->shape, attr->trans_b);
    ito_shape out;
    if (a.cols != b.rows)
        return ito__infer_fail(n, "inner extents %lld and %lld differ", (long long)a.cols, (long long)b.rows);
    if (!ito__broadcast(a.batch, b.batch, &out) || out.n_dims > ITO_MAX_DIMS - 2)
        return ito__infer_fail(n, "leading axes do not broadcast");
    out.d[out.n_dims++] = a.rows;
    out.d[out.n_dims++] = b.cols;
    n->out[0] = (ito_desc){n->in[0]->dtype, out};
    if (attr->has_bias && !ito_shape_equal(n->in[2]->shape, ITO_SHAPE(b.cols)))
        return ito__infer_fail(n, "expected a bias of %lld elements", (long long)b.cols);
    return ITO_OK;
}

static ito_value *product(ito_graph *g, ito_value *a, ito_value *b, bool trans_a, bool trans_b, const ito_value *like)
{
    return ito__fold(g, ito_op_matmul(g, a, b, trans_a, trans_b), like);
}

static void matmul_grad(ito_graph *g, const ito_node *n, ito_value *const *dys, const bool *need, ito_value **dx)
{
    const ito_attr_matmul *attr = n->attr;
    ito_value *a = n->in[0], *b = n->in[1], *dy = dys[0];
    bool ta = attr->trans_a, tb = attr->trans_b;
    if (need[0]) dx[0] = ta ? product(g, b, dy, tb, true, a) : product(g, dy, b, false, !tb, a);
    if (need[1]) dx[1] = tb ? product(g, dy, a, true, ta, b) : product(g, a, dy, !ta, false, b);
    if (attr->has_bias && need[2]) dx[2] = ito__fold(g, dy, n->in[2]);
}

static double matmul_flops(const ito_node *n)
{
    operand a = split(n->in[0]->shape, ((const ito_attr_matmul *)n->attr)->trans_a);
    return 2.0 * (double)ito_shape_count(n->out[0].shape) * (double)a.cols;
}

/* has_residual and act are set by fusion alone, after differentiation. */
static const ito_op_def matmul = {.name = "matmul",
                                  .summary = "batched matrix product",
                                  .kernel = "matmul",
                                  .min_in = 2,
                                  .max_in = 4,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_matmul),
                                  .infer = infer_matmul,
                                  .grad = matmul_grad,
                                  .flops = matmul_flops};

ito_value *ito_op_matmul(ito_graph *g, ito_value *a, ito_value *b, bool trans_a, bool trans_b)
{
    ito_attr_matmul attr = {.trans_a = trans_a, .trans_b = trans_b};
    return ITO_OP(g, &matmul, &attr, a, b);
}

/* Leading axes become rows, so that a batch is one product. */
ito_value *ito_op_linear(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias)
{
    ito_attr_matmul attr = {.trans_b = true, .has_bias = bias != NULL};
    if (ito__is_poison(x) || ito__is_poison(w)) return ITO_OP(g, &matmul, &attr, x, w);
    ito_shape shape = x->shape;
    if (shape.n_dims < 1 || w->shape.n_dims != 2)
        return ito__graph_fail(g, ITO_SHAPE, "linear: expected an input of one axis or more and a weight of two");
    ito_value *rows = ito_op_reshape(g, x, ITO_SHAPE(-1, shape.d[shape.n_dims - 1]));
    ito_value *y = bias ? ITO_OP(g, &matmul, &attr, rows, w, bias) : ITO_OP(g, &matmul, &attr, rows, w);
    shape.d[shape.n_dims - 1] = w->shape.d[0];
    return ito_op_reshape(g, y, shape);
}

/* ---- cases ---- */

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    const bool *trans = arg;
    return ito_op_matmul(g, in[0], in[1], trans[0], trans[1]);
}

static ito_value *build_linear(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_linear(g, in[0], in[1], in[2]);
}

static const bool nn[] = {false, false}, nt[] = {false, true}, tn[] = {true, false}, tt[] = {true, true};
#define S(n, ...)                                                                                                      \
    {                                                                                                                  \
        .shape = { n, {__VA_ARGS__} }                                                                                  \
    }
#define CASE(text, trans, ...)                                                                                         \
    {                                                                                                                  \
        .name = "matmul " text, .n_in = 2, .in = {__VA_ARGS__}, .build = build, .arg = trans                           \
    }
static const ito_op_case cases[] = {
    CASE("5x7 7x3", nn, S(2, 5, 7), S(2, 7, 3)),
    CASE("nt 5x7 3x7", nt, S(2, 5, 7), S(2, 3, 7)),
    CASE("tn 7x5 7x3", tn, S(2, 7, 5), S(2, 7, 3)),
    CASE("tt 7x5 3x7", tt, S(2, 7, 5), S(2, 3, 7)),
    CASE("batch 2x3", nn, S(4, 2, 3, 4, 5), S(4, 2, 3, 5, 6)),
    CASE("broadcast batch", nt, S(3, 3, 4, 5), S(4, 2, 1, 6, 5)),
    CASE("1x1", nn, S(2, 1, 1), S(2, 1, 1)),
    CASE("33x65x17", nn, S(2, 33, 65), S(2, 65, 17)),
    {.name = "linear 2x3x5 to 4", .n_in = 3, .in = {S(3, 2, 3, 5), S(2, 4, 5), S(1, 4)}, .build = build_linear},
};
static const ito_op_case real_cases[] = {
    CASE("time embedding 16x128x512", nt, S(2, 16, 128), S(2, 512, 128)),
    CASE("time embedding 16x512x512", nt, S(2, 16, 512), S(2, 512, 512)),
    CASE("pixels 4096x256x256", nt, S(2, 4096, 256), S(2, 256, 256)),
    CASE("pixels 1024x512x256", nt, S(2, 1024, 512), S(2, 256, 512)),
    CASE("square 512", nn, S(2, 512, 512), S(2, 512, 512)),
    CASE("scores 16 of 256x256x256", nt, S(3, 16, 256, 256), S(3, 16, 256, 256)),
    {.name = "linear 16x256x256 to 1024",
     .n_in = 3,
     .in = {S(3, 16, 256, 256), S(2, 1024, 256), S(1, 1024)},
     .build = build_linear},
};
static const ito_op_def *const ops[] = {&matmul};
const ito_op_family ito__ops_matmul = ITO_OP_TABLES("matmul");
