/* Variational diffusion's process with its log-SNR linear in time (Kingma, Salimans, Poole, Ho 2021): variance
 * preserving, alpha_bar = sigmoid(log_snr). The paper's gamma is -log_snr.
 *
 * Everything is finite on 0..1: neither end is reached, log-SNR being log_snr_max at t = 0 and log_snr_min at t = 1. */
#include <math.h>

#include "base/base.h"
#include "process/process_impl.h"

typedef struct line {
    double max, min, span;
} line;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    double max = ito_opts_real(opts, "log_snr_max"), min = ito_opts_real(opts, "log_snr_min");
    if (!(min < max))
        return ito__fail(ctx, ITO_USAGE,
                         "process vdm: log_snr_max is %g and log_snr_min %g, but the log-SNR must fall: give "
                         "log_snr_min < log_snr_max",
                         max, min);
    line *p = *state = ito__alloc(ctx, sizeof *p);
    if (!p) return ITO_MEMORY;
    *p = (line){max, min, max - min};
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static double log_snr_at(const line *p, double t)
{
    return t < 1 ? p->max - t * p->span : p->min;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double drift(const void *state, double t)
{
    const line *p = state;
    return -0.5 * p->span * sigmoid(-log_snr_at(p, t));
}

static ito_level level(const void *state, double t)
{
    const line *p = state;
    double l = log_snr_at(p, t);
    /* EQ[vdm:4]  signal^2 = sigmoid(log_snr), sigma^2 = sigmoid(-log_snr) */
    double signal = sqrt(sigmoid(l)), sigma = sqrt(sigmoid(-l)), half = 0.5 * p->span;
    return (ito_level){t, signal, sigma, l, -half * sigma * sigma * signal, half * signal * signal * sigma, 0};
}

static double time_of(const void *state, double log_snr)
{
    const line *p = state;
    return fmin(fmax((p->max - log_snr) / p->span, 0), 1);
}

static double diffusion(const void *state, double t)
{
    return sqrt(-2 * drift(state, t));
}

/* How far the log-SNR has fallen, as a part of its range, on DDPM's scale of 1000. */
static double label(const void *state, double t)
{
    const line *p = state;
    return 1000 * ((p->max - log_snr_at(p, t)) / p->span);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("log_snr_max", 13.3, -50, 50, "log-SNR at t = 0"),
    ITO_OPT_REAL("log_snr_min", -5, -50, 50, "log-SNR at t = 1"),
    ITO_OPT_END,
};

const ito_process_def ito__process_vdm = {
    .choice = {.name = "vdm",
               .summary = "variance preserving, log-SNR falls linearly in continuous time",
               .formula = "signal^2 = sigmoid(log_snr), log_snr(t) = log_snr_max + t (log_snr_min - log_snr_max)",
               .paper = "vdm",
               .eq = "vdm:4",
               .file = "src/process/process_vdm.c",
               .options = options},
    .is_variance_preserving = true,
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = drift,
    .diffusion = diffusion,
    .label = label,
};
