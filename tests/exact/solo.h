/* What tests of single samplers share: processes of every kind, one Gaussian whose denoiser is affine, three blobs in the plane, runs
 * in double, the documented noise, Brownian paths drawn again, and the energy distance. */
#ifndef ITO_TESTS_SOLO_H
#define ITO_TESTS_SOLO_H

#include "exact/processes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <ito/metric.h>
#include <ito/mixture.h>
#include <ito/sampler.h>

#include "base/base.h"

#define MEAN 0.7
#define SD   0.4

static ito_process *vp, *ve, *edm, *flow;
static ito_mixture *gaussian, *blobs;

static inline int sampling_setup(void **state)
{
    const double mean[] = {MEAN}, sd[] = {SD};
    const double weight[] = {1, 2, 1}, means[] = {1, 1, -1, 0.5, 0.2, -1}, sds[] = {0.15, 0.3, 0.2, 0.2, 0.3, 0.1};
    (void)state;
    processes_open(1);
    assert_ok(ctx, ito_process_create(ctx, "vp-sde", NULL, &vp));
    assert_ok(ctx, ito_process_create(ctx, "ve-sde", NULL, &ve));
    assert_ok(ctx, ito_process_create(ctx, "edm", NULL, &edm));
    assert_ok(ctx, ito_process_create(ctx, "flow", NULL, &flow));
    ito_mixture_options one = {.dim = 1, .n_components = 1, .mean = mean, .sd = sd};
    ito_mixture_options three = {.dim = 2, .n_components = 3, .weight = weight, .mean = means, .sd = sds};
    assert_ok(ctx, ito_mixture_create(ctx, &one, &gaussian));
    assert_ok(ctx, ito_mixture_create(ctx, &three, &blobs));
    return 0;
}

static inline int sampling_teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(gaussian);
    ito_mixture_destroy(blobs);
    ito_process_destroy(vp);
    ito_process_destroy(ve);
    ito_process_destroy(edm);
    ito_process_destroy(flow);
    processes_close();
    return 0;
}

