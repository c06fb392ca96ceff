/* Discrete variance-preserving processes (DDPM: Ho, Jain, Abbeel 2020): signal_t = sqrt(alpha_bar_t),
 * sigma_t = sqrt(1 - alpha_bar_t), alpha_bar_t = prod_{i <= t} (1 - beta_i).
 *
 * The table holds log(alpha_bar), a sum of log1p(-beta), so that neither the small sigma of the first steps nor the
 * small signal of the last loses digits: sigma^2 = -expm1(log alpha_bar). Between the integers log(alpha_bar) is linear
 * in t; there the process is the VP-SDE whose beta(t) is constant on each step, and it agrees with the chain at every
 * integer. At an integer rates, drift and diffusion are those of the step that ends there. At the data (t = 0) sigma is 0, the
 * log-SNR and sigma's rate are +infinity; all else is finite.
 *
 * With zero_snr (Lin, Liu, Li, Yang 2023) log(alpha_bar_T) is -infinity, and a line to it would be no line. In the last
 * step the signal itself falls linearly to 0: signal = S (T - t) with S that of T - 1. Its limits at t = T: signal 0,
 * sigma 1, log-SNR -infinity, signal's rate -S, sigma's rate 0, drift -1 / (T - t) -> -infinity and diffusion
 * sqrt(2 / (T - t)) -> +infinity. */
#include "process/vp_table.h"

#include <math.h>

#include "base/base.h"

typedef struct table {
    int n_timesteps;
    bool is_zero_snr;       /* then the last entry is -infinity */
    bool follows_log_snr;   /* linear between timesteps is the log-SNR instead */
    double log_alpha_bar[]; /* 0 .. n_timesteps; entry 0 is 0 */
} table;

ito_status ito__vp_begin(ito_ctx *ctx, int n_timesteps, void **state)
{
    table *p = *state = ito__alloc(ctx, sizeof *p + ((size_t)n_timesteps + 1) * sizeof p->log_alpha_bar[0]);
    if (!p) return ITO_MEMORY;
    p->n_timesteps = n_timesteps;
    return ITO_OK;
}

ito_status ito__vp_put_log_alpha_bar(ito_ctx *ctx, const char *name, void *state, int t, double log_alpha_bar)
{
    table *p = state;
    double before = p->log_alpha_bar[t - 1];
    p->log_alpha_bar[t] = log_alpha_bar;
    if (log_alpha_bar < before && isfinite(log_alpha_bar)) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE,
                     "process %s: alpha_bar_%d = %.9g does not lie between 0 and alpha_bar_%d = %.9g, but the log-SNR "
                     "must fall at every step; change its options",
                     name, t, exp(log_alpha_bar), t - 1, exp(before));
}

ito_status ito__vp_put_beta(ito_ctx *ctx, const char *name, void *state, int t, double beta)
{
    table *p = state;
    if (beta > 0 && beta < 1) return ito__vp_put_log_alpha_bar(ctx, name, p, t, p->log_alpha_bar[t - 1] + log1p(-beta));
    return ito__fail(ctx, ITO_USAGE,
                     "process %s: beta_%d = %g, but every beta must lie between 0 and 1; change its options", name, t,
                     beta);
}

/* Shifts and scales signal_t so that the last is 0 and the first what it was. All is written with the differences
 * signal_1 - signal_t = -signal_1 expm1((log alpha_bar_t - log alpha_bar_1) / 2), which do not cancel. */
static void rescale(table *p)
{
    double first = p->log_alpha_bar[1], last = p->log_alpha_bar[p->n_timesteps];
    double whole = -expm1(0.5 * (last - first)); /* (signal_1 - signal_T) / signal_1 */
    for (int t = 2; t < p->n_timesteps; t++) {
        double fallen = -expm1(0.5 * (p->log_alpha_bar[t] - first)) / whole;
        double left = -expm1(0.5 * (last - p->log_alpha_bar[t])) / whole; /* of signal_t / signal_1 */
        /* EQ[lin23:a1]  signal_t <- (signal_t - signal_T) signal_1 / (signal_1 - signal_T) */
        p->log_alpha_bar[t] = fallen < 0.5 ? first + 2 * log1p(-fallen) : p->log_alpha_bar[t] + 2 * log(left);
    }
    p->log_alpha_bar[p->n_timesteps] = -(double)INFINITY;
    p->is_zero_snr = true;
}

void ito__vp_follow_log_snr(void *state, bool is_zero_snr)
{
    table *p = state;
    p->follows_log_snr = true;
    p->is_zero_snr = is_zero_snr;
    if (is_zero_snr) p->log_alpha_bar[p->n_timesteps] = -(double)INFINITY;
}

ito_status ito__vp_finish(ito_ctx *ctx, const char *name, const ito_opts *opts, ito_process_ends *ends, void *state)
{
    table *p = state;
    int n = p->n_timesteps;
    *ends = (ito_process_ends){.t_min = 0, .t_max = n, .prior_sd = 1, .n_timesteps = n};
    if (!ito_opts_bool(opts, "zero_snr") || p->follows_log_snr) return ITO_OK;
    if (n < 2)
        return ito__fail(ctx, ITO_USAGE,
                         "process %s: zero_snr keeps the first step and takes the last to 0, so it needs 2 timesteps "
                         "or more, found %d",
                         name, n);
    rescale(p);
    return ITO_OK;
}

