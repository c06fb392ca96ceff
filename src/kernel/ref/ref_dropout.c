/* Dropout (Srivastava et al. 2014) from counter-based numbers: the same key gives the same mask, so the backward pass
 * applies the forward kernel to the gradient and nothing is stored. kernel/dropout.h says which elements are kept. */
#include "kernel/dropout.h"
#include "kernel/ref/ref.h"

static void run_dropout(const ito_ref *r)
{
    const ito_attr_dropout *attr = r->attr;
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    uint64_t threshold = ito__dropout_threshold(attr->p);
    int64_t n = x->shape.d[0], size = x->count / n;
    for (int64_t sample = 0; sample < n; sample++) {
        ito_rng_key key = ito__dropout_key(attr, (const int32_t *)r->in[1].data + sample * 4);
        for (int64_t e = 0; e < size; e++) {
            uint32_t words[4];
            ito_rng_block(key, (uint64_t)e / 4, words);
            bool keep = words[e % 4] >= threshold;
            int64_t at = sample * size + e;
            ref_put(y, at, keep ? ref_get(x, at) * ito__dropout_scale(attr->p) : 0);
        }
    }
}

ITO_REF_KERNEL(dropout, NULL);
