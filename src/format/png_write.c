/* PNG writing, with text chunks (iTXt, so that any UTF-8 goes in). See png.c on jumps. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "base/file.h"
#include "format/image_impl.h"

typedef struct encoder {
    ito_ctx *ctx;
    const char *path;
    const ito_image *image;
    const ito_image_texts *texts;
    png_structp png;
    png_infop info;
    ito__writer *writer;
    png_text *chunks;
    unsigned char *row; /* 16-bit, big-endian */
    ito_status st;
} encoder;

static void on_error(png_structp png, png_const_charp message)
{
    encoder *e = png_get_error_ptr(png);
    if (e->st == ITO_OK) e->st = ito__fail(e->ctx, ITO_IO, "%s: the PNG could not be made: %s", e->path, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    encoder *e = png_get_error_ptr(png);
    ito__log(e->ctx, ITO_LOG_DEBUG, "%s: %s", e->path, message);
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
    encoder *e = png_get_io_ptr(png);
    e->st = ito__writer_append(e->writer, bytes, n);
    if (e->st != ITO_OK) png_error(png, "write");
}

static void on_flush(png_structp png)
{
    (void)png; /* the writer flushes when it commits */
}

static ito_status set_texts(encoder *e)
{
    int n = e->texts ? e->texts->n : 0;
    e->chunks = ito__alloc_array(e->ctx, (size_t)n, sizeof *e->chunks);
    if (!e->chunks) return ITO_MEMORY;
    for (int i = 0; i < n; i++) {
        const ito_image_text *text = &e->texts->items[i];
        size_t length = strlen(text->key);
        if (length < 1 || length > 79)
            return ito__fail(e->ctx, ITO_USAGE, "%s: PNG text key '%.80s' has %zu characters, expected 1 to 79",
                             e->path, text->key, length);
        e->chunks[i] = (png_text){.compression = PNG_ITXT_COMPRESSION_NONE, .key = text->key, .text = text->value};
    }
    if (n > 0) png_set_text(e->png, e->info, e->chunks, n);
    return ITO_OK;
}

static void narrow(const float *in, size_t n, unsigned char *out)
{
    for (size_t i = 0; i < n; i++) {
        float v = in[i] > 0.0f ? in[i] * 65535.0f : 0.0f;
        unsigned word = v < 65535.0f ? (unsigned)(v + 0.5f) : 65535u;
        out[2 * i] = (unsigned char)(word >> 8);
        out[2 * i + 1] = (unsigned char)word;
    }
}

/* Drawings, where most pixels repeat their neighbour, are half as large without the filters that photographs gain by. */
static bool is_drawing(const ito_image *image)
{
    size_t pixel = (size_t)image->channels, n = (size_t)image->width * (size_t)image->height, same = 0;
    const unsigned char *bytes = image->pixels;
    if (image->dtype != ITO_U8) return false;
    for (size_t i = 1; i < n; i++) same += !memcmp(bytes + i * pixel, bytes + (i - 1) * pixel, pixel);
    return 2 * same > n;
}

static ito_status write_body(encoder *e)
{
    static const int kinds[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    const ito_image *image = e->image;
    bool is_wide = image->dtype == ITO_F32;
    size_t n = (size_t)image->width * (size_t)image->channels;
    e->row = ito__alloc_array(e->ctx, n, 2);
    if (!e->row) return ITO_MEMORY;
    png_set_write_fn(e->png, e, on_write, on_flush);
    png_set_IHDR(e->png, e->info, (png_uint_32)image->width, (png_uint_32)image->height, is_wide ? 16 : 8,
                 kinds[image->channels - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (is_drawing(image)) png_set_filter(e->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
    ITO_TRY(set_texts(e));
    png_write_info(e->png, e->info);
    for (int y = 0; y < image->height; y++) {
        if (is_wide) narrow((const float *)image->pixels + (size_t)y * n, n, e->row);
        png_write_row(e->png, is_wide ? e->row : (const unsigned char *)image->pixels + (size_t)y * n);
    }
    png_write_end(e->png, e->info);
    return ITO_OK;
}

static ito_status encode(encoder *e)
{
    e->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, e, on_error, on_warning);
    if (!e->png) return ito__fail_memory(e->ctx, 0);
    if (setjmp(png_jmpbuf(e->png)) == 0) {
        e->info = png_create_info_struct(e->png);
        e->st = e->info ? write_body(e) : ito__fail_memory(e->ctx, 0);
    }
    png_destroy_write_struct(&e->png, &e->info);
    ito__free(e->ctx, e->chunks);
    ito__free(e->ctx, e->row);
    return e->st;
}

ito_status ito_image_write_png(ito_ctx *ctx, const char *path, const ito_image *image, const ito_image_texts *texts)
{
    encoder e = {.ctx = ctx, .path = path, .image = image, .texts = texts};
    ITO_TRY(ito__image_check_size(ctx, path, (uint64_t)ITO_MAX(image->width, 0), (uint64_t)ITO_MAX(image->height, 0)));
    ITO_TRY(ito__writer_create(ctx, path, &e.writer));
    ito_status st = encode(&e);
    if (st == ITO_OK) return ito__writer_commit(e.writer);
    ito__writer_abandon(e.writer);
    return st;
}
