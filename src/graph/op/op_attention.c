/* Attention, o = softmax(scale q k^T + bias) v for each head (kernel/ref/ref_attention.c has the formulas).
 * The fused gradient kernel recomputes the probabilities from the saved logsumexp; it is differentiated through
 * compose_grad(), which materialises them. A bias gets its gradient through the same composition. */
#include <math.h>

#include "graph/op/op_util.h"

static ito_status check_attention(const ito_infer *n)
{
    const ito_attr_attention *attr = n->attr;
    ITO_TRY(ito__infer_real(n));
    ito_shape q = n->in[0]->shape, k = n->in[1]->shape, all;
    if (q.n_dims != 4 || k.n_dims != 4 || !ito_shape_equal(k, n->in[2]->shape))
        return ito__infer_fail(n, "expected q [N, Lq, H, D] and k, v [N, Lk, H, D]");
    if (q.d[0] != k.d[0] || q.d[2] != k.d[2] || q.d[3] != k.d[3])
        return ito__infer_fail(n, "queries and keys differ beside their lengths");
    ito_shape scores = ITO_SHAPE(q.d[0], q.d[2], q.d[1], k.d[1]);
    if (attr->has_bias && (!ito__broadcast(n->in[3]->shape, scores, &all) || !ito_shape_equal(all, scores)))
        return ito__infer_fail(n, "the bias does not broadcast to [N, H, Lq, Lk]");
    return ITO_OK;
}

static ito_status infer_attention(ito_infer *n)
{
    ITO_TRY(check_attention(n));
    ito_shape q = n->in[0]->shape;
    n->out[0] = (ito_desc){n->in[0]->dtype, q};
    n->out[1] = (ito_desc){n->in[0]->dtype, ITO_SHAPE(q.d[0], q.d[2], q.d[1])};
    return ITO_OK;
}

static ito_status infer_attention_grad(ito_infer *n)
{
    ITO_TRY(check_attention(n));
    for (int i = 0; i < 3; i++) n->out[i] = (ito_desc){n->in[i]->dtype, n->in[i]->shape};
    return ITO_OK;
}

/* ---- the composition ---- */

typedef struct pieces {
    ito_value *q, *k, *v, *dy;          /* [N, H, L, D] */
    ito_value *probabilities, *dscores; /* [N, H, Lq, Lk] */
} pieces;

/* [N, L, H, D] <-> [N, H, L, D] */
static ito_value *turn(ito_graph *g, ito_value *x)
{
    return ito_op_permute(g, x, (const int[]){0, 2, 1, 3});
}

/* 0 where query i sees key j, -inf elsewhere: [Lq, Lk]. */
static ito_value *causal_bias(ito_graph *g, ito_dtype dtype, int64_t n_queries, int64_t n_keys)
{
    double *bias = ito__alloc_array(g->ctx, (size_t)(n_queries * n_keys), sizeof *bias);
    if (!bias) return ito__graph_fail(g, ITO_MEMORY, "%s", ito_last_error(g->ctx));
    for (int64_t i = 0; i < n_queries; i++)
        for (int64_t j = 0; j < n_keys; j++) bias[i * n_keys + j] = j > i + n_keys - n_queries ? -(double)INFINITY : 0;
    ito_value *v = ito_graph_const(g, ITO_F64, ITO_SHAPE(n_queries, n_keys), bias);
    ito__free(g->ctx, bias);
    return ito_op_cast(g, v, dtype);
}

/* Scores no smaller than this, so that a row that sees nothing has finite ones; its probabilities are then set to 0. */
#define LOWEST (-1e30)

