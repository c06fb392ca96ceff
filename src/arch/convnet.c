/* A small convolutional classifier: per level two convolutions with group norm and SiLU, halved by max pooling between the
 * levels; then the mean over the image and one linear layer. Its penultimate features (the mean) serve metrics. */
#include "arch/arch.h"

#include <math.h>

#define MAX_LEVELS 6
#define GROUPS     8
#define NORM_EPS   1e-5

typedef struct config {
    int64_t in_channels, n_classes, height, width;
    int64_t channels[MAX_LEVELS];
    int n_levels;
} config;

static ito_status check(ito_ctx *ctx, const char *where, const config *c)
{
    if (c->n_levels < 1) return ito__fail(ctx, ITO_FORMAT, "%s: block_out_channels is empty", where);
    for (int i = 0; i < c->n_levels; i++)
        if (c->channels[i] < GROUPS || c->channels[i] % GROUPS)
            return ito__fail(ctx, ITO_FORMAT, "%s: block_out_channels[%d] is %lld, expected a multiple of %d", where, i,
                             (long long)c->channels[i], GROUPS);
    if (c->in_channels < 1 || c->n_classes < 2)
        return ito__fail(ctx, ITO_FORMAT, "%s: in_channels is %lld and num_classes %lld, expected at least 1 and 2",
                         where, (long long)c->in_channels, (long long)c->n_classes);
    return ITO_OK;
}

static ito_status parse(ito_ctx *ctx, const char *where, const json_t *object, void **out)
{
    ito_status st;
    int64_t size[2] = {0};
    int n_size;
    config *c = ito__alloc(ctx, sizeof *c);
    if (!c) return ITO_MEMORY;
    ITO_GO(ito__json_int(ctx, where, object, "in_channels", 3, &c->in_channels));
    ITO_GO(ito__json_int(ctx, where, object, "num_classes", 0, &c->n_classes));
    ITO_GO(ito__json_ints(ctx, where, object, "block_out_channels", MAX_LEVELS, c->channels, &c->n_levels));
    ITO_GO(ito__json_ints(ctx, where, object, "sample_size", 2, size, &n_size));
    c->height = size[0];
    c->width = size[1];
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
    json_t *channels = json_array();
    for (int i = 0; i < c->n_levels; i++) json_array_append_new(channels, json_integer(c->channels[i]));
    *out = json_pack("{s:s, s:I, s:I, s:o, s:[I, I]}", "_class_name", "ItoConvNet", "in_channels",
                     (json_int_t)c->in_channels, "num_classes", (json_int_t)c->n_classes, "block_out_channels",
                     channels, "sample_size", (json_int_t)c->height, (json_int_t)c->width);
    return *out ? ITO_OK : ito__fail_memory(ctx, 0);
}

static ito_arch_info info(const void *state)
{
    const config *c = state;
    return (ito_arch_info){.in_channels = c->in_channels,
                           .out_channels = c->n_classes,
                           .height = c->height,
                           .width = c->width,
                           .size_multiple = (int64_t)1 << (c->n_levels - 1),
                           .n_features = c->channels[c->n_levels - 1]};
}

static ito_status check_size(ito_ctx *ctx, const void *state, int64_t height, int64_t width)
{
    const config *c = state;
    int64_t least = (int64_t)1 << (c->n_levels - 1);
    if (height >= least && width >= least) return ITO_OK;
    return ito__fail(ctx, ITO_SHAPE,
                     "this classifier halves the image %d times: expected at least %lldx%lld, found %lldx%lld",
                     c->n_levels - 1, (long long)least, (long long)least, (long long)height, (long long)width);
}

/* conv 3x3 -> group norm -> silu */
static ito_value *conv_block(const ito_scope *outer, const char *name, ito_value *x, int64_t n_out)
{
    ito_scope s = ito__scope(outer, "%s", name);
    int64_t n_in = ito_value_shape(x).d[3];
    double sd = sqrt(2.0 / (double)(9 * n_in)); /* EQ[he15:14] with n_l = k^2 n_in */
    ito_value *w = ito__param(&s, "conv.weight", ITO_SHAPE(n_out, n_in, 3, 3), ITO_INIT_NORMAL, sd, true);
    ito_value *b = ito__param(&s, "conv.bias", ITO_SHAPE(n_out), ITO_INIT_ZERO, 0, false);
    ito_value *gamma = ito__param(&s, "norm.weight", ITO_SHAPE(n_out), ITO_INIT_ONE, 0, false);
    ito_value *beta = ito__param(&s, "norm.bias", ITO_SHAPE(n_out), ITO_INIT_ZERO, 0, false);
    ito_value *y = ito_op_conv2d(s.g, x, w, b, &(ito_conv_options){.pad_before = {1, 1}, .pad_after = {1, 1}});
    y = ito_op_silu(s.g, ito_op_group_norm(s.g, y, gamma, beta, GROUPS, NORM_EPS));
    ito__scope_end(&s);
    return y;
}

static ito_value *features(const ito_scope *s, const void *state, const ito_arch_inputs *in)
{
    const config *c = state;
    ito_value *h = in->x;
    for (int i = 0; i < c->n_levels; i++) {
        ito_scope level = ito__scope(s, "blocks.%d", i);
        if (i) h = ito_op_max_pool(s->g, h, &(ito_pool_options){.kernel = {2, 2}});
        h = conv_block(&level, "0", h, c->channels[i]);
        h = conv_block(&level, "1", h, c->channels[i]);
        ito__scope_end(&level);
    }
    return ito_op_mean(s->g, h, 1u << 1 | 1u << 2, false);
}

static ito_value *head(const ito_scope *s, const void *state, ito_value *h)
{
    const config *c = state;
    int64_t n_in = c->channels[c->n_levels - 1];
    double bound = 1 / sqrt((double)n_in);
    ito_value *w = ito__param(s, "head.weight", ITO_SHAPE(c->n_classes, n_in), ITO_INIT_UNIFORM, bound, true);
    ito_value *b = ito__param(s, "head.bias", ITO_SHAPE(c->n_classes), ITO_INIT_ZERO, 0, false);
    return ito_op_linear(s->g, h, w, b);
}

static ito_value *build(const ito_scope *s, const void *state, const ito_arch_inputs *in)
{
    return head(s, state, features(s, state, in));
}

extern const ito_arch_def ito__arch_convnet;
const ito_arch_def ito__arch_convnet = {
    .choice = {.name = "ItoConvNet",
               .summary = "small convolutional classifier",
               .formula = "logits = W mean(blocks(x)) + b",
               .paper = "he15",
               .eq = "he15:14",
               .file = "src/arch/convnet.c"},
    .parse = parse,
    .write = write_config,
    .info = info,
    .check_size = check_size,
    .build = build,
    .features = features,
    .head = head,
};
