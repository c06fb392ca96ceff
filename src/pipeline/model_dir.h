/* Writing and reading model directories. diffusers' layout for what diffusers has a class for:
 *   model_index.json, unet/{config.json, diffusion_pytorch_model.safetensors}, scheduler/scheduler_config.json
 * a classifier has classifier/ instead of unet/ and no scheduler; ito.json records how either came to be. Internal. */
#ifndef ITO_MODEL_DIR_H
#define ITO_MODEL_DIR_H

#include <ito/process.h>

#include "arch/arch.h"

/* What scheduler_config.json says. Options are NULL where a choice has none. */
typedef struct ito__scheduler {
    const char *process, *prediction;
    ito_opts *process_opts, *prediction_opts;
    bool learns_variance; /* learned_range; only written */
    bool takes_x0;        /* of the network's input channels the second half is an estimate of x_0 */
} ito__scheduler;

typedef struct ito__model_parts {
    const char *task; /* "denoiser" or "classifier" */
    const ito_network *network;
    ito_params *params;
    ito__scheduler scheduler; /* of a denoiser */
    json_t *record;           /* ito.json */
} ito__model_parts;

/* Every file whole or not at all; model_index.json last, so that a directory with one is complete. */
ito_status ito__model_write(ito_ctx *ctx, const char *dir, const ito__model_parts *parts);

/* A scheduler_config.json object, and back: names are those of descriptors, options the caller's (ito__scheduler_clear). What
 * diffusers has no scheduler for is written under the class name "ItoScheduler". */
ito_status ito__scheduler_write(ito_ctx *ctx, const ito__scheduler *scheduler, json_t **out);
ito_status ito__scheduler_read(ito_ctx *ctx, const char *where, const json_t *config, ito__scheduler *out);
void ito__scheduler_clear(ito__scheduler *scheduler);
bool ito__scheduler_is_theirs(const json_t *config); /* does diffusers know the class? */

/* Fills a parameter set from a safetensors file by name. */
ito_status ito__weights_read(ito_ctx *ctx, const char *path, const ito_network *network, ito_params *params);
ito_status ito__weights_write(ito_ctx *ctx, const char *path, const ito_network *network, ito_params *params);

#endif
