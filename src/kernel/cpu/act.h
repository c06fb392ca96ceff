/* Any ito_unary of one number, for the activations that fused kernels have no vector code for. */
#ifndef ITO_CPU_ACT_H
#define ITO_CPU_ACT_H

#include <stdint.h>

float ito__act_scalar(int32_t act, float x);

#endif