ito_status ito__vp_create(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps, ito__beta_fn beta,
                          ito_process_ends *ends, void **state)
{
    if (ito__vp_is_float(opts)) return ito__vp_create_float(ctx, name, opts, n_timesteps, beta, ends, state);
    ITO_TRY(ito__vp_begin(ctx, n_timesteps, state));
    for (int t = 1; t <= n_timesteps; t++) ITO_TRY(ito__vp_put_beta(ctx, name, *state, t, beta(opts, t, n_timesteps)));
    return ito__vp_finish(ctx, name, opts, ends, *state);
}

ito_status ito__vp_check_order(ito_ctx *ctx, const char *name, const ito_opts *opts, const char *first,
                               const char *last)
{
    double from = ito_opts_real(opts, first), to = ito_opts_real(opts, last);
    if (from <= to) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "process %s: %s is %g and %s %g, but the noise must not shrink: give %s <= %s",
                     name, first, from, last, to, first, last);
}

/* The step (i - 1, i] that t lies in, 1 <= i <= T. */
static int step_of(const table *p, double t)
{
    int i = (int)ceil(t);
    return i < 1 ? 1 : ITO_MIN(i, p->n_timesteps);
}

/* Is t in the step whose end has no signal? */
static bool is_last(const table *p, int step)
{
    return p->is_zero_snr && step == p->n_timesteps;
}

/* Is the log-SNR linear in the step? In the first it comes from infinity. */
static bool is_log_linear(const table *p, int step)
{
    return p->follows_log_snr && step > 1 && !is_last(p, step);
}

static double log_snr_of(const table *p, int t)
{
    return p->log_alpha_bar[t] - log(-expm1(p->log_alpha_bar[t]));
}

/* alpha_bar = 1 / (1 + exp(-log_snr)), in logarithms without overflow */
static double log_alpha_bar_of(double log_snr)
{
    return log_snr > 0 ? -log1p(exp(-log_snr)) : log_snr - log1p(exp(log_snr));
}

static double log_alpha_bar_at(const table *p, double t)
{
    int i = step_of(p, t);
    double w = t - (i - 1);
    if (is_last(p, i)) return p->log_alpha_bar[i - 1] + 2 * log(p->n_timesteps - t);
    if (w < 1 && is_log_linear(p, i)) return log_alpha_bar_of((1 - w) * log_snr_of(p, i - 1) + w * log_snr_of(p, i));
    return w >= 1 ? p->log_alpha_bar[i] : (1 - w) * p->log_alpha_bar[i - 1] + w * p->log_alpha_bar[i];
}

ito_level ito__vp_level(const void *state, double t)
{
    const table *p = state;
    double log_alpha_bar = log_alpha_bar_at(p, t), variance = 0 - expm1(log_alpha_bar);
    /* EQ[ddpm:4] = EQ[survey:3] = EQ[survey:8.1] = EQ[survey:8.2]  q(x_t | x_0) has mean
     * sqrt(alpha_bar_t) x_0 and variance 1 - alpha_bar_t */
    double signal = exp(0.5 * log_alpha_bar), sigma = sqrt(variance);
    int i = step_of(p, t);
    double rate = is_last(p, i) ? -exp(0.5 * p->log_alpha_bar[i - 1]) : ito__vp_drift(state, t) * signal;
    return (ito_level){t, signal, sigma, log_alpha_bar - log(variance), rate, -signal * rate / sigma, 0};
}

double ito__vp_time(const void *state, double log_snr)
{
    const table *p = state;
    double want = log_alpha_bar_of(log_snr);
    if (want >= 0) return 0;
    int low = 0, high = p->n_timesteps; /* log_alpha_bar[low] > want >= log_alpha_bar[high] */
    if (want <= p->log_alpha_bar[high]) return high;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (p->log_alpha_bar[middle] > want)
            low = middle;
        else
            high = middle;
    }
    if (is_last(p, high)) return high - exp(0.5 * (want - p->log_alpha_bar[low]));
    if (is_log_linear(p, high))
        return low + (log_snr_of(p, low) - log_snr) / (log_snr_of(p, low) - log_snr_of(p, high));
    double drop = p->log_alpha_bar[low] - p->log_alpha_bar[high];
    return low + (p->log_alpha_bar[low] - want) / drop;
}

double ito__vp_drift(const void *state, double t)
{
    const table *p = state;
    int i = step_of(p, t);
    if (is_last(p, i)) return -1 / (p->n_timesteps - t);
    /* d log(alpha_bar) = (1 - alpha_bar) d log_snr */
    if (is_log_linear(p, i)) return -0.5 * expm1(log_alpha_bar_at(p, t)) * (log_snr_of(p, i) - log_snr_of(p, i - 1));
    return 0.5 * (p->log_alpha_bar[i] - p->log_alpha_bar[i - 1]);
}

double ito__vp_label(const void *state, double t)
{
    (void)state;
    return t - 1;
}

double ito__vp_diffusion(const void *state, double t)
{
    return sqrt(-2 * ito__vp_drift(state, t));
}
