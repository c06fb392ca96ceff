/* UNet2DModel: the U-Net of DDPM (Ho, Jain, Abbeel 2020) with the options that NCSN++ (Song et al. 2021), ADM (Dhariwal,
 * Nichol 2021) and diffusers added. Config, parameter names and numbers are diffusers'; inside, images are [N, H, W, C].
 * The Skip blocks, which filter with FIR kernels, are not built.
 *
 *     conv_in -> down_blocks -> mid_block -> up_blocks -> conv_norm_out, silu, conv_out
 *                     |  every layer's output  ^
 *                     +------------------------+ */
#include "arch/arch.h"
#include "arch/unet2d_blocks.h"

#include <stdio.h>
#include <string.h>

static ito_status parse_config(ito_ctx *ctx, const char *where, const json_t *object, void **config)
{
    *config = ito__alloc(ctx, sizeof(ito__unet2d_config));
    return *config ? ito__unet2d_config_parse(ctx, where, object, *config) : ITO_MEMORY;
}

static ito_status write_config(ito_ctx *ctx, const void *config, json_t **out)
{
    return ito__unet2d_config_write(ctx, config, out);
}

static ito_status check_size(ito_ctx *ctx, const void *config, int64_t height, int64_t width)
{
    return ito__unet2d_config_check_size(ctx, config, height, width);
}

/* Labels that are embedded as timesteps are numbers without an end, unless the timesteps have a table. */
static int64_t n_labels(const ito__unet2d_config *c)
{
    if (c->class_embed_type != ITO__UNET2D_TIMESTEP) return c->num_class_embeds;
    return c->time_embedding_type == ITO__UNET2D_LEARNED ? c->num_train_timesteps : INT32_MAX;
}

static ito_arch_info info(const void *config)
{
    const ito__unet2d_config *c = config;
    bool vector = c->class_embed_type == ITO__UNET2D_IDENTITY;
    return (ito_arch_info){.in_channels = c->in_channels,
                           .out_channels = c->out_channels,
                           .height = c->sample_size[0],
                           .width = c->sample_size[1],
                           .size_multiple = (int64_t)1 << (c->block_out_channels.n - 1),
                           .n_labels = vector ? 0 : n_labels(c),
                           .label_width = vector ? ito__unet2d_time_width(c) : 0,
                           .takes_time = true};
}

static ito_value *head(const ito_scope *s, const ito__unet2d_config *c, ito_value *x)
{
    ito__conv conv = {.out_channels = c->out_channels, .kernel = 3, .zero_init = c->zero_init};
    x = ito__group_norm(s, "conv_norm_out", x, c->norm_num_groups, c->norm_eps);
    return ito__conv2d(s, "conv_out", ito_op_silu(s->g, x), &conv);
}

/* With Fourier features the timestep is sigma, and what comes out is divided by it. */
static ito_value *rescale(const ito_scope *s, const ito__unet2d_config *c, ito_value *x, ito_value *t)
{
    if (c->time_embedding_type != ITO__UNET2D_FOURIER) return x;
    return ito_op_div(s->g, x, ito_op_reshape(s->g, t, ITO_SHAPE(-1, 1, 1, 1)));
}

/* The sizes that the strides allow, and a label exactly when the network has a place for it. */
static ito_status check_inputs(const ito_scope *s, const ito__unet2d_config *c, const ito_arch_inputs *in)
{
    ito_shape image = ito_value_shape(in->x);
    ito_ctx *ctx = s->net->ctx;
    if (image.n_dims != 4 || image.d[3] != c->in_channels)
        return ito__fail(ctx, ITO_SHAPE, "expected images [N, H, W, %d]", (int)c->in_channels);
    if (ito__unet2d_has_class(c) != (in->label != NULL))
        return ito__fail(ctx, ITO_USAGE, in->label ? "the network takes no label" : "the network needs a label");
    return check_size(ctx, c, image.d[1], image.d[2]);
}

static ito_value *build(const ito_scope *s, const void *config, const ito_arch_inputs *in)
{
    const ito__unet2d_config *c = config;
    ito_status st = check_inputs(s, c, in);
    if (st != ITO_OK) return ito__graph_fail(s->g, st, "%s", ito_last_error(s->net->ctx));
    ito__unet2d u = {.s = s, .config = c, .temb = ito__unet2d_embed(s, c, in->t, in->label)};
    ito__conv first = {.out_channels = c->block_out_channels.at[0], .kernel = 3};
    ito_value *x = c->center_input_sample ? ito_op_scale(s->g, in->x, 2, -1) : in->x;
    /* EQ[ddpm:appB]  y = conv_out(silu(norm(up(mid(down(conv_in(x), temb)))))) */
    x = ito__conv2d(s, "conv_in", x, &first);
    ito__unet2d_push_skip(&u, x);
    for (int64_t i = 0; i < c->block_out_channels.n; i++) x = ito__unet2d_down(&u, i, x);
    x = ito__unet2d_middle(&u, x);
    for (int64_t i = 0; i < c->block_out_channels.n; i++) x = ito__unet2d_up(&u, i, x);
    return rescale(s, c, head(s, c, x), in->t);
}

/* Files of early 2023 and before call the projections of attention otherwise. */
static const char *current_name(const char *name, char *text, size_t size)
{
    static const char *const names[][2] = {
        {".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}};
    for (int i = 0; i < ITO_COUNT(names); i++) {
        const char *at = strstr(name, names[i][0]);
        if (!at) continue;
        snprintf(text, size, "%.*s%s%s", (int)(at - name), name, names[i][1], at + strlen(names[i][0]));
        return text;
    }
    return name;
}

extern const ito_arch_def ito__arch_unet2d;
const ito_arch_def ito__arch_unet2d = {
    .choice = {.name = "UNet2DModel",
               .summary = "U-Net of DDPM, with the options of NCSN++, ADM and diffusers",
               .formula = "y = conv_out(silu(norm(up(mid(down(conv_in(x), temb))))))",
               .paper = "ddpm",
               .eq = "ddpm:appB",
               .file = "src/arch/unet2d.c"},
    .parse = parse_config,
    .write = write_config,
    .info = info,
    .check_size = check_size,
    .build = build,
    .rename = current_name,
};
