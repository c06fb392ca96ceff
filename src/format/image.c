/* Images: making, reading by their first bytes, converting between numbers of channels. */
#include <ito/image.h>

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "format/image_impl.h"

ito_status ito__image_check_size(ito_ctx *ctx, const char *where, uint64_t width, uint64_t height)
{
    if (width >= 1 && height >= 1 && width <= ITO_IMAGE_MAX_SIDE && height <= ITO_IMAGE_MAX_SIDE &&
        width * height <= ITO_IMAGE_MAX_PIXELS)
        return ITO_OK;
    return ito__fail(ctx, ITO_FORMAT, "%s: an image of %llu x %llu, expected sides of 1 to %d and at most %d pixels",
                     where, (unsigned long long)width, (unsigned long long)height, ITO_IMAGE_MAX_SIDE,
                     ITO_IMAGE_MAX_PIXELS);
}

ito_status ito_image_create(ito_ctx *ctx, int width, int height, int channels, ito_dtype dtype, ito_image *out)
{
    *out = (ito_image){0};
    if (channels < 1 || channels > 4) return ito__fail(ctx, ITO_SHAPE, "image: %d channels, expected 1 to 4", channels);
    if (dtype != ITO_U8 && dtype != ITO_F32)
        return ito__fail(ctx, ITO_DTYPE, "image: dtype %s, expected u8 or f32", ito_dtype_name(dtype));
    ITO_TRY(ito__image_check_size(ctx, "image", (uint64_t)ITO_MAX(width, 0), (uint64_t)ITO_MAX(height, 0)));
    void *pixels = ito__alloc_array(ctx, (size_t)width * (size_t)height, (size_t)channels * ito_dtype_size(dtype));
    if (!pixels) return ITO_MEMORY;
    *out = (ito_image){width, height, channels, dtype, pixels};
    return ITO_OK;
}

void ito_image_clear(ito_ctx *ctx, ito_image *image)
{
    ito__free(ctx, image->pixels);
    *image = (ito_image){0};
}

static ito_status decode(ito__image_source *source, ito_image *out)
{
    *out = (ito_image){0};
    if (source->dtype != ITO_U8 && source->dtype != ITO_F32)
        return ito__fail(source->ctx, ITO_DTYPE, "%s: cannot be read as %s, expected u8 or f32", source->where,
                         ito_dtype_name(source->dtype));
    ito_status st = ITO_OK;
    if (ito__png_is(source->bytes, source->n))
        st = ito__png_decode(source, out);
    else if (ito__jpeg_is(source->bytes, source->n))
        st = ito__jpeg_decode(source, out);
    else if (source->n < 3)
        st = ito__fail(source->ctx, ITO_FORMAT, "%s: not a PNG or JPEG: it has %zu bytes", source->where, source->n);
    else
        st = ito__fail(source->ctx, ITO_FORMAT, "%s: not a PNG or JPEG: it starts with bytes %02x %02x %02x",
                       source->where, source->bytes[0], source->bytes[1], source->bytes[2]);
    if (st != ITO_OK) ito_image_clear(source->ctx, out);
    return st;
}

ito_status ito_image_decode(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_dtype dtype,
                            ito_image *out)
{
    ito__image_source source = {.ctx = ctx, .where = where, .bytes = bytes, .n = n, .dtype = dtype};
    return decode(&source, out);
}

ito_status ito_image_probe(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_image *out)
{
    ito__image_source source = {
        .ctx = ctx, .where = where, .bytes = bytes, .n = n, .dtype = ITO_U8, .header_only = true};
    return decode(&source, out);
}

ito_status ito_image_read(ito_ctx *ctx, const char *path, ito_dtype dtype, ito_image *out)
{
    unsigned char *bytes;
    size_t n;
    *out = (ito_image){0};
    ITO_TRY(ito__file_read(ctx, path, ITO_IMAGE_MAX_BYTES, &bytes, &n));
    ito_status st = ito_image_decode(ctx, path, bytes, n, dtype, out);
    ito__free(ctx, bytes);
    return st;
}

/* One pixel in 0..1 to red, green, blue, alpha. */
static void to_rgba(const float *in, int channels, float rgba[4])
{
    bool colour = channels >= 3;
    for (int k = 0; k < 3; k++) rgba[k] = in[colour ? k : 0];
    rgba[3] = channels % 2 == 0 ? in[channels - 1] : 1.0f;
}

static void from_rgba(const float rgba[4], int channels, const float background[3], float *out)
{
    bool keep = channels % 2 == 0;
    float c[3];
    for (int k = 0; k < 3; k++) c[k] = keep ? rgba[k] : rgba[3] * rgba[k] + (1.0f - rgba[3]) * background[k];
    if (channels >= 3)
        memcpy(out, c, sizeof c);
    else
        out[0] = 0.299f * c[0] + 0.587f * c[1] + 0.114f * c[2];
    if (keep) out[channels - 1] = rgba[3];
}

/* Rows are converted through float, so that both dtypes take the same path. */
static void load_pixel(const ito_image *image, size_t index, float *out)
{
    size_t at = index * (size_t)image->channels;
    for (int k = 0; k < image->channels; k++)
        out[k] = image->dtype == ITO_F32 ? ((const float *)image->pixels)[at + (size_t)k]
                                         : (float)((const unsigned char *)image->pixels)[at + (size_t)k] / 255.0f;
}

static void store_pixel(ito_image *image, size_t index, const float *in)
{
    size_t at = index * (size_t)image->channels;
    for (int k = 0; k < image->channels; k++) {
        if (image->dtype == ITO_F32)
            ((float *)image->pixels)[at + (size_t)k] = in[k];
        else
            ((unsigned char *)image->pixels)[at + (size_t)k] = (unsigned char)(in[k] * 255.0f + 0.5f);
    }
}

ito_status ito_image_convert(ito_ctx *ctx, const ito_image *image, int channels, const double background[3],
                             ito_image *out)
{
    float in[4] = {0}, rgba[4], over[3] = {0}, result[4] = {0};
    ITO_TRY(ito_image_create(ctx, image->width, image->height, channels, image->dtype, out));
    size_t n = (size_t)image->width * (size_t)image->height;
    if (channels == image->channels) {
        memcpy(out->pixels, image->pixels, n * (size_t)channels * ito_dtype_size(image->dtype));
        return ITO_OK;
    }
    for (int k = 0; background && k < 3; k++) over[k] = (float)background[k];
    for (size_t i = 0; i < n; i++) {
        load_pixel(image, i, in);
        to_rgba(in, image->channels, rgba);
        from_rgba(rgba, channels, over, result);
        store_pixel(out, i, result);
    }
    return ITO_OK;
}

void ito_image_to_unit(const unsigned char *pixels, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (float)pixels[i] * (2.0f / 255.0f) - 1.0f;
}

void ito_image_from_unit(const float *values, size_t n, unsigned char *out)
{
    for (size_t i = 0; i < n; i++) {
        float v = (values[i] + 1.0f) * 127.5f;
        out[i] = v > 0.0f ? (unsigned char)lroundf(fminf(v, 255.0f)) : 0;
    }
}
