/* Attribute structs: what an op needs to know besides its inputs. Plain data, compared and hashed byte by byte, so zero
 * them before filling. Grouped by family; the op's file in graph/op/ documents the mathematics.
 *
 * Kernel names and their inputs -> outputs (an op may share a kernel: "silu" and "exp" are both kernel "unary"):
 *   unary x -> y                         unary_grad x, dy -> f'(x) dy       binary a, b -> y       scale x -> y
 *   full -> y                            select cond, a, b -> cond != 0 ? a : b (broadcasting)     clip x -> y
 *   cast x -> y                          broadcast_to x -> y                reduce x -> y
 *   sum_to x -> y (sums what broadcasting repeats)                          argmax x -> i32 (first largest)
 *   one_hot i32 -> y                     softmax, log_softmax x -> y        softmax_grad, log_softmax_grad y, dy -> dx
 *   logsumexp x -> y (axis removed)
 *   permute, slice, pad x -> y           slice_grad dy -> dx (zeros where nothing was taken)       concat x... -> y
 *   gather table, index -> y             gather_grad index, dy -> dtable    matmul a, b [, bias] [, residual] -> y
 *   conv2d x, w [, bias] [, residual] -> y      conv2d_grad_input dy, w [, residual] -> dx      conv2d_grad_weight x, dy -> dw
 *   max_pool x -> y   max_pool_grad x, dy -> dx (to the first largest)   avg_pool x -> y   avg_pool_grad dy -> dx
 *   upsample_nearest, downsample_average x -> y
 *   group_norm x, gamma, beta -> y, stats       group_norm_grad x, gamma, beta, stats, dy [, residual] -> dx, dgamma, dbeta
 *   layer_norm x, gamma, beta -> y, stats       layer_norm_grad x, gamma, beta, stats, dy -> dx, dgamma, dbeta
 *   rms_norm x, gamma -> y, stats               rms_norm_grad x, gamma, stats, dy -> dx, dgamma
 *   attention q, k, v [, bias] -> o, lse        attention_grad q, k, v [, bias], o, lse, dy -> dq, dk, dv
 *   dropout x, keys -> y
 * Reshape and stop-gradient share their input's memory and have no kernel. */
#ifndef ITO_ATTR_H
#define ITO_ATTR_H

#include <stdbool.h>
#include <stdint.h>

#include <ito/tensor.h>

/* Elementwise functions of one argument; also the activation that a fused kernel applies last. */
/* clang-format off */
#define ITO_UNARY_MAP(X) \
    X(identity) X(neg) X(abs) X(sign) X(exp) X(log) X(sqrt) X(rsqrt) X(square) X(reciprocal) X(sin) X(cos) X(tanh) \
    X(erf) X(sigmoid) X(softplus) X(relu) X(silu) X(gelu) X(gelu_tanh) X(log1p) X(floor) \
    X(round_bf16)
/* clang-format on */

typedef enum ito_unary {
#define ITO_X(name) ITO_UNARY_##name,
    ITO_UNARY_MAP(ITO_X)
#undef ITO_X
        ITO_UNARY_COUNT
} ito_unary;

#define ITO_BINARY_MAP(X) X(add) X(sub) X(mul) X(div) X(pow) X(min) X(max) X(eq) X(ne) X(lt) X(le) X(gt) X(ge)

typedef enum ito_binary {
#define ITO_X(name) ITO_BINARY_##name,
    ITO_BINARY_MAP(ITO_X)
#undef ITO_X
        ITO_BINARY_COUNT
} ito_binary;

typedef struct ito_attr_unary { /* ops "exp", "silu", ... and "exp_grad", ...: dx = f'(x) dy from (x, dy) */
    int32_t kind;               /* ito_unary */
} ito_attr_unary;

typedef struct ito_attr_binary { /* numpy broadcasting; comparisons give 0 or 1 in the inputs' dtype */
    int32_t kind;                /* ito_binary */
} ito_attr_binary;

typedef struct ito_attr_scale { /* y = scale x + shift */
    double scale, shift;
} ito_attr_scale;

typedef struct ito_attr_full { /* no input */
    double value;
    ito_dtype dtype;
    ito_shape shape;
} ito_attr_full;

typedef enum ito_reduce { ITO_REDUCE_SUM, ITO_REDUCE_MEAN, ITO_REDUCE_MAX, ITO_REDUCE_MIN } ito_reduce;

typedef struct ito_attr_reduce { /* kernel "reduce": over the masked axes; rows of the output are summed in a fixed
                                    order */
    int32_t kind;                /* ito_reduce */
    uint32_t axes;               /* bit per axis */
    bool keep;                   /* keep reduced axes with extent 1 */
} ito_attr_reduce;

