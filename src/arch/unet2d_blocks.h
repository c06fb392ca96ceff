/* The parts of a UNet2DModel that unet2d.c strings together. Internal. */
#ifndef ITO_UNET2D_BLOCKS_H
#define ITO_UNET2D_BLOCKS_H

#include "arch/unet2d_config.h"
#include "nn/layers.h"

/* What the way down leaves for the way up: the first convolution's output and every layer's and downsampler's. */
#define ITO__UNET2D_MAX_SKIPS (1 + ITO__UNET2D_MAX_LEVELS * (ITO__UNET2D_MAX_LAYERS + 1))

typedef struct ito__unet2d {
    const ito_scope *s;
    const ito__unet2d_config *config;
    ito_value *temb; /* [N, width], through the activation */
    int n_skips;
    ito_value *skips[ITO__UNET2D_MAX_SKIPS];
} ito__unet2d;

/* Time and class embedding [N, width], through the activation: see unet2d_embedding.c. */
ito_value *ito__unet2d_embed(const ito_scope *s, const ito__unet2d_config *config, ito_value *timestep,
                             ito_value *class_labels);

void ito__unet2d_push_skip(ito__unet2d *u, ito_value *x);

/* Level i of the way down pushes its skips, level i of the way up (0 is the coarsest) pops them. */
ito_value *ito__unet2d_down(ito__unet2d *u, int64_t i, ito_value *x);
ito_value *ito__unet2d_middle(ito__unet2d *u, ito_value *x);
ito_value *ito__unet2d_up(ito__unet2d *u, int64_t i, ito_value *x);

ito__act ito__unet2d_activation(const ito__unet2d_config *config);

#endif
