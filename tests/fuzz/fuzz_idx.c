/* IDX and gzip from anyone. */
#include <stdint.h>

#include "format/gzip.h"
#include "format/idx.h"

#define MOST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    ito__idx idx;
    unsigned char *unpacked;
    size_t n;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    if (ito__idx_parse(ctx, "fuzz", data, size, &idx) == ITO_OK) ito__idx_clear(ctx, &idx);
    if (ito__gzip_unpack(ctx, "fuzz", data, size, MOST, &unpacked, &n) == ITO_OK) {
        if (ito__idx_parse(ctx, "fuzz", unpacked, n, &idx) == ITO_OK) ito__idx_clear(ctx, &idx);
        ito__free(ctx, unpacked);
    }
    ito_ctx_destroy(ctx);
    return 0;
}
