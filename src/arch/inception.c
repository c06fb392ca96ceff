/* Inception-v3 (Szegedy et al. 2016) in the variant that FID is defined with: the weights that were converted from the graph of 2015
 * (pytorch-fid's pt_inception, whose names and torchvision's agree) have 1008 classes, averages that leave padding out, and a maximum
 * in place of the average in the last block. Input [N, 299, 299, 3] in -1..1; features [N, 2048] are the means over the last map.
 * Batch norms use their recorded moments: this network is never trained here. */
#include "arch/arch.h"

#include <string.h>

#define SIDE     299
#define FEATURES 2048
#define CLASSES  1008
#define BN_EPS   1e-3

typedef struct config {
    int64_t n_classes;
} config;

static ito_status parse(ito_ctx *ctx, const char *where, const json_t *object, void **out)
{
    config *c = ito__alloc(ctx, sizeof *c);
    if (!c) return ITO_MEMORY;
    ito_status st = ito__json_int(ctx, where, object, "num_classes", CLASSES, &c->n_classes);
    if (st == ITO_OK && c->n_classes < 2)
        st = ito__fail(ctx, ITO_FORMAT, "%s: num_classes is %lld, expected at least 2", where, (long long)c->n_classes);
    if (st == ITO_OK)
        *out = c;
    else
        ito__free(ctx, c);
    return st;
}

static ito_status write_config(ito_ctx *ctx, const void *state, json_t **out)
{
    const config *c = state;
    *out = json_pack("{s:s, s:I}", "_class_name", "ItoInceptionV3", "num_classes", (json_int_t)c->n_classes);
    return *out ? ITO_OK : ito__fail_memory(ctx, 0);
}

static ito_arch_info info(const void *state)
{
    const config *c = state;
    return (ito_arch_info){.in_channels = 3,
                           .out_channels = c->n_classes,
                           .height = SIDE,
                           .width = SIDE,
                           .size_multiple = SIDE,
                           .n_features = FEATURES,
                           .any_size = true};
}

static ito_status check_size(ito_ctx *ctx, const void *state, int64_t height, int64_t width)
{
    (void)state;
    if (height == SIDE && width == SIDE) return ITO_OK;
    return ito__fail(ctx, ITO_SHAPE, "Inception-v3 reads images of %d x %d, found %lld x %lld", SIDE, SIDE,
                     (long long)width, (long long)height);
}

/* ---- layers ---- */

/* What a convolution is: kernel height and width, stride, and as much padding as keeps the size, or none. */
typedef struct shape {
    int64_t kh, kw, stride;
    bool pad;
} shape;

static const shape one = {1, 1, 1, false}, three = {3, 3, 1, true}, five = {5, 5, 1, true}, bare = {3, 3, 1, false},
                   half = {3, 3, 2, false}, wide7 = {1, 7, 1, true}, tall7 = {7, 1, 1, true}, wide3 = {1, 3, 1, true},
                   tall3 = {3, 1, 1, true};

/* conv without bias -> batch norm -> relu; gamma (x - mean) / sqrt(var + eps) + beta as a factor and a shift of each channel. */
static ito_value *conv(const ito_scope *outer, const char *name, ito_value *x, int64_t n_out, shape k)
{
    ito_scope s = ito__scope(outer, "%s", name);
    int64_t n_in = ito_value_shape(x).d[3];
    ito_conv_options o = {.stride = {k.stride, k.stride}};
    if (k.pad) {
        o.pad_before[0] = o.pad_after[0] = k.kh / 2;
        o.pad_before[1] = o.pad_after[1] = k.kw / 2;
    }
    ito_value *w = ito__param(&s, "conv.weight", ITO_SHAPE(n_out, n_in, k.kh, k.kw), ITO_INIT_NORMAL, 0.1, true);
    ito_value *gamma = ito__param(&s, "bn.weight", ITO_SHAPE(n_out), ITO_INIT_ONE, 0, false);
    ito_value *beta = ito__param(&s, "bn.bias", ITO_SHAPE(n_out), ITO_INIT_ZERO, 0, false);
    ito_value *mean = ito__param(&s, "bn.running_mean", ITO_SHAPE(n_out), ITO_INIT_ZERO, 0, false);
    ito_value *variance = ito__param(&s, "bn.running_var", ITO_SHAPE(n_out), ITO_INIT_ONE, 0, false);
    ito_value *factor = ito_op_mul(s.g, gamma, ito_op_rsqrt(s.g, ito_op_scale(s.g, variance, 1, BN_EPS)));
    ito_value *shift = ito_op_sub(s.g, beta, ito_op_mul(s.g, mean, factor));
    ito_value *y = ito_op_mul(s.g, ito_op_conv2d(s.g, x, w, NULL, &o), factor);
    y = ito_op_relu(s.g, ito_op_add(s.g, y, shift));
    ito__scope_end(&s);
    return y;
}

