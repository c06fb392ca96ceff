/* EDM's process (Karras, Aittala, Aila, Laine 2022): time is the noise level itself, sigma(t) = t, and the signal stays.
 *
 * Time runs from 0, the data, to sigma_max: the paper's sampler takes its last step from sigma_min to 0. Networks are told
 * log(sigma) / 4, or another multiple, which has no end at 0; below sigma_min they are told sigma_min's. At t = 0: sigma 0, log-SNR +infinity,
 * diffusion 0, sigma's rate 1 as everywhere. */
#include <math.h>

#include "base/base.h"
#include "process/process_impl.h"
#include "process/sigma_range.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    ito__sigma_range *range = NULL;
    ito_status st = ito__sigma_range_create(ctx, "edm", opts, &range);
    *state = range;
    if (st == ITO_OK) range->label = ito_opts_real(opts, "label");
    if (st == ITO_OK) *ends = (ito_process_ends){.t_min = 0, .t_max = range->max, .prior_sd = range->max};
    return st;
}

static ito_level level(const void *state, double t)
{
    (void)state;
    /* EQ[edm:t1]  s(t) = 1, sigma(t) = t */
    return ito__exploding_level(t, t, 1);
}

static double time_of(const void *state, double log_snr)
{
    const ito__sigma_range *range = state;
    return fmin(exp(-0.5 * log_snr), range->max);
}

static double diffusion(const void *state, double t)
{
    (void)state;
    return sqrt(2 * t);
}

static double label(const void *state, double t)
{
    const ito__sigma_range *range = state;
    return range->label * log(fmax(t, range->min));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("sigma_min", 0.002, 0, 1e6, "networks are told of no smaller sigma"),
    ITO_OPT_REAL("sigma_max", 80, 0, 1e6, "where sampling starts"),
    ITO_OPT_REAL("label", 0.25, 1e-6, 1e6, "networks are told log(sigma) times this; consistency models 250"),
    ITO_OPT_END,
};

const ito_process_def ito__process_edm = {
    .choice = {.name = "edm",
               .summary = "variance exploding, time is the noise level itself",
               .formula = "x_t = x_0 + t eps, dx = sqrt(2 t) dw",
               .paper = "edm",
               .eq = "edm:t1",
               .file = "src/process/process_edm.c",
               .options = options},
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = ito__no_drift,
    .diffusion = diffusion,
    .label = label,
};
