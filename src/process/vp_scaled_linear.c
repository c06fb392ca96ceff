/* The schedule of latent diffusion (Rombach et al. 2022, released code): sqrt(beta_t) rises linearly. */
#include "process/vp_table.h"

#include <math.h>

#include "base/base.h"

static double beta(const ito_opts *opts, int t, int n_timesteps)
{
    double start = sqrt(ito_opts_real(opts, "beta_start")), end = sqrt(ito_opts_real(opts, "beta_end"));
    double w = n_timesteps == 1 ? 0 : (double)(t - 1) / (n_timesteps - 1);
    /* EQ[ldm:code]  beta_t = (sqrt(beta_start) + (t - 1) / (T - 1) (sqrt(beta_end) - sqrt(beta_start)))^2 */
    double root = start + w * (end - start);
    if (ito__vp_is_float(opts)) root = ito__vp_linspace(start, end, t - 1, n_timesteps);
    return root * root;
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    ITO_TRY(ito__vp_check_order(ctx, "vp-scaled-linear", opts, "beta_start", "beta_end"));
    return ito__vp_create(ctx, "vp-scaled-linear", opts, (int)ito_opts_int(opts, "T"), beta, ends, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 1000, 1, 1000000, "number of timesteps"),
    ITO_OPT_REAL("beta_start", 0.00085, 0, 1, "beta of the first step"),
    ITO_OPT_REAL("beta_end", 0.012, 0, 1, "beta of the last step"),
    ITO__VP_ZERO_SNR,
    ITO__VP_TABLES,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_scaled_linear = {
    .choice = {.name = "vp-scaled-linear",
               .summary = "variance preserving, sqrt(beta) rises linearly (latent diffusion)",
               .formula = "beta_t = (sqrt(beta_start) + (t - 1) / (T - 1) (sqrt(beta_end) - sqrt(beta_start)))^2",
               .paper = "ldm",
               .eq = "ldm:code",
               .file = "src/process/vp_scaled_linear.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
