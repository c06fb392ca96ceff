/* One pass of the optimiser over flat arrays in host memory, and what training asks of gradients. Results do not depend
 * on the number of threads. */
#ifndef ITO_OPTIM_H
#define ITO_OPTIM_H

#include "kernel/kernel.h"

/* AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization") of step t = 1, 2, ... */
typedef struct ito_adamw {
    double lr, beta1, beta2, eps, weight_decay;
    double correction1, correction2; /* 1 - beta1^t, 1 - beta2^t */
    double grad_scale;               /* gradients are multiplied by it first (clipping, averaging) */
    double ema_decay;
} ito_adamw;

/* param, m, v and, when not NULL, ema are updated in place. */
void ito__adamw(const ito_queue *q, int64_t n, const ito_adamw *o, float *param, const float *grad, float *m, float *v,
                float *ema);
/* ema = decay ema + (1 - decay) param */
void ito__ema(const ito_queue *q, int64_t n, double decay, const float *param, float *ema);
/* Sum of squares, in double over fixed slices added in order. */
double ito__sum_squares(const ito_queue *q, int64_t n, const float *x);
bool ito__all_finite(const ito_queue *q, int64_t n, const float *x);

#endif
