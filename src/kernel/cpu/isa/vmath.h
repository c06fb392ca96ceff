/* Elementwise functions on vectors and their slopes: unary_NAME(x) and slope_NAME(x) = d NAME / dx for every entry of
 * ITO_UNARY_MAP. Errors stay below 4 units in the last place where the function itself is well conditioned; infinities
 * and NaN come out as from libm. Polynomials are minimax fits of our own, their relative error beside them. */
#ifndef ITO_VMATH_H
#define ITO_VMATH_H

#include <math.h>

#include "kernel/cpu/isa/vec.h"

/* For the rare functions: libm, lane by lane. */
#define LANES(call)                                                                                                    \
    for (int lane = 0; lane < VF_WIDTH; lane++) x[lane] = call(x[lane]);                                               \
    return x

/* --- logarithms --------------------------------------------------------------------------------------------------- */

/* x = 2^n m with m in [sqrt(1/2), sqrt(2)); with f = m - 1 and s = f / (2 + f): log m = 2 atanh s
 * = f - s (f - s^2 Q(s^2)), where 2 atanh s = 2 s + s^3 Q(s^2) (Q to 2e-9). */
static inline vf unary_log(vf x)
{
    vi tiny = x < 1.17549435e-38f;
    vf scaled = vselect(tiny, x * 8388608.0f, x); /* 2^23 lifts subnormal numbers */
    vi bits = (vi)((vu)scaled - 0x3f3504f3u);     /* sqrt(1/2); wraps for negative x, whose result is NaN below */
    vi whole = (bits >> 23) - (tiny & 23);
    vf m = (vf)((bits & 0x7fffff) + 0x3f3504f3);
    vf n = __builtin_convertvector(whole, vf);
    vf f = m - 1.0f, s = f / (f + 2.0f), z = s * s;
    vf q = ((2.333733737e-01f * z + 2.855056226e-01f) * z + 4.000012279e-01f) * z + 6.666666865e-01f;
    vf y = n * 0.693359375f + (f - s * (f - z * q) - n * 2.12194440e-4f);
    y = vselect(x == 0.0f, vset(-INFINITY), y);
    y = vselect(x < 0.0f, vset(NAN), y);
    return vselect(x < INFINITY, y, x * x); /* infinity and NaN; x x makes -infinity no special case: it is below 0 */
}

/* log(1 + x) = log(u) x / (u - 1) with u = 1 + x rounded: the rounding error of u cancels in the quotient. */
static inline vf unary_log1p(vf x)
{
    vf u = x + 1.0f;
    vf y = unary_log(u) * (x / (u - 1.0f));
    y = vselect(u == 1.0f, x, y);
    return vselect((u <= 0.0f) | ~(u < INFINITY), unary_log(u), y);
}

/* --- exponentials ------------------------------------------------------------------------------------------------- */

static inline vf unary_exp(vf x)
{
    return vexp(x);
}

static inline vf unary_sigmoid(vf x)
{
    return vsigmoid(x);
}

static inline vf unary_silu(vf x)
{
    return vsilu(x);
}

static inline vf unary_softplus(vf x)
{
    return vmax(x, vset(0.0f)) + unary_log1p(vexp(-vabs(x)));
}

/* Near 0 x + x^3 P(x^2) (P to 1.5e-7), elsewhere 1 - 2 / (e^2|x| + 1) with the sign of x. */
static inline vf unary_tanh(vf x)
{
    vf a = vabs(x), z = x * x;
    vf p = (((-6.045396440e-03f * z + 2.096151561e-02f) * z - 5.384330824e-02f) * z + 1.333271861e-01f) * z -
           3.333332837e-01f;
    vf near = x + x * z * p;
    vf far = 1.0f - 2.0f / (vexp(2.0f * a) + 1.0f);
    far = (vf)((vi)far | ((vi)x & (vi)vset(-0.0f)));
    return vselect(a < 0.625f, near, far);
}

/* --- the error function ------------------------------------------------------------------------------------------- */

/* erf on [-1, 1]: x P(x^2), P to 1.2e-9. */
static inline vf erf_near(vf x, vf z)
{
    vf p = 7.853857824e-05f * z - 8.010192541e-04f;
    p = p * z + 5.188327748e-03f;
    p = p * z - 2.685381100e-02f;
    p = p * z + 1.128358543e-01f;
    p = p * z - 3.761262596e-01f;
    p = p * z + 1.128379107e+00f;
    return x * p;
}

/* erfc(a) for a >= 1, from gauss = e^(-a^2): gauss t P(t), t = 1 / (1 + a / 2), P to 1e-8 up to a = 9.5. */
static inline vf erfc_far(vf a, vf gauss)
{
    vf t = 1.0f / (1.0f + 0.5f * a);
    vf p = 9.215183556e-02f * t - 2.221678942e-01f;
    p = p * t + 7.723607868e-02f;
    p = p * t + 6.459981948e-02f;
    p = p * t + 1.773413271e-01f;
    p = p * t + 2.472977042e-01f;
    p = p * t + 2.819980681e-01f;
    p = p * t + 2.821005285e-01f;
    return gauss * t * p;
}

static inline vf unary_erf(vf x)
{
    vf a = vabs(x), z = x * x;
    vf far = 1.0f - erfc_far(a, vexp(-z));
    far = (vf)((vi)far | ((vi)x & (vi)vset(-0.0f)));
    vf y = vselect(a < 1.0f, erf_near(x, z), far);
    return vselect(a > 9.0f, (vf)((vi)vset(1.0f) | ((vi)x & (vi)vset(-0.0f))), y);
}