/* A chain of convolutions: names, widths and shapes, one after the other. */
typedef struct layer {
    const char *name;
    int64_t n_out;
    shape k;
} layer;

static ito_value *chain(const ito_scope *s, ito_value *x, int n, const layer *layers)
{
    for (int i = 0; i < n; i++) x = conv(s, layers[i].name, x, layers[i].n_out, layers[i].k);
    return x;
}
#define CHAIN(s, x, ...) chain(s, x, ITO_COUNT(((const layer[]){__VA_ARGS__})), (const layer[]){__VA_ARGS__})

static ito_value *max_half(const ito_scope *s, ito_value *x)
{
    return ito_op_max_pool(s->g, x, &(ito_pool_options){.kernel = {3, 3}, .stride = {2, 2}});
}

static ito_pool_options same_pool(void)
{
    return (ito_pool_options){.kernel = {3, 3}, .stride = {1, 1}, .pad_before = {1, 1}, .pad_after = {1, 1}};
}

/* Means of 3 x 3 that leave padding out. */
static ito_value *average(const ito_scope *s, ito_value *x)
{
    ito_pool_options o = same_pool();
    return ito_op_avg_pool(s->g, x, &o);
}

#define JOIN(s, ...) ito_op_concat((s)->g, ITO_COUNT(((ito_value *[]){__VA_ARGS__})), (ito_value *[]){__VA_ARGS__}, 3)

/* ---- blocks, with the letters that the weights' authors use ---- */

static ito_value *block_a(const ito_scope *s, ito_value *x, int64_t pool_width)
{
    ito_value *b1 = conv(s, "branch1x1", x, 64, one);
    ito_value *b5 = CHAIN(s, x, {"branch5x5_1", 48, one}, {"branch5x5_2", 64, five});
    ito_value *b3 =
        CHAIN(s, x, {"branch3x3dbl_1", 64, one}, {"branch3x3dbl_2", 96, three}, {"branch3x3dbl_3", 96, three});
    ito_value *pool = conv(s, "branch_pool", average(s, x), pool_width, one);
    return JOIN(s, b1, b5, b3, pool);
}

static ito_value *block_b(const ito_scope *s, ito_value *x)
{
    ito_value *b3 = conv(s, "branch3x3", x, 384, half);
    ito_value *twice =
        CHAIN(s, x, {"branch3x3dbl_1", 64, one}, {"branch3x3dbl_2", 96, three}, {"branch3x3dbl_3", 96, half});
    return JOIN(s, b3, twice, max_half(s, x));
}

static ito_value *block_c(const ito_scope *s, ito_value *x, int64_t n)
{
    ito_value *b1 = conv(s, "branch1x1", x, 192, one);
    ito_value *b7 = CHAIN(s, x, {"branch7x7_1", n, one}, {"branch7x7_2", n, wide7}, {"branch7x7_3", 192, tall7});
    ito_value *twice =
        CHAIN(s, x, {"branch7x7dbl_1", n, one}, {"branch7x7dbl_2", n, tall7}, {"branch7x7dbl_3", n, wide7},
              {"branch7x7dbl_4", n, tall7}, {"branch7x7dbl_5", 192, wide7});
    ito_value *pool = conv(s, "branch_pool", average(s, x), 192, one);
    return JOIN(s, b1, b7, twice, pool);
}

static ito_value *block_d(const ito_scope *s, ito_value *x)
{
    ito_value *b3 = CHAIN(s, x, {"branch3x3_1", 192, one}, {"branch3x3_2", 320, half});
    ito_value *b7 = CHAIN(s, x, {"branch7x7x3_1", 192, one}, {"branch7x7x3_2", 192, wide7},
                          {"branch7x7x3_3", 192, tall7}, {"branch7x7x3_4", 192, half});
    return JOIN(s, b3, b7, max_half(s, x));
}

