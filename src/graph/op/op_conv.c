/* Convolution of images [N, H, W, C], its two gradients, and the forms made of them: one-dimensional and transposed.
 * (kernel/ref/ref_conv.c has the sum.) The three are one trilinear form <conv(x, w), dy> solved for each factor, so each is
 * the gradient of the others and second derivatives need no formula of their own:
 *   conv2d        dx = grad_input(dy, w)     dw = grad_weight(x, dy)
 *   grad_input    d(dy) = conv2d(ddx, w)     dw = grad_weight(ddx, dy)
 *   grad_weight   dx = grad_input(dy, ddw)   d(dy) = conv2d(x, ddw) */
#include "graph/op/op_util.h"

static int64_t out_extent(const ito_attr_conv *a, int axis)
{
    int64_t padded = a->x_shape.d[1 + axis] + a->pad_before[axis] + a->pad_after[axis];
    int64_t reach = a->dilation[axis] * (a->w_shape.d[2 + axis] - 1) + 1;
    return padded < reach ? 0 : (padded - reach) / a->stride[axis] + 1;
}

static ito_shape y_shape(const ito_attr_conv *a)
{
    return ITO_SHAPE(a->x_shape.d[0], out_extent(a, 0), out_extent(a, 1), a->w_shape.d[0]);
}

static ito_status check_conv(const ito_infer *n)
{
    const ito_attr_conv *a = n->attr;
    ITO_TRY(ito__infer_real(n));
    if (a->x_shape.n_dims != 4 || a->w_shape.n_dims != 4)
        return ito__infer_fail(n, "expected an image [N, H, W, C] and a weight [O, C / groups, KH, KW]");
    for (int i = 0; i < 2; i++) {
        if (a->stride[i] < 1 || a->dilation[i] < 1 || a->pad_before[i] < 0 || a->pad_after[i] < 0)
            return ito__infer_fail(n, "strides and dilations must be positive, padding not negative");
        if (out_extent(a, i) < 1) return ito__infer_fail(n, "the kernel is larger than the padded image");
    }
    if (a->groups < 1 || a->w_shape.d[0] % a->groups || a->w_shape.d[1] * a->groups != a->x_shape.d[3])
        return ito__infer_fail(n, "%lld channels, %lld groups and a weight for %lld channels a group do not fit",
                               (long long)a->x_shape.d[3], (long long)a->groups, (long long)a->w_shape.d[1]);
    return ITO_OK;
}

static ito_status infer_conv2d(ito_infer *n)
{
    const ito_attr_conv *a = n->attr;
    ITO_TRY(check_conv(n));
    n->out[0] = (ito_desc){n->in[0]->dtype, y_shape(a)};
    if (a->has_bias && !ito_shape_equal(n->in[2]->shape, ITO_SHAPE(a->w_shape.d[0])))
        return ito__infer_fail(n, "expected a bias of %lld elements", (long long)a->w_shape.d[0]);
    return ITO_OK;
}

static ito_status infer_grad_input(ito_infer *n)
{
    const ito_attr_conv *a = n->attr;
    ITO_TRY(check_conv(n));
    n->out[0] = (ito_desc){n->in[0]->dtype, a->x_shape};
    return ito_shape_equal(n->in[0]->shape, y_shape(a)) ? ITO_OK : ito__infer_fail(n, "dy has another shape than y");
}

static ito_status infer_grad_weight(ito_infer *n)
{
    const ito_attr_conv *a = n->attr;
    ITO_TRY(check_conv(n));
    n->out[0] = (ito_desc){n->in[0]->dtype, a->w_shape};
    return ito_shape_equal(n->in[1]->shape, y_shape(a)) ? ITO_OK : ito__infer_fail(n, "dy has another shape than y");
}

/* Of all three: two per multiply-add, padding included. */
static double conv_flops(const ito_node *n)
{
    const ito_attr_conv *a = n->attr;
    double window = (double)(a->w_shape.d[1] * a->w_shape.d[2] * a->w_shape.d[3]);
    return 2 * (double)ito_shape_count(y_shape(a)) * window;
}

static void conv2d_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
static void grad_input_rule(ito_graph *g, const ito_node *n, ito_value *const *ddx, const bool *need, ito_value **d);
static void grad_weight_rule(ito_graph *g, const ito_node *n, ito_value *const *ddw, const bool *need, ito_value **d);

