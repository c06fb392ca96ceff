/* Composing grids. Everything is laid out in final pixels:
 *
 *     title
 *     row label | [label / image] gap [label / image] ...
 *
 * Text is the 5 x 8 font, doubled where a cell is wide enough; a label that does not fit is cut. */
#include <ito/grid.h>

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "plot/font.h"

#define CELL_TARGET 64
#define GAP         4
#define MARGIN      8

typedef struct layout {
    int n, height, width, channels, scale, columns, rows;
    int font;      /* enlargement of the font */
    int left, top; /* of the first cell */
    int label;     /* height of the strip above an image */
    int step_x, step_y;
} layout;

static int text_width(const char *text, int font)
{
    return text ? (int)strlen(text) * ITO_FONT_STEP * font : 0;
}

static int line_height(int font)
{
    return (ITO_FONT_HEIGHT + 2) * font;
}

static layout make_layout(int n, int height, int width, int channels, const ito_grid_options *o)
{
    layout l = {.n = n, .height = height, .width = width, .channels = channels};
    int longer = ITO_MAX(height, width), widest = 0;
    l.scale = o->scale > 0 ? o->scale : ITO_MAX(1, (CELL_TARGET + longer / 2) / longer);
    l.columns = o->columns > 0 ? o->columns : (int)ceil(sqrt((double)n));
    l.rows = (n + l.columns - 1) / l.columns;
    l.font = width * l.scale >= 128 ? 2 : 1;
    l.label = o->labels ? line_height(l.font) : 0;
    for (int r = 0; o->row_labels && r < l.rows; r++) widest = ITO_MAX(widest, text_width(o->row_labels[r], l.font));
    l.left = MARGIN + widest + (widest ? GAP : 0);
    l.top = MARGIN + (o->title ? line_height(l.font) + GAP : 0);
    l.step_x = width * l.scale + GAP;
    l.step_y = height * l.scale + l.label + GAP;
    return l;
}

static void put(ito_image *out, int x, int y, const unsigned char rgb[3])
{
    if (x < 0 || y < 0 || x >= out->width || y >= out->height) return;
    memcpy((unsigned char *)out->pixels + 3 * ((size_t)y * (size_t)out->width + (size_t)x), rgb, 3);
}

/* Draws what fits into width pixels from (left, top). */
static void draw_text(ito_image *out, const char *text, int left, int top, int width, int font)
{
    static const unsigned char ink[3] = {40, 40, 40};
    for (int i = 0; text[i] && ((i + 1) * ITO_FONT_STEP - 1) * font <= width; i++)
        for (int y = 0; y < ITO_FONT_HEIGHT * font; y++)
            for (int x = 0; x < ITO_FONT_WIDTH * font; x++)
                if (ito__font_pixel(text[i], x / font, y / font))
                    put(out, left + i * ITO_FONT_STEP * font + x, top + y, ink);
}

/* A pixel in -1..1 as RGB; transparency shows a checkerboard. */
static void to_rgb(const float *pixel, int channels, int x, int y, unsigned char rgb[3])
{
    float board = ((x / 4 + y / 4) % 2) ? 0.6f : 0.2f;
    float opaque = channels % 2 == 0 ? fminf(fmaxf(0.5f * pixel[channels - 1] + 0.5f, 0.0f), 1.0f) : 1.0f;
    float mixed[3];
    for (int k = 0; k < 3; k++) mixed[k] = opaque * pixel[channels >= 3 ? k : 0] + (1.0f - opaque) * board;
    ito_image_from_unit(mixed, 3, rgb);
}

static void draw_image(const layout *l, const float *image, int left, int top, ito_image *out)
{
    for (int y = 0; y < l->height * l->scale; y++)
        for (int x = 0; x < l->width * l->scale; x++) {
            unsigned char rgb[3];
            size_t at = (size_t)(y / l->scale) * (size_t)l->width + (size_t)(x / l->scale);
            to_rgb(image + at * (size_t)l->channels, l->channels, x, y, rgb);
            put(out, left + x, top + y, rgb);
        }
}

static void draw_all(const layout *l, const float *images, const ito_grid_options *o, ito_image *out)
{
    size_t size = (size_t)l->height * (size_t)l->width * (size_t)l->channels;
    memset(out->pixels, 250, (size_t)out->width * (size_t)out->height * 3);
    if (o->title) draw_text(out, o->title, l->left, MARGIN, out->width - l->left, l->font);
    for (int i = 0; i < l->n; i++) {
        int left = l->left + i % l->columns * l->step_x, top = l->top + i / l->columns * l->step_y;
        if (o->labels) draw_text(out, o->labels[i], left, top + l->font, l->step_x, l->font);
        draw_image(l, images + (size_t)i * size, left, top + l->label, out);
        if (i % l->columns || !o->row_labels) continue;
        int middle = top + l->label + (l->height * l->scale - ITO_FONT_HEIGHT * l->font) / 2;
        draw_text(out, o->row_labels[i / l->columns], MARGIN, middle, l->left, l->font);
    }
}

ito_status ito_grid_render(ito_ctx *ctx, const float *images, int n, int height, int width, int channels,
                           const ito_grid_options *options, ito_image *out)
{
    ito_grid_options o = options ? *options : (ito_grid_options){0};
    *out = (ito_image){0};
    if (n < 1 || height < 1 || width < 1 || channels < 1 || channels > 4)
        return ito__fail(ctx, ITO_SHAPE, "grid: %d images of %d x %d x %d, expected 1 to 4 channels and no zero", n,
                         height, width, channels);
    if (n > 100000 || ITO_MAX(height, width) > ITO_IMAGE_MAX_SIDE || o.scale > 1000 || o.columns > 100000)
        return ito__fail(ctx, ITO_SHAPE, "grid: %d images of %d x %d at scale %d are too many or too large", n, height,
                         width, o.scale);
    layout l = make_layout(n, height, width, channels, &o);
    int64_t across = ITO_MIN(n, l.columns);
    int64_t full_width = l.left + across * l.step_x - GAP + MARGIN;
    int64_t full_height = l.top + (int64_t)l.rows * l.step_y - GAP + MARGIN;
    if (full_width > ITO_IMAGE_MAX_SIDE || full_height > ITO_IMAGE_MAX_SIDE)
        return ito__fail(ctx, ITO_SHAPE, "grid: %lld x %lld pixels, expected at most %d a side; use a smaller scale",
                         (long long)full_width, (long long)full_height, ITO_IMAGE_MAX_SIDE);
    int title = l.left + text_width(o.title, l.font) + MARGIN;
    full_width = ITO_MAX(full_width, ITO_MIN(title, ITO_IMAGE_MAX_SIDE));
    ITO_TRY(ito_image_create(ctx, (int)full_width, (int)full_height, 3, ITO_U8, out));
    draw_all(&l, images, &o, out);
    return ITO_OK;
}
