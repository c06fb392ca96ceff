/* The linear rate of the SDEs of Song et al. (2021). */
#include "process/linear_beta.h"

#include <math.h>

#include "base/base.h"

ito_status ito__linear_beta_create(ito_ctx *ctx, const char *name, const ito_opts *opts, ito_process_ends *ends,
                                   void **state)
{
    double min = ito_opts_real(opts, "beta_min"), max = ito_opts_real(opts, "beta_max");
    if (!(min <= max && max > 0))
        return ito__fail(ctx, ITO_USAGE,
                         "process %s: beta_min is %g and beta_max %g, expected 0 <= beta_min <= beta_max "
                         "and beta_max > 0",
                         name, min, max);
    ito__linear_beta *beta = *state = ito__alloc(ctx, sizeof *beta);
    if (!beta) return ITO_MEMORY;
    *beta = (ito__linear_beta){min, max};
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

double ito__linear_beta_at(const ito__linear_beta *beta, double t)
{
    return beta->min + t * (beta->max - beta->min);
}

double ito__linear_beta_integral(const ito__linear_beta *beta, double t)
{
    return t * (beta->min + 0.5 * t * (beta->max - beta->min));
}

double ito__linear_beta_time(const ito__linear_beta *beta, double integral)
{
    if (integral <= 0) return 0;
    if (integral >= ito__linear_beta_integral(beta, 1)) return 1;
    /* The root of the quadratic, in the form without cancellation. */
    return 2 * integral / (beta->min + sqrt(beta->min * beta->min + 2 * (beta->max - beta->min) * integral));
}

/* The scale on which the paper's networks were trained: timesteps 0 .. 999. */
double ito__linear_beta_label(const void *state, double t)
{
    (void)state;
    return 999 * t;
}
