/* The built-in data set `shapes`: a scene of one or two coloured figures on a dark ground, its picture, its caption,
 * and the exact reader that recovers the scene from a picture, so that generated pictures are scored without any
 * learned metric.
 *
 * Lengths are in units of the shorter side of the picture: x runs 0 .. width / shorter, y likewise from the top. */
#ifndef ITO_SHAPES_H
#define ITO_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

#include <ito/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ITO_SHAPES_KINDS   6
#define ITO_SHAPES_COLOURS 7
#define ITO_SHAPES_CAPTION 96 /* bytes that any caption fits in */

typedef struct ito_figure {
    int shape;  /* 0 .. ITO_SHAPES_KINDS - 1 */
    int colour; /* 0 .. ITO_SHAPES_COLOURS - 1 */
    bool is_large;
    double x, y;   /* centre */
    double radius; /* half the side of the square that the figure fits in */
} ito_figure;

typedef struct ito_scene {
    int n_figures;         /* 1 or 2; the reader also gives 0 */
    ito_figure figures[2]; /* the main one first: of two, one is large and one is small, and the large one is main */
    double background;     /* grey, 0..1 */
    double confidence;     /* of the reader: the part of the picture's contrast that the scene explains, 0..1 */
} ito_scene;

const char *ito_shapes_name(int shape);         /* "circle", ... */
const char *ito_shapes_colour_name(int colour); /* "red", ... */
void ito_shapes_colour(int colour, double rgb[3]);

/* The scene of an index: a pure function of the arguments. n_figures 0 draws one or two. `part` keeps sets apart:
 * training is 0, test is 1. width and height are in units of the shorter one. */
ito_scene ito_shapes_scene(uint64_t seed, uint32_t part, uint64_t index, int n_figures, double width, double height);

/* "a small red circle above a large blue square"; returns text. */
const char *ito_shapes_caption(const ito_scene *scene, char text[ITO_SHAPES_CAPTION]);

/* image [height, width, 3] in -1..1, mask and edges [height, width, 1] in 0..1; any may be NULL. */
void ito_shapes_render(const ito_scene *scene, int height, int width, float *image, float *mask, float *edges);

/* Recovers the scene from image [height, width, 3] in -1..1, by fitting what ito_shapes_render draws. Copes with the
 * noise and blur of generated pictures. Where there is nothing to read n_figures and confidence are 0. */
ito_status ito_shapes_read(ito_ctx *ctx, const float *image, int height, int width, ito_scene *out);

#ifdef __cplusplus
}
#endif
#endif