/* has_residual and act are set by fusion alone, after differentiation. */
static const ito_op_def conv2d = {.name = "conv2d",
                                  .summary = "two-dimensional convolution",
                                  .kernel = "conv2d",
                                  .min_in = 2,
                                  .max_in = 4,
                                  .n_out = 1,
                                  .attr_size = sizeof(ito_attr_conv),
                                  .infer = infer_conv2d,
                                  .grad = conv2d_rule,
                                  .flops = conv_flops};
static const ito_op_def conv2d_grad_input = {.name = "conv2d_grad_input",
                                             .summary = "transposed convolution",
                                             .kernel = "conv2d_grad_input",
                                             .min_in = 2,
                                             .max_in = 3,
                                             .n_out = 1,
                                             .attr_size = sizeof(ito_attr_conv),
                                             .infer = infer_grad_input,
                                             .grad = grad_input_rule,
                                             .flops = conv_flops};
static const ito_op_def conv2d_grad_weight = {.name = "conv2d_grad_weight",
                                              .summary = "gradient of a convolution in its weight",
                                              .kernel = "conv2d_grad_weight",
                                              .min_in = 2,
                                              .max_in = 2,
                                              .n_out = 1,
                                              .attr_size = sizeof(ito_attr_conv),
                                              .infer = infer_grad_weight,
                                              .grad = grad_weight_rule,
                                              .reads_bf16 = 1u << 0,
                                              .flops = conv_flops};

/* The attributes without what only the forward kernel knows. */
static ito_attr_conv plain(const ito_node *n)
{
    ito_attr_conv attr = *(const ito_attr_conv *)n->attr;
    attr.has_bias = false;
    return attr;
}

static void conv2d_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    ito_attr_conv attr = plain(n);
    if (need[0]) dx[0] = ITO_OP(g, &conv2d_grad_input, &attr, dy[0], n->in[1]);
    if (need[1]) dx[1] = ITO_OP(g, &conv2d_grad_weight, &attr, n->in[0], dy[0]);
    if (n->n_in > 2 && need[2]) dx[2] = ito__fold(g, dy[0], n->in[2]);
}

static void grad_input_rule(ito_graph *g, const ito_node *n, ito_value *const *ddx, const bool *need, ito_value **d)
{
    ito_attr_conv attr = plain(n);
    if (need[0]) d[0] = ITO_OP(g, &conv2d, &attr, ddx[0], n->in[1]);
    if (need[1]) d[1] = ITO_OP(g, &conv2d_grad_weight, &attr, ddx[0], n->in[0]);
}

static void grad_weight_rule(ito_graph *g, const ito_node *n, ito_value *const *ddw, const bool *need, ito_value **d)
{
    ito_attr_conv attr = plain(n);
    if (need[0]) d[0] = ITO_OP(g, &conv2d_grad_input, &attr, n->in[1], ddw[0]);
    if (need[1]) d[1] = ITO_OP(g, &conv2d, &attr, n->in[0], ddw[0]);
}

/* ---- builders ---- */

static ito_attr_conv attr_of(const ito_conv_options *options, ito_shape x, ito_shape w)
{
    static const ito_conv_options none = {0};
    const ito_conv_options *o = options ? options : &none;
    ito_attr_conv attr = {0};
    for (int i = 0; i < 2; i++) {
        attr.stride[i] = o->stride[i] ? o->stride[i] : 1;
        attr.dilation[i] = o->dilation[i] ? o->dilation[i] : 1;
        attr.pad_before[i] = o->pad_before[i];
        attr.pad_after[i] = o->pad_after[i];
    }
    attr.groups = o->groups ? o->groups : 1;
    attr.x_shape = x;
    attr.w_shape = w;
    return attr;
}

static ito_shape shape_of(const ito_value *v)
{
    return ito__is_poison(v) ? ITO_SCALAR : v->shape;
}

ito_value *ito_op_conv2d(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias, const ito_conv_options *options)
{
    ito_attr_conv attr = attr_of(options, shape_of(x), shape_of(w));
    attr.has_bias = bias != NULL;
    return bias ? ITO_OP(g, &conv2d, &attr, x, w, bias) : ITO_OP(g, &conv2d, &attr, x, w);
}

