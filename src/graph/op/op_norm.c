/* Group norm, layer norm, RMS norm (kernel/ref/ref_norm.c has the formulas) and batch norm as inference uses it.
 * The gradient kernels are differentiated through one composition: x is seen as [n, spatial, groups, width], a set is
 * normalised over spatial and width, and layer and RMS norm are the case of one group and no spatial extent.
 * The saved statistics are a function of x: the composition computes them afresh and nothing flows into them. */
#include "graph/op/op_util.h"

static ito_status check_norm(const ito_infer *n, int n_affine)
{
    const ito_shape *x = &n->in[0]->shape;
    ITO_TRY(ito__infer_real(n));
    if (x->n_dims < 1 || ito_shape_count(*x) < 1) return ito__infer_fail(n, "expected an input with channels last");
    for (int i = 1; i <= n_affine; i++)
        if (!ito_shape_equal(n->in[i]->shape, ITO_SHAPE(x->d[x->n_dims - 1])))
            return ito__infer_fail(n, "input %d: expected one element per channel", i);
    return ITO_OK;
}

static ito_status check_groups(const ito_infer *n)
{
    const ito_shape *x = &n->in[0]->shape;
    int64_t groups = ((const ito_attr_norm *)n->attr)->groups;
    if (x->n_dims < 2 || groups < 1 || x->d[x->n_dims - 1] % groups)
        return ito__infer_fail(n, "expected [N, ..., C] with C a multiple of %lld groups", (long long)groups);
    return ITO_OK;
}

static void set_outputs(ito_infer *n, ito_shape stats)
{
    n->out[0] = (ito_desc){n->in[0]->dtype, n->in[0]->shape};
    n->out[1] = (ito_desc){n->in[0]->dtype, stats};
}

/* [..., C] -> [..., n] */
static ito_shape row_stats(const ito_infer *n, int64_t per_row)
{
    ito_shape stats = n->in[0]->shape;
    stats.d[stats.n_dims - 1] = per_row;
    return stats;
}

static ito_status infer_group(ito_infer *n)
{
    ITO_TRY(check_norm(n, 2));
    ITO_TRY(check_groups(n));
    set_outputs(n, ITO_SHAPE(n->in[0]->shape.d[0], ((const ito_attr_norm *)n->attr)->groups, 2));
    return ITO_OK;
}

static ito_status infer_layer(ito_infer *n)
{
    ITO_TRY(check_norm(n, 2));
    set_outputs(n, row_stats(n, 2));
    return ITO_OK;
}

static ito_status infer_rms(ito_infer *n)
{
    ITO_TRY(check_norm(n, 1));
    set_outputs(n, row_stats(n, 1));
    return ITO_OK;
}

/* dx, dgamma[, dbeta] are like x, gamma[, beta]. */
static ito_status infer_norm_grad(ito_infer *n)
{
    ITO_TRY(check_norm(n, n->n_out - 1));
    if (!ito_shape_equal(n->in[n->n_in - 1]->shape, n->in[0]->shape))
        return ito__infer_fail(n, "dy has another shape than x");
    for (int i = 0; i < n->n_out; i++) n->out[i] = (ito_desc){n->in[i]->dtype, n->in[i]->shape};
    return ITO_OK;
}

/* ---- the composition of the gradients ---- */

/* An input seen as [n, spatial, groups, width], gamma and beta as [groups, width]. */
typedef struct sets {
    ito_graph *g;
    ito_shape shape, affine;
    bool centred;
    double eps;
} sets;

static sets sets_of(ito_graph *g, const ito_node *n, bool rows, bool centred)
{
    const ito_attr_norm *attr = n->attr;
    ito_shape x = n->in[0]->shape;
    int64_t channels = x.d[x.n_dims - 1], groups = rows ? 1 : attr->groups;
    int64_t samples = rows ? ito_shape_count(x) / channels : x.d[0];
    int64_t spatial = ito_shape_count(x) / (samples * channels);
    return (sets){g, ITO_SHAPE(samples, spatial, groups, channels / groups), ITO_SHAPE(groups, channels / groups),
                  centred, attr->eps};
}

