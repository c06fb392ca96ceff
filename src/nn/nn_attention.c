/* Self-attention over the pixels of an image (Vaswani et al. 2017; in a U-Net since DDPM):
 *   y = (x + W_o attention(W_q n, W_k n, W_v n)) / scale_factor,  n = group_norm(x).
 * Heads of head_dim channels; when they do not fill the channels, the inner width is smaller than the outer one. */
#include <math.h>

#include "nn/layers.h"

/* n [N, L, C] -> heads [N, L, H, D] */
static ito_value *project(const ito_scope *s, const char *name, ito_value *n, int64_t heads, int64_t dim)
{
    ito_shape shape = ito_value_shape(n);
    ito_value *y = ito__linear(s, name, n, heads * dim);
    return ito_op_reshape(s->g, y, ITO_SHAPE(shape.d[0], shape.d[1], heads, dim));
}

ito_value *ito__attention_block(const ito_scope *outer, const char *name, ito_value *x, const ito__attention *a)
{
    ito_graph *g = outer->g;
    ito_shape image = ito_value_shape(x);
    int64_t channels = ito__channels(x), dim = a->head_dim ? a->head_dim : channels, heads = channels / dim;
    int64_t batch = image.d[0], length = image.d[1] * image.d[2];
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *n = a->groups ? ito__group_norm(&s, "group_norm", x, a->groups, a->eps) : x;
    n = ito_op_reshape(g, n, ITO_SHAPE(batch, length, channels));
    ito_value *q = project(&s, "to_q", n, heads, dim);
    ito_value *k = project(&s, "to_k", n, heads, dim);
    ito_value *v = project(&s, "to_v", n, heads, dim);
    ito_value *o = ito_op_attention(g, q, k, v, NULL, 1 / sqrt((double)dim), false);
    o = ito__linear(&s, "to_out.0", ito_op_reshape(g, o, ITO_SHAPE(batch, length, heads * dim)), channels);
    ito_value *y = ito_op_add(g, x, ito_op_reshape(g, o, image));
    if (a->scale_factor != 1) y = ito_op_scale(g, y, 1 / a->scale_factor, 0);
    ito__scope_end(&s);
    return y;
}
