/* Pooling over windows of an image [N, H, W, C], and resampling by whole factors.
 * Padding never wins a maximum; it counts in an average only when count_pad says so. Output element [p, q] covers rows
 * p stride - top .. + kernel - 1, and columns likewise. */
#include <math.h>

#include "kernel/ref/ref.h"

/* The part of one output element's window that lies inside the image. */
typedef struct window {
    int64_t n, c, top, bottom, left, right; /* rows top .. bottom - 1, columns left .. right - 1 */
} window;

static window window_of(const ito_attr_pool *attr, const ito_shape *y, const int64_t *image, int64_t element)
{
    int64_t at[ITO_MAX_DIMS] = {0};
    ref_unravel(y, element, at);
    int64_t h = at[1] * attr->stride[0] - attr->pad_before[0], w = at[2] * attr->stride[1] - attr->pad_before[1];
    return (window){at[0],         at[3],
                    ITO_MAX(h, 0), ITO_MIN(h + attr->kernel[0], image[1]),
                    ITO_MAX(w, 0), ITO_MIN(w + attr->kernel[1], image[2])};
}

/* Position of the window's first largest element, or -1 when it lies wholly in the padding. */
static int64_t largest_in(const ito_ref_array *x, window v)
{
    int64_t best = -1;
    for (int64_t h = v.top; h < v.bottom; h++)
        for (int64_t w = v.left; w < v.right; w++) {
            int64_t at = ref_at(x, v.n, h, w, v.c);
            if (best < 0 || ref_larger(ref_get(x, at), ref_get(x, best))) best = at;
        }
    return best;
}

static void run_max_pool(const ito_ref *r)
{
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t e = 0; e < y->count; e++) {
        int64_t best = largest_in(x, window_of(r->attr, &y->shape, x->shape.d, e));
        ref_put(y, e, best < 0 ? -(double)INFINITY : ref_get(x, best));
    }
}

/* x, dy -> dx: each window's gradient goes to its first largest element */
static void run_max_pool_grad(const ito_ref *r)
{
    const ito_ref_array *x = &r->in[0], *dy = &r->in[1], *dx = &r->out[0];
    for (int64_t i = 0; i < dx->count; i++) r->scratch[i] = 0;
    for (int64_t e = 0; e < dy->count; e++) {
        int64_t best = largest_in(x, window_of(r->attr, &dy->shape, x->shape.d, e));
        if (best >= 0) r->scratch[best] += ref_get(dy, e);
    }
    for (int64_t i = 0; i < dx->count; i++) ref_put(dx, i, r->scratch[i]);
}

/* What the window's sum is divided by; never 0. */
static double divisor(const ito_attr_pool *attr, window v)
{
    if (attr->count_pad) return (double)(attr->kernel[0] * attr->kernel[1]);
    return (double)(ITO_MAX(v.bottom - v.top, 1) * ITO_MAX(v.right - v.left, 1));
}

static void run_avg_pool(const ito_ref *r)
{
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t e = 0; e < y->count; e++) {
        window v = window_of(r->attr, &y->shape, x->shape.d, e);
        double sum = 0;
        for (int64_t h = v.top; h < v.bottom; h++)
            for (int64_t w = v.left; w < v.right; w++) sum += ref_get(x, ref_at(x, v.n, h, w, v.c));
        ref_put(y, e, sum / divisor(r->attr, v));
    }
}

static void run_avg_pool_grad(const ito_ref *r)
{
    const ito_ref_array *dy = &r->in[0], *dx = &r->out[0];
    for (int64_t i = 0; i < dx->count; i++) r->scratch[i] = 0;
    for (int64_t e = 0; e < dy->count; e++) {
        window v = window_of(r->attr, &dy->shape, dx->shape.d, e);
        for (int64_t h = v.top; h < v.bottom; h++)
            for (int64_t w = v.left; w < v.right; w++)
                r->scratch[ref_at(dx, v.n, h, w, v.c)] += ref_get(dy, e) / divisor(r->attr, v);
    }
    for (int64_t i = 0; i < dx->count; i++) ref_put(dx, i, r->scratch[i]);
}

static void run_upsample_nearest(const ito_ref *r)
{
    const ito_attr_resample *attr = r->attr;
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t e = 0; e < y->count; e++) {
        int64_t at[ITO_MAX_DIMS] = {0};
        ref_unravel(&y->shape, e, at);
        ref_put(y, e, ref_get(x, ref_at(x, at[0], at[1] / attr->factor[0], at[2] / attr->factor[1], at[3])));
    }
}

static void run_downsample_average(const ito_ref *r)
{
    const ito_attr_resample *attr = r->attr;
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    int64_t fh = attr->factor[0], fw = attr->factor[1];
    for (int64_t e = 0; e < y->count; e++) {
        int64_t at[ITO_MAX_DIMS] = {0};
        ref_unravel(&y->shape, e, at);
        double sum = 0;
        for (int64_t i = 0; i < fh; i++)
            for (int64_t j = 0; j < fw; j++) sum += ref_get(x, ref_at(x, at[0], at[1] * fh + i, at[2] * fw + j, at[3]));
        ref_put(y, e, sum / (double)(fh * fw));
    }
}

ITO_REF_KERNEL(max_pool, NULL);
ITO_REF_KERNEL(max_pool_grad, ito__ref_prepare_sums);
ITO_REF_KERNEL(avg_pool, NULL);
ITO_REF_KERNEL(avg_pool_grad, ito__ref_prepare_sums);
ITO_REF_KERNEL(upsample_nearest, NULL);
ITO_REF_KERNEL(downsample_average, NULL);
