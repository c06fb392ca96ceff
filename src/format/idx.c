/* IDX files. See idx.h for the layout; every length is checked against the bytes that are there. */
#include "format/idx.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"
#include "format/gzip.h"

typedef struct kind {
    int code, bytes;
    ito_dtype dtype;
} kind;

static const kind *kind_of(int code)
{
    static const kind kinds[] = {{0x08, 1, ITO_U8},  {0x09, 1, ITO_I32}, {0x0b, 2, ITO_I32},
                                 {0x0c, 4, ITO_I32}, {0x0d, 4, ITO_F32}, {0x0e, 8, ITO_F64}};
    for (int i = 0; i < ITO_COUNT(kinds); i++)
        if (kinds[i].code == code) return &kinds[i];
    return NULL;
}

static uint64_t big_endian(const unsigned char *bytes, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++) value = value << 8 | bytes[i];
    return value;
}

/* Type, dimensions and the offset of the values. */
static ito_status parse_header(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, ito__idx *out,
                               const kind **type, size_t *start)
{
    if (n < 4 || bytes[0] || bytes[1])
        return ito__fail(ctx, ITO_FORMAT, "%s: not an IDX file: expected two zero bytes, a type and a dimension count",
                         where);
    *type = kind_of(bytes[2]);
    if (!*type)
        return ito__fail(ctx, ITO_FORMAT, "%s: IDX value type 0x%02x, expected 08, 09, 0b .. 0e", where, bytes[2]);
    int n_dims = bytes[3];
    *start = 4 + 4 * (size_t)n_dims;
    if (n_dims < 1 || n_dims > ITO_MAX_DIMS || n < *start)
        return ito__fail(ctx, ITO_FORMAT, "%s: IDX of %d dimensions in %zu bytes, expected 1 to %d dimensions", where,
                         n_dims, n, ITO_MAX_DIMS);
    out->dtype = (*type)->dtype;
    out->shape.n_dims = n_dims;
    for (int i = 0; i < n_dims; i++) out->shape.d[i] = (int64_t)big_endian(bytes + 4 + 4 * i, 4);
    return ITO_OK;
}

static void convert(const kind *type, const unsigned char *from, size_t count, void *to)
{
    for (size_t i = 0; i < count; i++, from += type->bytes) {
        uint64_t raw = big_endian(from, type->bytes);
        uint32_t low = (uint32_t)raw;
        if (type->code == 0x09)
            ((int32_t *)to)[i] = (int32_t)(low ^ 0x80) - 0x80; /* sign extension */
        else if (type->code == 0x0b)
            ((int32_t *)to)[i] = (int16_t)low;
        else if (type->bytes == 8)
            memcpy((double *)to + i, &raw, 8);
        else
            memcpy((uint32_t *)to + i, &low, 4);
    }
}

ito_status ito__idx_parse(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, ito__idx *out)
{
    const kind *type = NULL;
    size_t start = 0, need;
    *out = (ito__idx){0};
    ITO_TRY(parse_header(ctx, where, bytes, n, out, &type, &start));
    assert(type);
    int64_t count = ito_shape_count(out->shape);
    if (count < 0 || __builtin_mul_overflow((size_t)count, (size_t)type->bytes, &need) || need != n - start) {
        char text[ITO_SHAPE_TEXT];
        return ito__fail(ctx, ITO_FORMAT, "%s: IDX header says %s of %d bytes each, but %zu bytes follow it", where,
                         ito_shape_text(out->shape, text), type->bytes, n - start);
    }
    out->data = ito__alloc_array(ctx, (size_t)count, ito_dtype_size(out->dtype));
    if (!out->data) return ITO_MEMORY;
    if (out->dtype == ITO_U8)
        memcpy(out->data, bytes + start, need);
    else
        convert(type, bytes + start, (size_t)count, out->data);
    return ITO_OK;
}

ito_status ito__idx_read(ito_ctx *ctx, const char *path, ito__idx *out)
{
    unsigned char *bytes, *unpacked = NULL;
    size_t n;
    *out = (ito__idx){0};
    ITO_TRY(ito__file_read(ctx, path, ITO_IDX_MAX_BYTES, &bytes, &n));
    ito_status st = ITO_OK;
    if (ito__gzip_is(bytes, n)) {
        ITO_GO(ito__gzip_unpack(ctx, path, bytes, n, ITO_IDX_MAX_BYTES, &unpacked, &n));
        ITO_GO(ito__idx_parse(ctx, path, unpacked, n, out));
    } else {
        ITO_GO(ito__idx_parse(ctx, path, bytes, n, out));
    }
done:
    ito__free(ctx, unpacked);
    ito__free(ctx, bytes);
    return st;
}

void ito__idx_clear(ito_ctx *ctx, ito__idx *idx)
{
    ito__free(ctx, idx->data);
    *idx = (ito__idx){0};
}
