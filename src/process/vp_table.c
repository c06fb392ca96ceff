/* Discrete variance-preserving processes (DDPM: Ho, Jain, Abbeel 2020): signal_t = sqrt(alpha_bar_t),
 * sigma_t = sqrt(1 - alpha_bar_t), alpha_bar_t = prod_{i <= t} (1 - beta_i).
 *
 * The table holds log(alpha_bar), a sum of log1p(-beta), so that neither the small sigma of the first steps nor the
 * small signal of the last loses digits: sigma^2 = -expm1(log alpha_bar). Between the integers log(alpha_bar) is linear
 * in t; there the process is the VP-SDE whose beta(t) is constant on each step, and it agrees with the chain at every
 * integer. */
#include "process/vp_table.h"

#include <math.h>

#include "base/base.h"

typedef struct table {
    int n_timesteps;
    double log_alpha_bar[]; /* 0 .. n_timesteps; entry 0 is 0 */
} table;

ito_status ito__vp_create(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps, ito__beta_fn beta,
                          ito_process_ends *ends, void **state)
{
    table *p = *state = ito__alloc(ctx, sizeof *p + ((size_t)n_timesteps + 1) * sizeof p->log_alpha_bar[0]);
    if (!p) return ITO_MEMORY;
    p->n_timesteps = n_timesteps;
    for (int t = 1; t <= n_timesteps; t++) {
        double beta_t = beta(opts, t, n_timesteps);
        if (!(beta_t > 0 && beta_t < 1))
            return ito__fail(ctx, ITO_USAGE,
                             "process %s: beta_%d = %g, but every beta must lie between 0 and 1; change its options",
                             name, t, beta_t);
        p->log_alpha_bar[t] = p->log_alpha_bar[t - 1] + log1p(-beta_t);
    }
    *ends = (ito_process_ends){.t_min = 0, .t_max = n_timesteps, .prior_sd = 1, .n_timesteps = n_timesteps};
    return ITO_OK;
}

void ito__vp_destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

/* The step (i - 1, i] that t lies in, 1 <= i <= T. */
static int step_of(const table *p, double t)
{
    int i = (int)ceil(t);
    return i < 1 ? 1 : ITO_MIN(i, p->n_timesteps);
}

ito_level ito__vp_level(const void *state, double t)
{
    const table *p = state;
    int i = step_of(p, t);
    double w = t - (i - 1);
    double log_alpha_bar = w >= 1 ? p->log_alpha_bar[i] : (1 - w) * p->log_alpha_bar[i - 1] + w * p->log_alpha_bar[i];
    double variance = 0 - expm1(log_alpha_bar);
    /* EQ[ddpm:4] = EQ[survey:3] = EQ[survey:8.1] = EQ[survey:8.2]  q(x_t | x_0) has mean
     * sqrt(alpha_bar_t) x_0 and variance 1 - alpha_bar_t */
    double signal = exp(0.5 * log_alpha_bar), sigma = sqrt(variance), rate = ito__vp_drift(state, t) * signal;
    return (ito_level){t, signal, sigma, log_alpha_bar - log(variance), rate, -signal * rate / sigma};
}

double ito__vp_time(const void *state, double log_snr)
{
    const table *p = state;
    /* alpha_bar = 1 / (1 + exp(-log_snr)), in logarithms without overflow */
    double want = log_snr > 0 ? -log1p(exp(-log_snr)) : log_snr - log1p(exp(log_snr));
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
    double drop = p->log_alpha_bar[low] - p->log_alpha_bar[high];
    return low + (p->log_alpha_bar[low] - want) / drop;
}

double ito__vp_drift(const void *state, double t)
{
    const table *p = state;
    int i = step_of(p, t);
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
