/* Elementwise functions of one argument, and y = scale x + shift.
 * The derivative of each is written once, in derivative(); unary_grad computes f'(x) dy in one pass where f' is worth a
 * kernel, and is itself differentiated through that composition. */
#include "graph/op/op_util.h"

#define SQRT_1_2        0.70710678118654752440
#define SQRT_2_PI       0.79788456080286535588 /* sqrt(2 / pi) */
#define INV_SQRT_2PI    0.39894228040143267794 /* 1 / sqrt(2 pi) */
#define TWO_INV_SQRT_PI 1.12837916709551257390 /* 2 / sqrt(pi) */
#define GELU_CUBIC      0.044715

static void unary_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);
static void unary_grad_compose(ito_graph *g, const ito_node *n, ito_value **y);

#define IS_STEP(kind) (ITO_UNARY_##kind == ITO_UNARY_sign || ITO_UNARY_##kind == ITO_UNARY_floor)

#define ITO_X(kind)                                                                                                    \
    static const ito_op_def kind##_op = {.name = #kind,                                                                \
                                         .summary = "elementwise " #kind,                                              \
                                         .kernel = "unary",                                                            \
                                         .min_in = 1,                                                                  \
                                         .max_in = 1,                                                                  \
                                         .n_out = 1,                                                                   \
                                         .attr_size = sizeof(ito_attr_unary),                                          \
                                         .infer = ito__infer_same,                                                     \
                                         .grad = unary_grad_rule,                                                      \
                                         .zero_grad = IS_STEP(kind),                                                   \
                                         .inplace = 1};                                                                \
    ito_value *ito_op_##kind(ito_graph *g, ito_value *x)                                                               \
    {                                                                                                                  \
        ito_attr_unary attr = {ITO_UNARY_##kind};                                                                      \
        return ITO_OP(g, &kind##_op, &attr, x);                                                                        \
    }
ITO_UNARY_MAP(ITO_X)
#undef ITO_X

static const ito_op_def unary_grad = {.name = "unary_grad",
                                      .summary = "f'(x) dy",
                                      .kernel = "unary_grad",
                                      .min_in = 2,
                                      .max_in = 2,
                                      .n_out = 1,
                                      .attr_size = sizeof(ito_attr_unary),
                                      .infer = ito__infer_same,
                                      .compose = unary_grad_compose,
                                      .inplace = 3};

/* ---- y = scale x + shift ---- */

static void scale_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    dx[0] = ito_op_scale(g, dy[0], ((const ito_attr_scale *)n->attr)->scale, 0);
}

static const ito_op_def scale_op = {.name = "scale",
                                    .summary = "scale x + shift",
                                    .kernel = "scale",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .attr_size = sizeof(ito_attr_scale),
                                    .infer = ito__infer_same,
                                    .grad = scale_grad,
                                    .inplace = 1};

ito_value *ito_op_scale(ito_graph *g, ito_value *x, double scale, double shift)
{
    ito_attr_scale attr = {scale, shift};
    return ITO_OP(g, &scale_op, &attr, x);
}

/* ---- derivatives ---- */

static ito_value *normal_density(ito_graph *g, ito_value *x)
{
    return ito_op_scale(g, ito_op_exp(g, ito_op_scale(g, ito_op_square(g, x), -0.5, 0)), INV_SQRT_2PI, 0);
}

/* sigmoid (1 + x (1 - sigmoid)) */
static ito_value *silu_derivative(ito_graph *g, ito_value *x)
{
    ito_value *s = ito_op_sigmoid(g, x);
    return ito_op_mul(g, s, ito_op_scale(g, ito_op_mul(g, x, ito_op_scale(g, s, -1, 1)), 1, 1));
}

/* Phi(x) + x phi(x) */
static ito_value *gelu_derivative(ito_graph *g, ito_value *x)
{
    ito_value *cdf = ito_op_scale(g, ito_op_erf(g, ito_op_scale(g, x, SQRT_1_2, 0)), 0.5, 0.5);
    return ito_op_add(g, cdf, ito_op_mul(g, x, normal_density(g, x)));
}

/* With u = sqrt(2/pi) (x + c x^3):  (1 + tanh u) / 2 + x (1 - tanh^2 u) / 2 sqrt(2/pi) (1 + 3 c x^2) */
static ito_value *gelu_tanh_derivative(ito_graph *g, ito_value *x)
{
    ito_value *x2 = ito_op_square(g, x);
    ito_value *u = ito_op_mul(g, x, ito_op_scale(g, x2, SQRT_2_PI * GELU_CUBIC, SQRT_2_PI));
    ito_value *t = ito_op_tanh(g, u);
    ito_value *du = ito_op_scale(g, x2, 3 * SQRT_2_PI * GELU_CUBIC, SQRT_2_PI);
    ito_value *slope = ito_op_mul(g, ito_op_scale(g, ito_op_square(g, t), -0.5, 0.5), ito_op_mul(g, x, du));
    return ito_op_add(g, ito_op_scale(g, t, 0.5, 0.5), slope);
}

static ito_value *derivative(ito_graph *g, int kind, ito_value *x)
{
    switch ((ito_unary)kind) {
    case ITO_UNARY_neg: return ito_op_full(g, x->dtype, x->shape, -1);
    case ITO_UNARY_abs: return ito_op_sign(g, x);
    case ITO_UNARY_exp: return ito_op_exp(g, x);
    case ITO_UNARY_log: return ito_op_reciprocal(g, x);
    case ITO_UNARY_log1p: return ito_op_reciprocal(g, ito_op_scale(g, x, 1, 1));
    case ITO_UNARY_sqrt: return ito_op_scale(g, ito_op_rsqrt(g, x), 0.5, 0);
    case ITO_UNARY_rsqrt: return ito_op_scale(g, ito_op_div(g, ito_op_rsqrt(g, x), x), -0.5, 0);
    case ITO_UNARY_square: return ito_op_scale(g, x, 2, 0);
    case ITO_UNARY_reciprocal: return ito_op_neg(g, ito_op_square(g, ito_op_reciprocal(g, x)));
    case ITO_UNARY_sin: return ito_op_cos(g, x);
    case ITO_UNARY_cos: return ito_op_neg(g, ito_op_sin(g, x));
    case ITO_UNARY_tanh: return ito_op_scale(g, ito_op_square(g, ito_op_tanh(g, x)), -1, 1);
    case ITO_UNARY_erf: return ito_op_scale(g, ito_op_exp(g, ito_op_neg(g, ito_op_square(g, x))), TWO_INV_SQRT_PI, 0);
    case ITO_UNARY_sigmoid: return ito_op_mul(g, ito_op_sigmoid(g, x), ito_op_sigmoid(g, ito_op_neg(g, x)));
    case ITO_UNARY_softplus: return ito_op_sigmoid(g, x);
    case ITO_UNARY_relu: return ito_op_gt(g, x, ito_op_full(g, x->dtype, ITO_SCALAR, 0));
    case ITO_UNARY_silu: return silu_derivative(g, x);
    case ITO_UNARY_gelu: return gelu_derivative(g, x);
    case ITO_UNARY_gelu_tanh: return gelu_tanh_derivative(g, x);
    case ITO_UNARY_identity:
    case ITO_UNARY_round_bf16: return ito_op_full(g, x->dtype, x->shape, 1);
    case ITO_UNARY_sign:
    case ITO_UNARY_floor:
    case ITO_UNARY_COUNT: break;
    }
    return ito_op_full(g, x->dtype, x->shape, 0);
}

/* Kinds whose derivative is one or two cheap operations do without the kernel. */
static void unary_grad_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    const ito_attr_unary *attr = n->attr;
    ito_value *x = n->in[0], *y = &n->out[0];
    (void)need;
    switch ((ito_unary)attr->kind) {
    case ITO_UNARY_identity:
    case ITO_UNARY_round_bf16: dx[0] = dy[0]; break;
    case ITO_UNARY_neg: dx[0] = ito_op_neg(g, dy[0]); break;
    case ITO_UNARY_exp: dx[0] = ito_op_mul(g, dy[0], y); break;
    case ITO_UNARY_log: dx[0] = ito_op_div(g, dy[0], x); break;
    case ITO_UNARY_square: dx[0] = ito_op_mul(g, dy[0], ito_op_scale(g, x, 2, 0)); break;
    case ITO_UNARY_sqrt: dx[0] = ito_op_scale(g, ito_op_div(g, dy[0], y), 0.5, 0); break;
    default: dx[0] = ITO_OP(g, &unary_grad, attr, x, dy[0]);
    }
}

