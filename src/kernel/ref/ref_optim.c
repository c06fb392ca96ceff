/* The reference of the optimizer functions: as the paper writes them, in double, rounded once. */
#include <math.h>

#include "kernel/ref/ref.h"

/* EQ[adamw:12] with the bias corrections in their places:
 *   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
 *   x = x - lr ((m / c1) / (sqrt(v / c2) + eps) + weight_decay x) */
static void adamw(const ito_queue *q, int64_t n, const ito_adamw *o, float *param, const float *grad, float *m,
                  float *v, float *ema)
{
    (void)q;
    for (int64_t i = 0; i < n; i++) {
        double g = (double)grad[i] * o->grad_scale, x = (double)param[i];
        double first = o->beta1 * (double)m[i] + (1 - o->beta1) * g;
        double second = o->beta2 * (double)v[i] + (1 - o->beta2) * g * g;
        double change = (first / o->correction1) / (sqrt(second / o->correction2) + o->eps) + o->weight_decay * x;
        x -= o->lr * change;
        m[i] = (float)first;
        v[i] = (float)second;
        param[i] = (float)x;
        if (ema) ema[i] = (float)(o->ema_decay * (double)ema[i] + (1 - o->ema_decay) * x);
    }
}

static double sum_squares(const ito_queue *q, int64_t n, const float *x)
{
    double sum = 0;
    (void)q;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

const ito_optim ito__ref_optim = {.adamw = adamw, .sum_squares = sum_squares};
