/* What plots are drawn on: an image or an SVG file. Coordinates are pixels of 1/96 inch from the top left; y grows downwards.
 * Internal to plot/. */
#ifndef ITO_PLOT_CANVAS_H
#define ITO_PLOT_CANVAS_H

#include <math.h>

#include <ito/image.h>

#include "base/base.h"
#include "base/file.h"

#define ITO__TEXT_WIDTH 6.5 /* of a letter, more or less */
#define ITO__TEXT_LINE  18  /* from line to line */

typedef struct ito__ink {
    unsigned char rgb[3];
    double opacity;
} ito__ink;

typedef enum ito__anchor { ITO__START, ITO__MIDDLE, ITO__END } ito__anchor;

/* y is the middle of the letters' height; turned text runs upwards and x is that middle. */
typedef struct ito__text {
    double x, y;
    ito__anchor anchor;
    bool is_turned, is_bold;
    const char *text;
} ito__text;

typedef struct ito__canvas ito__canvas;

typedef struct ito__canvas_def {
    void (*rect)(ito__canvas *c, const double box[4], const ito__ink *ink); /* left, top, right, bottom */
    void (*dot)(ito__canvas *c, double x, double y, double radius, const ito__ink *ink);
    void (*line)(ito__canvas *c, int n, const double *xy, double width, const ito__ink *ink); /* through n points */
    void (*text)(ito__canvas *c, const ito__text *text);
} ito__canvas_def;

struct ito__canvas {
    const ito__canvas_def *def;
    ito_ctx *ctx;
    ito_status st; /* the first failure; later drawing is dropped */
    ito__writer *writer;
    ito_image image;
    int scale;
    unsigned char *mask; /* of the image: what a line covers, before it is mixed in */
};

/* The middle of a pixel: lines of one pixel are sharp there, at any scale. */
static inline double ito__canvas_snap(double v)
{
    return floor(v) + 0.5;
}

/* White. Whoever created one finishes it, which gives the image or commits the file. */
ito_status ito__canvas_image(ito_ctx *ctx, int width, int height, int scale, ito__canvas *out);
ito_status ito__canvas_image_finish(ito__canvas *canvas, ito_image *out);
ito_status ito__canvas_svg(ito_ctx *ctx, const char *path, int width, int height, ito__canvas *out);
ito_status ito__canvas_svg_finish(ito__canvas *canvas);

#endif
