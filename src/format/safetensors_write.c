/* Writing safetensors: the header padded with spaces to a multiple of 8, then the tensors in a fixed order. */
#include <stdlib.h>
#include <string.h>

#include <ito/safetensors.h>

#include "base/file.h"
#include "base/json.h"

static int by_layout(const void *a, const void *b)
{
    const ito_safetensors_entry *x = a, *y = b;
    size_t p = ito_safetensors_dtype_size(x->dtype), q = ito_safetensors_dtype_size(y->dtype);
    return p != q ? (p < q) - (p > q) : strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const ito_safetensors_text *)a)->key, ((const ito_safetensors_text *)b)->key);
}

static ito_status check_entry(ito_ctx *ctx, const char *path, const ito_safetensors_entry *e)
{
    size_t size = ito_safetensors_dtype_size(e->dtype), need;
    int64_t count = ito_shape_count(e->shape);
    if (!e->name[0] || !strcmp(e->name, "__metadata__"))
        return ito__fail(ctx, ITO_USAGE, "%s: a tensor may not be named '%s'", path, e->name);
    if (size == 0 || count < 0 || __builtin_mul_overflow((size_t)count, size, &need) || need != e->n_bytes)
        return ito__fail(ctx, ITO_SHAPE, "%s: %s: %lld values of %s are not %zu bytes", path, e->name, (long long)count,
                         ito_safetensors_dtype_name(e->dtype), e->n_bytes);
    return ITO_OK;
}

/* Takes over value. A key that is there already is ITO_USAGE. */
static ito_status put(ito_ctx *ctx, const char *path, json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key)) {
        json_decref(value);
        return ito__fail(ctx, ITO_USAGE, "%s: the name '%s' is used twice", path, key);
    }
    if (json_object_set_new(object, key, value) == 0) return ITO_OK; /* also fails for NULL */
    return ito__fail(ctx, ITO_USAGE, "%s: '%s' or its value is not UTF-8, or memory ran out", path, key);
}

static json_t *describe(const ito_safetensors_entry *e, size_t offset)
{
    json_t *shape = json_array();
    for (int i = 0; i < e->shape.n_dims; i++) json_array_append_new(shape, json_integer(e->shape.d[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", ito_safetensors_dtype_name(e->dtype), "shape", shape,
                     "data_offsets", (json_int_t)offset, (json_int_t)offset + (json_int_t)e->n_bytes);
}

static ito_status add_metadata(ito_ctx *ctx, const char *path, json_t *header, const ito_safetensors_text *texts, int n)
{
    if (n == 0) return ITO_OK;
    ito_safetensors_text *sorted = ito__alloc_array(ctx, (size_t)n, sizeof *sorted);
    if (!sorted) return ITO_MEMORY;
    memcpy(sorted, texts, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_key);
    json_t *object = json_object();
    ito_status st = ITO_OK;
    for (int i = 0; st == ITO_OK && i < n; i++)
        st = put(ctx, path, object, sorted[i].key, json_string(sorted[i].value));
    ito__free(ctx, sorted);
    if (st == ITO_OK) return put(ctx, path, header, "__metadata__", object);
    json_decref(object);
    return st;
}

static ito_status append_header(ito_ctx *ctx, const char *path, ito__writer *writer, const json_t *header)
{
    char *text = json_dumps(header, JSON_COMPACT);
    if (!text) return ito__fail_memory(ctx, 0);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    ito_status st = ito__writer_append(writer, prefix, 8);
    if (st == ITO_OK) st = ito__writer_append(writer, text, length);
    if (st == ITO_OK) st = ito__writer_append(writer, "       ", padded - length);
    if (st == ITO_OK && padded > ((size_t)100 << 20))
        st = ito__fail(ctx, ITO_UNSUPPORTED, "%s: the header would be larger than 100 MiB", path);
    free(text); /* jansson's own */
    return st;
}

static ito_status write_all(ito_ctx *ctx, const char *path, const ito_safetensors_entry *sorted, int n,
                            const json_t *header)
{
    ito__writer *writer;
    ITO_TRY(ito__writer_create(ctx, path, &writer));
    ito_status st = append_header(ctx, path, writer, header);
    for (int i = 0; st == ITO_OK && i < n; i++) st = ito__writer_append(writer, sorted[i].data, sorted[i].n_bytes);
    if (st == ITO_OK) return ito__writer_commit(writer);
    ito__writer_abandon(writer);
    return st;
}

ito_status ito_safetensors_write(ito_ctx *ctx, const char *path, const ito_safetensors_entry *entries, int n,
                                 const ito_safetensors_text *metadata, int n_metadata)
{
    size_t offset = 0;
    ito_status st = ITO_OK;
    json_t *header = json_object();
    ito_safetensors_entry *sorted = ito__alloc_array(ctx, (size_t)n, sizeof *sorted);
    if (!sorted || !header) {
        st = ITO_MEMORY;
        goto done;
    }
    if (n > 0) memcpy(sorted, entries, (size_t)n * sizeof *sorted);
    if (n > 1) qsort(sorted, (size_t)n, sizeof *sorted, by_layout);
    ITO_GO(add_metadata(ctx, path, header, metadata, n_metadata));
    for (int i = 0; i < n; i++) {
        ITO_GO(check_entry(ctx, path, &sorted[i]));
        ITO_GO(put(ctx, path, header, sorted[i].name, describe(&sorted[i], offset)));
        offset += sorted[i].n_bytes;
    }
    ITO_GO(write_all(ctx, path, sorted, n, header));
done:
    json_decref(header);
    ito__free(ctx, sorted);
    return st;
}
