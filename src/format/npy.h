/* numpy's .npy: a magic, a version, the length of a header, the header (a Python dictionary as text: type, order, shape), the values.
 * Internal. */
#ifndef ITO_FORMAT_NPY_H
#define ITO_FORMAT_NPY_H

#include <ito/tensor.h>

#include "base/base.h"

typedef struct ito__npy {
    char kind;     /* 'u', 'i', 'f', 'b', ..., as numpy calls it */
    int item_size; /* bytes */
    bool is_big;   /* big-endian values */
    ito_shape shape;
    const unsigned char *values; /* in the bytes that were parsed, unaligned, first dimension slowest */
} ito__npy;

/* Checks that the values fill the rest of the bytes. ITO_UNSUPPORTED for Fortran order. */
ito_status ito__npy_parse(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, ito__npy *out);

#define ITO_NPY_HEADER 128 /* bytes that ito__npy_header writes at most */
/* What stands before values of that type ("|u1", "<i8"), version 1.0; returns its length. */
size_t ito__npy_header(const char *descr, ito_shape shape, unsigned char out[ITO_NPY_HEADER]);

#endif
