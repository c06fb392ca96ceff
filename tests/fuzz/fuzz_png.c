/* PNG from anyone: header, pixels as bytes and as floats. */
#include <stdbool.h>
#include <stdint.h>

#include <ito/image.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    ito_image image;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    /* A few bytes may claim a hundred million pixels; that is a legal file, but too slow to fuzz. */
    bool small =
        ito_image_probe(ctx, "fuzz", data, size, &image) == ITO_OK && (int64_t)image.width * image.height <= 1 << 18;
    if (small && ito_image_decode(ctx, "fuzz", data, size, ITO_U8, &image) == ITO_OK) ito_image_clear(ctx, &image);
    if (small && ito_image_decode(ctx, "fuzz", data, size, ITO_F32, &image) == ITO_OK) ito_image_clear(ctx, &image);
    ito_ctx_destroy(ctx);
    return 0;
}