static ito_value *probabilities(ito_graph *g, const ito_node *n, const pieces *p)
{
    const ito_attr_attention *attr = n->attr;
    ito_value *s = ito_op_scale(g, ito_op_matmul(g, p->q, p->k, false, true), attr->scale, 0);
    if (attr->has_bias) s = ito_op_add(g, s, n->in[3]);
    if (attr->causal) s = ito_op_add(g, s, causal_bias(g, p->q->dtype, n->in[0]->shape.d[1], n->in[1]->shape.d[1]));
    if (!attr->has_bias && !attr->causal) return ito_op_softmax(g, s, -1);
    ito_value *lowest = ito_op_full(g, p->q->dtype, ITO_SCALAR, LOWEST);
    ito_value *seen = ito_op_gt(g, s, lowest);
    return ito_op_mul(g, seen, ito_op_softmax(g, ito_op_max(g, lowest, s), -1));
}

/* ds = p (dp - sum_j p dp), dp = dy v^T */
static pieces compose_scores(ito_graph *g, const ito_node *n, ito_value *dy)
{
    pieces p = {.q = turn(g, n->in[0]), .k = turn(g, n->in[1]), .v = turn(g, n->in[2]), .dy = turn(g, dy)};
    if (g->status != ITO_OK) return p;
    p.probabilities = probabilities(g, n, &p);
    ito_value *dp = ito_op_matmul(g, p.dy, p.v, false, true);
    ito_value *mean = ito_op_sum(g, ito_op_mul(g, p.probabilities, dp), 1u << 3, true);
    p.dscores = ito_op_mul(g, p.probabilities, ito_op_sub(g, dp, mean));
    return p;
}

static void compose_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    double scale = ((const ito_attr_attention *)n->attr)->scale;
    pieces p = compose_scores(g, n, n->in[n->n_in - 1]);
    if (g->status != ITO_OK) return;
    out[0] = turn(g, ito_op_scale(g, ito_op_matmul(g, p.dscores, p.k, false, false), scale, 0));
    out[1] = turn(g, ito_op_scale(g, ito_op_matmul(g, p.dscores, p.q, true, false), scale, 0));
    out[2] = turn(g, ito_op_matmul(g, p.probabilities, p.dy, true, false));
}

/* ---- the operations ---- */

/* Two products of [Lq, D] by [D, Lk] a head, and five in the gradient. */
static double product_flops(const ito_node *n)
{
    const int64_t *q = n->in[0]->shape.d;
    return 2.0 * (double)(q[0] * q[1] * q[2] * q[3]) * (double)n->in[1]->shape.d[1];
}

static double attention_flops(const ito_node *n)
{
    return 2 * product_flops(n);
}

static double attention_grad_flops(const ito_node *n)
{
    return 5 * product_flops(n);
}

static const ito_op_def attention_grad = {.name = "attention_grad",
                                          .summary = "gradient of attention from its result and logsumexp",
                                          .kernel = "attention_grad",
                                          .min_in = 6,
                                          .max_in = 7,
                                          .n_out = 3,
                                          .attr_size = sizeof(ito_attr_attention),
                                          .infer = infer_attention_grad,
                                          .compose = compose_grad,
                                          .flops = attention_grad_flops};

static void attention_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    ito_value *in[7];
    if (!dy[0]) return;
    for (int i = 0; i < n->n_in; i++) in[i] = n->in[i];
    in[n->n_in] = &n->out[0];
    in[n->n_in + 1] = &n->out[1];
    in[n->n_in + 2] = dy[0];
    if (need[0] || need[1] || need[2]) {
        ito_value *first = ito__op(g, &attention_grad, n->attr, n->n_in + 3, in);
        for (int i = 0; i < 3; i++) dx[i] = ito__output(first, i);
    }
    if (n->n_in > 3 && need[3]) {
        pieces p = compose_scores(g, n, dy[0]);
        dx[3] = ito__fold(g, p.dscores, n->in[3]);
    }
}

static const ito_op_def attention = {.name = "attention",
                                     .summary = "scaled dot-product attention",
                                     .kernel = "attention",
                                     .min_in = 3,
                                     .max_in = 4,
                                     .n_out = 2,
                                     .attr_size = sizeof(ito_attr_attention),
                                     .infer = infer_attention,
                                     .grad = attention_rule,
                                     .flops = attention_flops};

