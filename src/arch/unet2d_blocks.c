/* The levels of a UNet2DModel. A level on the way down is layers_per_block residual blocks, each followed by attention
 * where the block type says so, then a downsampler except at the coarsest; a level on the way up has one block more and
 * feeds each with [hidden, skip]. The channels of a skip are whatever was pushed, so nothing counts them twice.
 * Invariant: the way up pops exactly what the way down pushed. */
#include "arch/unet2d_blocks.h"

#include <assert.h>
#include <stdio.h>

#define NAME_SIZE 32

static const char *numbered(char name[NAME_SIZE], const char *stem, int64_t i)
{
    snprintf(name, NAME_SIZE, "%s.%d", stem, (int)i);
    return name;
}

ito__act ito__unet2d_activation(const ito__unet2d_config *c)
{
    static const ito__act acts[] = {[ITO__UNET2D_SILU] = ITO__ACT_SILU,
                                    [ITO__UNET2D_SWISH] = ITO__ACT_SILU,
                                    [ITO__UNET2D_MISH] = ITO__ACT_MISH,
                                    [ITO__UNET2D_GELU] = ITO__ACT_GELU,
                                    [ITO__UNET2D_RELU] = ITO__ACT_RELU};
    return acts[c->act_fn];
}

void ito__unet2d_push_skip(ito__unet2d *u, ito_value *x)
{
    assert(u->n_skips < ITO__UNET2D_MAX_SKIPS);
    u->skips[u->n_skips++] = x;
}

/* The residual block that the whole network uses. */
static ito__resnet resnet_options(const ito__unet2d *u, int64_t channels)
{
    const ito__unet2d_config *c = u->config;
    return (ito__resnet){.out_channels = channels,
                         .groups = c->norm_num_groups,
                         .eps = c->norm_eps,
                         .act = ito__unet2d_activation(c),
                         .scale_shift = c->resnet_time_scale_shift == ITO__UNET2D_SCALE_SHIFT,
                         .scale_factor = 1,
                         .dropout = c->dropout,
                         .zero_init = c->zero_init};
}

/* One layer of a level: resnets.j and, in attention blocks, attentions.j. */
static ito_value *layer(const ito__unet2d *u, const ito_scope *s, int64_t j, ito_value *x, int64_t channels,
                        int64_t type)
{
    const ito__unet2d_config *c = u->config;
    ito__resnet r = resnet_options(u, channels);
    ito__attention a = {c->attention_head_dim, c->norm_num_groups, c->norm_eps, 1};
    char name[NAME_SIZE];
    x = ito__resnet_block(s, numbered(name, "resnets", j), x, u->temb, &r);
    return type == ITO__UNET2D_ATTN ? ito__attention_block(s, numbered(name, "attentions", j), x, &a) : x;
}

/* downsample_type and upsample_type speak of attention blocks only; the other two kinds say it in their name. */
static bool by_resnet(int64_t type, int64_t resample_type)
{
    return type == ITO__UNET2D_RESNET || (type == ITO__UNET2D_ATTN && resample_type == ITO__UNET2D_BY_RESNET);
}

static ito_value *resample_by_resnet(const ito__unet2d *u, const ito_scope *s, const char *name, ito_value *x,
                                     ito__resample how)
{
    ito__resnet r = resnet_options(u, ito__channels(x));
    r.resample = how;
    return ito__resnet_block(s, name, x, u->temb, &r);
}

static ito_value *downsample(const ito__unet2d *u, const ito_scope *s, ito_value *x, int64_t type)
{
    if (by_resnet(type, u->config->downsample_type)) return resample_by_resnet(u, s, "downsamplers.0", x, ITO__DOWN);
    return ito__downsample_conv(s, "downsamplers.0", x, u->config->downsample_padding == 0);
}

static ito_value *upsample(const ito__unet2d *u, const ito_scope *s, ito_value *x, int64_t type)
{
    if (by_resnet(type, u->config->upsample_type)) return resample_by_resnet(u, s, "upsamplers.0", x, ITO__UP);
    return ito__upsample_conv(s, "upsamplers.0", x);
}

ito_value *ito__unet2d_down(ito__unet2d *u, int64_t i, ito_value *x)
{
    const ito__unet2d_config *c = u->config;
    int64_t type = c->down_block_types.at[i];
    ito_scope s = ito__scope(u->s, "down_blocks.%d", (int)i);
    for (int64_t j = 0; j < c->layers_per_block; j++) {
        x = layer(u, &s, j, x, c->block_out_channels.at[i], type);
        ito__unet2d_push_skip(u, x);
    }
    if (i < c->block_out_channels.n - 1) {
        x = downsample(u, &s, x, type);
        ito__unet2d_push_skip(u, x);
    }
    ito__scope_end(&s);
    return x;
}

/* Without attn_norm_num_groups the attention of the middle is normed unless the network uses scale_shift. */
static int64_t middle_groups(const ito__unet2d_config *c)
{
    if (c->attn_norm_num_groups) return c->attn_norm_num_groups;
    return c->resnet_time_scale_shift == ITO__UNET2D_SHIFT ? c->norm_num_groups : 0;
}

ito_value *ito__unet2d_middle(ito__unet2d *u, ito_value *x)
{
    const ito__unet2d_config *c = u->config;
    if (c->mid_block_type == ITO__UNET2D_NO_MID) return x;
    ito__resnet r = resnet_options(u, ito__channels(x));
    ito__attention a = {c->attention_head_dim, middle_groups(c), c->norm_eps, c->mid_block_scale_factor};
    r.scale_factor = c->mid_block_scale_factor;
    ito_scope s = ito__scope(u->s, "mid_block");
    x = ito__resnet_block(&s, "resnets.0", x, u->temb, &r);
    if (c->add_attention) x = ito__attention_block(&s, "attentions.0", x, &a);
    x = ito__resnet_block(&s, "resnets.1", x, u->temb, &r);
    ito__scope_end(&s);
    return x;
}

ito_value *ito__unet2d_up(ito__unet2d *u, int64_t i, ito_value *x)
{
    const ito__unet2d_config *c = u->config;
    int64_t last = c->block_out_channels.n - 1, type = c->up_block_types.at[i];
    ito_scope s = ito__scope(u->s, "up_blocks.%d", (int)i);
    for (int64_t j = 0; j <= c->layers_per_block; j++) {
        assert(u->n_skips > 0);
        ito_value *both[] = {x, u->skips[--u->n_skips]};
        x = layer(u, &s, j, ito_op_concat(s.g, 2, both, 3), c->block_out_channels.at[last - i], type);
    }
    if (i < last) x = upsample(u, &s, x, type);
    ito__scope_end(&s);
    return x;
}
