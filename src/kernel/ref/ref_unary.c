/* Elementwise functions of one argument, and their derivatives beside them.
 * At a kink the derivative is 0 (abs, relu, sign, floor at 0), and that of rounding to bf16 counts as 1. gelu is x Phi(x) with the exact normal distribution
 * function; gelu_tanh is the approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) of Hendrycks and Gimpel
 * (2016). */
#include <math.h>

#include "kernel/ref/ref.h"

#define SQRT_HALF      0.70710678118654752440
#define INV_SQRT_2PI   0.39894228040143267794
#define TWO_OVER_RT_PI 1.12837916709551257390
#define SQRT_2_OVER_PI 0.79788456080286535588
#define GELU_CUBE      0.044715

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* log(1 + e^x) without overflow. */
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x; /* a zero stays what it is, NaN too */
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * SQRT_HALF);
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(SQRT_2_OVER_PI * (x + GELU_CUBE * x * x * x)));
}

double ito__unary_value(int32_t kind, double x)
{
    switch ((ito_unary)kind) {
    case ITO_UNARY_identity: return x;
    case ITO_UNARY_neg: return -x;
    case ITO_UNARY_abs: return fabs(x);
    case ITO_UNARY_sign: return sign(x);
    case ITO_UNARY_exp: return exp(x);
    case ITO_UNARY_log: return log(x);
    case ITO_UNARY_sqrt: return sqrt(x);
    case ITO_UNARY_rsqrt: return 1 / sqrt(x);
    case ITO_UNARY_square: return x * x;
    case ITO_UNARY_reciprocal: return 1 / x;
    case ITO_UNARY_sin: return sin(x);
    case ITO_UNARY_cos: return cos(x);
    case ITO_UNARY_tanh: return tanh(x);
    case ITO_UNARY_erf: return erf(x);
    case ITO_UNARY_sigmoid: return sigmoid(x);
    case ITO_UNARY_softplus: return softplus(x);
    case ITO_UNARY_relu: return x < 0 ? 0 : x;
    case ITO_UNARY_silu: return x * sigmoid(x);
    case ITO_UNARY_gelu: return x * normal_cdf(x);
    case ITO_UNARY_gelu_tanh: return gelu_tanh(x);
    case ITO_UNARY_log1p: return log1p(x);
    case ITO_UNARY_floor: return floor(x);
    case ITO_UNARY_round_bf16: return (double)ito__bf16_widen(ito__bf16_narrow_double(x));
    case ITO_UNARY_COUNT: break;
    }
    return x;
}

/* With s = sigmoid(x): (x s)' = s + x s (1 - s). */
static double silu_slope(double x)
{
    double s = sigmoid(x);
    return s + x * s * (1 - s);
}

/* (x Phi(x))' = Phi(x) + x phi(x). */
static double gelu_slope(double x)
{
    return normal_cdf(x) + x * INV_SQRT_2PI * exp(-0.5 * x * x);
}

/* With t = tanh(u), u = sqrt(2 / pi) (x + c x^3): 0.5 (1 + t) + 0.5 x (1 - t^2) u'. */
static double gelu_tanh_slope(double x)
{
    double t = tanh(SQRT_2_OVER_PI * (x + GELU_CUBE * x * x * x));
    double slope = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBE * x * x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope;
}

double ito__unary_slope(int32_t kind, double x)
{
    switch ((ito_unary)kind) {
    case ITO_UNARY_identity: return 1;
    case ITO_UNARY_neg: return -1;
    case ITO_UNARY_abs: return sign(x);
    case ITO_UNARY_sign: return 0;
    case ITO_UNARY_exp: return exp(x);
    case ITO_UNARY_log: return 1 / x;
    case ITO_UNARY_sqrt: return 0.5 / sqrt(x);
    case ITO_UNARY_rsqrt: return -0.5 / (x * sqrt(x));
    case ITO_UNARY_square: return 2 * x;
    case ITO_UNARY_reciprocal: return -1 / (x * x);
    case ITO_UNARY_sin: return cos(x);
    case ITO_UNARY_cos: return -sin(x);
    case ITO_UNARY_tanh: return 1 - tanh(x) * tanh(x);
    case ITO_UNARY_erf: return TWO_OVER_RT_PI * exp(-x * x);
    case ITO_UNARY_sigmoid: return sigmoid(x) * sigmoid(-x);
    case ITO_UNARY_softplus: return sigmoid(x);
    case ITO_UNARY_relu: return x > 0;
    case ITO_UNARY_silu: return silu_slope(x);
    case ITO_UNARY_gelu: return gelu_slope(x);
    case ITO_UNARY_gelu_tanh: return gelu_tanh_slope(x);
    case ITO_UNARY_log1p: return 1 / (1 + x);
    case ITO_UNARY_floor: return 0;
    case ITO_UNARY_round_bf16: return 1;
    case ITO_UNARY_COUNT: break;
    }
    return 0;
}

static void run_unary(const ito_ref *r)
{
    const ito_attr_unary *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++)
        ref_put(&r->out[0], i, ito__unary_value(attr->kind, ref_get(&r->in[0], i)));
}

/* x, dy -> f'(x) dy */
static void run_unary_grad(const ito_ref *r)
{
    const ito_attr_unary *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++)
        ref_put(&r->out[0], i, ito__unary_slope(attr->kind, ref_get(&r->in[0], i)) * ref_get(&r->in[1], i));
}

ITO_REF_KERNEL(unary, NULL);
ITO_REF_KERNEL(unary_grad, NULL);
