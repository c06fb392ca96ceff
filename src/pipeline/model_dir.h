/* Writing and reading model directories. diffusers' layout for what diffusers has a class for:
 *   model_index.json, unet/{config.json, diffusion_pytorch_model.safetensors}, scheduler/scheduler_config.json
 * a classifier has classifier/ instead of unet/ and no scheduler; ito.json records how either came to be. Internal. */
#ifndef ITO_MODEL_DIR_H
#define ITO_MODEL_DIR_H

#include <ito/process.h>

#include "arch/arch.h"

typedef struct ito__model_parts {
    const char *task; /* "denoiser" or "classifier" */
    const ito_network *network;
    ito_params *params;
    const char *process; /* of a denoiser, with its options */
    const ito_opts *process_opts;
    const char *prediction;
    const ito_opts *prediction_opts; /* NULL when it has none */
    const char *variance;
    json_t *record; /* ito.json */
} ito__model_parts;

/* Every file whole or not at all; model_index.json last, so that a directory with one is complete. */
ito_status ito__model_write(ito_ctx *ctx, const char *dir, const ito__model_parts *parts);

/* A scheduler_config.json object for a process, and back: *process is its name, *opts its options (the caller's). What
 * diffusers has no scheduler for is written under the class name "ItoScheduler". */
ito_status ito__scheduler_write(ito_ctx *ctx, const char *process, const ito_opts *opts, const char *prediction,
                                json_t **out);
ito_status ito__scheduler_read(ito_ctx *ctx, const char *where, const json_t *config, const char **process,
                               ito_opts **opts, const char **prediction);
bool ito__scheduler_is_theirs(const json_t *config); /* does diffusers know the class? */

/* Fills a parameter set from a safetensors file by name. */
ito_status ito__weights_read(ito_ctx *ctx, const char *path, const ito_network *network, ito_params *params);
ito_status ito__weights_write(ito_ctx *ctx, const char *path, const ito_network *network, ito_params *params);

#endif