/* is_last: the maximum of 3 x 3 where the block before it has the average, as the graph of 2015 does. */
static ito_value *block_e(const ito_scope *s, ito_value *x, bool is_last)
{
    ito_pool_options o = same_pool();
    ito_value *b1 = conv(s, "branch1x1", x, 320, one), *b3 = conv(s, "branch3x3_1", x, 384, one);
    ito_value *b3a = conv(s, "branch3x3_2a", b3, 384, wide3), *b3b = conv(s, "branch3x3_2b", b3, 384, tall3);
    ito_value *twice = CHAIN(s, x, {"branch3x3dbl_1", 448, one}, {"branch3x3dbl_2", 384, three});
    ito_value *ta = conv(s, "branch3x3dbl_3a", twice, 384, wide3), *tb = conv(s, "branch3x3dbl_3b", twice, 384, tall3);
    ito_value *pool = is_last ? ito_op_max_pool(s->g, x, &o) : average(s, x);
    return JOIN(s, b1, b3a, b3b, ta, tb, conv(s, "branch_pool", pool, 192, one));
}

static const struct {
    const char *name;
    char block;
    int64_t width; /* of the pool's branch in A, inside the 7 x 7 branches in C */
} mixed[] = {{"Mixed_5b", 'a', 32},  {"Mixed_5c", 'a', 64},  {"Mixed_5d", 'a', 64},  {"Mixed_6a", 'b', 0},
             {"Mixed_6b", 'c', 128}, {"Mixed_6c", 'c', 160}, {"Mixed_6d", 'c', 160}, {"Mixed_6e", 'c', 192},
             {"Mixed_7a", 'd', 0},   {"Mixed_7b", 'e', 0},   {"Mixed_7c", 'e', 0}};

static ito_value *features(const ito_scope *s, const void *state, const ito_arch_inputs *in)
{
    (void)state;
    ito_value *x =
        CHAIN(s, in->x, {"Conv2d_1a_3x3", 32, half}, {"Conv2d_2a_3x3", 32, bare}, {"Conv2d_2b_3x3", 64, three});
    x = CHAIN(s, max_half(s, x), {"Conv2d_3b_1x1", 80, one}, {"Conv2d_4a_3x3", 192, bare});
    x = max_half(s, x);
    for (int i = 0; i < ITO_COUNT(mixed); i++) {
        ito_scope b = ito__scope(s, "%s", mixed[i].name);
        x = mixed[i].block == 'a'   ? block_a(&b, x, mixed[i].width)
            : mixed[i].block == 'b' ? block_b(&b, x)
            : mixed[i].block == 'c' ? block_c(&b, x, mixed[i].width)
            : mixed[i].block == 'd' ? block_d(&b, x)
                                    : block_e(&b, x, i == ITO_COUNT(mixed) - 1);
        ito__scope_end(&b);
    }
    return ito_op_mean(s->g, x, 1u << 1 | 1u << 2, false);
}

/* Without the bias: so the program that defined the Inception score (Salimans et al. 2016) reads the graph. */
static ito_value *head(const ito_scope *s, const void *state, ito_value *h)
{
    const config *c = state;
    ito_value *w = ito__param(s, "fc.weight", ITO_SHAPE(c->n_classes, FEATURES), ITO_INIT_UNIFORM, 0.02, true);
    return ito_op_linear(s->g, h, w, NULL);
}

/* PyTorch counts batches, torchvision's network has a second head for training, and the last bias is left out. */
static bool skips(const char *name)
{
    static const char counter[] = ".num_batches_tracked", aux[] = "AuxLogits.";
    size_t n = strlen(name), k = sizeof counter - 1;
    return (n > k && !strcmp(name + n - k, counter)) || !strcmp(name, "fc.bias") || !strncmp(name, aux, sizeof aux - 1);
}

static ito_value *build(const ito_scope *s, const void *state, const ito_arch_inputs *in)
{
    return head(s, state, features(s, state, in));
}

extern const ito_arch_def ito__arch_inception;
const ito_arch_def ito__arch_inception = {
    .choice = {.name = "ItoInceptionV3",
               .summary = "Inception-v3 as FID has it, from a weights file: features for metrics",
               .file = "src/arch/inception.c"},
    .parse = parse,
    .write = write_config,
    .info = info,
    .check_size = check_size,
    .build = build,
    .features = features,
    .head = head,
    .skips = skips,
};
