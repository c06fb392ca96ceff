/* Two-dimensional convolution (cross-correlation, as the field uses the word), channels-last:
 *   y[n, p, q, o] = act(sum_{i, j, c} x[n, p s_h + i d_h - top, q s_w + j d_w - left, g C/G + c] w[o, c, i, j]
 *                       + bias[o] + residual[n, p, q, o])
 * with stride s, dilation d, G groups and g = the group of output channel o; x outside the image is 0. Its two gradients
 * are the same sum, solved for the other factor. x [N, H, W, C], w [O, C / G, KH, KW], y [N, OH, OW, O]. */
#include "kernel/ref/ref.h"

/* Input row (axis 0) or column (axis 1) that output position p reads at kernel position i; may lie outside. */
static int64_t read_from(const ito_attr_conv *attr, int axis, int64_t p, int64_t i)
{
    return p * attr->stride[axis] + i * attr->dilation[axis] - attr->pad_before[axis];
}

/* The output position that reads input position h at kernel position i, or -1. */
static int64_t read_by(const ito_attr_conv *attr, int axis, int64_t h, int64_t i, int64_t n_out)
{
    int64_t at = h + attr->pad_before[axis] - i * attr->dilation[axis];
    if (at < 0 || at % attr->stride[axis] || at / attr->stride[axis] >= n_out) return -1;
    return at / attr->stride[axis];
}

static bool inside(int64_t i, int64_t n)
{
    return i >= 0 && i < n;
}

/* The sum over the kernel window and the channels of the group for output element [n, p, q, o]. */
static double window_sum(const ito_attr_conv *attr, const ito_ref_array *x, const ito_ref_array *w,
                         const int64_t y_at[4])
{
    const int64_t *size = x->shape.d, *kernel = w->shape.d;
    int64_t o = y_at[3], first = o / (kernel[0] / attr->groups) * kernel[1];
    double sum = 0;
    for (int64_t i = 0; i < kernel[2]; i++)
        for (int64_t j = 0; j < kernel[3]; j++) {
            int64_t h = read_from(attr, 0, y_at[1], i), column = read_from(attr, 1, y_at[2], j);
            if (!inside(h, size[1]) || !inside(column, size[2])) continue;
            for (int64_t c = 0; c < kernel[1]; c++)
                sum += ref_get(x, ref_at(x, y_at[0], h, column, first + c)) * ref_get(w, ref_at(w, o, c, i, j));
        }
    return sum;
}

/* A residual that has one pixel an image is the same for all its pixels. */
static double residual_at(const ito_ref_array *residual, const ito_ref_array *y, int64_t e, const int64_t y_at[4])
{
    bool per_image = residual->count != y->count;
    return ref_get(residual, per_image ? y_at[0] * y->shape.d[3] + y_at[3] : e);
}

static void run_conv2d(const ito_ref *r)
{
    const ito_attr_conv *attr = r->attr;
    const ito_ref_array *y = &r->out[0];
    const ito_ref_array *bias = attr->has_bias ? &r->in[2] : NULL;
    const ito_ref_array *residual = attr->has_residual ? &r->in[2 + attr->has_bias] : NULL;
    for (int64_t e = 0; e < y->count; e++) {
        int64_t y_at[ITO_MAX_DIMS] = {0};
        ref_unravel(&y->shape, e, y_at);
        double sum = window_sum(attr, &r->in[0], &r->in[1], y_at);
        if (bias) sum += ref_get(bias, y_at[3]);
        if (residual) sum += residual_at(residual, y, e, y_at);
        ref_put(y, e, ito__unary_value(attr->act, sum));
    }
}

/* Everything that input element [n, h, w, c] was multiplied with, times the gradient of where it went. */
static double spread_sum(const ito_attr_conv *attr, const ito_ref_array *dy, const ito_ref_array *w,
                         const int64_t x_at[4])
{
    const int64_t *size = dy->shape.d, *kernel = w->shape.d;
    int64_t group = x_at[3] / kernel[1], c = x_at[3] % kernel[1], per_group = kernel[0] / attr->groups;
    double sum = 0;
    for (int64_t i = 0; i < kernel[2]; i++)
        for (int64_t j = 0; j < kernel[3]; j++) {
            int64_t p = read_by(attr, 0, x_at[1], i, size[1]), q = read_by(attr, 1, x_at[2], j, size[2]);
            if (p < 0 || q < 0) continue;
            for (int64_t o = group * per_group; o < (group + 1) * per_group; o++)
                sum += ref_get(dy, ref_at(dy, x_at[0], p, q, o)) * ref_get(w, ref_at(w, o, c, i, j));
        }
    return sum;
}

static void run_conv2d_grad_input(const ito_ref *r)
{
    const ito_attr_conv *attr = r->attr;
    const ito_ref_array *dx = &r->out[0];
    for (int64_t e = 0; e < dx->count; e++) {
        int64_t x_at[ITO_MAX_DIMS] = {0};
        ref_unravel(&dx->shape, e, x_at);
        double sum = spread_sum(attr, &r->in[0], &r->in[1], x_at);
        ref_put(dx, e, attr->has_residual ? sum + ref_get(&r->in[2], e) : sum);
    }
}

/* Every product that weight [o, c, i, j] took part in. */
static double weight_sum(const ito_attr_conv *attr, const ito_ref_array *x, const ito_ref_array *dy,
                         const int64_t w_at[4], int64_t group_channels)
{
    const int64_t *size = x->shape.d, *y = dy->shape.d;
    int64_t channel = w_at[0] / (y[3] / attr->groups) * group_channels + w_at[1];
    double sum = 0;
    for (int64_t n = 0; n < size[0]; n++)
        for (int64_t p = 0; p < y[1]; p++)
            for (int64_t q = 0; q < y[2]; q++) {
                int64_t h = read_from(attr, 0, p, w_at[2]), column = read_from(attr, 1, q, w_at[3]);
                if (!inside(h, size[1]) || !inside(column, size[2])) continue;
                sum += ref_get(x, ref_at(x, n, h, column, channel)) * ref_get(dy, ref_at(dy, n, p, q, w_at[0]));
            }
    return sum;
}

static void run_conv2d_grad_weight(const ito_ref *r)
{
    const ito_ref_array *dw = &r->out[0];
    for (int64_t e = 0; e < dw->count; e++) {
        int64_t w_at[ITO_MAX_DIMS] = {0};
        ref_unravel(&dw->shape, e, w_at);
        ref_put(dw, e, weight_sum(r->attr, &r->in[0], &r->in[1], w_at, dw->shape.d[1]));
    }
}

ITO_REF_KERNEL(conv2d, NULL);
ITO_REF_KERNEL(conv2d_grad_input, NULL);
ITO_REF_KERNEL(conv2d_grad_weight, NULL);
