/* Elementwise arithmetic and comparisons with numpy broadcasting. A gradient is summed back to its input's shape. */
#include "graph/op/op_util.h"

static void binary_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx);

#define IS_COMPARISON(kind) (ITO_BINARY_##kind >= ITO_BINARY_eq)

#define ITO_X(kind)                                                                                                    \
    static const ito_op_def kind##_op = {.name = #kind,                                                                \
                                         .summary = "elementwise " #kind ", broadcasting",                             \
                                         .kernel = "binary",                                                           \
                                         .min_in = 2,                                                                  \
                                         .max_in = 2,                                                                  \
                                         .n_out = 1,                                                                   \
                                         .attr_size = sizeof(ito_attr_binary),                                         \
                                         .infer = ito__infer_broadcast,                                                \
                                         .grad = IS_COMPARISON(kind) ? NULL : binary_grad,                             \
                                         .zero_grad = IS_COMPARISON(kind),                                             \
                                         .inplace = 3};                                                                \
    ito_value *ito_op_##kind(ito_graph *g, ito_value *a, ito_value *b)                                                 \
    {                                                                                                                  \
        ito_attr_binary attr = {ITO_BINARY_##kind};                                                                    \
        return ITO_OP(g, &kind##_op, &attr, a, b);                                                                     \
    }
ITO_BINARY_MAP(ITO_X)
#undef ITO_X

/* d/da a^b = b a^(b - 1) */
static ito_value *pow_by_base(ito_graph *g, ito_value *a, ito_value *b)
{
    return ito_op_mul(g, b, ito_op_pow(g, a, ito_op_scale(g, b, 1, -1)));
}

static ito_value *grad_a(ito_graph *g, int kind, ito_value *a, ito_value *b, ito_value *dy)
{
    switch ((ito_binary)kind) {
    case ITO_BINARY_mul: return ito_op_mul(g, dy, b);
    case ITO_BINARY_div: return ito_op_div(g, dy, b);
    case ITO_BINARY_pow: return ito_op_mul(g, dy, pow_by_base(g, a, b));
    case ITO_BINARY_min: return ito_op_mul(g, dy, ito_op_le(g, a, b));
    case ITO_BINARY_max: return ito_op_mul(g, dy, ito_op_ge(g, a, b));
    default: return dy;
    }
}

static ito_value *grad_b(ito_graph *g, int kind, ito_value *a, ito_value *b, ito_value *y, ito_value *dy)
{
    switch ((ito_binary)kind) {
    case ITO_BINARY_sub: return ito_op_neg(g, dy);
    case ITO_BINARY_mul: return ito_op_mul(g, dy, a);
    case ITO_BINARY_div: return ito_op_neg(g, ito_op_div(g, ito_op_mul(g, dy, y), b));
    case ITO_BINARY_pow: return ito_op_mul(g, dy, ito_op_mul(g, y, ito_op_log(g, a)));
    case ITO_BINARY_min: return ito_op_mul(g, dy, ito_op_gt(g, a, b));
    case ITO_BINARY_max: return ito_op_mul(g, dy, ito_op_lt(g, a, b));
    default: return dy;
    }
}

static void binary_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    int kind = ((const ito_attr_binary *)n->attr)->kind;
    ito_value *a = n->in[0], *b = n->in[1];
    if (need[0]) dx[0] = ito__fold(g, grad_a(g, kind, a, b, dy[0]), a);
    if (need[1]) dx[1] = ito__fold(g, grad_b(g, kind, a, b, &n->out[0], dy[0]), b);
}

/* ---- cases ---- */

typedef ito_value *binary_builder(ito_graph *g, ito_value *a, ito_value *b);

static ito_value *build(ito_graph *g, ito_value *const *in, const void *arg)
{
    return (*(binary_builder *const *)arg)(g, in[0], in[1]);
}

#define ITO_X(kind) static binary_builder *const builder_##kind = ito_op_##kind;
ITO_BINARY_MAP(ITO_X)
#undef ITO_X

#define IN(lo, hi, n, ...)                                                                                             \
    {                                                                                                                  \
        .shape = {n, {__VA_ARGS__}}, .low = lo, .high = hi                                                             \
    }
#define CASE(kind, text, ...)                                                                                          \
    {                                                                                                                  \
        .name = #kind " " text, .n_in = 2, .in = {__VA_ARGS__}, .build = build, .arg = &builder_##kind                 \
    }
#define STEP_CASE(kind)                                                                                                \
    {                                                                                                                  \
        .name = #kind, .n_in = 2, .in = {IN(-1, 1, 2, 5, 7), IN(-1, 1, 2, 5, 7)}, .build = build,                      \
        .arg = &builder_##kind, .no_grad = true                                                                        \
    }

static const ito_op_case cases[] = {
    CASE(add, "same shape", IN(-1, 1, 3, 2, 3, 5), IN(-1, 1, 3, 2, 3, 5)),
    CASE(add, "channel", IN(-1, 1, 4, 2, 3, 5, 19), IN(-1, 1, 1, 19)),
    CASE(add, "sample and channel", IN(-1, 1, 4, 2, 3, 5, 18), IN(-1, 1, 4, 2, 1, 1, 18)),
    CASE(sub, "scalar", IN(-1, 1, 2, 3, 5), IN(-1, 1, 0, 0)),
    CASE(mul, "outer", IN(-1, 1, 2, 4, 1), IN(-1, 1, 2, 1, 7)),
    CASE(mul, "per sample", IN(-1, 1, 4, 3, 2, 5, 4), IN(-1, 1, 4, 3, 1, 1, 1)),
    CASE(div, "same shape", IN(-1, 1, 2, 6, 7), IN(0.5, 2, 2, 6, 7)),
    CASE(div, "rows", IN(-1, 1, 2, 6, 7), IN(0.5, 2, 2, 6, 1)),
    CASE(pow, "same shape", IN(0.3, 2, 2, 4, 5), IN(-2, 2, 2, 4, 5)),
    CASE(min, "same shape", IN(-1, 1, 2, 4, 5), IN(-1, 1, 2, 4, 5)),
    CASE(max, "channel", IN(-1, 1, 3, 3, 4, 5), IN(-1, 1, 1, 5)),
    STEP_CASE(eq),
    STEP_CASE(ne),
    STEP_CASE(lt),
    STEP_CASE(le),
    STEP_CASE(gt),
    STEP_CASE(ge),
};
#define COMPARE(kind)                                                                                                  \
    {                                                                                                                  \
        .name = #kind " image", .n_in = 2, .in = {IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 32, 32, 128)},       \
        .build = build, .arg = &builder_##kind, .no_grad = true                                                        \
    }
static const ito_op_case real_cases[] = {
    CASE(add, "residual", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 32, 32, 128)),
    CASE(add, "time embedding", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 1, 1, 128)),
    CASE(add, "bias", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 1, 128)),
    CASE(sub, "image", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 32, 32, 128)),
    CASE(mul, "image", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 32, 32, 128)),
    CASE(mul, "per sample", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 1, 1, 1)),
    CASE(div, "image", IN(-1, 1, 4, 16, 32, 32, 128), IN(0.5, 2, 4, 16, 32, 32, 128)),
    CASE(pow, "image", IN(0.3, 2, 4, 16, 32, 32, 16), IN(-2, 2, 4, 16, 32, 32, 16)),
    CASE(min, "image", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 32, 32, 128)),
    CASE(max, "image", IN(-1, 1, 4, 16, 32, 32, 128), IN(-1, 1, 4, 16, 32, 32, 128)),
    COMPARE(eq),
    COMPARE(ne),
    COMPARE(lt),
    COMPARE(le),
    COMPARE(gt),
    COMPARE(ge),
};

static const ito_op_def *const ops[] = {
#define ITO_X(kind) &kind##_op,
    ITO_BINARY_MAP(ITO_X)
#undef ITO_X
};
const ito_op_family ito__ops_binary = ITO_OP_TABLES("binary");
