/* The geometry of convolutions; see conv_view.h. */
#include "kernel/cpu/conv_view.h"

conv_axis ito__conv_axis_forward(const ito_attr_conv *attr, int axis, int64_t grid)
{
    return (conv_axis){.taps = attr->w_shape.d[2 + axis],
                       .kernel0 = 0,
                       .kernel_step = 1,
                       .step = attr->stride[axis],
                       .offset0 = -attr->pad_before[axis],
                       .offset_step = attr->dilation[axis],
                       .source = attr->x_shape.d[1 + axis],
                       .grid = grid,
                       .out0 = 0,
                       .out_step = 1};
}

/* dx[p + q s] gathers dy[q + offset] w[t] for every t with p + pad - t dilation = offset s; a later t reads an earlier
 * dy, so the list runs from the last tap to the first. */
conv_axis ito__conv_axis_grad(const ito_attr_conv *attr, int axis, int64_t source, int64_t phase)
{
    int64_t stride = attr->stride[axis], extent = attr->x_shape.d[1 + axis];
    conv_axis v = {.kernel_step = 1,
                   .step = 1,
                   .offset_step = 1,
                   .source = source,
                   .grid = extent > phase ? (extent - phase + stride - 1) / stride : 0,
                   .out0 = phase,
                   .out_step = stride};
    for (int64_t t = attr->w_shape.d[2 + axis] - 1; t >= 0; t--) {
        int64_t at = phase + attr->pad_before[axis] - t * attr->dilation[axis];
        if (at % stride) continue;
        if (v.taps == 0) {
            v.kernel0 = t;
            v.offset0 = at / stride;
        } else if (v.taps == 1) {
            v.kernel_step = t - v.kernel0;
            v.offset_step = at / stride - v.offset0;
        }
        v.taps++;
    }
    return v;
}

static bool is_identity(const conv_axis *v)
{
    return v->taps == 1 && v->step == 1 && v->offset0 == 0 && v->source == v->grid;
}

bool ito__conv_view_is_plain(const conv_view *v)
{
    return is_identity(&v->y) && is_identity(&v->x);
}

static bool fits_from(const ito_kernel *k, int first)
{
    bool fits = k->out[0].dtype == ITO_F32;
    for (int i = first; i < k->n_in; i++) fits = fits && k->in[i].dtype == ITO_F32;
    const ito_attr_conv *attr = k->attr;
    return fits && attr->x_shape.n_dims == 4 && attr->w_shape.n_dims == 4 && attr->groups > 0;
}

bool ito__conv_fits(const ito_kernel *k)
{
    return fits_from(k, 0);
}

bool ito__conv_fits_weight(const ito_kernel *k)
{
    return fits_from(k, k->in[0].dtype == ITO_BF16);
}

bool ito__conv_residual_per_image(const ito_kernel *k)
{
    const ito_attr_conv *attr = k->attr;
    if (!attr->has_residual) return false;
    return ito_shape_count(k->in[2 + attr->has_bias].shape) != ito_shape_count(k->out[0].shape);
}
