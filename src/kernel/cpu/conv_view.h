/* How a convolution, or one phase of its input gradient, reads its source: both are sums over taps
 *
 *   target[out0 + q out_step] += source[q step + offset0 + t offset_step] w[kernel0 + t kernel_step]
 *
 * per axis, with sources outside the image zero. The forward pass is one view with target y. In the input gradient of
 * stride s, the pixels of dx with the same remainder modulo s meet the same taps, so each remainder ("phase") is a view
 * of stride 1 with source dy. Taps are listed by ascending source, so that neighbours lie side by side in memory. */
#ifndef ITO_CONV_VIEW_H
#define ITO_CONV_VIEW_H

#include "kernel/kernel.h"

typedef struct conv_axis {
    int64_t taps, kernel0, kernel_step; /* how many kernel positions take part, and which */
    int64_t step, offset0, offset_step;
    int64_t source, grid; /* extents of the source and of q */
    int64_t out0, out_step;
} conv_axis;

typedef struct conv_view {
    conv_axis y, x;
    int64_t images;
    int64_t channels; /* of a source pixel */
    int64_t reduce;   /* channels of one group: the reduction runs over (tap y, tap x, channel) */
} conv_view;

/* axis: 0 height, 1 width */
conv_axis ito__conv_axis_forward(const ito_attr_conv *attr, int axis, int64_t grid);
conv_axis ito__conv_axis_grad(const ito_attr_conv *attr, int axis, int64_t source, int64_t phase);

static inline int64_t conv_view_pixels(const conv_view *v)
{
    return v->images * v->y.grid * v->x.grid;
}

static inline int64_t conv_view_reduction(const conv_view *v)
{
    return v->y.taps * v->x.taps * v->reduce;
}

/* Is row i of the im2col matrix simply source pixel i? */
bool ito__conv_view_is_plain(const conv_view *v);

/* All float32, images of four dimensions, weights of four? Of a weight gradient x may be bf16. */
bool ito__conv_fits(const ito_kernel *k);
bool ito__conv_fits_weight(const ito_kernel *k);

/* Has conv2d a residual of one pixel an image? */
bool ito__conv_residual_per_image(const ito_kernel *k);

#endif
