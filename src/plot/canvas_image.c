/* Drawing into an image. Edges are smoothed: a pixel takes the share of the ink that its distance from the shape says, in
 * sixteenths, which keeps PNG files small. */
#include <math.h>
#include <string.h>

#include "plot/canvas.h"
#include "plot/font.h"
#include "plot/palette.h"

#define LEVELS 16

/* Pixels that a shape may touch: first and last of each direction, inside the image. */
typedef struct span {
    int x0, y0, x1, y1;
} span;

static span span_of(const ito__canvas *c, double left, double top, double right, double bottom)
{
    double w = c->image.width - 1, h = c->image.height - 1;
    return (span){(int)fmin(fmax(floor(left), 0), w), (int)fmin(fmax(floor(top), 0), h),
                  (int)fmin(fmax(ceil(right), 0), w), (int)fmin(fmax(ceil(bottom), 0), h)};
}

/* 0 .. LEVELS: how much of a pixel lies inside a shape whose edge is `inside` pixels away. */
static int cover(double inside)
{
    return (int)lround(fmin(fmax(inside + 0.5, 0), 1) * LEVELS);
}

static void mix(ito__canvas *c, int x, int y, const ito__ink *ink, int level)
{
    unsigned char *pixel = (unsigned char *)c->image.pixels + 3 * ((size_t)y * (size_t)c->image.width + (size_t)x);
    double share = ink->opacity * level / LEVELS;
    for (int k = 0; level && k < 3; k++)
        pixel[k] = (unsigned char)lround(pixel[k] + share * ((double)ink->rgb[k] - pixel[k]));
}

static void rect(ito__canvas *c, const double box[4], const ito__ink *ink)
{
    int x0 = (int)lround(box[0] * c->scale), x1 = (int)lround(box[2] * c->scale);
    int y0 = (int)lround(box[1] * c->scale), y1 = (int)lround(box[3] * c->scale);
    for (int y = ITO_MAX(y0, 0); y < ITO_MIN(y1, c->image.height); y++)
        for (int x = ITO_MAX(x0, 0); x < ITO_MIN(x1, c->image.width); x++) mix(c, x, y, ink, LEVELS);
}

static void dot(ito__canvas *c, double x, double y, double radius, const ito__ink *ink)
{
    double r = radius * c->scale, cx = x * c->scale - 0.5, cy = y * c->scale - 0.5;
    span s = span_of(c, cx - r - 1, cy - r - 1, cx + r + 1, cy + r + 1);
    for (int j = s.y0; j <= s.y1; j++)
        for (int i = s.x0; i <= s.x1; i++) mix(c, i, j, ink, cover(r - hypot(i - cx, j - cy)));
}

/* Marks one piece, from a to b, in the mask; r is half its width. */
static void mark(ito__canvas *c, const double a[2], const double b[2], double r)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], squared = dx * dx + dy * dy;
    span s = span_of(c, fmin(a[0], b[0]) - r - 1, fmin(a[1], b[1]) - r - 1, fmax(a[0], b[0]) + r + 1,
                     fmax(a[1], b[1]) + r + 1);
    for (int j = s.y0; j <= s.y1; j++)
        for (int i = s.x0; i <= s.x1; i++) {
            double along = squared > 0 ? ((i - a[0]) * dx + (j - a[1]) * dy) / squared : 0;
            along = fmin(fmax(along, 0), 1);
            int level = cover(r - hypot(i - a[0] - along * dx, j - a[1] - along * dy));
            unsigned char *at = &c->mask[(size_t)j * (size_t)c->image.width + (size_t)i];
            *at = (unsigned char)ITO_MAX(level, *at);
        }
}

/* The whole line is marked before it is mixed in, so that it covers itself only once where it bends. */
static void line(ito__canvas *c, int n, const double *xy, double width, const ito__ink *ink)
{
    double box[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY}, r = 0.5 * width * c->scale, ends[2][2] = {{0}};
    for (ptrdiff_t i = 0; i < n; i++) {
        for (int k = 0; k < 2; k++) {
            ends[0][k] = ends[1][k];
            ends[1][k] = xy[2 * i + k] * c->scale - 0.5;
            box[k] = fmin(box[k], ends[1][k]);
            box[2 + k] = fmax(box[2 + k], ends[1][k]);
        }
        if (i) mark(c, ends[0], ends[1], r);
    }
    if (n < 2) return;
    span s = span_of(c, box[0] - r - 1, box[1] - r - 1, box[2] + r + 1, box[3] + r + 1);
    for (int j = s.y0; j <= s.y1; j++)
        for (int i = s.x0; i <= s.x1; i++) {
            unsigned char *at = &c->mask[(size_t)j * (size_t)c->image.width + (size_t)i];
            mix(c, i, j, ink, *at);
            *at = 0;
        }
}

/* The letters of grids, as large as the scale; bold ones a pixel wider. */
static void text(ito__canvas *c, const ito__text *t)
{
    int n = (int)strlen(t->text), size = c->scale, step = ITO_FONT_STEP * size;
    int shift = t->anchor == ITO__START ? 0 : t->anchor == ITO__MIDDLE ? n * step / 2 : n * step;
    int along = (int)lround((t->is_turned ? -t->y : t->x) * c->scale) - shift;
    int across =
        (int)lround((t->is_turned ? t->x : t->y) * c->scale) - 7 * size / 2; /* the 8th row is for descenders */
    for (int i = 0; i < n * step + 1; i++)
        for (int j = 0; j < ITO_FONT_HEIGHT * size; j++) {
            int letter = i / step, x = i % step / size;
            bool is_set = letter < n && x < ITO_FONT_WIDTH && ito__font_pixel(t->text[letter], x, j / size);
            int before = i - 1;
            if (t->is_bold && !is_set && before >= 0)
                is_set = before % step / size < ITO_FONT_WIDTH &&
                         ito__font_pixel(t->text[before / step], before % step / size, j / size);
            int px = t->is_turned ? across + j : along + i, py = t->is_turned ? -(along + i) : across + j;
            if (is_set && px >= 0 && py >= 0 && px < c->image.width && py < c->image.height)
                mix(c, px, py, &ito__ink_frame, LEVELS);
        }
}

static const ito__canvas_def image = {.rect = rect, .dot = dot, .line = line, .text = text};

ito_status ito__canvas_image(ito_ctx *ctx, int width, int height, int scale, ito__canvas *out)
{
    *out = (ito__canvas){.def = &image, .ctx = ctx, .scale = scale};
    ITO_TRY(ito_image_create(ctx, width * scale, height * scale, 3, ITO_U8, &out->image));
    size_t n = (size_t)out->image.width * (size_t)out->image.height;
    memset(out->image.pixels, 255, 3 * n);
    out->mask = ito__alloc(ctx, n);
    if (out->mask) return ITO_OK;
    ito_image_clear(ctx, &out->image);
    return ITO_MEMORY;
}

ito_status ito__canvas_image_finish(ito__canvas *c, ito_image *out)
{
    ito__free(c->ctx, c->mask);
    *out = c->image;
    if (c->st != ITO_OK) ito_image_clear(c->ctx, out);
    return c->st;
}
