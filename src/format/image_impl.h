/* What the image readers share. Internal to format/. */
#ifndef ITO_FORMAT_IMAGE_IMPL_H
#define ITO_FORMAT_IMAGE_IMPL_H

#include <ito/image.h>

#include "base/base.h"

#define ITO_IMAGE_MAX_BYTES ((size_t)1 << 30) /* of a file */

/* One reading of a file. With header_only set the readers stop when out has its width, height and channels. */
typedef struct ito__image_source {
    ito_ctx *ctx;
    const char *where;
    const unsigned char *bytes;
    size_t n, at;
    ito_dtype dtype;
    bool header_only;
} ito__image_source;

bool ito__png_is(const unsigned char *bytes, size_t n);
bool ito__jpeg_is(const unsigned char *bytes, size_t n);
ito_status ito__png_decode(ito__image_source *source, ito_image *out);
ito_status ito__jpeg_decode(ito__image_source *source, ito_image *out);

/* ITO_FORMAT unless the sides are 1 .. ITO_IMAGE_MAX_SIDE and the area fits. */
ito_status ito__image_check_size(ito_ctx *ctx, const char *where, uint64_t width, uint64_t height);

#endif
