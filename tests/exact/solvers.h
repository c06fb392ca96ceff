/* Solvers in double on one Gaussian in one dimension, whose x_0 and eps are affine in x_t: what tests write out in full. */
#ifndef ITO_TESTS_SOLVERS_H
#define ITO_TESTS_SOLVERS_H

#include "exact/processes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <ito/mixture.h>
#include <ito/sampler.h>

#include "base/base.h"

#define MEAN 0.7
#define SD   0.4

static inline ito_mixture *gaussian(void)
{
    ito_mixture *m;
    const double mean[] = {MEAN}, sd[] = {SD};
    assert_ok(ctx,
              ito_mixture_create(ctx, &(ito_mixture_options){.dim = 1, .n_components = 1, .mean = mean, .sd = sd}, &m));
    return m;
}

/* E[x_0 | x_t] and E[eps | x_t] of the Gaussian */
static inline double x0_at(const ito_level *t, double x)
{
    double variance = t->signal * t->signal * SD * SD + t->sigma * t->sigma;
    return MEAN + t->signal * SD * SD * (x - t->signal * MEAN) / variance;
}

static inline double eps_at(const ito_level *t, double x)
{
    double variance = t->signal * t->signal * SD * SD + t->sigma * t->sigma;
    return t->sigma * (x - t->signal * MEAN) / variance;
}

/* The probability-flow ODE of the Gaussian keeps (x - signal MEAN) / sqrt(signal^2 SD^2 + sigma^2). */
static inline double flow_to(const ito_level *t, const ito_level *s, double x)
{
    double v_t = t->signal * t->signal * SD * SD + t->sigma * t->sigma;
    double v_s = s->signal * s->signal * SD * SD + s->sigma * s->sigma;
    return s->signal * MEAN + sqrt(v_s / v_t) * (x - t->signal * MEAN);
}

static inline double lambda_of(const ito_level *t)
{
    return log(t->signal / t->sigma);
}

/* The sampler's options with settings "key=value key=value"; NULL: the defaults. */
static inline ito_opts *solver_opts(const char *sampler, const char *settings)
{
    const ito_sampler_def *def;
    ito_opts *opts;
    char text[128] = "", *at = text;
    assert_ok(ctx, ito_sampler_find(ctx, sampler, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    snprintf(text, sizeof text, "%s", settings ? settings : "");
    while (*at) {
        char *end = at + strcspn(at, " "), *value = strchr(at, '=') + 1;
        bool is_last = !*end;
        *end = value[-1] = 0;
        assert_ok(ctx, ito_opts_set(opts, sampler, at, value));
        at = is_last ? end : end + 1;
    }
    return opts;
}

/* From start at times[0] to t_end in double. */
static inline void solve(const ito_process *process, const char *sampler, const char *settings, int n_times,
                         const double *times, double t_end, double start, double *end)
{
    ito_mixture *m = gaussian();
    ito_opts *opts = solver_opts(sampler, settings);
    ito_denoiser d;
    ito_tensor x = ito_tensor_view(ITO_F64, ITO_SHAPE(1, 1), end);
    ito_sample_options o = {
        .sampler = sampler, .sampler_opts = opts, .n_steps = n_times, .times = times, .t_end = t_end, .start = &start};
    assert_ok(ctx, ito_mixture_denoiser(ctx, m, process, "v", &d));
    assert_ok(ctx, ito_sample(ctx, process, &d, NULL, &o, &x));
    ito_denoiser_clear(&d);
    ito_opts_destroy(opts);
    ito_mixture_destroy(m);
}

/* A formula written out and the sampler on the same times differ by roundings alone. */
#define assert_solves(process, sampler, settings, n, times, t_end, start, want)                                        \
    do {                                                                                                               \
        double got_, want_ = (want);                                                                                   \
        const char *settings_ = settings;                                                                              \
        solve(process, sampler, settings_, n, times, t_end, start, &got_);                                             \
        if (!(fabs(got_ - want_) <= 1e-11 * (1 + fabs(want_))))                                                        \
            fail_msg("%s %s: %.17g, expected %.17g", sampler, settings_ ? settings_ : "", got_, want_);                \
    } while (0)

#endif
