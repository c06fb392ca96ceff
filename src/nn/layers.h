/* Layers: functions that append to a graph and declare their parameters by the names of PyTorch's state dicts. `name` is
 * the layer's place below the scope ("conv1", "resnets.0"). x is [N, ..., C] or, for images, [N, H, W, C]; a poisoned x
 * gives poison. Weights keep the state dict's layout: linear [out, in], convolution [out, in, height, width]. Fresh
 * parameters are drawn as PyTorch draws them; weight decay is for weights, not for norms and biases. Internal. */
#ifndef ITO_NN_LAYERS_H
#define ITO_NN_LAYERS_H

#include "nn/scope.h"

/* x W^T + b over the last axis. */
ito_value *ito__linear(const ito_scope *outer, const char *name, ito_value *x, int64_t out_features);

/* A square convolution with bias; the image keeps its size at stride 1. */
typedef struct ito__conv {
    int64_t out_channels;
    int64_t kernel;    /* odd */
    int64_t stride;    /* 0 means 1 */
    bool pad_end_only; /* kernel - 2 rows and columns at the bottom and right, none at the top and left */
    bool zero_init;    /* weights and bias start at zero */
} ito__conv;
ito_value *ito__conv2d(const ito_scope *outer, const char *name, ito_value *x, const ito__conv *conv);

ito_value *ito__group_norm(const ito_scope *outer, const char *name, ito_value *x, int64_t groups, double eps);

/* Rows of a learned table [rows, width] by index i32 [N] -> [N, width]. */
ito_value *ito__embedding(const ito_scope *outer, const char *name, ito_value *index, int64_t rows, int64_t width);

/* diffusers' act_fn. */
typedef enum ito__act { ITO__ACT_SILU, ITO__ACT_MISH, ITO__ACT_GELU, ITO__ACT_RELU } ito__act;
ito_value *ito__activate(const ito_scope *s, ito__act act, ito_value *x);

/* With probability p an element becomes 0, when the net is training. */
ito_value *ito__dropout(const ito_scope *s, ito_value *x, double p);

/* Features of t [N] -> [N, width]: see nn_time.c. */
ito_value *ito__sinusoidal(const ito_scope *s, ito_value *t, int64_t width, bool cos_first, double freq_shift);
ito_value *ito__fourier(const ito_scope *outer, const char *name, ito_value *t, int64_t n_frequencies, double scale);
/* linear_2(silu(linear_1(x))): features -> embedding. */
ito_value *ito__time_mlp(const ito_scope *outer, const char *name, ito_value *x, int64_t width);

/* Self-attention over the pixels of an image, with its residual connection. */
typedef struct ito__attention {
    int64_t head_dim; /* heads = channels / head_dim, rounded down; 0: one head of all channels */
    int64_t groups;   /* of the group norm before it; 0: no norm */
    double eps;
    double scale_factor; /* the sum is divided by it */
} ito__attention;
ito_value *ito__attention_block(const ito_scope *outer, const char *name, ito_value *x, const ito__attention *a);

/* The residual block of DDPM, with AdaGN and BigGAN's resampling as options. */
typedef enum ito__resample { ITO__SAME_SIZE, ITO__DOWN, ITO__UP } ito__resample;
typedef struct ito__resnet {
    int64_t out_channels;
    int64_t groups;
    double eps;
    ito__act act;
    ito__resample resample;
    bool scale_shift;    /* the embedding scales and shifts the second norm instead of being added before it */
    double scale_factor; /* the sum is divided by it */
    double dropout;
    bool zero_init; /* conv2 starts at zero, so the block starts as its shortcut */
} ito__resnet;
/* temb [N, width] has been through the activation already; NULL: no embedding. */
ito_value *ito__resnet_block(const ito_scope *outer, const char *name, ito_value *x, ito_value *temb,
                             const ito__resnet *r);

/* Halves or doubles an image with a 3x3 convolution ("NAME.conv"). */
ito_value *ito__downsample_conv(const ito_scope *outer, const char *name, ito_value *x, bool pad_end_only);
ito_value *ito__upsample_conv(const ito_scope *outer, const char *name, ito_value *x);

/* Extent of the last axis; 1 for a scalar, which is what a poisoned value looks like. */
int64_t ito__channels(const ito_value *x);

#endif
