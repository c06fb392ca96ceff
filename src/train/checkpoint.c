/* A checkpoint is a safetensors file: one tensor per entry, the texts as its metadata. */
#include "train/checkpoint.h"

#include <string.h>

#include <ito/safetensors.h>

typedef struct entry {
    char *name;
    ito_safetensors_dtype dtype;
    int64_t count;
    void *data;
} entry;

struct ito__checkpoint {
    ito_ctx *ctx;
    entry *entries;
    int n, capacity;
};

ito_status ito__checkpoint_create(ito_ctx *ctx, ito__checkpoint **out)
{
    *out = ito__alloc(ctx, sizeof **out);
    if (!*out) return ITO_MEMORY;
    (*out)->ctx = ctx;
    return ITO_OK;
}

void ito__checkpoint_destroy(ito__checkpoint *c)
{
    if (!c) return;
    for (int i = 0; i < c->n; i++) ito__free(c->ctx, c->entries[i].name);
    ito__free(c->ctx, c->entries);
    ito__free(c->ctx, c);
}

static ito_status add(ito__checkpoint *c, const char *name, ito_safetensors_dtype dtype, int64_t count, void *data)
{
    for (int i = 0; i < c->n; i++)
        if (!strcmp(c->entries[i].name, name))
            return ito__fail(c->ctx, ITO_USAGE, "two checkpoint entries are named '%s'", name);
    ITO_TRY(ito__grow(c->ctx, &c->entries, sizeof *c->entries, &c->capacity, c->n + 1));
    char *copy = ito__strdup(c->ctx, name);
    if (!copy) return ITO_MEMORY;
    c->entries[c->n++] = (entry){copy, dtype, count, data};
    return ITO_OK;
}

ito_status ito__checkpoint_add_params(ito__checkpoint *c, const char *name, ito_params *params)
{
    ito_dtype dtype = ito_params_dtype(params);
    if (dtype != ITO_F32 && dtype != ITO_BF16)
        return ito__fail(c->ctx, ITO_DTYPE, "checkpoint entry '%s' is %s, expected f32 or bf16", name,
                         ito_dtype_name(dtype));
    return add(c, name, dtype == ITO_BF16 ? ITO_SAFETENSORS_BF16 : ITO_SAFETENSORS_F32,
               ito_param_list_size(ito_params_list(params)), ito_params_flat(params));
}

ito_status ito__checkpoint_add_i64(ito__checkpoint *c, const char *name, int64_t *value)
{
    return add(c, name, ITO_SAFETENSORS_I64, 1, value);
}

ito_status ito__checkpoint_add_f64(ito__checkpoint *c, const char *name, double *value)
{
    return add(c, name, ITO_SAFETENSORS_F64, 1, value);
}

ito_status ito__checkpoint_add_bytes(ito__checkpoint *c, const char *name, void *data, size_t bytes)
{
    return add(c, name, ITO_SAFETENSORS_U8, (int64_t)bytes, data);
}

static size_t bytes_of(const entry *e)
{
    return (size_t)e->count * ito_safetensors_dtype_size(e->dtype);
}

#define MAX_TEXTS 16

static int pair_texts(const char *const *texts, ito_safetensors_text out[MAX_TEXTS])
{
    int n = 0;
    for (; n < MAX_TEXTS && texts[2 * n]; n++) out[n] = (ito_safetensors_text){texts[2 * n], texts[2 * n + 1]};
    return n;
}

ito_status ito__checkpoint_save(ito__checkpoint *c, const char *path, const char *const *texts)
{
    ito_safetensors_text metadata[MAX_TEXTS];
    int n_texts = pair_texts(texts, metadata);
    ito_safetensors_entry *out = ito__alloc_array(c->ctx, (size_t)c->n, sizeof *out);
    if (!out) return ITO_MEMORY;
    for (int i = 0; i < c->n; i++) {
        const entry *e = &c->entries[i];
        out[i] = (ito_safetensors_entry){
            .name = e->name, .dtype = e->dtype, .shape = ITO_SHAPE(e->count), .data = e->data, .n_bytes = bytes_of(e)};
    }
    ito_status st = ito_safetensors_write(c->ctx, path, out, c->n, metadata, n_texts);
    ito__free(c->ctx, out);
    return st;
}

ito_status ito__checkpoint_text(ito_ctx *ctx, const char *path, const char *key, char **out)
{
    ito_safetensors *file;
    *out = NULL;
    ITO_TRY(ito_safetensors_open(ctx, path, &file));
    const char *text = ito_safetensors_metadata(file, key);
    ito_status st = ITO_MEMORY;
    if (!text)
        st = ito__fail(ctx, ITO_FORMAT, "%s records no %s: it is of another version of ito; start anew", path, key);
    else if ((*out = ito__strdup(ctx, text)))
        st = ITO_OK;
    ito_safetensors_close(file);
    return st;
}

static ito_status check_texts(ito__checkpoint *c, const char *path, const ito_safetensors *file,
                              const char *const *texts)
{
    for (int i = 0; texts[2 * i]; i++) {
        const char *stored = ito_safetensors_metadata(file, texts[2 * i]);
        if (!stored || strcmp(stored, texts[2 * i + 1]))
            return ito__fail(
                c->ctx, ITO_STATE,
                "%s was made with %s = %s, this run has %s: resume with the same settings, data and machine "
                "(ITO_ISA chooses the instruction set), or start anew in another directory",
                path, texts[2 * i], stored ? stored : "(nothing)", texts[2 * i + 1]);
    }
    return ITO_OK;
}

static ito_status check_entries(ito__checkpoint *c, const char *path, const ito_safetensors *file)
{
    for (int i = 0; i < c->n; i++) {
        const entry *e = &c->entries[i];
        const ito_safetensors_entry *found = ito_safetensors_find(file, e->name);
        if (!found)
            return ito__fail(c->ctx, ITO_FORMAT, "%s has no entry '%s': it is of another task or version", path,
                             e->name);
        if (found->dtype != e->dtype || found->n_bytes != bytes_of(e))
            return ito__fail(c->ctx, ITO_FORMAT, "%s: entry '%s' is %zu bytes of %s, expected %zu of %s", path, e->name,
                             found->n_bytes, ito_safetensors_dtype_name(found->dtype), bytes_of(e),
                             ito_safetensors_dtype_name(e->dtype));
    }
    if (ito_safetensors_count(file) == c->n) return ITO_OK;
    for (int k = 0; k < ito_safetensors_count(file); k++) {
        const char *name = ito_safetensors_get(file, k)->name;
        bool known = false;
        for (int i = 0; i < c->n; i++) known |= !strcmp(c->entries[i].name, name);
        if (!known)
            return ito__fail(c->ctx, ITO_FORMAT, "%s has an unknown entry '%s': it is of another task or version", path,
                             name);
    }
    return ITO_OK;
}

ito_status ito__checkpoint_load(ito__checkpoint *c, const char *path, const char *const *texts)
{
    ito_safetensors *file;
    ito_status st;
    ITO_TRY(ito_safetensors_open(c->ctx, path, &file));
    ITO_GO(check_texts(c, path, file, texts));
    ITO_GO(check_entries(c, path, file));
    for (int i = 0; i < c->n; i++)
        memcpy(c->entries[i].data, ito_safetensors_find(file, c->entries[i].name)->data, bytes_of(&c->entries[i]));
done:
    ito_safetensors_close(file);
    return st;
}
