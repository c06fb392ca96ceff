/* Zip archives with arrays from anyone: batches of samples, and the .npy parser on its own. */
#include <stdint.h>

#include <ito/npz.h>

#include "format/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    ito_npz samples;
    ito__npy array;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    if (ito_npz_parse(ctx, "fuzz", data, size, &samples) == ITO_OK) ito_npz_clear(ctx, &samples);
    ito__npy_parse(ctx, "fuzz", data, size, &array);
    ito_ctx_destroy(ctx);
    return 0;
}
