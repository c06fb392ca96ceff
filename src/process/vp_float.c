/* The tables of diffusers' schedulers, which are float32: every beta is rounded, so is 1 - beta, and so is each alpha_bar, a product that is
 * accumulated in double (torch.cumprod). A scheduler opened from its file computes with these numbers. Zero terminal SNR is made
 * by its arithmetic, too: from differences of rounded roots of alpha_bar. */
#include <math.h>

#include "base/base.h"
#include "process/vp_table.h"

const char *const ito__vp_table_names[] = {"exact", "diffusers", NULL};

bool ito__vp_is_float(const ito_opts *opts)
{
    return ito_opts_has(opts, "tables") && ito_opts_choice(opts, "tables") == 1;
}

double ito__vp_linspace(double first, double last, int i, int n)
{
    float from = (float)first, to = (float)last;
    if (n == 1) return (double)from;
    double step = (double)((to - from) / (float)(n - 1));
    /* From the nearer end; a multiplication and an addition with one rounding. */
    double at = i < n / 2 ? (double)from + step * i : (double)to - step * (n - 1 - i);
    return (double)(float)at;
}

/* alpha_bar_t of betas, rounded. */
static void multiply(int n, const float *betas, float *alpha_bar)
{
    double product = 1;
    for (int i = 0; i < n; i++) {
        float keep = 1.0f - betas[i];
        product *= (double)keep;
        alpha_bar[i] = (float)product;
    }
}

/* EQ[lin23:a1]  signal_t <- (signal_t - signal_T) signal_1 / (signal_1 - signal_T), in float32 and as betas */
static void rescale(int n, float *betas, float *alpha_bar)
{
    multiply(n, betas, alpha_bar);
    float first = sqrtf(alpha_bar[0]), last = sqrtf(alpha_bar[n - 1]), scale = first / (first - last), before = 1;
    for (int i = 0; i < n; i++) {
        float root = (sqrtf(alpha_bar[i]) - last) * scale, square = root * root;
        betas[i] = 1.0f - (i ? square / before : square);
        before = square;
    }
}

static ito_status fill(ito_ctx *ctx, const char *name, const ito_opts *opts, int n, float *betas, float *alpha_bar,
                       void *state)
{
    bool zero_snr = ito_opts_bool(opts, "zero_snr");
    if (zero_snr && n < 2)
        return ito__fail(ctx, ITO_USAGE, "process %s: zero_snr needs 2 timesteps or more, found %d", name, n);
    for (int i = 0; i < n; i++)
        if (!(betas[i] > 0 && betas[i] < 1))
            return ito__fail(ctx, ITO_USAGE,
                             "process %s: beta_%d = %g, but every beta must lie between 0 and 1; change its options",
                             name, i + 1, (double)betas[i]);
    if (zero_snr) rescale(n, betas, alpha_bar);
    multiply(n, betas, alpha_bar);
    for (int i = 0; i < n - zero_snr; i++)
        ITO_TRY(ito__vp_put_log_alpha_bar(ctx, name, state, i + 1, log((double)alpha_bar[i])));
    ito__vp_follow_log_snr(state, zero_snr);
    return ITO_OK;
}

ito_status ito__vp_finish_float(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps, float *betas,
                                ito_process_ends *ends, void **state)
{
    float *alpha_bar = ito__alloc_array(ctx, (size_t)n_timesteps, sizeof *alpha_bar);
    ito_status st = alpha_bar ? ito__vp_begin(ctx, n_timesteps, state) : ITO_MEMORY;
    if (st == ITO_OK) st = fill(ctx, name, opts, n_timesteps, betas, alpha_bar, *state);
    if (st == ITO_OK) st = ito__vp_finish(ctx, name, opts, ends, *state);
    ito__free(ctx, alpha_bar);
    return st;
}

ito_status ito__vp_create_float(ito_ctx *ctx, const char *name, const ito_opts *opts, int n_timesteps,
                                ito__beta_fn beta, ito_process_ends *ends, void **state)
{
    float *betas = ito__alloc_array(ctx, (size_t)n_timesteps, sizeof *betas);
    if (!betas) return ITO_MEMORY;
    for (int t = 1; t <= n_timesteps; t++) betas[t - 1] = (float)beta(opts, t, n_timesteps);
    ito_status st = ito__vp_finish_float(ctx, name, opts, n_timesteps, betas, ends, state);
    ito__free(ctx, betas);
    return st;
}
