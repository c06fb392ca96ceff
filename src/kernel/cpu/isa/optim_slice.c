/* One slice of each of the optimizer's functions. */
#include "kernel/cpu/isa/optim_slice.h"

#include "kernel/cpu/isa/vec.h"
#include "kernel/dither.h"

typedef struct coefs {
    float scale, b1, b2, a1, a2, eps, step, keep, ema_step, ema_keep;
    uint32_t dither[2];
} coefs;

/* EQ[adamw:12] with decoupled decay; the bias corrections are folded into the step and into eps:
 *   lr (m / c1) / (sqrt(v / c2) + eps) = (lr sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)) */
static coefs coefs_of(const ito_adamw *o, double weight_decay)
{
    const double root = __builtin_sqrt(o->correction2);
    return (coefs){.scale = (float)o->grad_scale,
                   .b1 = (float)o->beta1,
                   .b2 = (float)o->beta2,
                   .a1 = (float)(1 - o->beta1),
                   .a2 = (float)(1 - o->beta2),
                   .eps = (float)(o->eps * root),
                   .step = (float)(o->lr * root / o->correction1),
                   .keep = (float)(1 - o->lr * weight_decay),
                   .ema_step = (float)(1 - o->ema_decay),
                   .ema_keep = (float)o->ema_decay,
                   .dither = {o->dither[0], o->dither[1]}};
}

/* The new parameters; m and v become new too. */
static inline vf update(const coefs *c, vf p, vf g, vf *m, vf *v)
{
    g = g * c->scale;
    *m = *m * c->b1 + g * c->a1;
    *v = *v * c->b2 + g * g * c->a2;
    return p * c->keep - c->step * *m / (vsqrt(*v) + c->eps);
}

/* ---- float32 ---- */

typedef struct floats {
    float *param, *m, *v, *ema;
    const float *grad;
} floats;

static inline void adamw_whole(const coefs *c, const floats *a, int64_t i)
{
    vf m = vload(a->m + i), v = vload(a->v + i), p = update(c, vload(a->param + i), vload(a->grad + i), &m, &v);
    vstore(a->m + i, m);
    vstore(a->v + i, v);
    vstore(a->param + i, p);
    if (!a->ema) return;
    vf old = vload(a->ema + i);
    vstore(a->ema + i, old + (p - old) * c->ema_step);
}

/* The last elements, fewer than a vector. */
static void adamw_rest(const coefs *c, const floats *a, int64_t i, int left)
{
    vf m = vload_n(a->m + i, left), v = vload_n(a->v + i, left);
    vf p = update(c, vload_n(a->param + i, left), vload_n(a->grad + i, left), &m, &v);
    vstore_n(a->m + i, left, m);
    vstore_n(a->v + i, left, v);
    vstore_n(a->param + i, left, p);
    if (!a->ema) return;
    vf old = vload_n(a->ema + i, left);
    vstore_n(a->ema + i, left, old + (p - old) * c->ema_step);
}

static void adamw_f32(int64_t first, int64_t n, const coefs *c, const ito_optim_arrays *o)
{
    const floats a = {o->param, o->m, o->v, o->average, o->grad};
    int64_t i = first, end = first + n;
    for (; i + VF_WIDTH <= end; i += VF_WIDTH) adamw_whole(c, &a, i);
    if (i < end) adamw_rest(c, &a, i, (int)(end - i));
}

/* ---- bf16: the parameters float32, the average kept as what it is more than they are ---- */

typedef struct halves {
    float *param;
    uint16_t *m, *v, *distance;
    const uint16_t *grad;
} halves;

/* x is not NaN; chance below 2^16. */
static inline vh vdither(vf x, vu chance)
{
    return __builtin_convertvector(((vu)x + chance) >> 16, vh);
}