ito_value *ito_op_attention(ito_graph *g, ito_value *q, ito_value *k, ito_value *v, ito_value *bias, double scale,
                            bool causal)
{
    ito_attr_attention attr = {.scale = scale, .causal = causal, .has_bias = bias != NULL};
    return bias ? ITO_OP(g, &attention, &attr, q, k, v, bias) : ITO_OP(g, &attention, &attr, q, k, v);
}

ito_value *ito_op_mask_bias(ito_graph *g, ito_value *mask, ito_dtype dtype)
{
    ito_value *zero = ito_op_full(g, dtype, ITO_SCALAR, 0);
    return ito_op_select(g, mask, zero, ito_op_full(g, dtype, ITO_SCALAR, -(double)INFINITY));
}

/* ---- cases ---- */

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_attention(g, in[0], in[1], in[2], NULL, 0.6, *(const bool *)arg);
}

static ito_value *build_bias(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_attention(g, in[0], in[1], in[2], in[3], 0.6, *(const bool *)arg);
}

/* A mask of whole numbers 0 and 1. */
static ito_value *build_mask(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_attention(g, in[0], in[1], in[2], ito_op_mask_bias(g, in[3], in[0]->dtype), 0.6, false);
}

static const bool plain = false, causal = true;
#define S(n, ...)                                                                                                      \
    {                                                                                                                  \
        .shape = { n, {__VA_ARGS__} }                                                                                  \
    }
#define Q(...) S(4, __VA_ARGS__)
#define CASE(text, a, q, k)                                                                                            \
    {                                                                                                                  \
        .name = "attention " text, .n_in = 3, .in = {q, k, k}, .build = build, .arg = &a, .tolerance = 1e-5            \
    }
#define BIAS(text, make, a, q, k, ...)                                                                                 \
    {                                                                                                                  \
        .name = "attention " text, .n_in = 4, .in = {q, k, k, __VA_ARGS__}, .build = make, .arg = &a,                  \
        .tolerance = 1e-5                                                                                              \
    }
#define QA Q(2, 5, 2, 3)
#define KA Q(2, 7, 2, 3)
#define KL Q(2, 3, 2, 3)
#define Q1 Q(1, 1, 1, 1)
#define QB Q(1, 16, 2, 32)
#define QC Q(1, 37, 1, 24)
static const ito_op_case cases[] = {
    CASE("5 queries 7 keys", plain, QA, KA),
    CASE("causal, more keys", causal, QA, KA),
    CASE("causal, fewer keys", causal, QA, KL),
    CASE("of one", plain, Q1, Q1),
    CASE("16 of 32", plain, QB, QB),
    CASE("37 of 24, causal", causal, QC, QC),
    BIAS("full bias", build_bias, plain, QA, KA, Q(2, 2, 5, 7)),
    BIAS("bias per key, causal", build_bias, causal, QA, KA, Q(2, 1, 1, 7)),
    BIAS("mask", build_mask, plain, QA, KA, {.dtype = ITO_I32, .shape = {4, {2, 1, 1, 7}}, .low = 0, .high = 1}),
};
static const ito_op_case real_cases[] = {
    CASE("16x16 image, 256 channels", plain, Q(16, 256, 1, 256), Q(16, 256, 1, 256)),
    CASE("8x8 image, 64 channels", plain, Q(64, 64, 1, 64), Q(64, 64, 1, 64)),
    CASE("16x16 tokens, 6 heads of 64", plain, Q(4, 256, 6, 64), Q(4, 256, 6, 64)),
    CASE("32x32 tokens, causal", causal, Q(1, 1024, 6, 64), Q(1, 1024, 6, 64)),
};
static const ito_op_def *const ops[] = {&attention, &attention_grad};
const ito_op_family ito__ops_attention = ITO_OP_TABLES("attention");
