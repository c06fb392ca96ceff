/* Pictures held in memory as bytes, all of one size, with labels: what data sets that read files end up with.
 * Internal to data/. */
#ifndef ITO_DATA_PICTURES_H
#define ITO_DATA_PICTURES_H

#include <ito/data.h>
#include <ito/image.h>

#include "base/base.h"

typedef struct ito__pictures {
    ito_ctx *ctx;
    ito_arena *arena; /* names and reasons */
    int height, width, channels;
    int64_t n, capacity;
    unsigned char *pixels; /* [capacity, height, width, channels] */
    int32_t *labels;       /* [capacity] */
    int n_classes;
    const char **class_names; /* in the arena */
    ito_field fields[2];
    int n_rejected, rejected_capacity;
    ito_rejected *rejected;
} ito__pictures;

ito_status ito__pictures_create(ito_ctx *ctx, ito__pictures **out);
void ito__pictures_destroy(ito_ctx *ctx, void *pictures);

/* Fixes the size and makes room for n. */
ito_status ito__pictures_reserve(ito__pictures *p, int64_t n, int height, int width, int channels);
/* Converts, scales, cuts and appends one. */
ito_status ito__pictures_put(ito__pictures *p, const ito_image *image, const double background[3], int32_t label);
ito_status ito__pictures_reject(ito__pictures *p, const char *path, const char *reason);

void ito__pictures_describe(ito__pictures *p, ito_dataset_info *info);
ito_status ito__pictures_get(const void *pictures, ito_ctx *ctx, int64_t index, void *const *out);

#endif