ito_value *ito_op_conv1d(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias, const ito_conv_options *options)
{
    ito_shape xs = shape_of(x), ws = shape_of(w);
    if (xs.n_dims != 3 || ws.n_dims != 3)
        return ito__graph_fail(g, ITO_SHAPE, "conv1d: expected x [N, L, C] and a weight [O, C / groups, K]");
    x = ito_op_reshape(g, x, ITO_SHAPE(xs.d[0], 1, xs.d[1], xs.d[2]));
    w = ito_op_reshape(g, w, ITO_SHAPE(ws.d[0], ws.d[1], 1, ws.d[2]));
    ito_value *y = ito_op_conv2d(g, x, w, bias, options);
    ito_shape ys = shape_of(y);
    return ito__is_poison(y) ? y : ito_op_reshape(g, y, ITO_SHAPE(ys.d[0], ys.d[2], ys.d[3]));
}

ito_value *ito_op_conv2d_transposed(ito_graph *g, ito_value *x, ito_value *w, ito_value *bias,
                                    const ito_conv_options *options)
{
    ito_shape xs = shape_of(x), ws = shape_of(w);
    if (xs.n_dims != 4 || ws.n_dims != 4)
        return ito__graph_fail(g, ITO_SHAPE,
                               "conv2d_transposed: expected x [N, H, W, I] and a weight [I, O / groups, KH, KW]");
    ito_attr_conv attr = attr_of(options, xs, ws);
    attr.x_shape.d[3] = ws.d[1] * attr.groups;
    for (int i = 0; i < 2; i++) {
        int64_t extra = options ? options->output_pad[i] : 0;
        attr.x_shape.d[1 + i] = (xs.d[1 + i] - 1) * attr.stride[i] + attr.dilation[i] * (ws.d[2 + i] - 1) + 1 + extra -
                                attr.pad_before[i] - attr.pad_after[i];
    }
    ito_value *y = ITO_OP(g, &conv2d_grad_input, &attr, x, w);
    return bias ? ito_op_add(g, y, bias) : y;
}

/* ---- cases ---- */

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_conv2d(g, in[0], in[1], in[2], arg);
}

static ito_value *build_conv1d(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_conv1d(g, in[0], in[1], in[2], arg);
}

static ito_value *build_transposed(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_conv2d_transposed(g, in[0], in[1], in[2], arg);
}

static const ito_conv_options none = {0}, same3 = {.pad_before = {1, 1}, .pad_after = {1, 1}},
                              down3 = {.stride = {2, 2}, .pad_before = {1, 1}, .pad_after = {1, 1}},
                              down_end = {.stride = {2, 2}, .pad_after = {1, 1}},
                              uneven = {.stride = {2, 3}, .pad_before = {2, 0}, .pad_after = {1, 1}},
                              dilated = {.dilation = {2, 2}, .pad_before = {2, 2}, .pad_after = {2, 2}},
                              grouped = {.groups = 2, .pad_before = {1, 1}, .pad_after = {1, 1}},
                              depthwise = {.groups = 6, .pad_before = {1, 1}, .pad_after = {1, 1}},
                              up2 = {.stride = {2, 2}, .pad_before = {1, 1}, .pad_after = {1, 1}},
                              up3 = {.stride = {2, 2}, .pad_before = {1, 1}, .pad_after = {1, 1}, .output_pad = {1, 1}},
                              grouped_up = {.stride = {2, 1}, .groups = 2};

#define S(n, ...)                                                                                                      \
    {                                                                                                                  \
        .shape = { n, {__VA_ARGS__} }                                                                                  \
    }
#define X(...) S(4, __VA_ARGS__)
#define W(...) S(4, __VA_ARGS__)
#define B(o)   S(1, o)
#define CASE(text, make, options, ...)                                                                                 \
    {                                                                                                                  \
        .name = text, .n_in = 3, .in = {__VA_ARGS__}, .build = make, .arg = &options, .tolerance = 1e-5                \
    }