typedef struct ito_attr_clip { /* NaN stays NaN */
    double low, high;
} ito_attr_clip;

typedef struct ito_attr_one_hot { /* index i32 [...] -> [..., depth] of dtype; an index outside 0 .. depth - 1 gives
                                     zeros */
    int64_t depth;
    ito_dtype dtype;
} ito_attr_one_hot;

typedef struct ito_attr_axis { /* softmax, log_softmax, logsumexp, argmax, concat */
    int32_t axis;
} ito_attr_axis;

typedef struct ito_attr_shape { /* reshape, broadcast_to, sum_to */
    ito_shape shape;
} ito_attr_shape;

typedef struct ito_attr_permute { /* out.d[i] = in.d[perm[i]] */
    int32_t perm[ITO_MAX_DIMS];
} ito_attr_permute;

typedef struct ito_attr_slice { /* out[i] = in[start + i * step] per axis; start and step per axis, extents from the
                                   output */
    int64_t start[ITO_MAX_DIMS], step[ITO_MAX_DIMS];
    ito_shape shape; /* of the output (slice) or of the sliced input (slice_grad) */
} ito_attr_slice;

typedef struct ito_attr_pad { /* constant padding */
    int64_t before[ITO_MAX_DIMS], after[ITO_MAX_DIMS];
    double value;
} ito_attr_pad;

typedef struct ito_attr_matmul { /* [..., M, K] x [..., K, N]; with trans_b b is [..., N, K] */
    bool trans_a, trans_b;
    bool has_bias;     /* then an input [N] follows */
    bool has_residual; /* then an input of the output's shape follows and is added */
    int32_t act;       /* ito_unary applied last: act(x w + bias + residual) */
} ito_attr_matmul;

/* x [N, H, W, C], w [O, C / groups, KH, KW] (the state-dict layout), y [N, OH, OW, O].
 * conv2d inputs: x, w, then bias [O] when has_bias, then residual (y's shape, or [N, 1, 1, O]) when has_residual;
 *   y = act(conv(x, w) + bias + residual).
 * conv2d_grad_input inputs: dy, w, then residual (dx's shape) when has_residual; output dx of x_shape, residual added.
 *   (Forward of the transposed convolution too.)
 * conv2d_grad_weight inputs: x, dy; output dw of w_shape. */
typedef struct ito_attr_conv {
    int64_t stride[2], dilation[2];      /* height, width */
    int64_t pad_before[2], pad_after[2]; /* top and left; bottom and right */
    int64_t groups;
    ito_shape x_shape, w_shape;
    bool has_bias, has_residual;
    int32_t act;
} ito_attr_conv;

typedef struct ito_attr_pool { /* x [N, H, W, C] */
    int64_t kernel[2], stride[2], pad_before[2], pad_after[2];
    bool count_pad; /* average pooling: do padded zeros count? */
    ito_shape x_shape;
} ito_attr_pool;

typedef struct ito_attr_resample { /* nearest upsampling or average downsampling by whole factors */
    int64_t factor[2];
} ito_attr_resample;

/* group_norm: x [N, ..., C], gamma [C], beta [C] -> y, stats [N, groups, 2] (mean, 1 / sqrt(var + eps)); y = act(norm).
 * group_norm_grad: x, gamma, beta, stats, dy -> dx, dgamma, dbeta; a sixth input of dx's shape is added to dx.
 * layer_norm and rms_norm normalise the last axis; stats are [rows, 2] and [rows, 1]. */
typedef struct ito_attr_norm {
    int64_t groups;
    double eps;
    int32_t act;
    bool rounds;           /* group_norm: y is rounded to bf16 after the activation */
    bool keeps_x, keeps_y; /* group_norm: x, y are also handed out in bf16, behind the statistics */
} ito_attr_norm;

/* q [N, Lq, H, D], k and v [N, Lk, H, D], optional bias broadcastable to [N, H, Lq, Lk] -> o [N, Lq, H, D], lse [N, H,
 * Lq]. */
typedef struct ito_attr_attention {
    double scale;
    bool causal; /* query i sees keys 0 .. i + Lk - Lq */
    bool has_bias;
} ito_attr_attention;

typedef struct ito_attr_dropout { /* keys i32 [N, 4]: seed low, seed high, sample, step; kept values are scaled by 1 /
                                     (1 - p) */
    double p;
    int32_t layer; /* two layers of one network draw differently */
} ito_attr_dropout;

typedef struct ito_attr_cast {
    ito_dtype dtype;
} ito_attr_cast;

typedef struct ito_attr_gather { /* table [V, D...], index i32 [...] -> [..., D...]; gather_grad: index, dy -> [V, D...]
                                  */
    ito_shape table_shape;
} ito_attr_gather;

#endif
