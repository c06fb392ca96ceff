/* DDPM's schedule: beta_t rises linearly from beta_start to beta_end (Ho, Jain, Abbeel 2020, section 4). */
#include "process/vp_table.h"

#include "base/base.h"

static double beta(const ito_opts *opts, int t, int n_timesteps)
{
    double start = ito_opts_real(opts, "beta_start"), end = ito_opts_real(opts, "beta_end");
    if (ito__vp_is_float(opts)) return ito__vp_linspace(start, end, t - 1, n_timesteps);
    if (n_timesteps == 1) return start;
    /* EQ[ddpm:s4]  beta_t = beta_start + (t - 1) / (T - 1) (beta_end - beta_start) */
    return start + (double)(t - 1) / (n_timesteps - 1) * (end - start);
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    ITO_TRY(ito__vp_check_order(ctx, "vp-linear", opts, "beta_start", "beta_end"));
    return ito__vp_create(ctx, "vp-linear", opts, (int)ito_opts_int(opts, "T"), beta, ends, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 1000, 1, 1000000, "number of timesteps"),
    ITO_OPT_REAL("beta_start", 1e-4, 0, 1, "beta of the first step"),
    ITO_OPT_REAL("beta_end", 0.02, 0, 1, "beta of the last step"),
    ITO__VP_ZERO_SNR,
    ITO__VP_TABLES,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_linear = {
    .choice = {.name = "vp-linear",
               .summary = "variance preserving, beta rises linearly (DDPM)",
               .formula = "beta_t = beta_start + (t - 1) / (T - 1) (beta_end - beta_start)",
               .paper = "ddpm",
               .eq = "ddpm:s4",
               .file = "src/process/vp_linear.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
