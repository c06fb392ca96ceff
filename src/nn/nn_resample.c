/* Learned resampling by a factor of two: a strided 3x3 convolution down; nearest neighbours, then a 3x3 convolution, up. */
#include "nn/layers.h"

ito_value *ito__downsample_conv(const ito_scope *outer, const char *name, ito_value *x, bool pad_end_only)
{
    ito__conv conv = {.out_channels = ito__channels(x), .kernel = 3, .stride = 2, .pad_end_only = pad_end_only};
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *y = ito__conv2d(&s, "conv", x, &conv);
    ito__scope_end(&s);
    return y;
}

ito_value *ito__upsample_conv(const ito_scope *outer, const char *name, ito_value *x)
{
    ito__conv conv = {.out_channels = ito__channels(x), .kernel = 3};
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *y = ito__conv2d(&s, "conv", ito_op_upsample_nearest(s.g, x, 2, 2), &conv);
    ito__scope_end(&s);
    return y;
}
