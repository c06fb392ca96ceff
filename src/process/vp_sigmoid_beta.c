/* beta_t rises along a sigmoid from beta_start to beta_end (GeoDiff: Xu et al. 2022, released code; the schedule that
 * diffusers calls "sigmoid"). Its ends are not quite reached: the sigmoid runs from -6 to 6. */
#include "process/vp_table.h"

#include <math.h>

#include "base/base.h"

static double beta(const ito_opts *opts, int t, int n_timesteps)
{
    double start = ito_opts_real(opts, "beta_start"), end = ito_opts_real(opts, "beta_end");
    double z = n_timesteps == 1 ? -6 : -6 + 12 * (double)(t - 1) / (n_timesteps - 1);
    if (ito__vp_is_float(opts)) {
        float sigmoid = 1 / (1 + expf(-(float)ito__vp_linspace(-6, 6, t - 1, n_timesteps)));
        return (double)(sigmoid * (float)(end - start) + (float)start);
    }
    /* EQ[geodiff:code]  beta_t = beta_start + (beta_end - beta_start) / (1 + exp(6 - 12 (t - 1) / (T - 1))) */
    return start + (end - start) / (1 + exp(-z));
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    ITO_TRY(ito__vp_check_order(ctx, "vp-sigmoid-beta", opts, "beta_start", "beta_end"));
    return ito__vp_create(ctx, "vp-sigmoid-beta", opts, (int)ito_opts_int(opts, "T"), beta, ends, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 1000, 1, 1000000, "number of timesteps"),
    ITO_OPT_REAL("beta_start", 1e-4, 0, 1, "beta that the sigmoid starts near"),
    ITO_OPT_REAL("beta_end", 0.02, 0, 1, "beta that the sigmoid ends near"),
    ITO__VP_ZERO_SNR,
    ITO__VP_TABLES,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_sigmoid_beta = {
    .choice = {.name = "vp-sigmoid-beta",
               .summary = "variance preserving, beta rises along a sigmoid (GeoDiff; \"sigmoid\" of diffusers)",
               .formula = "beta_t = beta_start + (beta_end - beta_start) / (1 + exp(6 - 12 (t - 1) / (T - 1)))",
               .paper = "geodiff",
               .eq = "geodiff:code",
               .file = "src/process/vp_sigmoid_beta.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
