/* JPEG from anyone: baseline and progressive, then through scaling, which sees odd sizes. */
#include <stdbool.h>
#include <stdint.h>

#include <ito/image.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ito_ctx *ctx;
    ito_image image, small;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    bool ok = ito_image_probe(ctx, "fuzz", data, size, &image) == ITO_OK &&
              (int64_t)image.width * image.height <= 1 << 18 &&
              ito_image_decode(ctx, "fuzz", data, size, ITO_U8, &image) == ITO_OK;
    if (ok) {
        if (ito_image_fit(ctx, &image, 5, 9, &small) == ITO_OK) ito_image_clear(ctx, &small);
        ito_image_clear(ctx, &image);
    }
    ito_ctx_destroy(ctx);
    return 0;
}
