/* MLP: a perceptron with residual blocks, for points: images of height and width 1. Time, and the label where there is one, are
 * added inside every block.
 *
 *     h = linear_in(x)
 *     h = h + linear_2(act(linear_1(norm(h)) + emb_proj(emb)))        n_blocks times
 *     y = linear_out(act(norm_out(h)))
 *
 * emb is a perceptron of sines and cosines of time_scale t, as a UNet2DModel's, plus a row of the label's table. */
#include "arch/arch.h"

#include <math.h>
#include <string.h>

#include "nn/layers.h"

#define NORM_EPS  1e-5
#define MOST      65536
#define MAX_DEPTH 1000

typedef struct config {
    int64_t in_channels, out_channels, hidden_width, n_blocks, n_labels, sample_size;
    double time_scale;
    ito__act act;
} config;

static const char *const activations[] = {"silu", "mish", "gelu", "relu"}; /* in the order of ito__act */

static ito_status check(ito_ctx *ctx, const char *where, const config *c)
{
    if (c->in_channels < 1 || c->out_channels < 1 || c->in_channels > MOST || c->out_channels > MOST)
        return ito__fail(ctx, ITO_FORMAT, "%s: in_channels is %lld and out_channels %lld, expected 1 to %d", where,
                         (long long)c->in_channels, (long long)c->out_channels, MOST);
    if (c->hidden_width < 2 || c->hidden_width > MOST || c->hidden_width % 2)
        return ito__fail(ctx, ITO_FORMAT, "%s: hidden_width is %lld, expected an even number of 2 to %d", where,
                         (long long)c->hidden_width, MOST);
    if (c->n_blocks < 0 || c->n_blocks > MAX_DEPTH)
        return ito__fail(ctx, ITO_FORMAT, "%s: n_blocks is %lld, expected 0 to %d", where, (long long)c->n_blocks,
                         MAX_DEPTH);
    if (c->n_labels < 0 || c->n_labels > INT32_MAX)
        return ito__fail(ctx, ITO_FORMAT, "%s: num_class_embeds is %lld, expected 0 or more", where,
                         (long long)c->n_labels);
    if (c->sample_size != 1)
        return ito__fail(ctx, ITO_SHAPE, "%s: sample_size is %lld: an MLP is for points, of sample_size 1", where,
                         (long long)c->sample_size);
    return ITO_OK;
}

static ito_status parse_activation(ito_ctx *ctx, const char *where, const json_t *object, ito__act *act)
{
    const char *name;
    ITO_TRY(ito__json_text(ctx, where, object, "activation", "silu", &name));
    for (int k = 0; k < ITO_COUNT(activations); k++)
        if (!strcmp(activations[k], name)) {
            *act = (ito__act)k;
            return ITO_OK;
        }
    return ito__json_fail(ctx, where, "activation", "silu, mish, gelu or relu", json_object_get(object, "activation"));
}

/* A number, or the pair that a data set of another height than width has. */
static ito_status parse_size(ito_ctx *ctx, const char *where, const json_t *object, int64_t *size)
{
    int64_t sides[2];
    int n;
    if (!json_is_array(json_object_get(object, "sample_size")))
        return ito__json_int(ctx, where, object, "sample_size", 1, size);
    ITO_TRY(ito__json_ints(ctx, where, object, "sample_size", 2, sides, &n));
    *size = n == 2 ? ITO_MAX(sides[0], sides[1]) : 0;
    return ITO_OK;
}

static ito_status parse(ito_ctx *ctx, const char *where, const json_t *object, void **out)
{
    ito_status st;
    config *c = ito__alloc(ctx, sizeof *c);
    if (!c) return ITO_MEMORY;
    ITO_GO(ito__json_int(ctx, where, object, "in_channels", 2, &c->in_channels));
    ITO_GO(ito__json_int(ctx, where, object, "out_channels", c->in_channels, &c->out_channels));
    ITO_GO(ito__json_int(ctx, where, object, "hidden_width", 128, &c->hidden_width));
    ITO_GO(ito__json_int(ctx, where, object, "n_blocks", 3, &c->n_blocks));
    ITO_GO(ito__json_int(ctx, where, object, "num_class_embeds", 0, &c->n_labels));
    ITO_GO(ito__json_real(ctx, where, object, "time_scale", 1, &c->time_scale));
    ITO_GO(parse_size(ctx, where, object, &c->sample_size));
    ITO_GO(parse_activation(ctx, where, object, &c->act));
    ITO_GO(check(ctx, where, c));
    *out = c;
    return ITO_OK;
done:
    ito__free(ctx, c);
    return st;
}

static ito_status write_config(ito_ctx *ctx, const void *state, json_t **out)
{
    const config *c = state;
    *out = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:f}", "_class_name", "MLP", "sample_size", (json_int_t)1,
                     "in_channels", (json_int_t)c->in_channels, "out_channels", (json_int_t)c->out_channels,
                     "hidden_width", (json_int_t)c->hidden_width, "n_blocks", (json_int_t)c->n_blocks, "activation",
                     activations[c->act], "time_scale", c->time_scale);
    if (*out && c->n_labels > 0) json_object_set_new(*out, "num_class_embeds", json_integer(c->n_labels));
    return *out ? ITO_OK : ito__fail_memory(ctx, 0);
}

