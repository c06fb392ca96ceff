/* One slice of each of the optimizer's functions. */
#include "kernel/cpu/isa/optim_slice.h"

#include "kernel/cpu/isa/vec.h"

/* EQ[adamw:12] with decoupled decay; the bias corrections are folded into the step and into eps:
 *   lr (m / c1) / (sqrt(v / c2) + eps) = (lr sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)) */
static void adamw(int64_t n, const ito_adamw *o, float *param, const float *grad, float *m, float *v, float *ema)
{
    const double root = __builtin_sqrt(o->correction2);
    const float scale = (float)o->grad_scale, b1 = (float)o->beta1, b2 = (float)o->beta2;
    const float a1 = (float)(1 - o->beta1), a2 = (float)(1 - o->beta2), eps = (float)(o->eps * root);
    const float step = (float)(o->lr * root / o->correction1), keep = (float)(1 - o->lr * o->weight_decay);
    const float ema_step = (float)(1 - o->ema_decay);
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        int left = n - i < VF_WIDTH ? (int)(n - i) : VF_WIDTH;
        vf g = vload_n(grad + i, left) * scale;
        vf first = vload_n(m + i, left) * b1 + g * a1, second = vload_n(v + i, left) * b2 + g * g * a2;
        vf p = vload_n(param + i, left) * keep - step * first / (vsqrt(second) + eps);
        vstore_n(m + i, left, first);
        vstore_n(v + i, left, second);
        vstore_n(param + i, left, p);
        if (!ema) continue;
        vf old = vload_n(ema + i, left);
        vstore_n(ema + i, left, old + (p - old) * ema_step);
    }
}

/* Lanes are kept in double through blocks of floats, so that millions of squares lose nothing. */
static double sum_squares(int64_t n, const float *x)
{
    enum { BLOCK = 1024 };
    double total = 0;
    for (int64_t first = 0; first < n; first += BLOCK) {
        vf sum = {0};
        int64_t end = first + BLOCK < n ? first + BLOCK : n;
        for (int64_t i = first; i < end; i += VF_WIDTH) {
            vf v = vload_n(x + i, end - i < VF_WIDTH ? (int)(end - i) : VF_WIDTH);
            sum += v * v;
        }
        total += (double)vsum(sum);
    }
    return total;
}

extern const ito_optim_loops ITO_ISA_FN(ito__optim_loops);
const ito_optim_loops ITO_ISA_FN(ito__optim_loops) = {adamw, sum_squares};