static ito_value *set_mean(const sets *s, ito_value *x)
{
    return ito_op_mean(s->g, x, 1u << 1 | 1u << 3, true);
}

/* xhat and rstd of x. */
static ito_value *normalise(const sets *s, ito_value *x, ito_value **rstd)
{
    ito_graph *g = s->g;
    ito_value *d = s->centred ? ito_op_sub(g, x, set_mean(s, x)) : x;
    *rstd = ito_op_rsqrt(g, ito_op_scale(g, set_mean(s, ito_op_square(g, d)), 1, s->eps));
    return ito_op_mul(g, d, *rstd);
}

static ito_value *channel_sum(const sets *s, ito_value *x, const ito_value *like)
{
    return ito_op_reshape(s->g, ito_op_sum(s->g, x, 1u << 0 | 1u << 1, false), like->shape);
}

/* dx = rstd (gamma dy - avg(gamma dy) - xhat avg(gamma dy xhat)), dgamma = sum dy xhat, dbeta = sum dy */
static void compose_grad(const sets *s, const ito_node *n, ito_value **out)
{
    ito_graph *g = s->g;
    ito_value *rstd, *xhat = normalise(s, ito_op_reshape(g, n->in[0], s->shape), &rstd);
    ito_value *dy = ito_op_reshape(g, n->in[n->n_in - 1], s->shape);
    ito_value *gdy = ito_op_mul(g, dy, ito_op_reshape(g, n->in[1], s->affine));
    ito_value *inner = ito_op_sub(g, gdy, ito_op_mul(g, xhat, set_mean(s, ito_op_mul(g, gdy, xhat))));
    if (s->centred) inner = ito_op_sub(g, inner, set_mean(s, gdy));
    out[0] = ito_op_reshape(g, ito_op_mul(g, rstd, inner), n->in[0]->shape);
    out[1] = channel_sum(s, ito_op_mul(g, dy, xhat), n->in[1]);
    if (s->centred) out[2] = channel_sum(s, dy, n->in[2]);
}

static void compose_group_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    sets s = sets_of(g, n, false, true);
    compose_grad(&s, n, out);
}

static void compose_layer_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    sets s = sets_of(g, n, true, true);
    compose_grad(&s, n, out);
}

static void compose_rms_grad(ito_graph *g, const ito_node *n, ito_value **out)
{
    sets s = sets_of(g, n, true, false);
    compose_grad(&s, n, out);
}

#define GRAD_DEF(def, inputs, most, outputs, composition, may_overwrite, narrow)                                       \
    static const ito_op_def def = {.name = #def,                                                                       \
                                   .summary = "gradient from x, the saved statistics and dy",                          \
                                   .kernel = #def,                                                                     \
                                   .min_in = inputs,                                                                   \
                                   .max_in = most,                                                                     \
                                   .n_out = outputs,                                                                   \
                                   .attr_size = sizeof(ito_attr_norm),                                                 \
                                   .infer = infer_norm_grad,                                                           \
                                   .compose = composition,                                                             \
                                   .reads_bf16 = narrow,                                                               \
                                   .inplace = may_overwrite}
/* The sixth input is set by fusion alone, after differentiation. */
GRAD_DEF(group_norm_grad, 5, 6, 3, compose_group_grad, 1u << 4, 1u << 0);
GRAD_DEF(layer_norm_grad, 5, 5, 3, compose_layer_grad, 0, 0);
GRAD_DEF(rms_norm_grad, 4, 4, 2, compose_rms_grad, 0, 0);

/* ---- forward ---- */