static ito_arch_info info(const void *state)
{
    const config *c = state;
    return (ito_arch_info){.in_channels = c->in_channels,
                           .out_channels = c->out_channels,
                           .height = 1,
                           .width = 1,
                           .size_multiple = 1,
                           .n_labels = c->n_labels,
                           .takes_time = true};
}

static ito_status check_size(ito_ctx *ctx, const void *state, int64_t height, int64_t width)
{
    (void)state;
    if (height == 1 && width == 1) return ITO_OK;
    return ito__fail(ctx, ITO_SHAPE, "an MLP is for points, of height and width 1, found %lldx%lld", (long long)height,
                     (long long)width);
}

static ito_status check_inputs(const ito_scope *s, const config *c, const ito_arch_inputs *in)
{
    ito_shape x = ito_value_shape(in->x);
    ito_ctx *ctx = s->net->ctx;
    if (x.n_dims != 4 || x.d[3] != c->in_channels)
        return ito__fail(ctx, ITO_SHAPE, "expected points [N, 1, 1, %d]", (int)c->in_channels);
    if ((c->n_labels > 0) != (in->label != NULL))
        return ito__fail(ctx, ITO_USAGE, in->label ? "the network takes no label" : "the network needs a label");
    return check_size(ctx, c, x.d[1], x.d[2]);
}

static ito_value *norm(const ito_scope *outer, const char *name, ito_value *x)
{
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *gamma = ito__param(&s, "weight", ITO_SHAPE(ito__channels(x)), ITO_INIT_ONE, 0, false);
    ito_value *beta = ito__param(&s, "bias", ITO_SHAPE(ito__channels(x)), ITO_INIT_ZERO, 0, false);
    ito_value *y = ito_op_layer_norm(s.g, x, gamma, beta, NORM_EPS);
    ito__scope_end(&s);
    return y;
}

/* [N, W], or [1, W] when all share a time and have no labels; activated, as every block would do it first. */
static ito_value *embed(const ito_scope *s, const config *c, const ito_arch_inputs *in)
{
    ito_value *t = c->time_scale == 1 ? in->t : ito_op_scale(s->g, in->t, c->time_scale, 0);
    ito_value *emb = ito__sinusoidal(s, t, c->hidden_width, true, 0);
    emb = ito__time_mlp(s, "time_embedding", emb, c->hidden_width);
    if (in->label)
        emb = ito_op_add(s->g, emb, ito__embedding(s, "class_embedding", in->label, c->n_labels, c->hidden_width));
    return ito__activate(s, c->act, emb);
}

static ito_value *block(const ito_scope *outer, const config *c, int64_t index, ito_value *h, ito_value *emb)
{
    ito_scope s = ito__scope(outer, "blocks.%lld", (long long)index);
    ito_value *y = ito__linear(&s, "linear_1", norm(&s, "norm", h), c->hidden_width);
    y = ito_op_add(s.g, y, ito__linear(&s, "emb_proj", emb, c->hidden_width));
    y = ito__linear(&s, "linear_2", ito__activate(&s, c->act, y), c->hidden_width);
    ito__scope_end(&s);
    return ito_op_add(outer->g, h, y); /* EQ[resnet:1]  y = F(x, {W_i}) + x */
}

static ito_value *build(const ito_scope *s, const void *state, const ito_arch_inputs *in)
{
    const config *c = state;
    ito_status st = check_inputs(s, c, in);
    if (st != ITO_OK) return ito__graph_fail(s->g, st, "%s", ito_last_error(s->net->ctx));
    ito_value *emb = embed(s, c, in);
    ito_value *h = ito_op_reshape(s->g, in->x, ITO_SHAPE(-1, c->in_channels));
    h = ito__linear(s, "linear_in", h, c->hidden_width);
    for (int64_t i = 0; i < c->n_blocks; i++) h = block(s, c, i, h, emb);
    h = ito__linear(s, "linear_out", ito__activate(s, c->act, norm(s, "norm_out", h)), c->out_channels);
    return ito_op_reshape(s->g, h, ITO_SHAPE(-1, 1, 1, c->out_channels));
}

extern const ito_arch_def ito__arch_mlp;
const ito_arch_def ito__arch_mlp = {
    .choice = {.name = "MLP",
               .summary = "perceptron with residual blocks, for points",
               .formula = "h_{k+1} = h_k + W_2 act(W_1 norm(h_k) + W_e emb(t, y))",
               .paper = "resnet",
               .eq = "resnet:1",
               .file = "src/arch/mlp.c"},
    .parse = parse,
    .write = write_config,
    .info = info,
    .check_size = check_size,
    .build = build,
};
