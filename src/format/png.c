/* PNG through libpng. The library reports errors with longjmp, so each direction is one struct with everything in it,
 * one function that sets the jump and one that does the work; nothing that must survive a jump lives in a local. */
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/image_impl.h"

#define MAX_CHUNKS      1000
#define MAX_CHUNK_BYTES ((size_t)16 << 20)
/* What libpng may ask for at once; more than any row takes. Of a chunk that claims to be longer it only warns. */
#define MAX_ALLOC_BYTES (MAX_CHUNK_BYTES + 1024)

typedef struct decoder {
    ito__image_source *source;
    png_structp png;
    png_infop info;
    ito_image *out;
    png_bytep *rows;
    unsigned char *wide; /* 16-bit samples, big-endian, before they become floats */
    ito_image_texts *texts;
    ito_status st;
} decoder;

bool ito__png_is(const unsigned char *bytes, size_t n)
{
    return n >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8);
}

/* libpng's errors and its memory, both through the context. */
static void on_error(png_structp png, png_const_charp message)
{
    decoder *d = png_get_error_ptr(png);
    d->st = ito__fail(d->source->ctx, ITO_FORMAT, "%s: malformed PNG: %s", d->source->where, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    decoder *d = png_get_error_ptr(png);
    ito__log(d->source->ctx, ITO_LOG_DEBUG, "%s: %s", d->source->where, message);
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes)
{
    return bytes <= MAX_ALLOC_BYTES ? ito__alloc(png_get_mem_ptr(png), bytes) : NULL;
}

static void on_free(png_structp png, png_voidp memory)
{
    ito__free(png_get_mem_ptr(png), memory);
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    ito__image_source *source = png_get_io_ptr(png);
    if (n > source->n - source->at) png_error(png, "the file ends too early");
    memcpy(to, source->bytes + source->at, n);
    source->at += n;
}

/* Everything becomes 8 or 16 bits a channel: grey, grey and alpha, RGB, or RGB and alpha. */
static void set_transforms(decoder *d)
{
    png_set_expand(d->png); /* palette to RGB, 1, 2 and 4 bits to 8, tRNS to alpha */
    if (d->source->dtype == ITO_U8) png_set_scale_16(d->png);
    (void)png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
}

static void point_rows(decoder *d, unsigned char *base, size_t stride)
{
    for (int y = 0; y < d->out->height; y++) d->rows[y] = base + (size_t)y * stride;
}

static void widen(const unsigned char *in, int bits, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = bits == 16 ? (float)(in[2 * i] << 8 | in[2 * i + 1]) / 65535.0f : (float)in[i] / 255.0f;
}

static ito_status read_pixels(decoder *d)
{
    ito_ctx *ctx = d->source->ctx;
    int bits = png_get_bit_depth(d->png, d->info);
    size_t stride = png_get_rowbytes(d->png, d->info);
    ITO_TRY(ito_image_create(ctx, d->out->width, d->out->height, d->out->channels, d->source->dtype, d->out));
    d->rows = ito__alloc_array(ctx, (size_t)d->out->height, sizeof *d->rows);
    if (!d->rows) return ITO_MEMORY;
    bool direct = d->source->dtype == ITO_U8;
    if (!direct) {
        d->wide = ito__alloc_array(ctx, (size_t)d->out->height, stride);
        if (!d->wide) return ITO_MEMORY;
    }
    point_rows(d, direct ? d->out->pixels : d->wide, stride);
    png_read_image(d->png, d->rows);
    size_t n = (size_t)d->out->width * (size_t)d->out->height * (size_t)d->out->channels;
    if (!direct) widen(d->wide, bits, n, d->out->pixels);
    return ITO_OK;
}

static ito_status keep_texts(decoder *d)
{
    png_textp text;
    int n = 0;
    ito_ctx *ctx = d->source->ctx;
    png_get_text(d->png, d->info, &text, &n);
    d->texts->items = ito__alloc_array(ctx, (size_t)n, sizeof *d->texts->items);
    if (!d->texts->items) return ITO_MEMORY;
    for (int i = 0; i < n; i++) {
        ito_image_text *item = &d->texts->items[d->texts->n++];
        item->key = ito__strdup(ctx, text[i].key);
        item->value = ito__strdup(ctx, text[i].text ? text[i].text : "");
        if (!item->key || !item->value) return ITO_MEMORY;
    }
    return ITO_OK;
}

static ito_status read_body(decoder *d)
{
    png_set_read_fn(d->png, d->source, on_read);
    png_set_user_limits(d->png, ITO_IMAGE_MAX_SIDE, ITO_IMAGE_MAX_SIDE);
    png_set_chunk_cache_max(d->png, MAX_CHUNKS);
    png_set_chunk_malloc_max(d->png, MAX_CHUNK_BYTES);
    png_read_info(d->png, d->info);
    png_uint_32 width = png_get_image_width(d->png, d->info), height = png_get_image_height(d->png, d->info);
    ITO_TRY(ito__image_check_size(d->source->ctx, d->source->where, width, height));
    set_transforms(d);
    *d->out = (ito_image){.width = (int)width, .height = (int)height, .channels = png_get_channels(d->png, d->info)};
    if (d->source->header_only) return ITO_OK;
    ITO_TRY(read_pixels(d));
    if (!d->texts) return ITO_OK;
    png_read_end(d->png, d->info); /* texts may follow the pixels */
    return keep_texts(d);
}

static ito_status decode(decoder *d)
{
    ito_ctx *ctx = d->source->ctx;
    d->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, on_error, on_warning, ctx, on_alloc, on_free);
    if (!d->png) return ITO_MEMORY;
    if (setjmp(png_jmpbuf(d->png)) == 0) {
        d->info = png_create_info_struct(d->png);
        d->st = d->info ? read_body(d) : ITO_MEMORY;
    }
    png_destroy_read_struct(&d->png, &d->info, NULL);
    ito__free(ctx, d->rows);
    ito__free(ctx, d->wide);
    return d->st;
}

ito_status ito__png_decode(ito__image_source *source, ito_image *out)
{
    decoder d = {.source = source, .out = out};
    return decode(&d);
}

ito_status ito_image_read_texts(ito_ctx *ctx, const char *path, ito_image_texts *out)
{
    unsigned char *bytes;
    size_t n;
    *out = (ito_image_texts){0};
    ITO_TRY(ito__file_read(ctx, path, ITO_IMAGE_MAX_BYTES, &bytes, &n));
    ito_image image = {0};
    ito__image_source source = {.ctx = ctx, .where = path, .bytes = bytes, .n = n, .dtype = ITO_U8};
    decoder d = {.source = &source, .out = &image, .texts = out};
    ito_status st = ito__png_is(bytes, n) ? decode(&d) : ito__fail(ctx, ITO_FORMAT, "%s: not a PNG", path);
    ito_image_clear(ctx, &image);
    ito__free(ctx, bytes);
    if (st != ITO_OK) ito_image_texts_clear(ctx, out);
    return st;
}

void ito_image_texts_clear(ito_ctx *ctx, ito_image_texts *texts)
{
    for (int i = 0; i < texts->n; i++) {
        ito__free(ctx, texts->items[i].key);
        ito__free(ctx, texts->items[i].value);
    }
    ito__free(ctx, texts->items);
    *texts = (ito_image_texts){0};
}

const char *ito_image_texts_find(const ito_image_texts *texts, const char *key)
{
    for (int i = 0; i < texts->n; i++)
        if (!strcmp(texts->items[i].key, key)) return texts->items[i].value;
    return NULL;
}
