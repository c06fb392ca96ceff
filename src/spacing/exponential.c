/* Even steps in log sigma_hat, sigma_hat = sigma / signal, between sigma_max and sigma_min (k-diffusion's "exponential"). For every
 * process, whose own ends bound the range; the first time is always t_max. */
#include <ito/spacing.h>

#include <math.h>

#include "spacing/sigma_span.h"

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)ctx;
    ito__sigma_span all =
        ito__sigma_span_of(process, ito_opts_real(opts, "sigma_min"), ito_opts_real(opts, "sigma_max"), n_steps);
    for (int k = 0; k < n_steps; k++) {
        /* EQ[kdiffusion:code]  sigma_k = sigma_max (sigma_min / sigma_max)^(k / (N - 1)) */
        ito__sigma_span_put(&all, k, all.max * pow(all.min / all.max, (double)k / all.last), t);
    }
    return ITO_OK;
}

static const ito_opt_def options[] = {ITO__SIGMA_SPAN_OPTIONS, ITO_OPT_END};

const ito_spacing_def ito__spacing_exponential = {
    .choice = {.name = "exponential",
               .summary = "evenly in log sigma from sigma_max to sigma_min",
               .formula = "sigma_k = sigma_max (sigma_min / sigma_max)^(k / (N - 1))",
               .paper = "kdiffusion",
               .eq = "kdiffusion:code",
               .file = "src/spacing/exponential.c",
               .options = options},
    .fill = fill,
};
