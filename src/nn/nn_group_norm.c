/* Group normalisation (Wu, He 2018): channels in groups are normalised over the image, then scaled and shifted. */
#include "nn/layers.h"

ito_value *ito__group_norm(const ito_scope *outer, const char *name, ito_value *x, int64_t groups, double eps)
{
    int64_t channels = ito__channels(x);
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *gamma = ito__param(&s, "weight", ITO_SHAPE(channels), ITO_INIT_ONE, 0, false);
    ito_value *beta = ito__param(&s, "bias", ITO_SHAPE(channels), ITO_INIT_ZERO, 0, false);
    ito_value *y = ito_op_group_norm(s.g, x, gamma, beta, groups, eps);
    ito__scope_end(&s);
    return y;
}
