/* Unpacking gzip and what zip archives call deflated. Internal. */
#ifndef ITO_FORMAT_GZIP_H
#define ITO_FORMAT_GZIP_H

#include "base/base.h"

bool ito__gzip_is(const unsigned char *bytes, size_t n);

/* The caller frees *out. More than max_bytes unpacked, or a wrong check sum, is ITO_FORMAT. */
ito_status ito__gzip_unpack(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, size_t max_bytes,
                            unsigned char **out, size_t *n_out);
/* The same of deflated data without head and checksum. */
ito_status ito__inflate(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, size_t max_bytes,
                        unsigned char **out, size_t *n_out);

#endif
