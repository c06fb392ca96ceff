/* Log-normal noise (Karras et al. 2022): the logarithm of sigma_hat = sigma / signal is normal, so that the levels at
 * which there is something to learn are seen most. The time is found through the process's log-SNR; what lies beyond
 * its ends is seen at them. Of discrete processes t is rounded to the nearest timestep. */
#include <ito/timedist.h>

#include <math.h>

#include "base/base.h"
#include "timedist/normal_quantile.h"

typedef struct log_normal {
    const ito_process *process;
    double mean, sd;
} log_normal;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    log_normal *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (log_normal){process, ito_opts_real(opts, "mean"), ito_opts_real(opts, "sd")};
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

static double quantile(const void *state, double u, double *factor)
{
    const log_normal *d = state;
    int n = ito_process_n_timesteps(d->process);
    (void)factor;
    /* EQ[edm:t1]  ln sigma_hat ~ N(P_mean, P_std^2); log_snr = -2 ln sigma_hat */
    double t = ito_process_time(d->process, -2 * (d->mean + d->sd * ito__normal_quantile(u)));
    t = fmin(fmax(t, ito_process_t_min(d->process)), ito_process_t_max(d->process));
    return n ? fmax(rint(t), 1) : t;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("mean", -1.2, -20, 20, "of ln(sigma / signal); EDM's P_mean"),
    ITO_OPT_REAL("sd", 1.2, 1e-3, 20, "standard deviation of ln(sigma / signal); EDM's P_std"),
    ITO_OPT_END,
};

const ito_timedist_def ito__timedist_log_normal = {
    .choice = {.name = "log-normal",
               .summary = "noise levels around one that is worth learning (EDM)",
               .formula = "ln(sigma / signal) ~ N(mean, sd^2)",
               .paper = "edm",
               .eq = "edm:t1",
               .file = "src/timedist/log_normal.c",
               .options = options},
    .create = create,
    .destroy = destroy,
    .quantile = quantile,
};
