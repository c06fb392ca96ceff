/* Square convolutions of images, with bias. Fresh weights and biases are uniform in +-1 / sqrt(fan in), as PyTorch draws
 * them; the last convolution of a residual block and of the whole network may start at zero instead, as in the code of
 * Ho, Jain, Abbeel 2020. */
#include <math.h>

#include "nn/layers.h"

ito_value *ito__conv2d(const ito_scope *outer, const char *name, ito_value *x, const ito__conv *conv)
{
    int64_t in_channels = ito__channels(x), k = conv->kernel, stride = conv->stride ? conv->stride : 1;
    int64_t before = conv->pad_end_only ? 0 : k / 2, after = conv->pad_end_only ? k - 2 : k / 2;
    ito_init init = conv->zero_init ? ITO_INIT_ZERO : ITO_INIT_UNIFORM;
    double bound = 1 / sqrt((double)(in_channels * k * k));
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *w = ito__param(&s, "weight", ITO_SHAPE(conv->out_channels, in_channels, k, k), init, bound, true);
    ito_value *b = ito__param(&s, "bias", ITO_SHAPE(conv->out_channels), init, bound, false);
    ito_conv_options options = {
        .stride = {stride, stride}, .pad_before = {before, before}, .pad_after = {after, after}};
    ito_value *y = ito_op_conv2d(s.g, x, w, b, &options);
    ito__scope_end(&s);
    return y;
}
