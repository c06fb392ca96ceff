/* The activations that diffusers' act_fn names. */
#include "nn/layers.h"

ito_value *ito__activate(const ito_scope *s, ito__act act, ito_value *x)
{
    switch (act) {
    case ITO__ACT_SILU: return ito_op_silu(s->g, x);
    case ITO__ACT_MISH: /* x tanh(log(1 + e^x)) (Misra 2019) */
        return ito_op_mul(s->g, x, ito_op_tanh(s->g, ito_op_softplus(s->g, x)));
    case ITO__ACT_GELU: return ito_op_gelu(s->g, x);
    case ITO__ACT_RELU: return ito_op_relu(s->g, x);
    }
    return x;
}