static void unary_grad_compose(ito_graph *g, const ito_node *n, ito_value **y)
{
    y[0] = ito_op_mul(g, derivative(g, ((const ito_attr_unary *)n->attr)->kind, n->in[0]), n->in[1]);
}

/* ---- cases ---- */

typedef ito_value *unary_builder(ito_graph *g, ito_value *x);

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return (*(unary_builder *const *)arg)(g, in[0]);
}

static ito_value *build_scale(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_scale(g, in[0], -1.5, 0.25);
}

#define ITO_X(kind) static unary_builder *const builder_##kind = ito_op_##kind;
ITO_UNARY_MAP(ITO_X)
#undef ITO_X

#define X(lo, hi, n, ...)                                                                                              \
    {                                                                                                                  \
        .shape = {n, {__VA_ARGS__}}, .low = lo, .high = hi                                                             \
    }
#define CASE(kind, lo, hi)                                                                                             \
    {                                                                                                                  \
        .name = #kind, .n_in = 1, .in = {X(lo, hi, 3, 3, 5, 7)}, .build = build, .arg = &builder_##kind                \
    }
#define STEP_CASE(kind)                                                                                                \
    {                                                                                                                  \
        .name = #kind, .n_in = 1, .in = {X(-3, 3, 2, 4, 9)}, .build = build, .arg = &builder_##kind, .no_grad = true   \
    }

