/* The log-SNR is distributed like Laplace's when t is uniform: most timesteps lie near log-SNR mu (Hang, Gu 2024).
 *
 * form "paper": alpha_bar_t = sigmoid(log_snr(t/T)) at t >= 1 as the paper has it; at t = T, where it would be 0, the
 * last beta is max_beta. form "diffusers": what that library computes under the name "laplace" (mu 0, b 0.5): 1e-6 inside
 * the logarithm, alpha_bar the root of snr / (1 + snr) instead of itself, divided by its value at t = 0. */
#include "process/vp_table.h"

#include <math.h>

#include "base/base.h"

enum { PAPER, DIFFUSERS };

static double log_snr(const ito_opts *opts, double u, double floor)
{
    double mu = ito_opts_real(opts, "mu"), b = ito_opts_real(opts, "b");
    /* EQ[hang24:t1]  log_snr(u) = mu - b sgn(1/2 - u) log(1 - 2 |u - 1/2|) */
    return u <= 0.5 ? mu - b * log(2 * u + floor) : mu + b * log(2 * (1 - u) + floor);
}

static double log_alpha_bar(const ito_opts *opts, double u)
{
    bool is_theirs = ito_opts_choice(opts, "form") == DIFFUSERS;
    double l = log_snr(opts, u, is_theirs ? 1e-6 : 0);
    double value = l > 0 ? -log1p(exp(-l)) : l - log1p(exp(l)); /* log of the sigmoid */
    return is_theirs ? 0.5 * value : value;
}

static double beta(const ito_opts *opts, int t, int n_timesteps)
{
    double before = log_alpha_bar(opts, (double)(t - 1) / n_timesteps),
           now = log_alpha_bar(opts, (double)t / n_timesteps);
    return fmin(-expm1(now - before), ito_opts_real(opts, "max_beta"));
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    return ito__vp_create(ctx, "vp-laplace", opts, (int)ito_opts_int(opts, "T"), beta, ends, state);
}

static const char *const forms[] = {"paper", "diffusers", NULL};

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 1000, 1, 1000000, "number of timesteps"),
    ITO_OPT_REAL("mu", 0, -20, 20, "log-SNR that most timesteps lie near"),
    ITO_OPT_REAL("b", 0.5, 0.01, 20, "how far they spread"),
    ITO_OPT_REAL("max_beta", 0.999, 0, 1, "no beta is larger, so that some signal is left at T"),
    ITO_OPT_CHOICE("form", PAPER, forms, "the paper's alpha_bar, or the one that diffusers computes"),
    ITO__VP_ZERO_SNR,
    ITO__VP_TABLES,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_laplace = {
    .choice = {.name = "vp-laplace",
               .summary = "variance preserving, log-SNR distributed like Laplace's",
               .formula = "log_snr(t) = mu - b sgn(1/2 - t/T) log(1 - 2 |t/T - 1/2|), beta_t <= max_beta",
               .paper = "hang24",
               .eq = "hang24:t1",
               .file = "src/process/vp_laplace.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