/* inputs: x, gamma[, beta]; then the statistics and dy */
static void norm_rule(ito_graph *g, const ito_op_def *op, const ito_node *n, ito_value *const *dy, ito_value **dx)
{
    ito_value *in[5];
    if (!dy[0]) return;
    for (int i = 0; i < n->n_in; i++) in[i] = n->in[i];
    in[n->n_in] = &n->out[1];
    in[n->n_in + 1] = dy[0];
    ito_value *first = ito__op(g, op, n->attr, n->n_in + 2, in);
    for (int i = 0; i < n->n_in; i++) dx[i] = ito__output(first, i);
}

static void group_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    norm_rule(g, &group_norm_grad, n, dy, dx);
}

static void layer_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    norm_rule(g, &layer_norm_grad, n, dy, dx);
}

static void rms_rule(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    (void)need;
    norm_rule(g, &rms_norm_grad, n, dy, dx);
}

#define NORM_DEF(def, text, inputs, infer_rule, grad_rule, may_overwrite, narrow)                                      \
    static const ito_op_def def = {.name = #def,                                                                       \
                                   .summary = text,                                                                    \
                                   .kernel = #def,                                                                     \
                                   .min_in = inputs,                                                                   \
                                   .max_in = inputs,                                                                   \
                                   .n_out = 2,                                                                         \
                                   .attr_size = sizeof(ito_attr_norm),                                                 \
                                   .infer = infer_rule,                                                                \
                                   .grad = grad_rule,                                                                  \
                                   .reads_bf16 = narrow,                                                               \
                                   .inplace = may_overwrite}
NORM_DEF(group_norm, "each sample's groups of channels to mean 0, variance 1", 3, infer_group, group_rule, 1u << 0,
         1u << 0);
NORM_DEF(layer_norm, "each row to mean 0, variance 1", 3, infer_layer, layer_rule, 0, 0);
NORM_DEF(rms_norm, "each row to mean square 1", 2, infer_rms, rms_rule, 0, 0);

/* gamma or beta, or what stands for one that is missing. */
static ito_value *affine_or(ito_graph *g, const ito_value *x, ito_value *v, double value)
{
    if (v || ito__is_poison(x) || x->shape.n_dims < 1) return v;
    return ito_op_full(g, x->dtype, ITO_SHAPE(x->shape.d[x->shape.n_dims - 1]), value);
}

ito_value *ito_op_group_norm(ito_graph *g, ito_value *x, ito_value *gamma, ito_value *beta, int64_t groups, double eps)
{
    ito_attr_norm attr = {.groups = groups, .eps = eps};
    return ITO_OP(g, &group_norm, &attr, x, affine_or(g, x, gamma, 1), affine_or(g, x, beta, 0));
}

ito_value *ito_op_layer_norm(ito_graph *g, ito_value *x, ito_value *gamma, ito_value *beta, double eps)
{
    ito_attr_norm attr = {.groups = 1, .eps = eps};
    return ITO_OP(g, &layer_norm, &attr, x, affine_or(g, x, gamma, 1), affine_or(g, x, beta, 0));
}

ito_value *ito_op_rms_norm(ito_graph *g, ito_value *x, ito_value *gamma, double eps)
{
    ito_attr_norm attr = {.groups = 1, .eps = eps};
    return ITO_OP(g, &rms_norm, &attr, x, affine_or(g, x, gamma, 1));
}

ito_value *ito_op_batch_norm(ito_graph *g, ito_value *x, ito_value *mean, ito_value *var, ito_value *gamma,
                             ito_value *beta, double eps)
{
    ito_value *factor = ito_op_rsqrt(g, ito_op_scale(g, var, 1, eps));
    ito_value *y = ito_op_mul(g, ito_op_sub(g, x, mean), gamma ? ito_op_mul(g, factor, gamma) : factor);
    return beta ? ito_op_add(g, y, beta) : y;
}

/* ---- cases ---- */

static ito_value *build_group(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_group_norm(g, in[0], in[1], in[2], *(const int64_t *)arg, 1e-3);
}

