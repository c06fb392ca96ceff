/* The range of sigma, and levels without loss of signal. */
#include "process/sigma_range.h"

#include <math.h>

#include "base/base.h"

ito_status ito__sigma_range_create(ito_ctx *ctx, const char *name, const ito_opts *opts, ito__sigma_range **out)
{
    double min = ito_opts_real(opts, "sigma_min"), max = ito_opts_real(opts, "sigma_max");
    *out = NULL;
    if (!(min > 0 && min < max))
        return ito__fail(ctx, ITO_USAGE,
                         "process %s: sigma_min is %g and sigma_max %g, expected 0 < sigma_min < sigma_max", name, min,
                         max);
    ito__sigma_range *range = *out = ito__alloc(ctx, sizeof *range);
    if (!range) return ITO_MEMORY;
    *range = (ito__sigma_range){.min = min, .max = max, .log_min = log(min), .log_ratio = log(max / min)};
    return ITO_OK;
}

double ito__sigma_geometric(const ito__sigma_range *range, double w)
{
    return w < 1 ? range->min * exp(w * range->log_ratio) : range->max;
}

double ito__no_drift(const void *state, double t)
{
    (void)state;
    (void)t;
    return 0;
}

ito_level ito__exploding_level(double t, double sigma, double sigma_rate)
{
    return (ito_level){t, 1, sigma, 0 - 2 * log(sigma), 0, sigma_rate, 0};
}
