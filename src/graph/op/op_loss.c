/* Losses, composed of other operations; they bring no operation of their own. */
#include "graph/op/op_util.h"

ito_value *ito_op_mse(ito_graph *g, ito_value *a, ito_value *b)
{
    return ito_op_mean(g, ito_op_square(g, ito_op_sub(g, a, b)), ITO_ALL_AXES, false);
}

/* logsumexp(x) - x[label]; the label's logit is selected, not multiplied out, so that -inf elsewhere does no harm. */
ito_value *ito_op_cross_entropy(ito_graph *g, ito_value *logits, ito_value *labels)
{
    if (ito__is_poison(logits) || ito__is_poison(labels)) return ito_op_gather(g, logits, labels);
    int last = logits->shape.n_dims - 1;
    if (last < 0 || !ito_shape_equal(labels->shape, ito__shape_without(logits->shape, last)))
        return ito__graph_fail(g, ITO_SHAPE, "cross_entropy: expected logits [..., C] and labels [...]");
    ito_value *hot = ito_op_one_hot(g, labels, logits->shape.d[last], logits->dtype);
    ito_value *zero = ito_op_full(g, logits->dtype, ITO_SCALAR, 0);
    ito_value *picked = ito_op_sum(g, ito_op_select(g, hot, logits, zero), 1u << last, false);
    return ito_op_sub(g, ito_op_logsumexp(g, logits, -1), picked);
}

static ito_value *build_mse(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_mse(g, in[0], in[1]);
}

static ito_value *build_cross_entropy(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_cross_entropy(g, in[0], in[1]);
}

#define LABELS(n, ...)                                                                                                 \
    {                                                                                                                  \
        .dtype = ITO_I32, .shape = {n, {__VA_ARGS__}}, .low = 0, .high = 9                                             \
    }
static const ito_op_case cases[] = {
    {.name = "mse", .n_in = 2, .in = {{.shape = {2, {3, 7}}}, {.shape = {2, {3, 7}}}}, .build = build_mse},
    {.name = "mse to one value", .n_in = 2, .in = {{.shape = {2, {3, 7}}}, {.shape = {1, {1}}}}, .build = build_mse},
    {.name = "cross_entropy",
     .n_in = 2,
     .in = {{.shape = {2, {5, 10}}, .low = -4, .high = 4}, LABELS(1, 5)},
     .build = build_cross_entropy},
    {.name = "cross_entropy of sequences",
     .n_in = 2,
     .in = {{.shape = {3, {2, 3, 10}}}, LABELS(2, 2, 3)},
     .build = build_cross_entropy},
};
static const ito_op_case real_cases[] = {
    {.name = "mse of images",
     .n_in = 2,
     .in = {{.shape = {4, {64, 32, 32, 3}}}, {.shape = {4, {64, 32, 32, 3}}}},
     .build = build_mse},
    {.name = "cross_entropy of 1000 classes",
     .n_in = 2,
     .in = {{.shape = {2, {256, 1000}}, .low = -4, .high = 4}, LABELS(1, 256)},
     .build = build_cross_entropy},
};
const ito_op_family ito__ops_loss = {.name = "loss",
                                     .n_cases = ITO_COUNT(cases),
                                     .cases = cases,
                                     .n_real_cases = ITO_COUNT(real_cases),
                                     .real_cases = real_cases};