/* As networks use it; the activation is fused where the backend can. */
static ito_value *build_group_silu(ito_graph *g, ito_value *const *in, const void *arg)
{
    return ito_op_silu(g, build_group(g, in, arg));
}

static ito_value *build_layer(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_layer_norm(g, in[0], in[1], in[2], 1e-3);
}

static ito_value *build_layer_plain(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_layer_norm(g, in[0], NULL, NULL, 1e-3);
}

static ito_value *build_rms(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_rms_norm(g, in[0], in[1], 1e-3);
}

static ito_value *build_batch(ito_graph *g, ito_value *const *in, const void *arg)
{
    (void)arg;
    return ito_op_batch_norm(g, in[0], in[1], in[2], in[3], in[4], 1e-3);
}

static const int64_t one = 1, two = 2, three = 3, eight = 8, thirty_two = 32;

#define S(n, ...)                                                                                                      \
    {                                                                                                                  \
        .shape = { n, {__VA_ARGS__} }                                                                                  \
    }
#define C(c) S(1, c)
#define CASE(text, make, a, x, c)                                                                                      \
    {                                                                                                                  \
        .name = text, .n_in = 3, .in = {x, C(c), C(c)}, .build = make, .arg = a, .tolerance = 1e-5                     \
    }
#define SHAPE4(a, b, c, d) S(4, a, b, c, d)
static const ito_op_case cases[] = {
    CASE("group_norm 2 groups", build_group, &two, SHAPE4(2, 3, 5, 6), 6),
    CASE("group_norm 3 groups of 1", build_group, &three, SHAPE4(1, 4, 3, 3), 3),
    CASE("group_norm 1x1 image", build_group, &two, SHAPE4(2, 1, 1, 8), 8),
    CASE("group_norm one group, rows", build_group, &one, S(2, 3, 7), 7),
    CASE("group_norm silu", build_group_silu, &eight, SHAPE4(2, 4, 5, 32), 32),
    CASE("group_norm silu, 17 channels", build_group_silu, &one, SHAPE4(2, 5, 3, 17), 17),
    CASE("layer_norm", build_layer, NULL, S(3, 2, 3, 19), 19),
    {.name = "layer_norm plain", .n_in = 1, .in = {S(2, 5, 8)}, .build = build_layer_plain, .tolerance = 1e-5},
    {.name = "rms_norm", .n_in = 2, .in = {S(3, 2, 3, 19), C(19)}, .build = build_rms, .tolerance = 1e-5},
    {.name = "batch_norm",
     .n_in = 5,
     .in = {SHAPE4(2, 3, 4, 5), C(5), {.shape = {1, {5}}, .low = 0.5, .high = 2}, C(5), C(5)},
     .build = build_batch,
     .tolerance = 1e-5},
};
static const ito_op_case real_cases[] = {
    CASE("group_norm 128 32x32", build_group, &thirty_two, SHAPE4(16, 32, 32, 128), 128),
    CASE("group_norm silu 128 32x32", build_group_silu, &thirty_two, SHAPE4(16, 32, 32, 128), 128),
    CASE("group_norm silu 256 16x16", build_group_silu, &thirty_two, SHAPE4(16, 16, 16, 256), 256),
    CASE("group_norm silu 512 4x4", build_group_silu, &thirty_two, SHAPE4(16, 4, 4, 512), 512),
    CASE("group_norm silu 32 32x32 batch 64", build_group_silu, &eight, SHAPE4(64, 32, 32, 32), 32),
    CASE("layer_norm 384", build_layer, NULL, S(3, 16, 256, 384), 384),
    {.name = "rms_norm 384", .n_in = 2, .in = {S(3, 16, 256, 384), C(384)}, .build = build_rms},
};
static const ito_op_def *const ops[] = {&group_norm,      &group_norm_grad, &layer_norm,
                                        &layer_norm_grad, &rms_norm,        &rms_norm_grad};
const ito_op_family ito__ops_norm = ITO_OP_TABLES("norm");
