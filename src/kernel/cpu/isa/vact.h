/* The activation that a fused kernel applies last, on vectors: the common ones here, the others one by one through
 * ito__act_scalar (kernel/cpu/act.c). */
#ifndef ITO_VACT_H
#define ITO_VACT_H

#include "kernel/attr.h"
#include "kernel/cpu/act.h"
#include "kernel/cpu/isa/vec.h"

static inline vf vact(int32_t act, vf x)
{
    switch (act) {
    case ITO_UNARY_identity: return x;
    case ITO_UNARY_relu: return vmax(x, (vf){0});
    case ITO_UNARY_silu: return vsilu(x);
    case ITO_UNARY_sigmoid: return vsigmoid(x);
    default:
        for (int i = 0; i < VF_WIDTH; i++) x[i] = ito__act_scalar(act, x[i]);
        return x;
    }
}

#endif
