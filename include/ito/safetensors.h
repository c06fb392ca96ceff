/* safetensors files: named tensors in one file, with a map of texts beside them.
 *
 *     u64 length | JSON {"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__": {...}} | the tensors' bytes
 *
 * An open file owns its names, texts and bytes; what it hands out is good until it is closed. Little-endian hosts. */
#ifndef ITO_SAFETENSORS_H
#define ITO_SAFETENSORS_H

#include <stddef.h>

#include <ito/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ito_safetensors_dtype {
    ITO_SAFETENSORS_F64,
    ITO_SAFETENSORS_F32,
    ITO_SAFETENSORS_F16,
    ITO_SAFETENSORS_BF16,
    ITO_SAFETENSORS_I64,
    ITO_SAFETENSORS_I32,
    ITO_SAFETENSORS_I8,
    ITO_SAFETENSORS_U8,
    ITO_SAFETENSORS_BOOL,
    ITO_SAFETENSORS_DTYPE_COUNT
} ito_safetensors_dtype;

size_t ito_safetensors_dtype_size(ito_safetensors_dtype dtype);
const char *ito_safetensors_dtype_name(ito_safetensors_dtype dtype); /* "F32", ... */

typedef struct ito_safetensors_entry {
    const char *name;
    ito_safetensors_dtype dtype;
    ito_shape shape;
    const void *data; /* row-major, little-endian; may be unaligned */
    size_t n_bytes;
} ito_safetensors_entry;

typedef struct ito_safetensors_text {
    const char *key, *value;
} ito_safetensors_text;

typedef struct ito_safetensors ito_safetensors;

/* Maps the file; a file that changes while it is open is undefined. Every name, offset and length is checked. */
ito_status ito_safetensors_open(ito_ctx *ctx, const char *path, ito_safetensors **out);
/* The same over bytes that the caller keeps until he closes it. */
ito_status ito_safetensors_parse(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_safetensors **out);
void ito_safetensors_close(ito_safetensors *file);

/* Entries in the order of their names. */
int ito_safetensors_count(const ito_safetensors *file);
const ito_safetensors_entry *ito_safetensors_get(const ito_safetensors *file, int index);
const ito_safetensors_entry *ito_safetensors_find(const ito_safetensors *file, const char *name); /* or NULL */
const char *ito_safetensors_metadata(const ito_safetensors *file, const char *key);               /* or NULL */

/* Values as float32 or int64, count of them: ITO_SHAPE when the entry has another number. Integers that are floats in
 * the file are ITO_DTYPE. */
ito_status ito_safetensors_load_f32(ito_ctx *ctx, const ito_safetensors_entry *entry, float *out, size_t count);
ito_status ito_safetensors_load_i64(ito_ctx *ctx, const ito_safetensors_entry *entry, int64_t *out, size_t count);

/* Writes a file, whole or not at all. Whatever the order given, tensors lie by element size (large first, so that
 * all are aligned) and name, and texts by key: equal contents give equal bytes. data and n_bytes as in an entry. */
ito_status ito_safetensors_write(ito_ctx *ctx, const char *path, const ito_safetensors_entry *entries, int n,
                                 const ito_safetensors_text *metadata, int n_metadata);

#ifdef __cplusplus
}
#endif
#endif
