/* Reading safetensors. The header comes from anyone: its length, its JSON, every dtype, shape and offset are checked,
 * and the tensors must tile the data exactly, without overlap or hole. */
#include <ito/safetensors.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define MAX_HEADER ((uint64_t)100 << 20)

struct ito_safetensors {
    ito_ctx *ctx;
    ito_arena *arena; /* names and metadata */
    const unsigned char *mapped;
    size_t n_mapped;
    int n, n_metadata;
    ito_safetensors_entry *entries; /* by name */
    ito_safetensors_text *metadata;
};

static const struct {
    const char *name;
    size_t size;
} dtypes[ITO_SAFETENSORS_DTYPE_COUNT] = {
    [ITO_SAFETENSORS_F64] = {"F64", 8},   [ITO_SAFETENSORS_F32] = {"F32", 4}, [ITO_SAFETENSORS_F16] = {"F16", 2},
    [ITO_SAFETENSORS_BF16] = {"BF16", 2}, [ITO_SAFETENSORS_I64] = {"I64", 8}, [ITO_SAFETENSORS_I32] = {"I32", 4},
    [ITO_SAFETENSORS_I8] = {"I8", 1},     [ITO_SAFETENSORS_U8] = {"U8", 1},   [ITO_SAFETENSORS_BOOL] = {"BOOL", 1},
};

size_t ito_safetensors_dtype_size(ito_safetensors_dtype dtype)
{
    return (unsigned)dtype < ITO_SAFETENSORS_DTYPE_COUNT ? dtypes[dtype].size : 0;
}

const char *ito_safetensors_dtype_name(ito_safetensors_dtype dtype)
{
    return (unsigned)dtype < ITO_SAFETENSORS_DTYPE_COUNT ? dtypes[dtype].name : "?";
}

/* Where the file is being read; errors name the file and the tensor. */
typedef struct reader {
    ito_safetensors *file;
    const char *where;
    const unsigned char *data;
    uint64_t n_data;
} reader;

static ito_status parse_dtype(const reader *r, const char *name, const json_t *value, ito_safetensors_entry *entry)
{
    const char *text = json_string_value(value);
    for (int i = 0; text && i < ITO_SAFETENSORS_DTYPE_COUNT; i++)
        if (!strcmp(dtypes[i].name, text)) {
            entry->dtype = (ito_safetensors_dtype)i;
            return ITO_OK;
        }
    ito__json_fail(r->file->ctx, r->where, name, "dtype F64, F32, F16, BF16, I64, I32, I8, U8 or BOOL", value);
    return text ? ITO_UNSUPPORTED : ITO_FORMAT;
}

static ito_status parse_entry(const reader *r, const char *name, const json_t *value, ito_safetensors_entry *entry)
{
    ito_ctx *ctx = r->file->ctx;
    int64_t offsets[2], count;
    int n_offsets;
    size_t need;
    if (!json_is_object(value)) return ito__json_fail(ctx, r->where, name, "an object", value);
    ITO_TRY(parse_dtype(r, name, json_object_get(value, "dtype"), entry));
    if (!json_is_array(json_object_get(value, "shape")))
        return ito__json_fail(ctx, r->where, name, "a shape", json_object_get(value, "shape"));
    ITO_TRY(ito__json_ints(ctx, r->where, value, "shape", ITO_MAX_DIMS, entry->shape.d, &entry->shape.n_dims));
    ITO_TRY(ito__json_ints(ctx, r->where, value, "data_offsets", 2, offsets, &n_offsets));
    if (n_offsets != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || (uint64_t)offsets[1] > r->n_data)
        return ito__fail(ctx, ITO_FORMAT, "%s: %s: data_offsets must be two numbers in order, at most %llu", r->where,
                         name, (unsigned long long)r->n_data);
    entry->n_bytes = (size_t)(offsets[1] - offsets[0]);
    count = ito_shape_count(entry->shape);
    if (count < 0 || __builtin_mul_overflow((size_t)count, dtypes[entry->dtype].size, &need) || need != entry->n_bytes)
        return ito__fail(ctx, ITO_FORMAT, "%s: %s: %lld values of %s do not fill the %zu bytes of data_offsets",
                         r->where, name, (long long)count, dtypes[entry->dtype].name, entry->n_bytes);
    entry->data = r->data + offsets[0];
    entry->name = ito__arena_strdup(r->file->arena, name);
    return entry->name ? ITO_OK : ITO_MEMORY;
}

static ito_status parse_metadata(const reader *r, json_t *object)
{
    ito_safetensors *file = r->file;
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return ito__json_fail(file->ctx, r->where, "__metadata__", "an object", object);
    file->metadata = ito__arena_alloc(file->arena, json_object_size(object) * sizeof *file->metadata);
    if (!file->metadata) return ITO_MEMORY;
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value)) return ito__json_fail(file->ctx, r->where, key, "a text", value);
        ito_safetensors_text *text = &file->metadata[file->n_metadata++];
        text->key = ito__arena_strdup(file->arena, key);
        text->value = ito__arena_strdup(file->arena, json_string_value(value));
        if (!text->key || !text->value) return ITO_MEMORY;
    }
    return ITO_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ito_safetensors_entry *)a)->name, ((const ito_safetensors_entry *)b)->name);
}