static const ito_op_case cases[] = {
    CASE("conv2d k1", build, none, X(2, 3, 5, 7), W(5, 7, 1, 1), B(5)),
    CASE("conv2d k1 s2", build, down_end, X(2, 4, 5, 3), W(4, 3, 1, 1), B(4)),
    CASE("conv2d k3 1x1 image", build, same3, X(1, 1, 1, 17), W(3, 17, 3, 3), B(3)),
    CASE("conv2d k3 3 to 16", build, same3, X(2, 8, 8, 3), W(16, 3, 3, 3), B(16)),
    CASE("conv2d k3 17 to 9, 7x5", build, same3, X(2, 7, 5, 17), W(9, 17, 3, 3), B(9)),
    CASE("conv2d k3 3 to 128", build, same3, X(3, 6, 5, 3), W(128, 3, 3, 3), B(128)),
    CASE("conv2d k3 32 to 32", build, same3, X(5, 8, 6, 32), W(32, 32, 3, 3), B(32)),
    CASE("conv2d k3 128 to 3", build, same3, X(3, 6, 5, 128), W(3, 128, 3, 3), B(3)),
    CASE("conv2d k3 s2", build, down3, X(2, 7, 6, 5), W(6, 5, 3, 3), B(6)),
    CASE("conv2d k3 s2 padded at the end", build, down_end, X(2, 6, 8, 5), W(6, 5, 3, 3), B(6)),
    CASE("conv2d k5x2 uneven", build, uneven, X(2, 9, 8, 3), W(4, 3, 5, 2), B(4)),
    CASE("conv2d k3 dilated", build, dilated, X(1, 6, 7, 4), W(3, 4, 3, 3), B(3)),
    CASE("conv2d k3 two groups", build, grouped, X(2, 5, 4, 6), W(8, 3, 3, 3), B(8)),
    CASE("conv2d k3 depthwise", build, depthwise, X(2, 5, 4, 6), W(6, 1, 3, 3), B(6)),
    CASE("conv1d k3", build_conv1d, none, S(3, 2, 9, 4), S(3, 5, 4, 3), B(5)),
    CASE("conv2d_transposed k4 s2", build_transposed, up2, X(2, 3, 4, 5), W(5, 3, 4, 4), B(3)),
    CASE("conv2d_transposed k3 s2 extra", build_transposed, up3, X(1, 3, 2, 4), W(4, 3, 3, 3), B(3)),
    CASE("conv2d_transposed groups", build_transposed, grouped_up, X(2, 3, 2, 4), W(4, 3, 2, 3), B(6)),
};
static const ito_op_case real_cases[] = {
    CASE("conv2d k3 128 32x32", build, same3, X(16, 32, 32, 128), W(128, 128, 3, 3), B(128)),
    CASE("conv2d k3 256 16x16", build, same3, X(16, 16, 16, 256), W(256, 256, 3, 3), B(256)),
    CASE("conv2d k3 512 to 256 8x8", build, same3, X(16, 8, 8, 512), W(256, 512, 3, 3), B(256)),
    CASE("conv2d k3 256 4x4", build, same3, X(16, 4, 4, 256), W(256, 256, 3, 3), B(256)),
    CASE("conv2d k3 64 32x32 batch 64", build, same3, X(64, 32, 32, 64), W(64, 64, 3, 3), B(64)),
    CASE("conv2d k3 3 to 128 32x32", build, same3, X(16, 32, 32, 3), W(128, 3, 3, 3), B(128)),
    CASE("conv2d k3 128 to 3 32x32", build, same3, X(16, 32, 32, 128), W(3, 128, 3, 3), B(3)),
    CASE("conv2d k3 s2 256 16x16", build, down_end, X(16, 16, 16, 256), W(256, 256, 3, 3), B(256)),
    CASE("conv2d k1 384 to 256 16x16", build, none, X(16, 16, 16, 384), W(256, 384, 1, 1), B(256)),
    CASE("conv2d k3 two groups 16x16", build, grouped, X(16, 16, 16, 128), W(128, 64, 3, 3), B(128)),
    CASE("conv2d_transposed k4 s2 16x16", build_transposed, up2, X(16, 16, 16, 128), W(128, 64, 4, 4), B(64)),
};
static const ito_op_def *const ops[] = {&conv2d, &conv2d_grad_input, &conv2d_grad_weight};
const ito_op_family ito__ops_conv = ITO_OP_TABLES("conv");
