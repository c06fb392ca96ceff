/* Reads a fixture: a safetensors file whose tensors are looked up by name. A reader of its own, so that the fixtures do not
 * depend on the library's. */
#ifndef ITO_TEST_GOLDEN_FILE_H
#define ITO_TEST_GOLDEN_FILE_H

#include "base/file.h"
#include "base/json.h"
#include "op_cases.h"

typedef struct golden_file {
    ito_ctx *ctx;
    unsigned char *bytes;
    json_t *header;
    uint64_t header_size;
} golden_file;

typedef struct golden_tensor {
    ito_dtype dtype;
    ito_shape shape;
    const void *data; /* NULL: the file has no such tensor */
} golden_tensor;

static inline golden_file golden_open(ito_ctx *ctx, const char *path)
{
    golden_file f = {.ctx = ctx};
    size_t n;
    assert_ok(ctx, ito__file_read(ctx, path, 1 << 24, &f.bytes, &n));
    memcpy(&f.header_size, f.bytes, 8);
    assert_true(f.header_size < n);
    assert_ok(ctx, ito__json_parse(ctx, path, (char *)f.bytes + 8, f.header_size, &f.header));
    return f;
}

static inline void golden_close(golden_file *f)
{
    json_decref(f->header);
    ito__free(f->ctx, f->bytes);
}

static inline golden_tensor golden_get(const golden_file *f, const char *name)
{
    golden_tensor t = {0};
    const json_t *entry = json_object_get(f->header, name);
    if (!entry) return t;
    const json_t *shape = json_object_get(entry, "shape");
    t.shape.n_dims = (int)json_array_size(shape);
    for (int i = 0; i < t.shape.n_dims; i++) t.shape.d[i] = json_integer_value(json_array_get(shape, (size_t)i));
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    t.dtype = !strcmp(dtype, "I32") ? ITO_I32 : !strcmp(dtype, "F64") ? ITO_F64 : ITO_F32;
    int64_t begin = json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
    t.data = f->bytes + 8 + f->header_size + begin;
    return t;
}

/* The numbers of a tensor that must be there, as doubles; images come from [N, C, H, W] to [N, H, W, C]. Frees: free(). */
static inline double *golden_doubles(const golden_file *f, const char *name, bool image, golden_tensor *t)
{
    *t = golden_get(f, name);
    if (!t->data) fail_msg("the fixture has no tensor '%s'", name);
    int64_t n = ito_shape_count(t->shape);
    int64_t channels = image ? t->shape.d[1] : 1, pixels = image ? t->shape.d[2] * t->shape.d[3] : 1;
    double *out = calloc((size_t)n + 1, sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        int64_t pixel = i % pixels, channel = i / pixels % channels, sample = i / pixels / channels;
        int64_t at = image ? (sample * pixels + pixel) * channels + channel : i;
        out[at] = t->dtype == ITO_I32   ? ((const int32_t *)t->data)[i]
                  : t->dtype == ITO_F64 ? ((const double *)t->data)[i]
                                        : (double)((const float *)t->data)[i];
    }
    if (image) t->shape = ITO_SHAPE(t->shape.d[0], t->shape.d[2], t->shape.d[3], channels);
    return out;
}

#endif
