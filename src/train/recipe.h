/* Recipes: a JSON object of at most 40 lines that names one choice along each axis.
 *
 *   {"name", "summary", "task", "architecture": {config.json fields}, "process": {"name", options...}, "prediction",
 *    "train": {settings...}, "sample": {"sampler", "steps", "guidance", ...}}
 *
 * Sizes, channels and classes come from the data. Settings over a recipe: "rate=3e-4", "prediction=eps", "process=vp-linear",
 * "process.T=500", "architecture.layers_per_block=1", "sample.steps=20". */
#ifndef ITO_RECIPE_H
#define ITO_RECIPE_H

#include <ito/data.h>
#include <ito/tensor.h>
#include <ito/train.h>

#include "base/json.h"

typedef struct ito__recipe {
    ito_ctx *ctx;
    json_t *root; /* the recipe with the settings applied: what is recorded */
    ito_opts *train;
    const char *name, *task, *prediction, *process;
    ito_opts *process_opts;
    json_t *architecture, *sample; /* borrowed from root */
} ito__recipe;

/* name: of a built-in or a file; NULL: what suits the data and the task. The caller destroys *out. */
ito_status ito__recipe_open(ito_ctx *ctx, const char *name, const char *task, const ito_dataset *data,
                            const char *const *settings, ito__recipe **out);
void ito__recipe_destroy(ito__recipe *recipe);
/* Of its training program. */
ito_dtype ito__recipe_precision(const ito__recipe *recipe);

#endif
