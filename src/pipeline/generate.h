/* Generating images from a runner: what ito_generate and training previews share. Internal. */
#ifndef ITO_GENERATE_H
#define ITO_GENERATE_H

#include <ito/model.h>
#include <ito/scheduler.h>

#include "base/json.h"
#include "pipeline/net_denoiser.h"

typedef struct ito__generator {
    ito_ctx *ctx;
    ito__runner *runner;
    ito__net_use use;
    int height, width, channels;
    int n_classes; /* 0: no labels; else label n_classes is the null label */
    bool no_null_label;
    const char *const *class_names;
    ito_scheduler *scheduler; /* of diffusers: what samples are made by where nobody says anything; or NULL */
    const json_t *sample;     /* recorded defaults: "sampler", "steps", "guidance", "spacing", "clip"; or NULL */
} ito__generator;

ito_status ito__generate(const ito__generator *g, const ito_generate_options *options, float *images,
                         int32_t *labels_used);

/* A grid of samples, of points a scatter plot, at the recorded settings with at most 20 steps, as a PNG. */
ito_status ito__generate_preview(const ito__generator *g, uint64_t seed, const char *path);

#endif
