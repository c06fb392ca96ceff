/* Generated point clouds: what the data sets of points share. A point of dimension d is an image of height 1, width 1 and d
 * channels, so that everything that is made for images works on it. A kind is one rule that turns uniform and normal numbers
 * into a point; the numbers are functions of (data_seed, split, index). Internal to data/. */
#ifndef ITO_DATA_POINTS_H
#define ITO_DATA_POINTS_H

#include <ito/data.h>

#include "base/base.h"

#define ITO__POINTS_UNIFORM 4
#define ITO__POINTS_SETTING 4
#define ITO__POINTS_NORMAL  9.0 /* no number of ito_rng_normal is larger: 53 bits end at 8.6 */
#define ITO__PI             3.14159265358979323846

typedef struct ito__points ito__points;

/* What a point is made of. The rule gets u and z and sets x and label. */
typedef struct ito__point {
    double u[ITO__POINTS_UNIFORM]; /* uniform in [0, 1) */
    double z[2];                   /* standard normal */
    double x[2];
    int label;
} ito__point;

typedef struct ito__points_rule {
    void (*place)(const double *setting, ito__point *p);
    double setting[ITO__POINTS_SETTING]; /* handed to place */
    double most;                         /* no coordinate is larger */
    int n_classes;                       /* 0: no labels */
    const char *class_word;              /* classes are called "WORD 0", "WORD 1", ... */
} ito__points_rule;

/* opts has the options below. *state is to be destroyed with ito__points_destroy, also on failure. */
ito_status ito__points_create(ito_ctx *ctx, const ito__points_rule *rule, const ito_opts *opts, ito_dataset_info *info,
                              void **state);
void ito__points_destroy(ito_ctx *ctx, void *state);
ito_status ito__points_get(const void *state, ito_ctx *ctx, int64_t index, void *const *out);

extern const char *const ito__points_splits[];

/* clang-format off */
#define ITO__POINTS_OPTIONS                                                                                            \
    ITO_OPT_INT("data_seed", 0, 0, 4294967295.0, "another seed, other points"),                                         \
    ITO_OPT_CHOICE("split", 0, ito__points_splits, "train and test never share a point")
/* clang-format on */

#endif
