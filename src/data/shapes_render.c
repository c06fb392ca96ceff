/* Drawing scenes: signed distances, one pixel of anti-aliasing. */
#include <math.h>

#include "base/base.h"
#include "data/shapes_impl.h"

enum { CIRCLE, SQUARE, TRIANGLE, DIAMOND, CROSS, RING };

/* Proportions for radius 1. */
#define SQUARE_HALF   0.86
#define TRIANGLE_BASE 0.8  /* y of the base; the apex is at -1, the base runs -1 .. 1 */
#define CROSS_HALF    0.34 /* half the width of an arm */
#define RING_MIDDLE   0.75
#define RING_HALF     0.25

static double box(double x, double y, double half_x, double half_y)
{
    double qx = fabs(x) - half_x, qy = fabs(y) - half_y;
    return hypot(fmax(qx, 0.0), fmax(qy, 0.0)) + fmin(fmax(qx, qy), 0.0);
}

static double triangle(double r, double x, double y)
{
    double slope = 1.0 + TRIANGLE_BASE; /* the right edge runs from (0, -r) by (1, slope) */
    double side = (slope * fabs(x) - (y + r)) / hypot(slope, 1.0);
    return fmax(side, y - TRIANGLE_BASE * r);
}

double ito__shapes_distance(int shape, double r, double x, double y)
{
    switch (shape) {
    case SQUARE: return box(x, y, SQUARE_HALF * r, SQUARE_HALF * r);
    case TRIANGLE: return triangle(r, x, y);
    case DIAMOND: return (fabs(x) + fabs(y) - r) * 0.70710678118654752;
    case CROSS: return fmin(box(x, y, r, CROSS_HALF * r), box(x, y, CROSS_HALF * r, r));
    case RING: return fabs(hypot(x, y) - RING_MIDDLE * r) - RING_HALF * r;
    default: return hypot(x, y) - r;
    }
}

double ito__shapes_area(int shape)
{
    switch (shape) {
    case SQUARE: return 4.0 * SQUARE_HALF * SQUARE_HALF;
    case TRIANGLE: return 1.0 + TRIANGLE_BASE;
    case DIAMOND: return 2.0;
    case CROSS: return 8.0 * CROSS_HALF - 4.0 * CROSS_HALF * CROSS_HALF;
    case RING: return 4.0 * M_PI * RING_MIDDLE * RING_HALF;
    default: return M_PI;
    }
}

double ito__shapes_centroid(int shape)
{
    return shape == TRIANGLE ? -1.0 + 2.0 / 3.0 * (1.0 + TRIANGLE_BASE) : 0.0;
}

const char *ito_shapes_name(int shape)
{
    static const char *const names[ITO_SHAPES_KINDS] = {"circle", "square", "triangle", "diamond", "cross", "ring"};
    return (unsigned)shape < ITO_SHAPES_KINDS ? names[shape] : "?";
}

const char *ito_shapes_colour_name(int colour)
{
    static const char *const names[ITO_SHAPES_COLOURS] = {"red", "green", "blue", "yellow", "purple", "cyan", "white"};
    return (unsigned)colour < ITO_SHAPES_COLOURS ? names[colour] : "?";
}

void ito_shapes_colour(int colour, double rgb[3])
{
    static const double palette[ITO_SHAPES_COLOURS][3] = {
        {0.90, 0.16, 0.14}, {0.15, 0.70, 0.22}, {0.20, 0.36, 0.95}, {0.98, 0.84, 0.12},
        {0.70, 0.22, 0.80}, {0.15, 0.80, 0.86}, {0.95, 0.95, 0.95},
    };
    for (int k = 0; k < 3; k++) rgb[k] = palette[colour][k];
}

/* One pixel: figures do not overlap, so the order does not matter. */
static void pixel(const ito_scene *scene, double x, double y, double shorter, double rgb[3], double *mask, double *edge)
{
    *mask = *edge = 0.0;
    for (int k = 0; k < 3; k++) rgb[k] = scene->background;
    for (int i = 0; i < scene->n_figures; i++) {
        const ito_figure *f = &scene->figures[i];
        double colour[3], d = shorter * ito__shapes_distance(f->shape, f->radius, x - f->x, y - f->y);
        double cover = fmin(fmax(0.5 - d, 0.0), 1.0);
        ito_shapes_colour(f->colour, colour);
        for (int k = 0; k < 3; k++) rgb[k] += cover * (colour[k] - rgb[k]);
        *mask = fmax(*mask, cover);
        *edge = fmax(*edge, 1.0 - fabs(d));
    }
}

void ito_shapes_render(const ito_scene *scene, int height, int width, float *image, float *mask, float *edges)
{
    double shorter = ITO_MIN(height, width);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double rgb[3], cover, edge;
            size_t at = (size_t)y * (size_t)width + (size_t)x;
            pixel(scene, (x + 0.5) / shorter, (y + 0.5) / shorter, shorter, rgb, &cover, &edge);
            for (size_t k = 0; image && k < 3; k++) image[3 * at + k] = (float)(2.0 * rgb[k] - 1.0);
            if (mask) mask[at] = (float)cover;
            if (edges) edges[at] = (float)edge;
        }
}
