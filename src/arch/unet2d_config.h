/* What diffusers' config.json says about a UNet2DModel. One table (unet2d_config.c) holds every field's name, type,
 * default and range; reading, checking and writing come from it. A struct that came from parse() or passed check() can be
 * built. Internal. */
#ifndef ITO_UNET2D_CONFIG_H
#define ITO_UNET2D_CONFIG_H

#include "base/json.h"

#define ITO__UNET2D_MAX_LEVELS 16
#define ITO__UNET2D_MAX_LAYERS 64

/* How a level resamples and whether its residual blocks are followed by attention. The third kind resamples inside a
 * residual block, as BigGAN and ADM do. */
typedef enum ito__unet2d_block { ITO__UNET2D_PLAIN, ITO__UNET2D_ATTN, ITO__UNET2D_RESNET } ito__unet2d_block;

typedef enum ito__unet2d_time { ITO__UNET2D_POSITIONAL, ITO__UNET2D_FOURIER, ITO__UNET2D_LEARNED } ito__unet2d_time;
typedef enum ito__unet2d_resample { ITO__UNET2D_BY_CONV, ITO__UNET2D_BY_RESNET } ito__unet2d_resample;
typedef enum ito__unet2d_class { ITO__UNET2D_TABLE, ITO__UNET2D_TIMESTEP, ITO__UNET2D_IDENTITY } ito__unet2d_class;
typedef enum ito__unet2d_mid { ITO__UNET2D_NO_MID, ITO__UNET2D_MID } ito__unet2d_mid;
typedef enum ito__unet2d_shift { ITO__UNET2D_SHIFT, ITO__UNET2D_SCALE_SHIFT } ito__unet2d_shift;
typedef enum ito__unet2d_act {
    ITO__UNET2D_SILU,
    ITO__UNET2D_SWISH, /* the same function; kept apart so that a config is written as it was read */
    ITO__UNET2D_MISH,
    ITO__UNET2D_GELU,
    ITO__UNET2D_RELU
} ito__unet2d_act;

/* One number per level, the finest first on the way down, the coarsest first on the way up. */
typedef struct ito__unet2d_list {
    int64_t n, at[ITO__UNET2D_MAX_LEVELS];
} ito__unet2d_list;

typedef struct ito__unet2d_config {
    int64_t sample_size[2]; /* height, width; 0: any */
    int64_t in_channels, out_channels;
    bool center_input_sample; /* the network sees 2 x - 1 */

    int64_t time_embedding_type; /* ito__unet2d_time */
    int64_t time_embedding_dim;  /* 0: four times the first level's channels */
    int64_t freq_shift;
    bool flip_sin_to_cos;
    int64_t num_train_timesteps; /* rows of the learned table; 0: not said */
    int64_t class_embed_type;    /* ito__unet2d_class */
    int64_t num_class_embeds;    /* rows of the class table; 0: none */

    ito__unet2d_list down_block_types, up_block_types; /* ito__unet2d_block */
    ito__unet2d_list block_out_channels;
    int64_t layers_per_block;
    int64_t mid_block_type; /* ito__unet2d_mid */
    bool add_attention;     /* in the middle */
    double mid_block_scale_factor;
    int64_t downsample_padding;             /* 1, or 0: one column on the right and one row at the bottom */
    int64_t downsample_type, upsample_type; /* ito__unet2d_resample; of attention blocks */
    int64_t attention_head_dim;             /* 0: one head of all channels */
    int64_t norm_num_groups;
    int64_t attn_norm_num_groups; /* of the middle; 0: norm_num_groups, or no norm with scale_shift */
    double norm_eps;
    double dropout;
    int64_t act_fn;                  /* ito__unet2d_act */
    bool zero_init;                  /* "_zero_init": fresh weights only; see nn_conv.c */
    int64_t resnet_time_scale_shift; /* ito__unet2d_shift */
} ito__unet2d_config;

/* diffusers' defaults: 274 M parameters. */
void ito__unet2d_config_default(ito__unet2d_config *config);

/* Fields that are missing take their default; fields that start with '_' are passed over, but for "_zero_init", which
 * diffusers passes over; any other unknown field or value is an error that names those known. `where` is the file. */
ito_status ito__unet2d_config_parse(ito_ctx *ctx, const char *where, const json_t *object, ito__unet2d_config *out);
/* Ranges, lengths of lists, and whether groups and heads fit the channels; parse() calls it. */
ito_status ito__unet2d_config_check(ito_ctx *ctx, const char *where, const ito__unet2d_config *config);
/* The object that diffusers would have written, "_class_name" first; the caller's to json_decref. */
ito_status ito__unet2d_config_write(ito_ctx *ctx, const ito__unet2d_config *config, json_t **out);

/* Every level but the last halves the image: ITO_SHAPE unless both sides are multiples of 2^(levels - 1). */
ito_status ito__unet2d_config_check_size(ito_ctx *ctx, const ito__unet2d_config *config, int64_t height, int64_t width);

int64_t ito__unet2d_time_width(const ito__unet2d_config *config);
bool ito__unet2d_has_class(const ito__unet2d_config *config);

#endif
