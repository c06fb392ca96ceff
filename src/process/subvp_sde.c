/* The sub-VP-SDE (Song et al. 2021, section 3.4): the VP-SDE's signal with less noise, sigma = 1 - exp(-B) where the
 * VP-SDE has its root. Not variance preserving: signal^2 + sigma^2 < 1 inside.
 *
 * signal / sigma = 1 / (2 sinh(B/2)). At the data (t = 0) sigma and the diffusion are 0 and sigma's rate is beta_min. */
#include <math.h>

#include "base/base.h"
#include "process/linear_beta.h"
#include "process/process_impl.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    return ito__linear_beta_create(ctx, "subvp-sde", opts, ends, state);
}

static double drift(const void *state, double t)
{
    return -0.5 * ito__linear_beta_at(state, t);
}

static double diffusion(const void *state, double t)
{
    /* EQ[sde:12]  dx = -beta(t) / 2 x dt + sqrt(beta(t) (1 - exp(-2 B))) dw, B = int_0^t beta */
    return sqrt(ito__linear_beta_at(state, t) * -expm1(-2 * ito__linear_beta_integral(state, t)));
}

static ito_level level(const void *state, double t)
{
    /* EQ[sde:29]  q(x_t | x_0) has mean exp(-B/2) x_0 and deviation 1 - exp(-B) */
    double integral = ito__linear_beta_integral(state, t), signal = exp(-0.5 * integral), sigma = 0 - expm1(-integral);
    double sigma_rate = ito__linear_beta_at(state, t) * exp(-integral);
    return (ito_level){t, signal, sigma, -integral - 2 * log(sigma), drift(state, t) * signal, sigma_rate, 0};
}

static double time_of(const void *state, double log_snr)
{
    return ito__linear_beta_time(state, 2 * asinh(0.5 * exp(-0.5 * log_snr)));
}

static const ito_opt_def options[] = {ITO__LINEAR_BETA_OPTIONS, ITO_OPT_END};

const ito_process_def ito__process_subvp_sde = {
    .choice = {.name = "subvp-sde",
               .summary = "the VP-SDE's signal with less noise in between",
               .formula = "dx = -beta(t) / 2 x dt + sqrt(beta(t) (1 - exp(-2 B))) dw, B = int_0^t beta",
               .paper = "sde",
               .eq = "sde:12",
               .file = "src/process/subvp_sde.c",
               .options = options},
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = drift,
    .diffusion = diffusion,
    .label = ito__linear_beta_label,
};
