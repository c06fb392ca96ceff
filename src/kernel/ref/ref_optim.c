/* The reference of the optimizer functions: as the paper writes them, in double, rounded once. */
#include <math.h>

#include "kernel/dither.h"
#include "kernel/ref/ref.h"
#include "tensor/bf16.h"

static double read(ito_dtype dtype, const void *x, int64_t i)
{
    return (double)(dtype == ITO_BF16 ? ito__bf16_widen(((const uint16_t *)x)[i]) : ((const float *)x)[i]);
}

/* bf16 by chance, float32 to nearest. */
static void write(ito_dtype dtype, void *x, int64_t i, double value, uint32_t chance)
{
    if (dtype == ITO_BF16)
        ((uint16_t *)x)[i] = ito__bf16_dither((float)value, chance);
    else
        ((float *)x)[i] = (float)value;
}

/* EQ[adamw:12] with the bias corrections in their places:
 *   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
 *   x = x - lr ((m / c1) / (sqrt(v / c2) + eps) + weight_decay x) */
static void update(const ito_adamw *o, double weight_decay, const ito_optim_arrays *a, int64_t i)
{
    uint32_t chance = (uint32_t)i;
    ITO_DITHER(chance, o->dither);
    double g = read(a->dtype, a->grad, i) * o->grad_scale, old = (double)a->param[i];
    double first = o->beta1 * read(a->dtype, a->m, i) + (1 - o->beta1) * g;
    double second = o->beta2 * read(a->dtype, a->v, i) + (1 - o->beta2) * g * g;
    double change = (first / o->correction1) / (sqrt(second / o->correction2) + o->eps) + weight_decay * old;
    double x = old - o->lr * change;
    a->param[i] = (float)x;
    write(a->dtype, a->m, i, first, chance & 0xffff);
    write(a->dtype, a->v, i, second, chance >> 16);
    if (!a->average) return;
    double average = read(a->dtype, a->average, i);
    if (a->dtype == ITO_BF16) /* decay (average + old) + (1 - decay) x, less x */
        average = o->ema_decay * (average + old - x);
    else
        average = o->ema_decay * average + (1 - o->ema_decay) * x;
    write(a->dtype, a->average, i, average, ITO_DITHER_MORE(chance));
}

static void adamw(const ito_queue *q, const ito_adamw *o, int n_spans, const ito_optim_span *spans,
                  const ito_optim_arrays *a)
{
    (void)q;
    for (int s = 0; s < n_spans; s++)
        for (int64_t i = 0; i < spans[s].count; i++) update(o, spans[s].weight_decay, a, spans[s].first + i);
}

static double sum_squares(const ito_queue *q, int64_t n, ito_dtype dtype, const void *x)
{
    double sum = 0;
    (void)q;
    for (int64_t i = 0; i < n; i++) sum += read(dtype, x, i) * read(dtype, x, i);
    return sum;
}

const ito_optim ito__ref_optim = {.adamw = adamw, .sum_squares = sum_squares};
