/* Beta spacing (Lee, Lee, Gye, Kim 2024): the quantiles of a Beta distribution, which with alpha = beta < 1 crowd at both ends: in
 * time, as in the paper, or in sigma / signal, as in diffusers (use_beta_sigmas). The first time is always t_max. */
#include <ito/spacing.h>

#include "spacing/beta_quantile.h"
#include "spacing/sigma_span.h"

enum { IN_TIME, IN_SIGMA };
static const char *const variables[] = {"time", "sigma", NULL};

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)ctx;
    double a = ito_opts_real(opts, "alpha"), b = ito_opts_real(opts, "beta");
    double end = ito_process_t_min(process), first = ito_process_t_max(process);
    ito__sigma_span all =
        ito__sigma_span_of(process, ito_opts_real(opts, "sigma_min"), ito_opts_real(opts, "sigma_max"), n_steps);
    bool in_time = ito_opts_choice(opts, "over") == IN_TIME;
    for (int k = 0; k < n_steps; k++) {
        /* EQ[lee24:s4]  t_k = T Q(1 - k / N), Q the quantile function of Beta(alpha, beta); of sigma:
         * sigma_k = sigma_min + (sigma_max - sigma_min) Q(1 - k / (N - 1)) */
        if (in_time)
            ito__spacing_put(process, n_steps, k,
                             end + (first - end) * ito__beta_quantile(1 - (double)k / n_steps, a, b), t);
        else
            ito__sigma_span_put(&all, k,
                                all.min + (all.max - all.min) * ito__beta_quantile(1 - (double)k / all.last, a, b), t);
    }
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("alpha", 0.6, 0.1, 10, "below 1: steps crowd at the data"),
    ITO_OPT_REAL("beta", 0.6, 0.1, 10, "below 1: steps crowd at the noise"),
    ITO_OPT_CHOICE("over", IN_TIME, variables, "what has the quantiles: the paper's time, or diffusers' sigma"),
    ITO__SIGMA_SPAN_OPTIONS,
    ITO_OPT_END,
};

const ito_spacing_def ito__spacing_beta = {
    .choice = {.name = "beta",
               .summary = "the quantiles of a Beta distribution: denser at both ends",
               .formula = "t_k = T Q(1 - k / N), Q the quantile function of Beta(alpha, beta)",
               .paper = "lee24",
               .eq = "lee24:s4",
               .file = "src/spacing/spacing_beta.c",
               .options = options},
    .fill = fill,
};
