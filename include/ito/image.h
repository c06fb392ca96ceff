/* Images in memory and in PNG and JPEG files. An image owns its pixels: whoever got one clears it, with the context it
 * was made with. Rows run from the top, channels last, no padding between rows. */
#ifndef ITO_IMAGE_H
#define ITO_IMAGE_H

#include <stddef.h>

#include <ito/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ITO_IMAGE_MAX_SIDE   32768
#define ITO_IMAGE_MAX_PIXELS 100000000 /* a file that claims more is malformed */

typedef struct ito_image {
    int width, height;
    int channels;    /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
    ito_dtype dtype; /* ITO_U8: 0..255; ITO_F32: 0..1 */
    void *pixels;    /* [height, width, channels] */
} ito_image;

/* A black, transparent image. */
ito_status ito_image_create(ito_ctx *ctx, int width, int height, int channels, ito_dtype dtype, ito_image *out);
void ito_image_clear(ito_ctx *ctx, ito_image *image);

/* Reads PNG or JPEG, told apart by their first bytes. Palettes become colours; 16-bit files keep their precision as
 * ITO_F32 and are rounded as ITO_U8. */
ito_status ito_image_read(ito_ctx *ctx, const char *path, ito_dtype dtype, ito_image *out);
/* The same from memory; `where` names the bytes in errors. */
ito_status ito_image_decode(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_dtype dtype,
                            ito_image *out);
/* Width, height and channels only; pixels stays NULL and nothing is to be cleared. */
ito_status ito_image_probe(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_image *out);

/* PNG text chunks: what made the image, so that it can be made again. */
typedef struct ito_image_text {
    char *key;   /* 1 to 79 printable ASCII characters */
    char *value; /* UTF-8 */
} ito_image_text;

typedef struct ito_image_texts {
    int n;
    ito_image_text *items;
} ito_image_texts;

/* ITO_U8 makes an 8-bit, ITO_F32 a 16-bit file (values are clamped). texts may be NULL. The file is written whole or
 * not at all. */
ito_status ito_image_write_png(ito_ctx *ctx, const char *path, const ito_image *image, const ito_image_texts *texts);
ito_status ito_image_read_texts(ito_ctx *ctx, const char *path, ito_image_texts *out);
void ito_image_texts_clear(ito_ctx *ctx, ito_image_texts *texts);
/* The value of a key, or NULL. */
const char *ito_image_texts_find(const ito_image_texts *texts, const char *key);

/* To another number of channels, same dtype. Grey is 0.299 R + 0.587 G + 0.114 B; alpha that is given up is composited
 * over the background (RGB in 0..1; NULL is black), alpha that is new is opaque. */
ito_status ito_image_convert(ito_ctx *ctx, const ito_image *image, int channels, const double background[3],
                             ito_image *out);
/* Scales by area averages (linear interpolation where it enlarges) until the box is covered, then cuts its centre. */
ito_status ito_image_fit(ito_ctx *ctx, const ito_image *image, int width, int height, ito_image *out);

/* Between pictures and the -1..1 that networks see; n values. */
void ito_image_to_unit(const unsigned char *pixels, size_t n, float *out);   /* out = 2 p / 255 - 1 */
void ito_image_from_unit(const float *values, size_t n, unsigned char *out); /* rounded and clamped; NaN is 0 */

#ifdef __cplusplus
}
#endif
#endif