/* The normal distribution function at x, given gauss = e^(-x^2 / 2); no cancellation for negative x. */
static inline vf normal_cdf(vf x, vf gauss)
{
    vf u = 0.707106781f * x, a = vabs(u);
    vf tail = 0.5f * erfc_far(a, gauss);
    tail = vselect(a > 9.5f, vset(0.0f), tail);
    vf far = vselect(x > 0.0f, 1.0f - tail, tail);
    vf y = vselect(a < 1.0f, 0.5f + 0.5f * erf_near(u, u * u), far);
    return vselect(x == x, y, x);
}

static inline vf unary_gelu(vf x)
{
    return x * normal_cdf(x, vexp(-0.5f * x * x));
}

/* x sigmoid(2 u) = x / 2 (1 + tanh u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
static inline vf unary_gelu_tanh(vf x)
{
    vf u = 0.797884561f * (x + 0.044715f * x * x * x);
    return x * vsigmoid(2.0f * u);
}

/* --- simple ones -------------------------------------------------------------------------------------------------- */

static inline vf unary_identity(vf x)
{
    return x;
}

static inline vf unary_neg(vf x)
{
    return -x;
}

static inline vf unary_abs(vf x)
{
    return vabs(x);
}

static inline vf unary_sign(vf x)
{
    return vselect(x > 0.0f, vset(1.0f), vselect(x < 0.0f, vset(-1.0f), x)); /* zeros and NaN stay */
}

static inline vf unary_sqrt(vf x)
{
    return vsqrt(x);
}

static inline vf unary_rsqrt(vf x)
{
    return 1.0f / vsqrt(x);
}

static inline vf unary_square(vf x)
{
    return x * x;
}

static inline vf unary_reciprocal(vf x)
{
    return 1.0f / x;
}

static inline vf unary_sin(vf x)
{
    LANES(sinf);
}

static inline vf unary_cos(vf x)
{
    LANES(cosf);
}

static inline vf unary_relu(vf x)
{
    return vselect(x < 0.0f, vset(0.0f), x);
}

static inline vf unary_floor(vf x)
{
    LANES(floorf);
}

static inline vf unary_round_bf16(vf x)
{
    return vround_bf16(x);
}

/* --- slopes ------------------------------------------------------------------------------------------------------- */

static inline vf slope_identity(vf x)
{
    (void)x;
    return vset(1.0f);
}

static inline vf slope_round_bf16(vf x)
{
    return slope_identity(x);
}

static inline vf slope_neg(vf x)
{
    (void)x;
    return vset(-1.0f);
}

static inline vf slope_abs(vf x)
{
    return unary_sign(x);
}

static inline vf slope_sign(vf x)
{
    (void)x;
    return vset(0.0f);
}

static inline vf slope_floor(vf x)
{
    return slope_sign(x);
}

static inline vf slope_exp(vf x)
{
    return vexp(x);
}

static inline vf slope_log(vf x)
{
    return 1.0f / x;
}

static inline vf slope_log1p(vf x)
{
    return 1.0f / (1.0f + x);
}

static inline vf slope_sqrt(vf x)
{
    return 0.5f / vsqrt(x);
}

static inline vf slope_rsqrt(vf x)
{
    return -0.5f / (x * vsqrt(x));
}

static inline vf slope_square(vf x)
{
    return 2.0f * x;
}

static inline vf slope_reciprocal(vf x)
{
    vf r = 1.0f / x;
    return -r * r;
}

static inline vf slope_sin(vf x)
{
    LANES(cosf);
}

static inline vf slope_cos(vf x)
{
    LANES(-sinf);
}

/* 4 e / (1 + e)^2 with e = e^(-2|x|): 1 - tanh^2 without its cancellation. */
static inline vf slope_tanh(vf x)
{
    vf e = vexp(-2.0f * vabs(x)), r = 1.0f / (1.0f + e);
    return 4.0f * e * r * r;
}

static inline vf slope_erf(vf x)
{
    return 1.12837917f * vexp(-x * x);
}

static inline vf slope_sigmoid(vf x)
{
    vf e = vexp(-vabs(x)), r = 1.0f / (1.0f + e);
    return e * r * r;
}

static inline vf slope_softplus(vf x)
{
    return vsigmoid(x);
}

static inline vf slope_relu(vf x)
{
    return vselect(x > 0.0f, vset(1.0f), vset(0.0f));
}

/* s (1 + x (1 - s)), with s = sigmoid(x) */
VEC_INLINE void slope_silu_each(int n, vf *x)
{
    vf s[VEC_TOGETHER];
    VEC_EACH(n) s[i] = vlogistic_cut(x[i]);
    vlogistic(n, s, s);
    VEC_EACH(n) s[i] = 1.0f / s[i];
    VEC_EACH(n) x[i] = s[i] * (x[i] * (1.0f - s[i]) + 1.0f);
}

static inline vf slope_silu(vf x)
{
    slope_silu_each(1, &x);
    return x;
}

/* Phi(x) + x phi(x) */
static inline vf slope_gelu(vf x)
{
    vf gauss = vexp(-0.5f * x * x);
    return normal_cdf(x, gauss) + 0.398942280f * x * gauss;
}

static inline vf slope_gelu_tanh(vf x)
{
    vf z = x * x;
    vf s = vsigmoid(1.595769122f * (x + 0.044715f * x * z));
    return s + x * s * (1.0f - s) * 1.595769122f * (1.0f + 0.134145f * z);
}

#undef LANES

#endif
