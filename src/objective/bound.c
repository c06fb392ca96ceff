/* Terms of the variational bound as graph fragments (Ho, Jain and Abbeel 2020, equations 5, 8 and 13), in bits/dim, for a
 * variance that is learned (Nichol and Dhariwal 2021, equation 15): D_KL(q(x_s | x_t, x_0) ||
 * p(x_s | x_t)) for t > 1 and -log p(x_0 | x_1), of 8-bit data, for t = 1. */
#include "objective/objective.h"

#include <ito/ops.h>

#define LOG2_E 1.4426950408889634

/* Phi(x), by the approximation with which published numbers are computed, (1 + tanh z) / 2 with z = sqrt(2 / pi) (x + 0.044715 x^3);
 * as a sigmoid of 2 z it keeps its digits where it is small. */
static ito_value *normal_cdf(ito_graph *g, ito_value *x)
{
    ito_value *cubic = ito_op_mul(g, x, ito_op_scale(g, ito_op_square(g, x), 0.044715, 1));
    return ito_op_sigmoid(g, ito_op_scale(g, cubic, 2 * 0.7978845608028654, 0));
}

static ito_value *safe_log(ito_graph *g, ito_value *x)
{
    return ito_op_log(g, ito_op_max(g, x, ito_op_full(g, ITO_F32, ITO_SHAPE(1), 1e-12)));
}

/* -log of the probability that N(mean, exp(log_variance)) gives the 256 bins of -1..1, the outermost open. */
static ito_value *decoder(ito_graph *g, ito_value *x0, ito_value *mean, ito_value *log_variance)
{
    const double half = 1.0 / 255;
    ito_value *inverse_sd = ito_op_exp(g, ito_op_scale(g, log_variance, -0.5, 0)), *away = ito_op_sub(g, x0, mean);
    ito_value *below_0 = ito_op_neg(g, ito_op_abs(g, away)); /* the bin's mirror image, where nothing cancels */
    ito_value *upper = normal_cdf(g, ito_op_mul(g, ito_op_scale(g, below_0, 1, half), inverse_sd));
    ito_value *lower = normal_cdf(g, ito_op_mul(g, ito_op_scale(g, below_0, 1, -half), inverse_sd));
    ito_value *first = normal_cdf(g, ito_op_mul(g, ito_op_scale(g, away, 1, half), inverse_sd));
    ito_value *last = normal_cdf(g, ito_op_mul(g, ito_op_scale(g, away, -1, half), inverse_sd));
    ito_value *edge = ito_op_full(g, ITO_F32, ITO_SHAPE(1), 0.999);
    /* EQ[ddpm:13]  p = Phi(x + 1/255) - Phi(x - 1/255); Phi(x + 1/255) and 1 - Phi(x - 1/255) at the ends */
    ito_value *p = ito_op_select(g, ito_op_gt(g, x0, edge), last, ito_op_sub(g, upper, lower));
    return ito_op_neg(g, safe_log(g, ito_op_select(g, ito_op_lt(g, x0, ito_op_neg(g, edge)), first, p)));
}

/* D_KL(N(., v_q) || N(., v_p)) of Gaussians whose means differ by `away`. */
static ito_value *divergence(ito_graph *g, ito_value *away, ito_value *log_q, ito_value *log_p)
{
    ito_value *ratio = ito_op_exp(g, ito_op_sub(g, log_q, log_p));
    ito_value *distance = ito_op_mul(g, ito_op_square(g, away), ito_op_exp(g, ito_op_neg(g, log_p)));
    /* EQ[ddpm:8]  KL = (log v_p - log v_q - 1 + v_q / v_p + away^2 / v_p) / 2 */
    ito_value *sum = ito_op_add(g, ito_op_sub(g, log_p, log_q), ito_op_add(g, ratio, distance));
    return ito_op_scale(g, sum, 0.5, -0.5);
}

static ito_value *of_level(const ito_objective_parts *parts, int k)
{
    return ito__denoise_column(parts->g, parts->noised, k);
}

/* log Sigma of every element. */
static ito_value *log_variance_of(const ito_objective_parts *parts)
{
    ito_graph *g = parts->g;
    ito_value *chosen = ito_op_mul(g, parts->extra, of_level(parts, ITO_DENOISE_LOG_P_1));
    return ito_op_add(g, of_level(parts, ITO_DENOISE_LOG_P_0), chosen);
}

ito_value *ito__bound_terms(const ito_objective_parts *parts, bool mean_learns)
{
    ito_graph *g = parts->g;
    const ito_denoise *d = parts->noised;
    ito_value *output = mean_learns ? parts->output : ito_op_stop_gradient(g, parts->output);
    ito_value *x0 = ito_op_add(g, ito_op_mul(g, d->x_t, of_level(parts, ITO_DENOISE_X0_X)),
                               ito_op_mul(g, output, of_level(parts, ITO_DENOISE_X0_OUT)));
    ito_value *coef_x0 = of_level(parts, ITO_DENOISE_COEF_X0), *log_p = log_variance_of(parts);
    /* both means hold coef_x x_t */
    ito_value *away = ito_op_mul(g, ito_op_sub(g, d->x0, x0), coef_x0);
    ito_value *kl = divergence(g, away, of_level(parts, ITO_DENOISE_LOG_Q), log_p);
    ito_value *mean =
        ito_op_add(g, ito_op_mul(g, d->x_t, of_level(parts, ITO_DENOISE_COEF_X)), ito_op_mul(g, x0, coef_x0));
    ito_value *nll = decoder(g, d->x0, mean, log_p);
    ito_value *is_first = ito_op_reshape(g, of_level(parts, ITO_DENOISE_IS_FIRST), ITO_SHAPE(-1));
    return ito_op_scale(g, ito_op_select(g, is_first, ito__denoise_mean(g, nll), ito__denoise_mean(g, kl)), LOG2_E, 0);
}
