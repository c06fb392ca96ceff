/* The VE-SDE (Song et al. 2021, section 3.4): sigma grows geometrically in continuous time; the signal stays.
 *
 * At t = 0 sigma is sigma_min: the limit from above, which is the paper's marginal for every t > 0. (Its x(0) is the data
 * themselves, a jump of sigma_min that no network sees.) Everything is finite on 0..1. */
#include <math.h>

#include "base/base.h"
#include "process/process_impl.h"
#include "process/sigma_range.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    ito__sigma_range *range = NULL;
    ito_status st = ito__sigma_range_create(ctx, "ve-sde", opts, &range);
    *state = range;
    if (st == ITO_OK) *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = range->max};
    return st;
}

static ito_level level(const void *state, double t)
{
    const ito__sigma_range *range = state;
    /* EQ[sde:29]  q(x_t | x_0) has mean x_0 and deviation sigma(t) = sigma_min (sigma_max / sigma_min)^t */
    double sigma = ito__sigma_geometric(range, t);
    return ito__exploding_level(t, sigma, sigma * range->log_ratio);
}

static double time_of(const void *state, double log_snr)
{
    const ito__sigma_range *range = state;
    return fmin(fmax((-0.5 * log_snr - range->log_min) / range->log_ratio, 0), 1);
}

static double diffusion(const void *state, double t)
{
    const ito__sigma_range *range = state;
    /* EQ[sde:9]  dx = sqrt(d sigma^2 / dt) dw = sigma(t) sqrt(2 log(sigma_max / sigma_min)) dw */
    return ito__sigma_geometric(range, t) * sqrt(2 * range->log_ratio);
}

/* Fourier features, here and in diffusers, take the logarithm themselves. */
static double label(const void *state, double t)
{
    return ito__sigma_geometric(state, t);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("sigma_min", 0.01, 0, 1e6, "sigma at t = 0"),
    ITO_OPT_REAL("sigma_max", 50, 0, 1e6, "sigma at t = 1: about the largest distance between two data"),
    ITO_OPT_END,
};

const ito_process_def ito__process_ve_sde = {
    .choice = {.name = "ve-sde",
               .summary = "variance exploding, sigma grows geometrically in continuous time",
               .formula = "dx = sqrt(d sigma^2 / dt) dw, sigma(t) = sigma_min (sigma_max / sigma_min)^t",
               .paper = "sde",
               .eq = "sde:9",
               .file = "src/process/ve_sde.c",
               .options = options},
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = ito__no_drift,
    .diffusion = diffusion,
    .label = label,
};
