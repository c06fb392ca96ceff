/* Builders of operations: each appends to the graph and returns the result, or a poisoned value when shapes or dtypes do
 * not fit (ito_graph_status tells). Elementwise operations broadcast as numpy does: shapes are aligned at the last axis and
 * extents of 1 repeat. Images are [N, H, W, C]. dtypes of one operation must agree; nothing is converted silently. */
#ifndef ITO_OPS_H
#define ITO_OPS_H

#include <ito/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- constants and elementwise arithmetic ---- */
ito_value *ito_op_full(ito_graph *g, ito_dtype dtype, ito_shape shape, double value);
ito_value *ito_op_add(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_sub(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_mul(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_div(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_pow(ito_graph *g, ito_value *a, ito_value *b); /* a > 0 where the gradient in b is used */
ito_value *ito_op_min(ito_graph *g, ito_value *a, ito_value *b); /* ties: the gradient goes to a */
ito_value *ito_op_max(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_eq(ito_graph *g, ito_value *a, ito_value *b); /* comparisons give 0 or 1 in the inputs' dtype */
ito_value *ito_op_ne(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_lt(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_le(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_gt(ito_graph *g, ito_value *a, ito_value *b);
ito_value *ito_op_ge(ito_graph *g, ito_value *a, ito_value *b);

/* ---- elementwise functions of one argument ---- */
ito_value *ito_op_neg(ito_graph *g, ito_value *x);
ito_value *ito_op_abs(ito_graph *g, ito_value *x);
ito_value *ito_op_sign(ito_graph *g, ito_value *x);
ito_value *ito_op_exp(ito_graph *g, ito_value *x);
ito_value *ito_op_log(ito_graph *g, ito_value *x);
ito_value *ito_op_log1p(ito_graph *g, ito_value *x);
ito_value *ito_op_sqrt(ito_graph *g, ito_value *x);
ito_value *ito_op_rsqrt(ito_graph *g, ito_value *x);
ito_value *ito_op_square(ito_graph *g, ito_value *x);
ito_value *ito_op_reciprocal(ito_graph *g, ito_value *x);
ito_value *ito_op_sin(ito_graph *g, ito_value *x);
ito_value *ito_op_cos(ito_graph *g, ito_value *x);
ito_value *ito_op_tanh(ito_graph *g, ito_value *x);
ito_value *ito_op_erf(ito_graph *g, ito_value *x);
ito_value *ito_op_sigmoid(ito_graph *g, ito_value *x);
ito_value *ito_op_softplus(ito_graph *g, ito_value *x); /* log(1 + e^x) */
ito_value *ito_op_relu(ito_graph *g, ito_value *x);
ito_value *ito_op_silu(ito_graph *g, ito_value *x);      /* x sigmoid(x) */
ito_value *ito_op_gelu(ito_graph *g, ito_value *x);      /* x Phi(x), exact */
ito_value *ito_op_gelu_tanh(ito_graph *g, ito_value *x); /* its tanh approximation */
ito_value *ito_op_floor(ito_graph *g, ito_value *x);
ito_value *ito_op_round_bf16(ito_graph *g,
                             ito_value *x);             /* the nearest bf16, in x's dtype; to gradients the identity */
ito_value *ito_op_identity(ito_graph *g, ito_value *x); /* a copy */
ito_value *ito_op_scale(ito_graph *g, ito_value *x, double scale, double shift); /* scale x + shift */

/* ---- products ---- */
/* [..., M, K] x [..., K, N] -> [..., M, N]; trans_a: a is [..., K, M]; trans_b: b is [..., N, K]. Leading axes broadcast. */
ito_value *ito_op_matmul(ito_graph *g, ito_value *a, ito_value *b, bool trans_a, bool trans_b);

/* x [..., K], w [N, K], bias [N] or NULL -> x w^T + bias [..., N] */
ito_value *ito_op_linear(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias);

/* ---- reductions and shapes ---- */
#define ITO_ALL_AXES UINT32_MAX
/* axes: bit i for axis i; keep: reduced axes stay with extent 1. Elements equal to an extremum share its gradient. */
ito_value *ito_op_sum(ito_graph *g, ito_value *x, uint32_t axes, bool keep);
ito_value *ito_op_mean(ito_graph *g, ito_value *x, uint32_t axes, bool keep);
ito_value *ito_op_reduce_max(ito_graph *g, ito_value *x, uint32_t axes, bool keep);
ito_value *ito_op_reduce_min(ito_graph *g, ito_value *x, uint32_t axes, bool keep);
ito_value *ito_op_argmax(ito_graph *g, ito_value *x, int axis);        /* i32, the axis removed; the first of equals */
ito_value *ito_op_sum_to(ito_graph *g, ito_value *x, ito_shape shape); /* the transpose of broadcast_to */
ito_value *ito_op_broadcast_to(ito_graph *g, ito_value *x, ito_shape shape);
ito_value *ito_op_reshape(ito_graph *g, ito_value *x, ito_shape shape); /* one extent may be -1 */

/* An axis below may be negative: counted from the end. Arrays have one entry per axis of x. */
ito_value *ito_op_permute(ito_graph *g, ito_value *x,
                          const int *order); /* axis i of the result is axis order[i] of x */
ito_value *ito_op_slice(ito_graph *g, ito_value *x, const int64_t *start, const int64_t *step, ito_shape shape);
ito_value *ito_op_slice_axis(ito_graph *g, ito_value *x, int axis, int64_t start, int64_t end); /* start .. end - 1 */
ito_value *ito_op_concat(ito_graph *g, int n, ito_value *const *parts, int axis);               /* at most 16 */
ito_value *ito_op_pad(ito_graph *g, ito_value *x, const int64_t *before, const int64_t *after, double value);

/* ---- choice, conversion ---- */
ito_value *ito_op_select(ito_graph *g, ito_value *cond, ito_value *a, ito_value *b); /* cond != 0 ? a : b */
ito_value *ito_op_clip(ito_graph *g, ito_value *x, double low, double high);         /* NaN stays NaN */
ito_value *ito_op_cast(ito_graph *g, ito_value *x, ito_dtype dtype);                 /* to integers: toward zero */
ito_value *ito_op_stop_gradient(ito_graph *g, ito_value *x);

/* ---- softmax ---- */
ito_value *ito_op_softmax(ito_graph *g, ito_value *x, int axis);
ito_value *ito_op_log_softmax(ito_graph *g, ito_value *x, int axis);
ito_value *ito_op_logsumexp(ito_graph *g, ito_value *x, int axis); /* the axis removed */

/* ---- convolution ---- */
/* Zero is the default of every field. Pairs are height, width. */
typedef struct ito_conv_options {
    int64_t stride[2], dilation[2];      /* 0: 1 */
    int64_t pad_before[2], pad_after[2]; /* zeros at the top and left; at the bottom and right */
    int64_t groups;                      /* 0: 1 */
    int64_t output_pad[2];               /* transposed only: rows and columns more at the end */
} ito_conv_options;

/* x [N, H, W, C], w [O, C / groups, KH, KW], bias [O] or NULL -> [N, OH, OW, O] with
 * OH = (H + before + after - dilation (KH - 1) - 1) / stride + 1, rounded down. options may be NULL. */
ito_value *ito_op_conv2d(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias, const ito_conv_options *options);
/* x [N, L, C], w [O, C / groups, K] -> [N, OL, O]; the options' widths count, leave the heights 0. */
ito_value *ito_op_conv1d(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias, const ito_conv_options *options);
/* x [N, H, W, I], w [I, O / groups, KH, KW], bias [O] or NULL -> [N, OH, OW, O] with
 * OH = (H - 1) stride - before - after + dilation (KH - 1) + 1 + output_pad; output_pad < stride. */
ito_value *ito_op_conv2d_transposed(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias,
                                    const ito_conv_options *options);

/* ---- pooling and resampling of [N, H, W, C] ---- */
typedef struct ito_pool_options {
    int64_t kernel[2];
    int64_t stride[2];                   /* 0: the kernel's extent */
    int64_t pad_before[2], pad_after[2]; /* below the kernel's extent */
    bool count_pad;                      /* averages: do padded zeros count? */
} ito_pool_options;
ito_value *ito_op_max_pool(ito_graph *g, ito_value *x, const ito_pool_options *options);
ito_value *ito_op_avg_pool(ito_graph *g, ito_value *x, const ito_pool_options *options);
ito_value *ito_op_upsample_nearest(ito_graph *g, ito_value *x, int64_t factor_h, int64_t factor_w);
ito_value *ito_op_downsample_average(ito_graph *g, ito_value *x, int64_t factor_h, int64_t factor_w);

/* ---- normalisation; channels last, gamma and beta [C] or NULL, variances biased ---- */
/* x [N, ..., C]: over all places and the C / groups channels of a group, per sample */
ito_value *ito_op_group_norm(ito_graph *g, ito_value *x, ito_value *gamma, ito_value *beta, int64_t groups, double eps);
ito_value *ito_op_layer_norm(ito_graph *g, ito_value *x, ito_value *gamma, ito_value *beta, double eps); /* last axis */
ito_value *ito_op_rms_norm(ito_graph *g, ito_value *x, ito_value *gamma, double eps);                    /* last axis */
/* For inference: (x - mean) / sqrt(var + eps) gamma + beta with given mean and var [C]. */
ito_value *ito_op_batch_norm(ito_graph *g, ito_value *x, ito_value *mean, ito_value *var, ito_value *gamma,
                             ito_value *beta, double eps);

/* ---- attention ---- */
/* q [N, Lq, H, D], k and v [N, Lk, H, D], bias broadcasting to [N, H, Lq, Lk] or NULL -> [N, Lq, H, D]:
 * softmax(scale q k^T + bias) v per head. causal: query i sees keys 0 .. i + Lk - Lq. A query that sees nothing gives 0. */
ito_value *ito_op_attention(ito_graph *g, ito_value *q, ito_value *k, ito_value *v, ito_value *bias, double scale,
                            bool causal);
ito_value *ito_op_mask_bias(ito_graph *g, ito_value *mask, ito_dtype dtype); /* mask != 0 ? 0 : -inf */

/* ---- tables ---- */
/* table [V, D...], index i32 [...] -> [..., D...]; an index outside 0 .. V - 1 reads zeros */
ito_value *ito_op_gather(ito_graph *g, ito_value *table, ito_value *index);
ito_value *ito_op_one_hot(ito_graph *g, ito_value *index, int64_t depth, ito_dtype dtype); /* [...] -> [..., depth] */

/* ---- dropout ---- */
/* x [N, ...], keys i32 [N, 4]: seed low, seed high, sample, step. Zeroes with probability p, divides the rest by 1 - p.
 * Layers of one network that draw differently have different `layer` numbers, 0 .. 65535. */
ito_value *ito_op_dropout(ito_graph *g, ito_value *x, ito_value *keys, double p, int layer);

/* ---- losses ---- */
ito_value *ito_op_mse(ito_graph *g, ito_value *a, ito_value *b); /* mean of (a - b)^2: a scalar */
/* logits [..., C], labels i32 [...] -> -log softmax(logits)[label], one per position; take ito_op_mean of it */
ito_value *ito_op_cross_entropy(ito_graph *g, ito_value *logits, ito_value *labels);

#ifdef __cplusplus
}
#endif
#endif
