/* The activation that a fused kernel applies last, on vectors: the common ones here, the others one by one with
 * the reference's function. */
#ifndef ITO_VACT_H
#define ITO_VACT_H

#include "kernel/attr.h"
#include "kernel/cpu/isa/vec.h"
#include "kernel/ref/ref.h"

static inline vf vact(int32_t act, vf x)
{
    switch (act) {
    case ITO_UNARY_identity: return x;
    case ITO_UNARY_relu: return vmax(x, (vf){0});
    case ITO_UNARY_silu: return vsilu(x);
    case ITO_UNARY_sigmoid: return vsigmoid(x);
    case ITO_UNARY_round_bf16: return vround_bf16(x);
    default:
        for (int i = 0; i < VF_WIDTH; i++) x[i] = (float)ito__unary_value(act, (double)x[i]);
        return x;
    }
}

#endif
