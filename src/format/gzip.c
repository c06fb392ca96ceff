/* Gzip and plain deflate through zlib, into a buffer that doubles as the data comes: the length that the file claims is not believed. */
#include "format/gzip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define FIRST_BYTES ((size_t)64 << 10)

bool ito__gzip_is(const unsigned char *bytes, size_t n)
{
    return n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static ito_status grow(ito_ctx *ctx, unsigned char **buffer, size_t *capacity, size_t used, size_t max_bytes)
{
    size_t larger = *capacity ? ITO_MIN(*capacity * 2, max_bytes + 1) : FIRST_BYTES;
    unsigned char *memory = ito__alloc(ctx, larger);
    if (!memory) return ITO_MEMORY;
    if (used) memcpy(memory, *buffer, used);
    ito__free(ctx, *buffer);
    *buffer = memory;
    *capacity = larger;
    return ITO_OK;
}

static ito_status unpack(ito_ctx *ctx, const char *where, z_stream *z, size_t max_bytes, unsigned char **out,
                         size_t *used)
{
    size_t capacity = 0;
    for (int rc = Z_OK; rc != Z_STREAM_END;) {
        if (*used == capacity) ITO_TRY(grow(ctx, out, &capacity, *used, max_bytes));
        uInt room = (uInt)ITO_MIN(capacity - *used, (size_t)INT_MAX);
        z->next_out = *out + *used;
        z->avail_out = room;
        rc = inflate(z, Z_NO_FLUSH);
        *used += room - z->avail_out;
        if (*used > max_bytes)
            return ito__fail(ctx, ITO_FORMAT, "%s: unpacks to more than %zu bytes", where, max_bytes);
        if (rc == Z_MEM_ERROR) return ito__fail_memory(ctx, capacity);
        if (rc != Z_OK && rc != Z_STREAM_END)
            return ito__fail(ctx, ITO_FORMAT, "%s: malformed gzip or deflated data after %zu bytes: %s", where, *used,
                             z->msg ? z->msg : "the file ends too early");
    }
    return ITO_OK;
}

static ito_status unpack_all(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, size_t max_bytes,
                             int window_bits, unsigned char **out, size_t *n_out)
{
    *out = NULL;
    *n_out = 0;
    if (n > UINT_MAX) return ito__fail(ctx, ITO_UNSUPPORTED, "%s: 4 GiB or more of compressed data; unpack it", where);
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)n};
    if (inflateInit2(&z, window_bits) != Z_OK) return ito__fail_memory(ctx, 0);
    ito_status st = unpack(ctx, where, &z, max_bytes, out, n_out);
    inflateEnd(&z);
    if (st != ITO_OK) {
        ito__free(ctx, *out);
        *out = NULL;
        *n_out = 0;
    }
    return st;
}

ito_status ito__gzip_unpack(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, size_t max_bytes,
                            unsigned char **out, size_t *n_out)
{
    return unpack_all(ctx, where, bytes, n, max_bytes, 15 + 16, out, n_out);
}

ito_status ito__inflate(ito_ctx *ctx, const char *where, const unsigned char *bytes, size_t n, size_t max_bytes,
                        unsigned char **out, size_t *n_out)
{
    return unpack_all(ctx, where, bytes, n, max_bytes, -15, out, n_out);
}
