/* Grids of samples with labels: the pictures that runs leave behind. */
#ifndef ITO_GRID_H
#define ITO_GRID_H

#include <ito/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All fields may be zero. */
typedef struct ito_grid_options {
    int columns;                   /* 0: as square as can be */
    int scale;                     /* whole-number enlargement; 0: so that a cell is about 64 pixels */
    const char *title;             /* above everything, or NULL */
    const char *const *labels;     /* one above each image, or NULL; "" leaves one out */
    const char *const *row_labels; /* one left of each row, or NULL */
} ito_grid_options;

/* images: [n, height, width, channels] in -1..1, 1 to 4 channels (alpha over a checkerboard). The caller clears *out. */
ito_status ito_grid_render(ito_ctx *ctx, const float *images, int n, int height, int width, int channels,
                           const ito_grid_options *options, ito_image *out);

#ifdef __cplusplus
}
#endif
#endif
