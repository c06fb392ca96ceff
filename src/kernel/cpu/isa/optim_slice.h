/* The loops of optim.c, compiled per instruction set. */
#ifndef ITO_OPTIM_SLICE_H
#define ITO_OPTIM_SLICE_H

#include "kernel/kernel.h"

typedef struct ito_optim_loops {
    /* Elements first .. first + n - 1 of the arrays; first is a multiple of 16. */
    void (*adamw)(int64_t first, int64_t n, const ito_adamw *o, double weight_decay, const ito_optim_arrays *a);
    double (*sum_squares)(int64_t n, const float *x);
    double (*sum_squares_bf16)(int64_t n, const uint16_t *x);
} ito_optim_loops;

#endif
