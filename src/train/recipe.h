/* Recipes: a JSON object of at most 40 lines that names one choice along each axis.
 *
 *   {"name", "summary", "source", "task", "architecture": {config.json fields}, "process", "prediction", "timedist",
 *    "weighting", "loss", "variance", "objective": each a name or {"name", options...},
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

/* The axes of a recipe, and what it takes along each where it says nothing. */
#define ITO_RECIPE_AXES(X)                                                                                             \
    X(process, "vp-cosine")                                                                                            \
    X(prediction, "eps")                                                                                               \
    X(timedist, "uniform")                                                                                             \
    X(weighting, "simple")                                                                                             \
    X(loss, "l2")                                                                                                      \
    X(variance, "fixed_small")                                                                                         \
    X(objective, "error")

/* A choice along one axis: name and choice->name are the same. */
typedef struct ito__recipe_choice {
    const char *name;
    const ito_choice *choice;
    ito_opts *opts; /* NULL when the choice has none */
} ito__recipe_choice;

typedef struct ito__recipe {
    ito_ctx *ctx;
    json_t *root; /* the recipe with the settings applied: what is recorded */
    ito_opts *train;
    const char *name, *task;
#define ITO_RECIPE_AXIS(axis, otherwise) ito__recipe_choice axis;
    ITO_RECIPE_AXES(ITO_RECIPE_AXIS)
#undef ITO_RECIPE_AXIS
    json_t *architecture, *sample; /* borrowed from root */
} ito__recipe;

/* name: of a built-in or a file; NULL: what suits the data and the task. The caller destroys *out. */
ito_status ito__recipe_open(ito_ctx *ctx, const char *name, const char *task, const ito_dataset *data,
                            const char *const *settings, ito__recipe **out);
void ito__recipe_destroy(ito__recipe *recipe);
/* Of its training program. */
ito_dtype ito__recipe_precision(const ito__recipe *recipe);

#endif
