/* Batches of samples in .npz files: two arrays of a zip archive. */
#include <ito/npz.h>

#include <limits.h>
#include <string.h>

#include "format/npy.h"
#include "format/zip.h"

/* A member of the archive and what it holds. */
typedef struct array {
    unsigned char *owned;
    ito__npy npy;
} array;

static ito_status open_array(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, const char *name,
                             array *out)
{
    ito__zip_member member;
    const unsigned char *data;
    *out = (array){0};
    ITO_TRY(ito__zip_find(ctx, where, bytes, n, name, &member));
    ITO_TRY(ito__zip_unpack(ctx, where, &member, &data, &out->owned));
    return ito__npy_parse(ctx, where, data, member.unpacked, &out->npy);
}

static ito_status read_images(ito_ctx *ctx, const char *where, const ito__npy *a, ito_npz *out)
{
    const ito_shape *s = &a->shape;
    if (a->kind != 'u' || a->item_size != 1 || s->n_dims != 4 || (s->d[3] != 3 && s->d[3] != 1) || s->d[1] < 1 ||
        s->d[2] < 1)
        return ito__fail(ctx, ITO_FORMAT,
                         "%s: arr_0 is %c%d of %d dimensions, expected uint8 [n, height, width, 3 or 1]", where,
                         a->kind, a->item_size, s->n_dims);
    if (s->d[1] > INT_MAX || s->d[2] > INT_MAX || s->d[0] > INT64_MAX / 4)
        return ito__fail(ctx, ITO_FORMAT, "%s: arr_0 has images of %lld x %lld, which is too large", where,
                         (long long)s->d[2], (long long)s->d[1]);
    size_t total = (size_t)(s->d[0] * s->d[1] * s->d[2] * s->d[3]); /* the values are there: the product fits */
    out->n = s->d[0];
    out->height = (int)s->d[1];
    out->width = (int)s->d[2];
    out->channels = (int)s->d[3];
    out->images = ito__alloc(ctx, total);
    if (!out->images) return ITO_MEMORY;
    memcpy(out->images, a->values, total);
    return ITO_OK;
}

/* The integer at `bytes`, sign-extended when it has a sign. */
static int64_t integer(const ito__npy *a, const unsigned char *bytes)
{
    uint64_t value = 0;
    int size = a->item_size;
    for (int i = 0; i < size; i++) value = value << 8 | bytes[a->is_big ? i : size - 1 - i];
    if (a->kind == 'i' && size < 8 && value >> (8 * size - 1)) value |= ~(uint64_t)0 << 8 * size;
    return (int64_t)value;
}

static ito_status read_labels(ito_ctx *ctx, const char *where, const ito__npy *a, ito_npz *out)
{
    if ((a->kind != 'u' && a->kind != 'i') || a->shape.n_dims != 1 || a->shape.d[0] != out->n)
        return ito__fail(ctx, ITO_FORMAT,
                         "%s: arr_1 is %c%d of %d dimensions (first: %lld), expected integers [%lld], a label for "
                         "each image",
                         where, a->kind, a->item_size, a->shape.n_dims, a->shape.n_dims ? (long long)a->shape.d[0] : 0,
                         (long long)out->n);
    out->labels = ito__alloc_array(ctx, (size_t)out->n, sizeof *out->labels);
    if (!out->labels) return ITO_MEMORY;
    for (int64_t i = 0; i < out->n; i++) {
        int64_t label = integer(a, a->values + i * a->item_size);
        if (label < INT32_MIN || label > INT32_MAX)
            return ito__fail(ctx, ITO_FORMAT, "%s: label %lld of arr_1 is %lld, which is no label", where, (long long)i,
                             (long long)label);
        out->labels[i] = (int32_t)label;
    }
    return ITO_OK;
}

ito_status ito_npz_parse(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_npz *out)
{
    array a;
    *out = (ito_npz){0};
    ito_status st = open_array(ctx, where, bytes, n, "arr_0.npy", &a);
    if (st == ITO_OK) st = read_images(ctx, where, &a.npy, out);
    ito__free(ctx, a.owned);
    if (st != ITO_OK) return st;
    st = open_array(ctx, where, bytes, n, "arr_1.npy", &a);
    if (st == ITO_OK) st = read_labels(ctx, where, &a.npy, out);
    if (st == ITO_NOT_FOUND) st = ITO_OK; /* images without labels */
    ito__free(ctx, a.owned);
    if (st != ITO_OK) ito_npz_clear(ctx, out);
    return st;
}

ito_status ito_npz_read(ito_ctx *ctx, const char *path, ito_npz *out)
{
    const unsigned char *bytes;
    size_t n;
    *out = (ito_npz){0};
    ITO_TRY(ito__file_map(ctx, path, &bytes, &n));
    ito_status st = ito_npz_parse(ctx, path, bytes, n, out);
    ito__file_unmap(bytes, n);
    return st;
}

void ito_npz_clear(ito_ctx *ctx, ito_npz *samples)
{
    ito__free(ctx, samples->images);
    ito__free(ctx, samples->labels);
    *samples = (ito_npz){0};
}

/* ---- writing ---- */

static ito_status add_array(ito__zip_writer *zip, const char *name, const char *descr, ito_shape shape,
                            const void *values, size_t n, bool deflate)
{
    unsigned char header[ITO_NPY_HEADER];
    size_t length = ito__npy_header(descr, shape, header);
    return ito__zip_add(zip, name, 2, (const ito__zip_piece[]){{header, length}, {values, n}}, deflate);
}

static ito_status add_labels(ito_ctx *ctx, ito__zip_writer *zip, const ito_npz *s, bool deflate)
{
    unsigned char *wide = ito__alloc_array(ctx, (size_t)s->n, 8);
    if (!wide) return ITO_MEMORY;
    for (int64_t i = 0; i < s->n; i++)
        for (int b = 0; b < 8; b++) wide[8 * i + b] = (unsigned char)((uint64_t)(int64_t)s->labels[i] >> 8 * b);
    ito_status st = add_array(zip, "arr_1.npy", "<i8", ITO_SHAPE(s->n), wide, (size_t)s->n * 8, deflate);
    ito__free(ctx, wide);
    return st;
}

ito_status ito_npz_write(ito_ctx *ctx, const char *path, const ito_npz *s, bool deflate)
{
    ito__zip_writer *zip;
    if (s->n < 0 || s->height < 1 || s->width < 1 || (s->channels != 3 && s->channels != 1))
        return ito__fail(ctx, ITO_USAGE,
                         "%s: %lld images of %d x %d x %d, expected sizes of 1 or more and 3 channels or 1", path,
                         (long long)s->n, s->width, s->height, s->channels);
    ITO_TRY(ito__zip_create(ctx, path, &zip));
    size_t total = (size_t)s->n * (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    ito_status st = add_array(zip, "arr_0.npy", "|u1", ITO_SHAPE(s->n, s->height, s->width, s->channels), s->images,
                              total, deflate);
    if (st == ITO_OK && s->labels) st = add_labels(ctx, zip, s, deflate);
    if (st == ITO_OK) return ito__zip_commit(zip);
    ito__zip_abandon(zip);
    return st;
}
