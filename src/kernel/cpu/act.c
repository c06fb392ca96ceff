/* Elementwise functions of one number, in double, rounded once. */
#include "kernel/cpu/act.h"

#include <math.h>

#include "kernel/attr.h"

static double gelu_tanh(double x)
{
    const double root = 0.79788456080286535588; /* sqrt(2 / pi) */
    return 0.5 * x * (1 + tanh(root * (x + 0.044715 * x * x * x)));
}

static double apply(int32_t act, double x)
{
    switch ((ito_unary)act) {
    case ITO_UNARY_neg: return -x;
    case ITO_UNARY_abs: return fabs(x);
    case ITO_UNARY_sign: return (x > 0) - (x < 0);
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
    case ITO_UNARY_sigmoid: return 1 / (1 + exp(-x));
    case ITO_UNARY_softplus: return fmax(x, 0) + log1p(exp(-fabs(x)));
    case ITO_UNARY_relu: return x < 0 ? 0 : x;
    case ITO_UNARY_silu: return x / (1 + exp(-x));
    case ITO_UNARY_gelu: return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
    case ITO_UNARY_gelu_tanh: return gelu_tanh(x);
    case ITO_UNARY_log1p: return log1p(x);
    case ITO_UNARY_floor: return floor(x);
    case ITO_UNARY_identity:
    case ITO_UNARY_COUNT: break;
    }
    return x;
}

float ito__act_scalar(int32_t act, float x)
{
    return (float)apply(act, (double)x);
}
