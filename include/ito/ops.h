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
ito_value *ito_op_identity(ito_graph *g, ito_value *x);                          /* a copy */
ito_value *ito_op_scale(ito_graph *g, ito_value *x, double scale, double shift); /* scale x + shift */

/* ---- products ---- */
/* [..., M, K] x [..., K, N] -> [..., M, N]; trans_a: a is [..., K, M]; trans_b: b is [..., N, K]. Leading axes broadcast. */
ito_value *ito_op_matmul(ito_graph *g, ito_value *a, ito_value *b, bool trans_a, bool trans_b);

/* x [..., K], w [N, K], bias [N] or NULL -> x w^T + bias [..., N] */
ito_value *ito_op_linear(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias);

/* ---- reductions and shapes ---- */
#define ITO_ALL_AXES UINT32_MAX
ito_value *ito_op_sum(ito_graph *g, ito_value *x, uint32_t axes, bool keep); /* axes: bit i for axis i */
ito_value *ito_op_sum_to(ito_graph *g, ito_value *x, ito_shape shape);       /* the transpose of broadcast_to */
ito_value *ito_op_broadcast_to(ito_graph *g, ito_value *x, ito_shape shape);
ito_value *ito_op_reshape(ito_graph *g, ito_value *x, ito_shape shape); /* one extent may be -1 */

#ifdef __cplusplus
}
#endif
#endif
