/* JPEG through libjpeg-turbo. Its error manager would exit; ours records the sentence and jumps (see png.c). A file cut
 * short is an error here, not a grey half; a progressive file with more scans than any camera writes is refused. */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "format/image_impl.h"

#define MAX_SCANS 200

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    ito__image_source *source;
    ito_image *out;
    unsigned char *row;
    ito_status st;
} decoder;

bool ito__jpeg_is(const unsigned char *bytes, size_t n)
{
    return n >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

static void on_error(j_common_ptr common)
{
    decoder *d = common->client_data;
    char message[JMSG_LENGTH_MAX];
    common->err->format_message(common, message);
    d->st = ito__fail(d->source->ctx, ITO_FORMAT, "%s: malformed JPEG: %s", d->source->where, message);
    longjmp(d->jump, 1);
}

static void on_message(j_common_ptr common, int level)
{
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF) on_error(common);
}

static void on_output(j_common_ptr common)
{
    (void)common; /* the library never prints */
}

static void on_progress(j_common_ptr common)
{
    decoder *d = common->client_data;
    if (d->jpeg.input_scan_number <= MAX_SCANS) return;
    d->st = ito__fail(d->source->ctx, ITO_FORMAT, "%s: a JPEG of more than %d scans", d->source->where, MAX_SCANS);
    longjmp(d->jump, 1);
}

static ito_status read_header(decoder *d)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg_mem_src(jpeg, d->source->bytes, d->source->n);
    jpeg_read_header(jpeg, TRUE);
    ITO_TRY(ito__image_check_size(d->source->ctx, d->source->where, jpeg->image_width, jpeg->image_height));
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        return ito__fail(d->source->ctx, ITO_UNSUPPORTED, "%s: a JPEG in CMYK; save it as RGB", d->source->where);
    jpeg->out_color_space = jpeg->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    *d->out = (ito_image){.width = (int)jpeg->image_width,
                          .height = (int)jpeg->image_height,
                          .channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3};
    return ITO_OK;
}

static void store_row(decoder *d, size_t y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (d->out->dtype == ITO_F32)
            ((float *)d->out->pixels)[y * n + i] = (float)d->row[i] / 255.0f;
        else
            ((unsigned char *)d->out->pixels)[y * n + i] = d->row[i];
    }
}

static ito_status read_pixels(decoder *d)
{
    ito_ctx *ctx = d->source->ctx;
    size_t n = (size_t)d->out->width * (size_t)d->out->channels;
    jpeg_start_decompress(&d->jpeg);
    ITO_TRY(ito_image_create(ctx, d->out->width, d->out->height, d->out->channels, d->source->dtype, d->out));
    d->row = ito__alloc(ctx, n);
    if (!d->row) return ITO_MEMORY;
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        size_t y = d->jpeg.output_scanline;
        jpeg_read_scanlines(&d->jpeg, &d->row, 1);
        store_row(d, y, n);
    }
    return ITO_OK;
}

static ito_status read_body(decoder *d)
{
    d->jpeg.progress = &d->progress;
    ITO_TRY(read_header(d));
    return d->source->header_only ? ITO_OK : read_pixels(d);
}

ito_status ito__jpeg_decode(ito__image_source *source, ito_image *out)
{
    decoder d = {.source = source, .out = out};
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.jpeg.client_data = &d;
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.errors.output_message = on_output;
    d.progress.progress_monitor = on_progress;
    if (setjmp(d.jump) == 0) {
        jpeg_create_decompress(&d.jpeg);
        d.st = read_body(&d);
    }
    jpeg_destroy_decompress(&d.jpeg);
    ito__free(source->ctx, d.row);
    return d.st;
}
