/* EDM's spacing (Karras, Aittala, Aila, Laine 2022): sigma_hat = sigma / signal falls evenly in its power 1 / rho, so that
 * most steps are spent on little noise, where the paths to the data bend. For every process, whose own ends bound the range;
 * the first time is always t_max, where sampling starts. */
#include <ito/spacing.h>

#include <math.h>

#include "spacing/sigma_span.h"

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)ctx;
    ito__sigma_span all =
        ito__sigma_span_of(process, ito_opts_real(opts, "sigma_min"), ito_opts_real(opts, "sigma_max"), n_steps);
    double inverse = 1 / ito_opts_real(opts, "rho"), from = pow(all.max, inverse), span = pow(all.min, inverse) - from;
    for (int k = 0; k < n_steps; k++) {
        /* EQ[edm:5]  sigma_k = (sigma_max^(1/rho) + k / (N - 1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho */
        ito__sigma_span_put(&all, k, pow(from + span * k / all.last, 1 / inverse), t);
    }
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("rho", 7, 0.1, 100, "1: evenly in sigma; more: more steps at little noise"),
    ITO__SIGMA_SPAN_OPTIONS,
    ITO_OPT_END,
};

const ito_spacing_def ito__spacing_karras = {
    .choice = {.name = "karras",
               .summary = "EDM's: evenly in sigma^(1/rho), denser where there is little noise",
               .formula = "sigma_k = (sigma_max^(1/rho) + k / (N - 1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho",
               .paper = "edm",
               .eq = "edm:5",
               .file = "src/spacing/karras.c",
               .options = options},
    .fill = fill,
};
