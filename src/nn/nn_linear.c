/* y = x W^T + b. Fresh weights and biases are uniform in +-1 / sqrt(fan in), as PyTorch draws them. */
#include <math.h>

#include "nn/layers.h"

int64_t ito__channels(const ito_value *x)
{
    ito_shape shape = ito_value_shape(x);
    return shape.n_dims ? shape.d[shape.n_dims - 1] : 1;
}

ito_value *ito__linear(const ito_scope *outer, const char *name, ito_value *x, int64_t out_features)
{
    int64_t in_features = ito__channels(x);
    double bound = 1 / sqrt((double)in_features);
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *w = ito__param(&s, "weight", ITO_SHAPE(out_features, in_features), ITO_INIT_UNIFORM, bound, true);
    ito_value *b = ito__param(&s, "bias", ITO_SHAPE(out_features), ITO_INIT_UNIFORM, bound, false);
    ito_value *y = ito_op_linear(s.g, x, w, b);
    ito__scope_end(&s);
    return y;
}
