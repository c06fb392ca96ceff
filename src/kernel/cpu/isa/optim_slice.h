/* The loops of optim.c, compiled per instruction set. */
#ifndef ITO_OPTIM_SLICE_H
#define ITO_OPTIM_SLICE_H

#include "kernel/kernel.h"

typedef struct ito_optim_loops {
    void (*adamw)(int64_t n, const ito_adamw *o, float *param, const float *grad, float *m, float *v, float *ema);
    double (*sum_squares)(int64_t n, const float *x);
} ito_optim_loops;

#endif
