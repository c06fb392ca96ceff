/* Training. One call trains a recipe on a data set and leaves a model directory: EMA weights where samplers find them, the
 * state to go on in checkpoint/, a log, preview grids.
 *
 *     ito_train(ctx, &(ito_train_options){.data = "photos", .out = "out/photos", .minutes = 30}, &result);
 *
 * A run of --steps is a pure function of its settings: bit-identical for any number of threads, and whether or not it was
 * stopped and resumed. With --minutes the rate schedule follows the clock, so that a run always ends with its rate at the
 * end of its schedule; what it computes then depends on the machine's speed. */
#ifndef ITO_TRAIN_H
#define ITO_TRAIN_H

#include <ito/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a training step takes, known before the first one. */
typedef struct ito_train_memory {
    size_t planned_bytes;    /* slab + parameters + gradients + optimizer + EMA */
    size_t unlimited_bytes;  /* planned_bytes without max_memory */
    int n_recomputed;        /* operations that run twice in a step, so that planned_bytes is no more than max_memory */
    double recomputed_share; /* their share of a step's work, estimated */
} ito_train_memory;

typedef struct ito_train_progress {
    int64_t step, n_steps; /* steps done; n_steps is 0 when the clock decides */
    int64_t n_images;      /* training samples seen */
    double loss;           /* mean since the last report */
    double rate;           /* learning rate */
    double grad_norm;
    double accuracy;          /* of a classifier since the last report; NAN otherwise */
    double images_per_second; /* recent */
    double seconds, seconds_left;
    ito_train_memory memory;
} ito_train_progress;

typedef struct ito_train_result {
    int64_t step, n_images;
    double loss;     /* mean over the last tenth of this call's steps */
    double accuracy; /* classifier: on held-out data when the data set has some, else NAN */
    double seconds;  /* of this call */
    ito_train_memory memory;
    bool finished; /* false: stopped by the progress function; go on with resume */
} ito_train_result;

/* Zero is the default of every field but data and out. */
typedef struct ito_train_options {
    const char *data;                 /* "shapes", "moons", ..., a folder, an IDX folder or file, a table of points */
    const char *const *data_settings; /* "name=value" for the data set, ended by NULL; or NULL */
    const char *out;                  /* model directory; made when missing */
    const char *recipe;               /* name or file; NULL: chosen from the data set */
    const char *task;                 /* NULL: the recipe's */
    const char *const *settings;      /* "key=value" over the recipe's, ended by NULL; see ito_train_option_defs */
    const char *plan; /* file of a plan (ito/plan.h): algorithms for the problems that it names; NULL: the table's */
    bool resume;      /* go on from out/checkpoint by its own plan; settings must agree with it */
    /* The most bytes a training step may plan for: forward values are recomputed for the gradient as far as that needs. The run
     * stays the same in every bit (in bf16 too), so it is no setting and a resumed run may have another one. 0: no limit. */
    size_t max_memory;
    /* Called often; false stops after a checkpoint. */
    bool (*progress)(void *user, const ito_train_progress *progress);
    void *user;
} ito_train_options;

ito_status ito_train(ito_ctx *ctx, const ito_train_options *options, ito_train_result *result);

/* The settings that every task takes ("steps", "minutes", "batch", "seed", "rate", ...), ended by ITO_OPT_END. */
const ito_opt_def *ito_train_option_defs(void);

/* Built-in recipes as JSON text. NULL past the end. */
typedef struct ito_recipe {
    const char *name, *summary, *json;
} ito_recipe;
const ito_recipe *ito_recipe_get(int index);

#ifdef __cplusplus
}
#endif
#endif
