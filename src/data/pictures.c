/* Pictures in memory. See pictures.h. */
#include "data/pictures.h"

#include <string.h>

ito_status ito__pictures_create(ito_ctx *ctx, ito__pictures **out)
{
    ito__pictures *p = *out = ito__alloc(ctx, sizeof *p);
    if (!p) return ITO_MEMORY;
    p->ctx = ctx;
    return ito__arena_create(ctx, &p->arena);
}

void ito__pictures_destroy(ito_ctx *ctx, void *pictures)
{
    ito__pictures *p = pictures;
    if (!p) return;
    ito__arena_destroy(p->arena);
    ito__free(ctx, p->pixels);
    ito__free(ctx, p->labels);
    ito__free(ctx, p->rejected);
    ito__free(ctx, p);
}

static size_t picture_bytes(const ito__pictures *p)
{
    return (size_t)p->height * (size_t)p->width * (size_t)p->channels;
}

ito_status ito__pictures_reserve(ito__pictures *p, int64_t n, int height, int width, int channels)
{
    p->height = height;
    p->width = width;
    p->channels = channels;
    p->capacity = n;
    p->pixels = ito__alloc_array(p->ctx, (size_t)n, picture_bytes(p));
    p->labels = ito__alloc_array(p->ctx, (size_t)n, sizeof *p->labels);
    return p->pixels && p->labels ? ITO_OK : ITO_MEMORY;
}

ito_status ito__pictures_put(ito__pictures *p, const ito_image *image, const double background[3], int32_t label)
{
    ito_image converted, fitted = {0};
    if (p->n == p->capacity) return ito__fail(p->ctx, ITO_STATE, "more pictures than were counted");
    ITO_TRY(ito_image_convert(p->ctx, image, p->channels, background, &converted));
    ito_status st = ito_image_fit(p->ctx, &converted, p->width, p->height, &fitted);
    if (st == ITO_OK) {
        memcpy(p->pixels + (size_t)p->n * picture_bytes(p), fitted.pixels, picture_bytes(p));
        p->labels[p->n++] = label;
    }
    ito_image_clear(p->ctx, &converted);
    ito_image_clear(p->ctx, &fitted);
    return st;
}

ito_status ito__pictures_reject(ito__pictures *p, const char *path, const char *reason)
{
    ITO_TRY(ito__grow(p->ctx, &p->rejected, sizeof *p->rejected, &p->rejected_capacity, p->n_rejected + 1));
    ito_rejected *r = &p->rejected[p->n_rejected];
    r->path = ito__arena_strdup(p->arena, path);
    r->reason = ito__arena_strdup(p->arena, reason);
    if (!r->path || !r->reason) return ITO_MEMORY;
    p->n_rejected++;
    return ITO_OK;
}

void ito__pictures_describe(ito__pictures *p, ito_dataset_info *info)
{
    p->fields[0] = (ito_field){"image", ITO_F32, ITO_SHAPE(p->height, p->width, p->channels), -1, 1};
    p->fields[1] = (ito_field){"label", ITO_I32, ITO_SCALAR, 0, p->n_classes - 1};
    *info = (ito_dataset_info){
        .n_samples = p->n,
        .height = p->height,
        .width = p->width,
        .channels = p->channels,
        .n_fields = p->n_classes > 0 ? 2 : 1,
        .fields = p->fields,
        .n_classes = p->n_classes,
        .class_names = p->class_names,
        .n_rejected = p->n_rejected,
        .rejected = p->rejected,
    };
}

ito_status ito__pictures_get(const void *pictures, ito_ctx *ctx, int64_t index, void *const *out)
{
    (void)ctx; /* nothing can fail */
    const ito__pictures *p = pictures;
    size_t n = picture_bytes(p);
    if (out[0]) ito_image_to_unit(p->pixels + (size_t)index * n, n, out[0]);
    if (p->n_classes > 0 && out[1]) *(int32_t *)out[1] = p->labels[index];
    return ITO_OK;
}
