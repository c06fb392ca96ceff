/* How a UNet2DModel learns the noise level and the class: features of the timestep through a perceptron, plus an
 * embedding of the class (a table's row, the class number treated as a timestep, or a vector that the caller made). */
#include "arch/unet2d_blocks.h"

#define FOURIER_SCALE 16 /* standard deviation of the frequencies */

/* t [N], the network's dtype -> [N, features]. */
static ito_value *features(const ito_scope *s, const ito__unet2d_config *c, ito_value *t)
{
    int64_t width = c->block_out_channels.at[0];
    switch (c->time_embedding_type) {
    case ITO__UNET2D_FOURIER: return ito__fourier(s, "time_proj", t, width, FOURIER_SCALE);
    case ITO__UNET2D_LEARNED:
        return ito__embedding(s, "time_proj", ito_op_cast(s->g, t, ITO_I32), c->num_train_timesteps, width);
    default: return ito__sinusoidal(s, t, width, c->flip_sin_to_cos, (double)c->freq_shift);
    }
}

static ito_value *class_embedding(const ito_scope *s, const ito__unet2d_config *c, ito_value *labels)
{
    int64_t width = ito__unet2d_time_width(c);
    switch (c->class_embed_type) {
    case ITO__UNET2D_TIMESTEP:
        return ito__time_mlp(s, "class_embedding", features(s, c, ito_op_cast(s->g, labels, s->net->dtype)), width);
    case ITO__UNET2D_IDENTITY: return labels;
    default: return ito__embedding(s, "class_embedding", labels, c->num_class_embeds, width);
    }
}

/* Every residual block applies the same activation first, so it is applied here, once. */
ito_value *ito__unet2d_embed(const ito_scope *s, const ito__unet2d_config *c, ito_value *timestep,
                             ito_value *class_labels)
{
    ito_value *emb = ito__time_mlp(s, "time_embedding", features(s, c, timestep), ito__unet2d_time_width(c));
    if (ito__unet2d_has_class(c)) emb = ito_op_add(s->g, emb, class_embedding(s, c, class_labels));
    return ito__activate(s, ito__unet2d_activation(c), emb);
}
