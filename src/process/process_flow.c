/* Rectified flow (Liu, Gong, Liu 2023), flow matching's straight path (Lipman et al. 2023): x_t = (1 - u) x_0 + u eps,
 * with the shift of Esser et al. (2024) for larger images, u = shift t / (1 + (shift - 1) t); u = t when shift is 1.
 *
 * With D = 1 + (shift - 1) t, signal = (1 - t) / D without cancellation. At the data (t = 0) sigma and the diffusion are
 * 0 and the log-SNR is +infinity; all rates are finite. At t = 1 the signal is 0 with the finite rate -1 / shift, the
 * log-SNR and the drift are -infinity and the diffusion +infinity. */
#include <math.h>

#include "base/base.h"
#include "process/process_impl.h"

typedef struct path {
    double shift, label;
} path;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    path *p = *state = ito__alloc(ctx, sizeof *p);
    if (!p) return ITO_MEMORY;
    p->shift = ito_opts_real(opts, "shift");
    p->label = ito_opts_real(opts, "label");
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static double denominator(const path *p, double t)
{
    return t < 1 ? 1 + (p->shift - 1) * t : p->shift;
}

static ito_level level(const void *state, double t)
{
    const path *p = state;
    double d = denominator(p, t);
    /* EQ[esser24:23]  u = shift t / (1 + (shift - 1) t) */
    double sigma = p->shift * t / d, rate = p->shift / (d * d);
    /* EQ[esser24:13]  x_t = (1 - u) x_0 + u eps */
    return (ito_level){t, (1 - t) / d, sigma, 2 * log((1 - t) / (p->shift * t)), -rate, rate, rate};
}

static double time_of(const void *state, double log_snr)
{
    const path *p = state;
    return 1 / (1 + p->shift * exp(0.5 * log_snr));
}

/* d log(1 - u) / dt = -u' / (1 - u) */
static double drift(const void *state, double t)
{
    const path *p = state;
    return -p->shift / (denominator(p, t) * (1 - t));
}

/* g^2 = 2 u u' + 2 u^2 u' / (1 - u) = 2 u u' / (1 - u) */
static double diffusion(const void *state, double t)
{
    const path *p = state;
    double u = p->shift * t / denominator(p, t);
    return sqrt(-2 * u * drift(state, t));
}

/* Networks are told how noisy x is, on a scale of 1000 where nothing else is said, whatever the shift was. */
static double label(const void *state, double t)
{
    const path *p = state;
    return p->label * (p->shift * t / denominator(p, t));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("shift", 1, 1e-3, 1e3, "more than 1: more of the time is spent at high noise, as large images need"),
    ITO_OPT_REAL("label", 1000, 1e-3, 1e6, "networks are told u times this"),
    ITO_OPT_END,
};

const ito_process_def ito__process_flow = {
    .choice = {.name = "flow",
               .summary = "a straight line from the data to noise (rectified flow, flow matching)",
               .formula = "x_t = (1 - u) x_0 + u eps, u = shift t / (1 + (shift - 1) t)",
               .paper = "esser24",
               .eq = "esser24:23",
               .file = "src/process/process_flow.c",
               .options = options},
    .create = create,
    .destroy = ito__state_free,
    .level = level,
    .time = time_of,
    .drift = drift,
    .diffusion = diffusion,
    .label = label,
};