/* Elements i .. of a that stand at `at` of it or of a copy. */
static inline void adamw_narrow(const coefs *c, const halves *a, int64_t at, uint32_t i)
{
    vu chance = (vu)vlanes() + i;
    ITO_DITHER(chance, c->dither);
    vf old = vload(a->param + at), m = vwiden(vh_load(a->m + at)), v = vwiden(vh_load(a->v + at));
    vf p = update(c, old, vwiden(vh_load(a->grad + at)), &m, &v);
    vstore(a->param + at, p);
    vh_store(a->m + at, vdither(m, chance & 0xffff));
    vh_store(a->v + at, vdither(v, chance >> 16));
    if (!a->distance) return;
    vf d = vwiden(vh_load(a->distance + at));
    vh_store(a->distance + at, vdither((d + (old - p)) * c->ema_keep, ITO_DITHER_MORE(chance)));
}

/* The last elements, fewer than a vector, as a vector of copies. */
static void adamw_narrow_rest(const coefs *c, const halves *a, int64_t at, int left)
{
    float param[VF_WIDTH] = {0};
    uint16_t copy[4][VF_WIDTH] = {{0}};
    const halves b = {param, copy[0], copy[1], a->distance ? copy[2] : NULL, copy[3]};
    const size_t bytes = (size_t)left * sizeof(uint16_t);
    memcpy(param, a->param + at, 2 * bytes);
    memcpy(copy[0], a->m + at, bytes);
    memcpy(copy[1], a->v + at, bytes);
    if (a->distance) memcpy(copy[2], a->distance + at, bytes);
    memcpy(copy[3], a->grad + at, bytes);
    adamw_narrow(c, &b, 0, (uint32_t)at);
    memcpy(a->param + at, param, 2 * bytes);
    memcpy(a->m + at, copy[0], bytes);
    memcpy(a->v + at, copy[1], bytes);
    if (a->distance) memcpy(a->distance + at, copy[2], bytes);
}

static void adamw_bf16(int64_t first, int64_t n, const coefs *c, const ito_optim_arrays *o)
{
    const halves a = {o->param, o->m, o->v, o->average, o->grad};
    int64_t i = first, end = first + n;
    for (; i + VF_WIDTH <= end; i += VF_WIDTH) adamw_narrow(c, &a, i, (uint32_t)i);
    if (i < end) adamw_narrow_rest(c, &a, i, (int)(end - i));
}

static void adamw(int64_t first, int64_t n, const ito_adamw *o, double weight_decay, const ito_optim_arrays *a)
{
    const coefs c = coefs_of(o, weight_decay);
    (a->dtype == ITO_BF16 ? adamw_bf16 : adamw_f32)(first, n, &c, a);
}

/* ---- sums of squares: lanes are kept in double through blocks of floats, so that millions of squares lose nothing ---- */

enum { BLOCK = 1024 };

/* n numbers from element i on; narrow (they are bf16) and an n of VF_WIDTH are constants */
static inline __attribute__((always_inline)) vf numbers(const void *x, int64_t i, int n, bool narrow)
{
    const float *wide = (const float *)x + i;
    const uint16_t *half = (const uint16_t *)x + i;
    if (n == VF_WIDTH) return narrow ? vwiden(vh_load(half)) : vload(wide);
    return narrow ? vwiden(vh_load_n(half, n)) : vload_n(wide, n);
}

static inline __attribute__((always_inline)) double sum_of_squares(int64_t n, const void *x, bool narrow)
{
    double total = 0;
    for (int64_t first = 0; first < n; first += BLOCK) {
        vf sum = {0};
        int64_t i = first, end = first + BLOCK < n ? first + BLOCK : n;
        for (; i + VF_WIDTH <= end; i += VF_WIDTH) {
            vf v = numbers(x, i, VF_WIDTH, narrow);
            sum += v * v;
        }
        vf rest = numbers(x, i, (int)(end - i), narrow);
        sum += rest * rest;
        total += (double)vsum(sum);
    }
    return total;
}

static double sum_squares(int64_t n, const float *x)
{
    return sum_of_squares(n, x, false);
}

static double sum_squares_bf16(int64_t n, const uint16_t *x)
{
    return sum_of_squares(n, x, true);
}

extern const ito_optim_loops ITO_ISA_FN(ito__optim_loops);
const ito_optim_loops ITO_ISA_FN(ito__optim_loops) = {adamw, sum_squares, sum_squares_bf16};
