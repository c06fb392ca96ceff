/* The VP-SDE (Song et al. 2021, section 3.4): DDPM's chain with infinitely many steps.
 *
 * With B(t) the integral of beta, signal = exp(-B/2) and sigma^2 = -expm1(-B). At the data (t = 0) sigma is 0 and its
 * rate +infinity, or sqrt(beta_max / 2) when beta_min is 0, where sigma starts like t instead of sqrt(t); all else is finite
 * on 0..1. The paper's samplers stop at 1e-5, where they are told to. */
#include <math.h>

#include "base/base.h"
#include "process/linear_beta.h"
#include "process/process_impl.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    return ito__linear_beta_create(ctx, "vp-sde", opts, ends, state);
}

static double drift(const void *state, double t)
{
    /* EQ[sde:11]  dx = -beta(t) / 2 x dt + sqrt(beta(t)) dw, beta(t) = beta_min + t (beta_max - beta_min) */
    return -0.5 * ito__linear_beta_at(state, t);
}

static double diffusion(const void *state, double t)
{
    return sqrt(ito__linear_beta_at(state, t));
}

static double sigma_rate(const ito__linear_beta *beta, double t, double signal, double sigma)
{
    if (sigma > 0) return 0.5 * ito__linear_beta_at(beta, t) * signal * signal / sigma;
    return beta->min > 0 ? (double)INFINITY : sqrt(0.5 * beta->max);
}

static ito_level level(const void *state, double t)
{
    /* EQ[sde:29]  q(x_t | x_0) has mean exp(-B/2) x_0 and variance 1 - exp(-B), B = int_0^t beta */
    double integral = ito__linear_beta_integral(state, t), variance = 0 - expm1(-integral);
    double signal = exp(-0.5 * integral), sigma = sqrt(variance), rate = drift(state, t) * signal;
    return (ito_level){t, signal, sigma, -integral - log(variance), rate, sigma_rate(state, t, signal, sigma), 0};
}

static double time_of(const void *state, double log_snr)
{
    /* exp(B) = 1 + exp(-log_snr) */
    double integral = log_snr > 0 ? log1p(exp(-log_snr)) : log1p(exp(log_snr)) - log_snr;
    return ito__linear_beta_time(state, integral);
}

static const ito_opt_def options[] = {ITO__LINEAR_BETA_OPTIONS, ITO_OPT_END};

const ito_process_def ito__process_vp_sde = {
    .choice = {.name = "vp-sde",
               .summary = "variance preserving, beta rises linearly in continuous time",
               .formula = "dx = -beta(t) / 2 x dt + sqrt(beta(t)) dw, beta(t) = beta_min + t (beta_max - beta_min)",
               .paper = "sde",
               .eq = "sde:11",
               .file = "src/process/vp_sde.c",
               .options = options},
    .is_variance_preserving = true,
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = drift,
    .diffusion = diffusion,
    .label = ito__linear_beta_label,
};