/* Options of a sampler from "name=value name=value"; the caller destroys. */
static inline ito_opts *settings(const char *sampler, const char *text)
{
    const ito_sampler_def *def;
    ito_opts *opts;
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    assert_ok(ctx, ito_sampler_find(ctx, sampler, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = 0;
        assert_ok(ctx, ito_opts_set(opts, sampler, word, value));
    }
    return opts;
}

static inline ito_status try_sample(const ito_process *process, const ito_mixture *m, const ito_sample_options *o,
                                    ito_dtype dtype, int64_t n, void *x)
{
    ito_denoiser d;
    int dim = m == blobs ? 2 : 1;
    ito_tensor xs = ito_tensor_view(dtype, ITO_SHAPE(n, dim), x);
    assert_ok(ctx, ito_mixture_denoiser(ctx, m, process, "v", &d));
    ito_status st = ito_sample(ctx, process, &d, NULL, o, &xs);
    ito_denoiser_clear(&d);
    return st;
}

/* n samples in double with the sampler's settings as text. */
static inline void sample(const ito_process *process, const ito_mixture *m, const char *text, ito_sample_options o,
                          int64_t n, double *x)
{
    ito_opts *opts = settings(o.sampler, text);
    o.sampler_opts = opts;
    ito_status st = try_sample(process, m, &o, ITO_F64, n, x);
    if (st != ITO_OK) fail_msg("%s %s: %s", o.sampler, text, ito_last_error(ctx));
    ito_opts_destroy(opts);
}

/* Levels of the times and of the end, as k-diffusion has them: sigma / signal. */
#define MOST_LEVELS 1100

static inline int fill_levels(const ito_process *p, const double *times, int n, double end, ito_level *level)
{
    assert_true(n < MOST_LEVELS);
    for (int k = 0; k < n; k++) level[k] = ito_process_level(p, times[k]);
    level[n] = ito_process_level(p, end);
    return n;
}

static inline double ratio(const ito_level *t)
{
    return t->sigma / t->signal;
}

/* E[x_0 | x_t] of the Gaussian, of y = x / signal with noise sigma. */
static inline double x0_of(double y, double sigma)
{
    return MEAN + SD * SD / (SD * SD + sigma * sigma) * (y - MEAN);
}

static inline double eps_of(double y, double sigma)
{
    return (y - x0_of(y, sigma)) / sigma;
}

static inline double normal(ito_stream stream, uint32_t step, uint64_t sample_index, uint64_t seed)
{
    float z;
    ito_rng_normal((ito_rng_key){.seed = seed, .stream = stream, .step = step, .sample = sample_index}, 0, 1, &z);
    return (double)z;
}

/* The noise of draw `draw` of step k. */
static inline double drawn(int k, int draw, uint64_t sample_index, uint64_t seed)
{
    return normal(ITO_STREAM_STEP, (uint32_t)(k * ITO_NOISE_DRAWS + draw), sample_index, seed);
}

/* W(t) of a sample's path, again from the keys: W(t_max) is node 0, the middles of a binary tree are 1 and on. */
static inline double path_at(const ito_process *p, double t, uint64_t sample_index, uint64_t seed)
{
    double a = ito_process_t_min(p), b = ito_process_t_max(p), low = 0;
    double high = sqrt(b - a) * normal(ITO_STREAM_BROWNIAN, 0, sample_index, seed);
    uint32_t node = 1;
    for (int depth = 0; depth < 30 && t > a && t < b; depth++) {
        double m = (a + b) / 2, w = (low + high) / 2;
        w += sqrt(b - a) / 2 * normal(ITO_STREAM_BROWNIAN, node, sample_index, seed);
        bool below = t < m;
        node = 2 * node + !below;
        if (below)
            b = m, high = w;
        else
            a = m, low = w;
    }
    return low + (t - a) / (b - a) * (high - low);
}

static inline double increment(const ito_process *p, double t, double s, uint64_t sample_index, uint64_t seed)
{
    return (path_at(p, t, sample_index, seed) - path_at(p, s, sample_index, seed)) / sqrt(t - s);
}

/* Mean and variance of n numbers, each `stride` apart. */
static inline void moments_of(const double *x, int n, int stride, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (int i = 0; i < n; i++) *mean += x[i * stride] / n;
    for (int i = 0; i < n; i++) *variance += (x[i * stride] - *mean) * (x[i * stride] - *mean) / (n - 1);
}

/* Energy distance of n points x of the plane from 2 n fresh draws of the blobs. */
static inline double energy_of(const double *x, int n)
{
    float *points = malloc((size_t)n * 2 * sizeof *points), *fresh = malloc((size_t)n * 4 * sizeof *fresh);
    double got;
    assert_true(points && fresh);
    for (int i = 0; i < 2 * n; i++) points[i] = (float)x[i];
    ito_mixture_draw(blobs, ITO_MIXTURE_ALL, 77, 0, 2 * n, fresh);
    assert_ok(ctx, ito_energy_distance(ctx, points, n, fresh, 2 * (int64_t)n, 2, &got));
    free(points);
    free(fresh);
    return got;
}

/* The probability-flow ODE of a Gaussian keeps (x - signal MEAN) / sqrt(signal^2 SD^2 + sigma^2): the
 * largest error of a run with fewer than MOST_LEVELS steps between two levels away from the ends. */
static inline double flow_error(const ito_process *p, const char *sampler, const char *text, int n)
{
    double times[MOST_LEVELS], x[4], worst = 0;
    const double start[] = {-2, -0.5, 0.3, 1.5};
    double top = ito_process_time(p, -2 * log(3.0)), low = ito_process_time(p, -2 * log(0.2));
    ito_level t = ito_process_level(p, top), s = ito_process_level(p, low);
    for (int k = 0; k < n; k++) times[k] = top + (low - top) * k / n;
    ito_sample_options o = {.sampler = sampler, .times = times, .n_steps = n, .t_end = low, .start = start};
    sample(p, gaussian, text, o, 4, x);
    double v_t = t.signal * t.signal * SD * SD + t.sigma * t.sigma,
           v_s = s.signal * s.signal * SD * SD + s.sigma * s.sigma;
    for (int i = 0; i < 4; i++)
        worst = fmax(worst, fabs(x[i] - s.signal * MEAN - sqrt(v_s / v_t) * (start[i] - t.signal * MEAN)));
    return worst;
}

#endif
