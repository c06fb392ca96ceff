/* IDX, the format of MNIST: magic [0, 0, type, number of dimensions], the dimensions, the values, all big-endian,
 * plain or gzip. Internal. */
#ifndef ITO_FORMAT_IDX_H
#define ITO_FORMAT_IDX_H

#include <ito/tensor.h>

#include "base/base.h"

#define ITO_IDX_MAX_BYTES ((size_t)4 << 30) /* unpacked */

/* Owns data; u8 stays u8, i8, i16 and i32 become i32, f32 and f64 stay. */
typedef struct ito__idx {
    ito_dtype dtype;
    ito_shape shape;
    void *data;
} ito__idx;

ito_status ito__idx_read(ito_ctx *ctx, const char *path, ito__idx *out);
ito_status ito__idx_parse(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, ito__idx *out);
void ito__idx_clear(ito_ctx *ctx, ito__idx *idx);

#endif
