/* Weak errors without chance. On a Gaussian a sampler's run is affine, x_end = c + a x_start + sum_k b_k z_k with z_k its draws, so mean
 * and variance of its end are c + a mean and a^2 variance + sum_k b_k^2: runs with one unit each find a and every b_k. */
#include <math.h>
#include <string.h>

#include "verify/verify_impl.h"

#define AFFINE 1e-3 /* of float32 runs, relative */

/* Rows of a run: from 0, from 1 and from 2 without noise, then one for each draw. */
enum { FROM_0, FROM_1, FROM_2, N_PLAIN };

/* Draw k is 1 in row N_PLAIN + k, else 0. */
typedef struct units {
    int64_t draws;
} units;

static ito_status fill(void *self, ito_ctx *ctx, ito_stream stream, uint32_t step, int64_t n, const uint64_t *sample,
                       int64_t size, float *dst)
{
    units *u = self;
    (void)ctx, (void)stream, (void)step, (void)size;
    for (int64_t i = 0; i < n; i++) dst[i] = sample[i] == (uint64_t)(N_PLAIN + u->draws);
    u->draws++;
    return ITO_OK;
}

/* A run with n rows; its ends into x. */
static ito_status run(ito_ctx *ctx, const ito_verify *what, const ito_denoiser *denoiser, ito_sample_options *o,
                      units *u, int64_t n, float *x)
{
    ito_tensor ends = ito_tensor_view(ITO_F32, ITO_SHAPE(n, 1), x);
    const ito_noise noise = {u, fill};
    for (int64_t i = 0; i < n; i++) x[i] = i == FROM_1 ? 1 : i == FROM_2 ? 2 : 0;
    u->draws = 0;
    o->start = x;
    o->noise = &noise;
    return ito_sample(ctx, what->process, denoiser, NULL, o, &ends);
}

/* Mean and variance at the end from those at the start. */
static ito_status propagate(ito_ctx *ctx, const ito_verify *what, const float *x, int64_t draws, double *mean,
                            double *variance)
{
    double c = (double)x[FROM_0], a = (double)x[FROM_1] - c, noise = 0;
    double miss = fabs((double)x[FROM_2] - c - 2 * a);
    if (!(miss <= AFFINE * (fabs(c) + fabs(a) + 1e-3)))
        return ito__fail(ctx, ITO_NUMERIC,
                         "sampler %s is not affine on a Gaussian: it ends at %g, %g and %g from 0, 1 and 2",
                         what->sampler, (double)x[FROM_0], (double)x[FROM_1], (double)x[FROM_2]);
    for (int64_t k = 0; k < draws; k++) noise += ((double)x[N_PLAIN + k] - c) * ((double)x[N_PLAIN + k] - c);
    *mean = c + a * *mean;
    *variance = a * a * *variance + noise;
    return ITO_OK;
}

static ito_status measure(ito_ctx *ctx, const ito_verify *what, const ito_denoiser *denoiser,
                          const ito__verify_times *times, int stride, double *mean, double *variance)
{
    double *to = ito__alloc_array(ctx, (size_t)times->n + 1, sizeof *to);
    float few[N_PLAIN], *x = NULL;
    units u = {0};
    ito_status st;
    if (!to) return ITO_MEMORY;
    ito_sample_options o = ito__verify_options(what, times, stride, to, NULL);
    ITO_GO(run(ctx, what, denoiser, &o, &u, N_PLAIN, few)); /* counts the draws */
    int64_t draws = u.draws;
    x = ito__alloc_array(ctx, (size_t)(N_PLAIN + draws), sizeof *x);
    if (!x) ITO_GO(ITO_MEMORY);
    ITO_GO(run(ctx, what, denoiser, &o, &u, N_PLAIN + draws, x));
    ITO_GO(propagate(ctx, what, x, draws, mean, variance));
done:
    ito__free(ctx, to);
    ito__free(ctx, x);
    return st;
}

/* Of the process at a level. */
static void moments(const ito_verify *what, double t, double *mean, double *variance)
{
    ito_level level = ito_process_level(what->process, t);
    double m, v;
    ito_mixture_moments(what->mixture, ITO_MIXTURE_ALL, &m, &v);
    *mean = level.signal * m;
    *variance = level.signal * level.signal * v + level.sigma * level.sigma;
}

/* A mixture of more components has a denoiser that is not affine. */
static ito_status check_gaussian(ito_ctx *ctx, const ito_verify *what)
{
    const ito_level level = ito_process_level(what->process, ito_process_t_min(what->process));
    double mean, variance, score[3];
    if (what->dim != 1) return ito__fail(ctx, ITO_USAGE, "weak errors are of one dimension, found %d", what->dim);
    moments(what, level.t, &mean, &variance);
    for (int k = 0; k < 3; k++) {
        double x = mean + (k - 1) * sqrt(variance);
        ito_mixture_score(what->mixture, &level, ITO_MIXTURE_ALL, &x, &score[k]);
    }
    if (fabs(score[0] + score[2] - 2 * score[1]) <= 1e-9 * fabs(score[0]) && fabs(score[0] * sqrt(variance) - 1) < 1e-9)
        return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "weak errors are measured on one Gaussian, found a mixture of several");
}

ito_status ito_verify_weak(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, ito_verify_rate *mean,
                           ito_verify_rate *sd)
{
    ito__verify_times times = {0};
    ito_denoiser denoiser = {0};
    ito_status st;
    ITO_TRY(check_gaussian(ctx, what));
    ITO_GO(ito__verify_times_open(ctx, what, grid, ITO_VERIFY_RUNS, &times));
    ITO_GO(ito_mixture_denoiser(ctx, what->mixture, what->process, "x0", &denoiser));
    for (int k = 0; k < ITO_VERIFY_RUNS; k++) {
        double m, v, want_m, want_v;
        moments(what, times.t[0], &m, &v);
        ITO_GO(measure(ctx, what, &denoiser, &times, 1 << (ITO_VERIFY_RUNS - 1 - k), &m, &v));
        moments(what, times.t[times.n], &want_m, &want_v);
        mean->error[k] = fabs(m - want_m);
        sd->error[k] = fabs(sqrt(v) - sqrt(want_v));
    }
    ito__verify_rate_fit(mean);
    ito__verify_rate_fit(sd);
done:
    ito_denoiser_clear(&denoiser);
    ito__verify_times_close(ctx, &times);
    return st;
}
