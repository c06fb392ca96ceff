/* The residual block of DDPM (Ho, Jain, Abbeel 2020), of ADM (Dhariwal, Nichol 2021) and of BigGAN's resampling:
 *   h = conv1(resample(act(norm1(x))))
 *   h = norm2(h + W temb)                    or, AdaGN,  h = norm2(h) (1 + scale) + shift, (scale, shift) = W temb
 *   y = (shortcut(resample(x)) + conv2(dropout(act(h)))) / scale_factor
 * The shortcut is a 1x1 convolution where the channels differ. Resampling is nearest up and average down, without
 * weights. */
#include "nn/layers.h"

static ito_value *resample(const ito_scope *s, ito_value *x, ito__resample how)
{
    if (how == ITO__UP) return ito_op_upsample_nearest(s->g, x, 2, 2);
    if (how == ITO__DOWN) return ito_op_downsample_average(s->g, x, 2, 2);
    return x;
}

/* W temb [N, width] as [N, 1, 1, width], to be spread over the image. */
static ito_value *project_time(const ito_scope *s, ito_value *temb, int64_t width)
{
    ito_value *y = ito__linear(s, "time_emb_proj", temb, width);
    return ito_op_reshape(s->g, y, ITO_SHAPE(-1, 1, 1, width));
}

/* h with the embedding in it, through the second norm. */
static ito_value *condition(const ito_scope *s, ito_value *h, ito_value *temb, const ito__resnet *r)
{
    int64_t c = r->out_channels;
    if (!temb || !r->scale_shift) {
        if (temb) h = ito_op_add(s->g, h, project_time(s, temb, c));
        return ito__group_norm(s, "norm2", h, r->groups, r->eps);
    }
    ito_value *both = project_time(s, temb, 2 * c);
    ito_value *scale = ito_op_slice_axis(s->g, both, 3, 0, c);
    ito_value *shift = ito_op_slice_axis(s->g, both, 3, c, 2 * c);
    h = ito__group_norm(s, "norm2", h, r->groups, r->eps);
    return ito_op_add(s->g, ito_op_mul(s->g, h, ito_op_scale(s->g, scale, 1, 1)), shift);
}

static ito_value *residual(const ito_scope *s, ito_value *x, ito_value *temb, const ito__resnet *r)
{
    ito__conv conv = {.out_channels = r->out_channels, .kernel = 3};
    ito_value *h = ito__activate(s, r->act, ito__group_norm(s, "norm1", x, r->groups, r->eps));
    h = ito__conv2d(s, "conv1", resample(s, h, r->resample), &conv);
    h = ito__activate(s, r->act, condition(s, h, temb, r));
    conv.zero_init = r->zero_init;
    return ito__conv2d(s, "conv2", ito__dropout(s, h, r->dropout), &conv);
}

ito_value *ito__resnet_block(const ito_scope *outer, const char *name, ito_value *x, ito_value *temb,
                             const ito__resnet *r)
{
    ito__conv same = {.out_channels = r->out_channels, .kernel = 1};
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *h = residual(&s, x, temb, r);
    ito_value *shortcut = resample(&s, x, r->resample);
    if (ito__channels(x) != r->out_channels) shortcut = ito__conv2d(&s, "conv_shortcut", shortcut, &same);
    ito_value *y = ito_op_add(s.g, h, shortcut);
    if (r->scale_factor != 1) y = ito_op_scale(s.g, y, 1 / r->scale_factor, 0);
    ito__scope_end(&s);
    return y;
}
