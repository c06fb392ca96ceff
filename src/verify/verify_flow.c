/* Grids, and the exact flow on them: the probability-flow ODE of a mixture by the classical Runge-Kutta method over log-SNR, with so
 * many steps that what is left is the rounding of doubles. */
#include "verify/verify_impl.h"

#include <math.h>
#include <string.h>

#include <ito/rng.h>

#define SUBSTEPS 16    /* of an interval of the finest grid */
#define ROUNDING 1e-11 /* errors below it are those of the reference */

static ito_verify_grid with_defaults(const ito_verify_grid *grid)
{
    ito_verify_grid g = grid ? *grid : (ito_verify_grid){0};
    if (g.noisy == 0 && g.clean == 0) g.noisy = -4, g.clean = 4;
    if (g.n_steps <= 0) g.n_steps = 20;
    if (g.n_points <= 0) g.n_points = 8;
    return g;
}

static ito_status check(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *g)
{
    const ito_process *process = what->process;
    if (what->dim < 1 || what->dim > ITO__VERIFY_MAX_DIM)
        return ito__fail(ctx, ITO_USAGE, "solvers are measured in 1 to %d dimensions, found %d", ITO__VERIFY_MAX_DIM,
                         what->dim);
    double low = ito_process_log_snr(process, ito_process_t_max(process)),
           high = ito_process_log_snr(process, ito_process_t_min(process));
    if (g->noisy < g->clean && g->noisy >= low && g->clean <= high) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "the grid goes from log-SNR %g to %g, but process %s from %g to %g", g->noisy,
                     g->clean, ito_process_get_def(process)->choice.name, low, high);
}

ito_status ito__verify_times_open(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, int runs,
                                  ito__verify_times *out)
{
    const ito_process *process = what->process;
    ito_verify_grid g = with_defaults(grid);
    *out = (ito__verify_times){.grid = g, .n = g.n_steps << (runs - 1)};
    ITO_TRY(check(ctx, what, &g));
    out->t = ito__alloc_array(ctx, (size_t)out->n + 1, sizeof *out->t);
    if (!out->t) return ITO_MEMORY;
    for (int k = 0; k <= out->n; k++) out->t[k] = ito_process_time(process, g.noisy + (g.clean - g.noisy) * k / out->n);
    return ITO_OK;
}

void ito__verify_times_close(ito_ctx *ctx, ito__verify_times *times)
{
    ito__free(ctx, times->t);
}

ito_sample_options ito__verify_options(const ito_verify *what, const ito__verify_times *times, int stride, double *to,
                                       const void *x)
{
    int n = times->n / stride;
    for (int k = 0; k <= n; k++) to[k] = times->t[k * stride];
    return (ito_sample_options){.sampler = what->sampler,
                                .sampler_opts = what->sampler_opts,
                                .n_steps = n,
                                .times = to,
                                .t_end = to[n],
                                .start = x,
                                .seed = times->grid.seed};
}

void ito__verify_start(const ito_verify *what, const ito__verify_times *times, double *x)
{
    ito_level level = ito_process_level(what->process, times->t[0]);
    for (int i = 0; i < times->grid.n_points; i++) {
        float x0[ITO__VERIFY_MAX_DIM], eps[ITO__VERIFY_MAX_DIM];
        ito_mixture_draw(what->mixture, ITO_MIXTURE_ALL, times->grid.seed, (uint64_t)i, 1, x0);
        ito_rng_normal((ito_rng_key){times->grid.seed, ITO_STREAM_PRIOR, 0, (uint64_t)i}, 0, (size_t)what->dim, eps);
        for (int j = 0; j < what->dim; j++)
            x[i * what->dim + j] = level.signal * (double)x0[j] + level.sigma * (double)eps[j];
    }
}

/* dx / d log_snr = (signal' x_0 + sigma' eps) / log_snr', x_0 and eps the exact estimates at x. */
static void rate(const ito_verify *what, double log_snr, const double *x, double *out)
{
    double x0[ITO__VERIFY_MAX_DIM], eps[ITO__VERIFY_MAX_DIM];
    ito_level level = ito_process_level(what->process, ito_process_time(what->process, log_snr));
    double speed = 2 * (level.signal_rate / level.signal - level.sigma_rate / level.sigma);
    ito_mixture_estimate(what->mixture, &level, ITO_MIXTURE_ALL, x, x0, eps);
    /* EQ[flow:8]  the flow's velocity is the mean of signal' x_0 + sigma' eps given x_t */
    for (int j = 0; j < what->dim; j++) out[j] = (level.signal_rate * x0[j] + level.sigma_rate * eps[j]) / speed;
}

static void advance(const ito_verify *what, double from, double h, double *x)
{
    double k[4][ITO__VERIFY_MAX_DIM], at[ITO__VERIFY_MAX_DIM];
    const double node[] = {0, 0.5, 0.5, 1};
    for (int stage = 0; stage < 4; stage++) {
        for (int j = 0; j < what->dim; j++) at[j] = x[j] + (stage ? h * node[stage] * k[stage - 1][j] : 0);
        rate(what, from + node[stage] * h, at, k[stage]);
    }
    for (int j = 0; j < what->dim; j++) x[j] += h / 6 * (k[0][j] + 2 * k[1][j] + 2 * k[2][j] + k[3][j]);
}

ito_status ito__verify_flow(ito_ctx *ctx, const ito_verify *what, const ito__verify_times *times, const double *x,
                            double *path)
{
    const ito_verify_grid *g = &times->grid;
    int64_t size = (int64_t)g->n_points * what->dim;
    double h = (g->clean - g->noisy) / times->n / SUBSTEPS;
    memcpy(path, x, (size_t)size * sizeof *path);
    for (int k = 0; k < times->n; k++) {
        double *next = path + (k + 1) * size, from = g->noisy + (g->clean - g->noisy) * k / times->n;
        memcpy(next, path + k * size, (size_t)size * sizeof *path);
        for (int i = 0; i < g->n_points; i++)
            for (int sub = 0; sub < SUBSTEPS; sub++) advance(what, from + sub * h, h, next + i * what->dim);
    }
    for (int64_t i = 0; i < size; i++)
        if (!isfinite(path[times->n * size + i]))
            return ito__fail(ctx, ITO_NUMERIC, "the flow of process %s left the numbers",
                             ito_process_get_def(what->process)->choice.name);
    return ITO_OK;
}

double ito__verify_distance(int64_t count, const double *a, const double *b)
{
    double squares = 0;
    for (int64_t i = 0; i < count; i++) squares += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(squares / (double)count);
}

void ito__verify_rate_fit(ito_verify_rate *rate)
{
    int last = 0;
    while (last + 1 < ITO_VERIFY_RUNS && rate->error[last + 1] > ROUNDING) last++;
    rate->order = last ? log2(rate->error[0] / rate->error[last]) / last : (double)INFINITY;
}
