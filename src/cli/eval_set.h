/* Sets of images or points for ito eval --metrics: samples that are made, kept in a file and gone on with, samples that were read
 * from a file, and data. Images are kept in 8 bits, as files have them, so that samples score the same however they came. */
#ifndef CLI_EVAL_SET_H
#define CLI_EVAL_SET_H

#include "eval.h"

typedef struct eval_set {
    int64_t n;
    int height, width, channels;
    bool are_points;       /* rows are float32 [channels]; else 8-bit [height, width, channels] */
    unsigned char *values; /* [n] rows */
    int32_t *labels;       /* [n], -1: none */
} eval_set;

eval_set eval_set_create(int64_t n, int height, int width, int channels);
void eval_set_clear(eval_set *s);
size_t eval_set_count(const eval_set *s); /* numbers in a row */
size_t eval_set_bytes(const eval_set *s); /* of a row */
void eval_set_put(eval_set *s, int64_t i, const float *row, int32_t label);
void eval_set_get(const eval_set *s, int64_t first, int64_t n, float *rows); /* as networks see them */

/* Some of the data, in an order that follows the seed; all of it where there are not `most`. */
int eval_set_from_data(cli *app, const ito_dataset *data, int64_t most, uint64_t seed, eval_set *out);

/* The samples of `s`: those that the file `path` has from before, then the rest, which go into it as they are made. The file is for
 * one model and one way of sampling; one that was made otherwise is refused. */
int eval_set_from_model(sampling *s, const char *path, eval_set *out);
/* Where the samples of `s` are kept unless one says otherwise. The caller frees. */
char *eval_set_usual_path(const sampling *s);

/* The first samples of a .npz file, all of them where there are not `most`. */
int eval_set_from_file(cli *app, const char *path, int64_t most, eval_set *out);

/* What a classifier makes of a set: features [n, n_features], probabilities [n, n_classes], and the class that it reads in each [n]. */
typedef struct eval_reading {
    float *features, *probabilities;
    int32_t *read;
} eval_reading;
int eval_set_read(cli *app, ito_model *classifier, const char *what, const eval_set *s, eval_reading *out);
void eval_reading_clear(eval_reading *r);

#endif