/* Empty tensors share their place with the one behind them, so they come first. */
static int by_place(const void *a, const void *b)
{
    const ito_safetensors_entry *x = a, *y = b;
    uintptr_t p = (uintptr_t)x->data, q = (uintptr_t)y->data;
    return p != q ? (p > q) - (p < q) : (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

static ito_status check_tiling(const reader *r)
{
    ito_safetensors *file = r->file;
    const unsigned char *end = r->data;
    if (file->n > 1) qsort(file->entries, (size_t)file->n, sizeof *file->entries, by_place);
    for (int i = 0; i < file->n; i++) {
        const ito_safetensors_entry *e = &file->entries[i];
        if (e->data != end)
            return ito__fail(file->ctx, ITO_FORMAT, "%s: %s starts at %td, but the tensor before it ends at %td",
                             r->where, e->name, (const unsigned char *)e->data - r->data, end - r->data);
        end += e->n_bytes;
    }
    if ((uint64_t)(end - r->data) != r->n_data)
        return ito__fail(file->ctx, ITO_FORMAT, "%s: the tensors end at %td of %llu bytes of data", r->where,
                         end - r->data, (unsigned long long)r->n_data);
    if (file->n > 1) qsort(file->entries, (size_t)file->n, sizeof *file->entries, by_name);
    return ITO_OK;
}

static ito_status parse_header(const reader *r, json_t *header)
{
    ito_safetensors *file = r->file;
    const char *name;
    json_t *value;
    if (!json_is_object(header)) return ito__json_fail(file->ctx, r->where, "header", "an object", header);
    file->entries = ito__arena_alloc(file->arena, json_object_size(header) * sizeof *file->entries);
    if (!file->entries) return ITO_MEMORY;
    json_object_foreach(header, name, value)
    {
        if (!strcmp(name, "__metadata__"))
            ITO_TRY(parse_metadata(r, value));
        else
            ITO_TRY(parse_entry(r, name, value, &file->entries[file->n++]));
    }
    return check_tiling(r);
}

static ito_status parse(ito_safetensors *file, const char *where, const unsigned char *bytes, size_t n)
{
    uint64_t length = 0;
    json_t *header;
    for (int i = 7; n >= 8 && i >= 0; i--) length = length << 8 | bytes[i];
    if (n < 8 || length > MAX_HEADER || length > n - 8)
        return ito__fail(file->ctx, ITO_FORMAT, "%s: not safetensors: a header of %llu bytes in a file of %zu", where,
                         (unsigned long long)length, n);
    ITO_TRY(ito__json_parse(file->ctx, where, (const char *)bytes + 8, (size_t)length, &header));
    reader r = {file, where, bytes + 8 + length, n - 8 - length};
    ito_status st = parse_header(&r, header);
    json_decref(header);
    return st;
}

static ito_status make(ito_ctx *ctx, ito_safetensors **out)
{
    ito_safetensors *file = *out = ito__alloc(ctx, sizeof *file);
    if (!file) return ITO_MEMORY;
    file->ctx = ctx;
    ito_status st = ito__arena_create(ctx, &file->arena);
    if (st == ITO_OK) return st;
    ito__free(ctx, file);
    *out = NULL;
    return st;
}

ito_status ito_safetensors_parse(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_safetensors **out)
{
    ITO_TRY(make(ctx, out));
    ito_status st = parse(*out, where, bytes, n);
    if (st == ITO_OK) return st;
    ito_safetensors_close(*out);
    *out = NULL;
    return st;
}

ito_status ito_safetensors_open(ito_ctx *ctx, const char *path, ito_safetensors **out)
{
    ITO_TRY(make(ctx, out));
    ito_safetensors *file = *out;
    ito_status st = ito__file_map(ctx, path, &file->mapped, &file->n_mapped);
    if (st == ITO_OK) st = parse(file, path, file->mapped, file->n_mapped);
    if (st == ITO_OK) return st;
    ito_safetensors_close(file);
    *out = NULL;
    return st;
}

void ito_safetensors_close(ito_safetensors *file)
{
    if (!file) return;
    ito__file_unmap(file->mapped, file->n_mapped);
    ito__arena_destroy(file->arena);
    ito__free(file->ctx, file);
}

int ito_safetensors_count(const ito_safetensors *file)
{
    return file->n;
}

const ito_safetensors_entry *ito_safetensors_get(const ito_safetensors *file, int index)
{
    return index >= 0 && index < file->n ? &file->entries[index] : NULL;
}

const ito_safetensors_entry *ito_safetensors_find(const ito_safetensors *file, const char *name)
{
    ito_safetensors_entry key = {.name = name};
    return file->n ? bsearch(&key, file->entries, (size_t)file->n, sizeof key, by_name) : NULL;
}

const char *ito_safetensors_metadata(const ito_safetensors *file, const char *key)
{
    for (int i = 0; i < file->n_metadata; i++)
        if (!strcmp(file->metadata[i].key, key)) return file->metadata[i].value;
    return NULL;
}
