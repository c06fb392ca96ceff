/* Tasks: what one training step does. The loop, checkpoints, log and previews serve any task: a task makes its programs,
 * parameter sets and optimizers, registers everything with state in the checkpoint, and makes steps. */
#ifndef ITO_TASK_H
#define ITO_TASK_H

#include <ito/data.h>
#include <ito/plan.h>
#include <ito/registry.h>
#include <ito/train.h>

#include "train/checkpoint.h"
#include "train/recipe.h"

/* What the loop lends a task, for as long as the task lives. */
typedef struct ito_task_env {
    ito_ctx *ctx;
    const ito__recipe *recipe;
    const ito_dataset *data;
    const ito_dataset *held_out; /* NULL: the data set has no part of its own for testing */
    ito__checkpoint *checkpoint;
    uint64_t seed;
    int batch;
    const ito_plan *plan; /* for the programs of create(); NULL: the backend chooses */
    size_t max_memory;    /* of what memory() says; 0: no limit */
} ito_task_env;

typedef struct ito_task_step {
    int64_t step; /* from 0 */
    double rate;
    const ito_batch *batch;
    /* results */
    double loss, grad_norm;
    double accuracy; /* NAN when the task has none */
} ito_task_step;

typedef struct ito_task_def {
    ito_choice choice;
    ito_status (*create)(const ito_task_env *env, void **state);
    void (*destroy)(void *state); /* NULL is fine */
    /* One step: ITO_NUMERIC, before anything is changed, when the loss or a gradient is not finite. */
    ito_status (*step)(void *state, ito_task_step *step);
    /* Optional: a picture of how far it is, as a PNG. */
    ito_status (*preview)(void *state, const char *path);
    /* Optional: accuracy on held-out data. */
    ito_status (*evaluate)(void *state, double *accuracy);
    /* Writes the model directory; record becomes its ito.json. */
    ito_status (*save)(void *state, const char *dir, json_t *record);
    ito_train_memory (*memory)(const void *state);
    /* Of its training programs. */
    uint64_t (*fingerprint)(const void *state);
    ito_status (*plan)(const void *state, ito_plan *plan); /* adds them */
} ito_task_def;

ito_status ito__task_find(ito_ctx *ctx, const char *name, const ito_task_def **out);

#endif
