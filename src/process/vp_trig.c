/* A quarter turn: signal and sigma are the cosine and sine of an angle that time goes through evenly (the continuous cosine schedule of
 * Salimans, Ho 2022; the one of iPNDM). Networks are told the time.
 *
 * At u = 0 sigma and the diffusion are 0, the log-SNR is +infinity; at u = 1 the signal is 0 with the finite rate -pi / 2, the log-SNR
 * and the drift are -infinity and the diffusion +infinity. */
#include <math.h>

#include "base/base.h"
#include "process/process_impl.h"

#define HALF_PI 1.5707963267948966192

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    (void)ctx;
    (void)opts;
    *state = NULL;
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static ito_level level(const void *state, double t)
{
    (void)state;
    /* EQ[salimans22:s2]  signal = cos(pi / 2 u), sigma = sin(pi / 2 u); from the other end where the cosine would cancel */
    double signal = sin(HALF_PI * (1 - t)), sigma = sin(HALF_PI * t);
    return (ito_level){t, signal, sigma, 2 * (log(signal) - log(sigma)), -HALF_PI * sigma, HALF_PI * signal, 0};
}

static double time_of(const void *state, double log_snr)
{
    (void)state;
    return atan(exp(-0.5 * log_snr)) / HALF_PI;
}

static double drift(const void *state, double t)
{
    ito_level at = level(state, t);
    return -HALF_PI * at.sigma / at.signal;
}

static double diffusion(const void *state, double t)
{
    return sqrt(-2 * drift(state, t));
}

static double label(const void *state, double t)
{
    (void)state;
    return t;
}

const ito_process_def ito__process_vp_trig = {
    .choice = {.name = "vp-trig",
               .summary = "variance preserving, a quarter turn in continuous time",
               .formula = "signal = cos(pi / 2 u), sigma = sin(pi / 2 u)",
               .paper = "salimans22",
               .eq = "salimans22:s2",
               .file = "src/process/vp_trig.c"},
    .is_variance_preserving = true,
    .create = create,
    .level = level,
    .time = time_of,
    .drift = drift,
    .diffusion = diffusion,
    .label = label,
};
