/* NCSN's ladder of noise levels (Song, Ermon 2019): sigma_1 < ... < sigma_T geometric, sigma_T = sigma_max; the paper
 * counts them from the largest, and calls T L. A single level (T = 1) is sigma_max.
 *
 * Between the integers log(sigma) is linear in t. The ladder has no sigma = 0; ito's timesteps have the data at t = 0, so
 * below the first level, for t in 0..1, sigma is sigma_1 t. At t = 0: sigma 0, log-SNR +infinity, sigma's rate sigma_1,
 * diffusion 0. At an integer the rates are those of the step that ends there. */
#include <math.h>

#include "base/base.h"
#include "process/process_impl.h"
#include "process/sigma_range.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    ito__sigma_range *range = NULL;
    ito_status st = ito__sigma_range_create(ctx, "ve-geometric", opts, &range);
    *state = range;
    if (st != ITO_OK) return st;
    int n = range->n_timesteps = (int)ito_opts_int(opts, "T");
    if (n == 1) range->min = range->max;
    *ends = (ito_process_ends){.t_min = 0, .t_max = n, .prior_sd = range->max, .n_timesteps = n};
    return ITO_OK;
}

/* d log(sigma) / dt above the first level */
static double growth(const ito__sigma_range *range)
{
    return range->log_ratio / (range->n_timesteps - 1);
}

static ito_level level(const void *state, double t)
{
    const ito__sigma_range *range = state;
    if (t <= 1) return ito__exploding_level(t, t * range->min, range->min);
    /* EQ[ncsn:s3.2]  sigma_t = sigma_1 (sigma_T / sigma_1)^((t - 1) / (T - 1)) */
    double sigma = ito__sigma_geometric(range, (t - 1) / (range->n_timesteps - 1));
    return ito__exploding_level(t, sigma, sigma * growth(range));
}

static double time_of(const void *state, double log_snr)
{
    const ito__sigma_range *range = state;
    double log_relative = -0.5 * log_snr - log(range->min); /* log(sigma / sigma_1) */
    if (log_relative <= 0) return exp(log_relative);
    return range->n_timesteps == 1 ? 1 : fmin(1 + log_relative / growth(range), range->n_timesteps);
}

static double diffusion(const void *state, double t)
{
    ito_level at = level(state, t);
    return sqrt(2 * at.sigma * at.sigma_rate);
}

static double label(const void *state, double t)
{
    (void)state;
    return t - 1;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 10, 1, 1000000, "number of noise levels"),
    ITO_OPT_REAL("sigma_min", 0.01, 0, 1e6, "the smallest level"),
    ITO_OPT_REAL("sigma_max", 1, 0, 1e6, "the largest level"),
    ITO_OPT_END,
};

const ito_process_def ito__process_ve_geometric = {
    .choice = {.name = "ve-geometric",
               .summary = "variance exploding, a geometric ladder of noise levels (NCSN)",
               .formula = "sigma_t = sigma_1 (sigma_T / sigma_1)^((t - 1) / (T - 1)), sigma_1 = sigma_min",
               .paper = "ncsn",
               .eq = "ncsn:s3.2",
               .file = "src/process/ve_geometric.c",
               .options = options},
    .is_discrete = true,
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = ito__no_drift,
    .diffusion = diffusion,
    .label = label,
};
