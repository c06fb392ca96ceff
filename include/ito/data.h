/* Data sets and batches. A data set is samples 0 .. n - 1 (or without end); a sample is a set of named fields, each
 * with a dtype, a shape and a range. A data set is constant once open and may be read by several threads at once, each
 * with a context of its own. The caller destroys what he opens; a loader goes before its data set.
 *
 *     ito_dataset *data;
 *     ito_data_open(ctx, "shapes", (const char *const[]){"size=16", NULL}, &data);    or "photos/", or "mnist/"
 *     ito_loader *loader;
 *     ito_loader_create(ctx, data, &(ito_loader_options){.batch = 8, .seed = 7}, &loader);
 *     ito_batch batch;
 *     while (ito_loader_next(loader, &batch) == ITO_OK) train(batch.images, batch.labels);
 */
#ifndef ITO_DATA_H
#define ITO_DATA_H

#include <stdbool.h>

#include <ito/registry.h>
#include <ito/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names that fields share across data sets: "image" f32 [H, W, C] in -1..1 (a point of d numbers is an image of height and
 * width 1 with d channels, in about -1..1), "label" i32 [], "caption" u8 [n] text with
 * zeros behind it, "mask" and "edges" f32 [H, W, 1] in 0..1. */
typedef struct ito_field {
    const char *name;
    ito_dtype dtype;
    ito_shape shape;
    double min, max; /* every value lies between */
} ito_field;

typedef struct ito_rejected {
    const char *path, *reason;
} ito_rejected;

/* Everything belongs to the data set. */
typedef struct ito_dataset_info {
    int64_t n_samples;           /* 0: without end */
    int height, width, channels; /* of field "image" */
    int n_fields;
    const ito_field *fields;
    int n_classes; /* 0: the samples have no labels, and field "label" is missing */
    const char *const *class_names;
    int n_rejected; /* files that were passed over, with the reasons */
    const ito_rejected *rejected;
    /* Of points [channels]: a value in the data's own units is offset + scale times the field's. NULL: they are the same. */
    const double *offset, *scale;
    const char *const *channel_names; /* what the numbers of a point are called; NULL: nothing */
} ito_dataset_info;

/* A kind of data set. `state` is what create() made. */
typedef struct ito_dataset_def {
    ito_choice choice;
    /* Does this kind read what lies at path? NULL: it needs no path and is opened by its name. */
    bool (*fits)(const char *path);
    ito_status (*create)(ito_ctx *ctx, const char *path, const ito_opts *opts, ito_dataset_info *info, void **state);
    void (*destroy)(ito_ctx *ctx, void *state); /* also after a create() that failed; state may be NULL */
    /* Fills out[k], as large as field k says, unless it is NULL. Called by several threads at once. */
    ito_status (*get)(const void *state, ito_ctx *ctx, int64_t index, void *const *out);
    /* Optional: the Gaussian mixture that the samples are drawn from (ito/mixture.h). */
    const struct ito_mixture *(*mixture)(const void *state);
} ito_dataset_def;

typedef struct ito_dataset ito_dataset;

ito_status ito_dataset_register(ito_ctx *ctx, const ito_dataset_def *def);
ito_status ito_dataset_find(ito_ctx *ctx, const char *name, const ito_dataset_def **out);
/* The kind that reads a source: the one of that name when it needs no path, else the first that fits the path. */
ito_status ito_dataset_detect(ito_ctx *ctx, const char *source, const ito_dataset_def **out);

/* opts: values of the descriptor's options, or NULL for the defaults; not kept. */
ito_status ito_dataset_create(ito_ctx *ctx, const ito_dataset_def *def, const char *source, const ito_opts *opts,
                              ito_dataset **out);
/* Detects and creates. settings: "name=value" texts ended by NULL, or NULL. */
ito_status ito_data_open(ito_ctx *ctx, const char *source, const char *const *settings, ito_dataset **out);
void ito_dataset_destroy(ito_dataset *data);

const ito_dataset_def *ito_dataset_get_def(const ito_dataset *data);
const ito_dataset_info *ito_dataset_get_info(const ito_dataset *data);
int ito_dataset_field(const ito_dataset *data, const char *name); /* -1 when there is none */
/* The mixture that the images are drawn from, whose components have the labels' numbers; NULL when they are not drawn from one.
 * It belongs to the data set. */
const struct ito_mixture *ito_dataset_mixture(const ito_dataset *data);
/* out: one pointer per field of the info, NULL for fields not wanted. */
ito_status ito_dataset_get(const ito_dataset *data, ito_ctx *ctx, int64_t index, void *const *out);

/* Batches in an order that is a pure function of (seed, position), so that a run that was stopped goes on with the
 * batches that would have come: seek to the step. Each epoch of a finite data set is a permutation of its own; a data
 * set without end is read in order. Batches do not stop at the end of an epoch. */
typedef struct ito_loader_options {
    int batch; /* samples in a batch; 0 is 1 */
    uint64_t seed;
    int64_t first_step;
    bool in_order;             /* no shuffling */
    bool once;                 /* one epoch: the last batch may be smaller, the one after it has n == 0 */
    bool flip;                 /* mirror every second sample, chosen by (seed, position) */
    int prefetch;              /* batches made ahead on a thread; 0 is 2, negative makes them when asked */
    const char *const *fields; /* ended by NULL; NULL is "image" and, where there are labels, "label" */
} ito_loader_options;

/* Good until the next call with the loader. */
typedef struct ito_batch {
    int64_t step;
    int n;
    const float *images;      /* [n, H, W, C] in -1..1, NULL when not asked for */
    const int32_t *labels;    /* [n], NULL when not asked for */
    const int64_t *positions; /* [n], where in the run: the key of whatever is drawn per sample */
    const int64_t *indices;   /* [n], which sample of the data set */
    int n_fields;             /* the fields asked for, in that order */
    const ito_field *fields;
    const void *const *data; /* [n, shape of the field] */
} ito_batch;

typedef struct ito_loader ito_loader;

ito_status ito_loader_create(ito_ctx *ctx, const ito_dataset *data, const ito_loader_options *options,
                             ito_loader **out);
void ito_loader_destroy(ito_loader *loader);
ito_status ito_loader_next(ito_loader *loader, ito_batch *out);
ito_status ito_loader_seek(ito_loader *loader, int64_t step); /* the next batch is that of `step`, from 0 */
/* The sample at a position of the run: what the loader reads there. */
int64_t ito_loader_index(const ito_loader *loader, int64_t position);

#ifdef __cplusplus
}
#endif
#endif