/* Where each function is tried: where it is smooth, for the gradient check; steps have no gradient. */
/* clang-format off */
#define SMOOTH_MAP(F)                                                                                                  \
    F(identity, -1, 1) F(neg, -1, 1) F(abs, 0.2, 2) F(exp, -3, 3) F(log, 0.1, 4) F(log1p, -0.5, 4) F(sqrt, 0.1, 4)     \
    F(rsqrt, 0.2, 4) F(square, -2, 2) F(reciprocal, 0.3, 3) F(sin, -4, 4) F(cos, -4, 4) F(tanh, -3, 3)                 \
    F(erf, -2.5, 2.5) F(sigmoid, -6, 6) F(softplus, -6, 6) F(relu, 0.1, 2) F(silu, -6, 6) F(gelu, -4, 4)               \
    F(gelu_tanh, -4, 4)
/* clang-format on */
#define STEP_MAP(F) F(sign) F(floor) F(round_bf16)

#define ITO_X(...)  CASE(__VA_ARGS__),
#define ITO_Y(kind) STEP_CASE(kind),
static const ito_op_case cases[] = {
    SMOOTH_MAP(ITO_X) STEP_MAP(ITO_Y){.name = "scale", .n_in = 1, .in = {X(-1, 1, 2, 4, 9)}, .build = build_scale},
    {.name = "silu 1x8x9x17", .n_in = 1, .in = {X(-6, 6, 4, 1, 8, 9, 17)}, .build = build, .arg = &builder_silu},
};

#define REAL(kind, lo, hi)                                                                                             \
    {                                                                                                                  \
        .name = #kind " 32x32x128", .n_in = 1, .in = {X(lo, hi, 4, 16, 32, 32, 128)}, .build = build,                  \
        .arg = &builder_##kind                                                                                         \
    }
#define REAL_STEP(kind)                                                                                                \
    {                                                                                                                  \
        .name = #kind " 32x32x128", .n_in = 1, .in = {X(-3, 3, 4, 16, 32, 32, 128)}, .build = build,                   \
        .arg = &builder_##kind, .no_grad = true                                                                        \
    }
#undef ITO_X
#undef ITO_Y
#define ITO_X(...)  REAL(__VA_ARGS__),
#define ITO_Y(kind) REAL_STEP(kind),
static const ito_op_case real_cases[] = {
    SMOOTH_MAP(ITO_X) STEP_MAP(ITO_Y){
        .name = "scale 32x32x128", .n_in = 1, .in = {X(-1, 1, 4, 16, 32, 32, 128)}, .build = build_scale},
};
#undef ITO_X
#undef ITO_Y

static const ito_op_def *const ops[] = {
#define ITO_X(kind) &kind##_op,
    ITO_UNARY_MAP(ITO_X)
#undef ITO_X
        & unary_grad,
    &scale_op,
};
const ito_op_family ito__ops_unary = ITO_OP_TABLES("unary");
