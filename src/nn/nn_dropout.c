/* Dropout (Srivastava et al. 2014): in training each element is zeroed with probability p, the others are divided by
 * 1 - p. Keyed per sample (net->keys), so that a sample is treated alike in any batch and after any resume; every layer
 * of a network draws its own numbers. */
#include "nn/layers.h"

ito_value *ito__dropout(const ito_scope *s, ito_value *x, double p)
{
    ito_net *net = s->net;
    if (!net->training || p == 0) return x;
    return ito_op_dropout(s->g, x, net->keys, p, net->n_dropout++);
}
