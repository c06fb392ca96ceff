/* Cast between dtypes, and stop_gradient, which shares its input's memory and has derivative zero.
 * To an integer a cast truncates toward zero and saturates (NaN becomes 0) and no gradient passes. */
#include "graph/op/op_util.h"

static ito_status infer_cast(ito_infer *n)
{
    ito_dtype dtype = ((const ito_attr_cast *)n->attr)->dtype;
    if ((unsigned)dtype >= ITO_DTYPE_COUNT) return ito__infer_fail(n, "no such dtype: %d", (int)dtype);
    n->out[0] = (ito_desc){dtype, n->in[0]->shape};
    return ITO_OK;
}

/* What flows into a cast from whole numbers goes on as whole numbers, so that an op that made them can refuse it; a cast to
 * them lets nothing pass. Rounding to bf16 counts as the identity. */
static void cast_grad(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    if (dy[0]->dtype <= ITO_F64 || dy[0]->dtype == ITO_BF16) dx[0] = ito_op_cast(g, dy[0], n->in[0]->dtype);
}

static const ito_op_def cast_op = {.name = "cast",
                                   .summary = "to another dtype",
                                   .kernel = "cast",
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .attr_size = sizeof(ito_attr_cast),
                                   .infer = infer_cast,
                                   .grad = cast_grad};

ito_value *ito_op_cast(ito_graph *g, ito_value *x, ito_dtype dtype)
{
    ito_attr_cast attr = {dtype};
    if (!ito__is_poison(x) && x->dtype == dtype) return x;
    return ITO_OP(g, &cast_op, &attr, x);
}

static ito_status infer_stop(ito_infer *n)
{
    n->out[0] = (ito_desc){n->in[0]->dtype, n->in[0]->shape};
    return ITO_OK;
}

static const ito_op_def stop_gradient = {.name = "stop_gradient",
                                         .summary = "the same value, held constant by differentiation",
                                         .min_in = 1,
                                         .max_in = 1,
                                         .n_out = 1,
                                         .infer = infer_stop,
                                         .zero_grad = true};

ito_value *ito_op_stop_gradient(ito_graph *g, ito_value *x)
{
    return ITO_OP(g, &stop_gradient, NULL, x);
}

/* ---- cases ---- */

static ito_value *build_cast(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_square(g, ito_op_cast(g, ito_op_cast(g, in[0], ITO_F64), in[0]->dtype));
}

static ito_value *build_round(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_cast(g, ito_op_cast(g, in[0], ITO_BF16), in[0]->dtype);
}

static ito_value *build_truncate(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_cast(g, in[0], ITO_I32);
}

static ito_value *build_stop(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_mul(g, in[0], ito_op_stop_gradient(g, in[1]));
}

#define S(lo, hi, n, ...)                                                                                              \
    {                                                                                                                  \
        .shape = {n, {__VA_ARGS__}}, .low = lo, .high = hi                                                             \
    }
static const ito_op_case cases[] = {
    {.name = "cast there and back", .n_in = 1, .in = {S(0, 0, 2, 3, 5)}, .build = build_cast},
    {.name = "cast to i32", .n_in = 1, .in = {S(-9, 9, 2, 3, 5)}, .build = build_truncate, .no_grad = true},
    {.name = "cast to bf16 and back", .n_in = 1, .in = {S(0, 0, 2, 3, 35)}, .build = build_round, .no_grad = true},
    {.name = "stop_gradient", .n_in = 2, .in = {S(0, 0, 1, 6), S(0, 0, 1, 6)}, .build = build_stop, .no_grad = true},
};
static const ito_op_case real_cases[] = {
    {.name = "cast there and back", .n_in = 1, .in = {S(0, 0, 4, 16, 32, 32, 128)}, .build = build_cast},
    {.name = "cast to i32", .n_in = 1, .in = {S(-9, 9, 4, 16, 32, 32, 128)}, .build = build_truncate, .no_grad = true},
    {.name = "cast to bf16 and back",
     .n_in = 1,
     .in = {S(0, 0, 4, 16, 32, 32, 128)},
     .build = build_round,
     .no_grad = true},
};
static const ito_op_def *const ops[] = {&cast_op, &stop_gradient};
const ito_op_family ito__ops_cast = ITO_OP_TABLES("cast");
