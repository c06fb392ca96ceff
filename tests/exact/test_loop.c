/* The sampler loop: the same noise in any batch and on any number of threads, whole and step by step, cancellation,
 * hooks, clipping, a program's own noise and process, and errors that say what is wrong. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include <ito/clip.h>
#include <ito/mixture.h>
#include <ito/sampler.h>

#include "base/base.h"

#define N 8

static ito_mixture *mixture;
static ito_denoiser denoiser;

static int setup(void **state)
{
    (void)state;
    const double mean[] = {1, 1, -1, 0.5, 0.2, -1}, sd[] = {0.15, 0.3, 0.2, 0.2, 0.3, 0.1};
    ito_mixture_options o = {.dim = 2, .n_components = 3, .mean = mean, .sd = sd};
    processes_open(1);
    assert_int_equal(ito_mixture_create(ctx, &o, &mixture), ITO_OK);
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, linear, "eps", &denoiser), ITO_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_denoiser_clear(&denoiser);
    ito_mixture_destroy(mixture);
    processes_close();
    return 0;
}

static ito_status run(ito_ctx *c, const ito_sample_options *o, int64_t n, float *x)
{
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(n, 2), x);
    return ito_sample(c, linear, &denoiser, NULL, o, &xs);
}

static const ito_sample_options ancestral = {.sampler = "ddpm", .n_steps = 20, .seed = 3};

/* Sample i of a seed is the same in any batch, in any order, for any number of threads: bit for bit here, because the
 * exact denoiser works row by row. */
static void test_any_batch_any_threads(void **state)
{
    (void)state;
    float all[2 * N], some[6], threaded[2 * N], picked[4];
    ito_sample_options o = ancestral;
    assert_int_equal(run(ctx, &o, N, all), ITO_OK);
    o.first_sample = 4;
    assert_int_equal(run(ctx, &o, 3, some), ITO_OK);
    assert_memory_equal(some, all + 8, sizeof some);
    const uint64_t samples[] = {7, 2};
    o.samples = samples;
    assert_int_equal(run(ctx, &o, 2, picked), ITO_OK);
    assert_memory_equal(picked, all + 14, 2 * sizeof *all);
    assert_memory_equal(picked + 2, all + 4, 2 * sizeof *all);
    ito_ctx *three = ctx_open(3);
    assert_int_equal(run(three, &ancestral, N, threaded), ITO_OK);
    assert_memory_equal(threaded, all, sizeof all);
    ito_ctx_destroy(three);
    o = ancestral;
    o.seed = 4;
    assert_int_equal(run(ctx, &o, 3, some), ITO_OK);
    assert_memory_not_equal(some, all, sizeof some);
}

static void test_step_by_step_is_whole(void **state)
{
    (void)state;
    float whole[2 * N];
    ito_sampler *s;
    assert_int_equal(run(ctx, &ancestral, N, whole), ITO_OK);
    assert_int_equal(ito_sampler_create(ctx, linear, &denoiser, NULL, ITO_SHAPE(N, 2), &ancestral, &s), ITO_OK);
    assert_int_equal(ito_sampler_n_steps(s), 20);
    assert_null(ito_sampler_x0(s));
    assert_true(ito_sampler_time(s, 0) == 1000 && ito_sampler_time(s, 19) == 50 && ito_sampler_time(s, 20) == 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ito_sampler_index(s), i);
        assert_false(ito_sampler_is_done(s));
        assert_int_equal(ito_sampler_step(s), ITO_OK);
        assert_non_null(ito_sampler_x0(s));
    }
    assert_true(ito_sampler_is_done(s));
    assert_int_equal(ito_sampler_n_evals(s), 20);
    assert_memory_equal(ito_sampler_x(s), whole, sizeof whole);
    assert_memory_equal(ito_sampler_x0(s), whole, sizeof whole); /* the last step returns x_0 */
    assert_int_equal(ito_sampler_step(s), ITO_STATE);
    ito_sampler_destroy(s);
}

typedef struct watch {
    int calls, stop_at;
    double t;
} watch;

static bool on_progress(void *user, const ito_progress *p)
{
    watch *w = user;
    assert_int_equal(p->index, w->calls++);
    assert_int_equal(p->n_evals, w->calls);
    assert_true(p->n == N && p->size == 2 && p->t > p->s && p->t < w->t);
    assert_true(isfinite(p->x[0]) && isfinite(p->x0[0]));
    w->t = p->t;
    return w->calls != w->stop_at;
}

static void test_progress_and_cancellation(void **state)
{
    (void)state;
    float whole[2 * N], x[2 * N];
    watch w = {.t = 1001};
    ito_sample_options o = ancestral;
    o.progress = on_progress;
    o.user = &w;
    assert_int_equal(run(ctx, &o, N, whole), ITO_OK);
    assert_int_equal(w.calls, 20);
    w = (watch){.t = 1001, .stop_at = 3};
    assert_int_equal(run(ctx, &o, N, x), ITO_CANCELLED);
    assert_int_equal(w.calls, 3);
    assert_non_null(strstr(ito_last_error(ctx), "step 3 of 20"));
    /* a cancelled sampler may go on */
    ito_sampler *s;
    w = (watch){.t = 1001, .stop_at = 3};
    assert_int_equal(ito_sampler_create(ctx, linear, &denoiser, NULL, ITO_SHAPE(N, 2), &o, &s), ITO_OK);
    ito_status st = ITO_OK;
    while (!ito_sampler_is_done(s)) {
        st = ito_sampler_step(s);
        assert_true(st == ITO_OK || (st == ITO_CANCELLED && ito_sampler_index(s) == 3));
    }
    assert_memory_equal(ito_sampler_x(s), whole, sizeof whole);
    ito_sampler_destroy(s);
}

/* ---- hooks ---- */

typedef struct counts {
    int x0, moments, steps, backs;
    double variance;
} counts;

static ito_status set_x0(void *user, ito_step *step, const ito_level *t, const float *x, float *x0)
{
    (void)t;
    (void)x;
    ((counts *)user)->x0++;
    for (int64_t i = 0; i < step->n * step->size; i++) x0[i] = 0.25F;
    return ITO_OK;
}

static ito_status no_noise(void *user, ito_step *step, ito_moments *moments)
{
    (void)step;
    ((counts *)user)->moments++;
    ((counts *)user)->variance += moments->variance;
    moments->variance = 0;
    return ITO_OK;
}

static ito_status once_back(void *user, ito_step *step, float *x, int *go_to)
{
    counts *c = user;
    x[0] += (float)(c->steps++ == 0) * 1e-6F; /* a hook may touch the state */
    if (step->index % 5 == 4 && c->backs < step->index / 5 + 1) {
        c->backs++;
        *go_to = step->index - 3;
    }
    return ITO_OK;
}

static ito_status refuse(void *user, ito_step *step, float *x, int *go_to)
{
    (void)user;
    x[0] = 0;
    *go_to = step->index + 5;
    return ITO_OK;
}

/* With x_0 held at a constant every sampler must end there. */
static void test_hook_on_x0(void **state)
{
    (void)state;
    const char *const samplers[] = {"ddim", "ddpm"};
    for (int k = 0; k < 2; k++) {
        counts c = {0};
        float x[2 * N];
        const ito_hook hook = {.user = &c, .on_x0 = set_x0};
        ito_sample_options o = {.sampler = samplers[k], .n_steps = 10, .hooks = &hook, .n_hooks = 1};
        assert_int_equal(run(ctx, &o, N, x), ITO_OK);
        assert_int_equal(c.x0, 10);
        for (int i = 0; i < 2 * N; i++) assert_true(x[i] == 0.25F);
    }
}

/* eps follows the x_0 that the hook left: DDIM's path is then a straight line of known noise. */
static void test_eps_follows_x0(void **state)
{
    (void)state;
    counts c = {0};
    const ito_hook hook = {.user = &c, .on_x0 = set_x0};
    ito_sample_options o = {.n_steps = 10, .hooks = &hook, .n_hooks = 1};
    ito_sampler *s;
    float first[2 * N];
    assert_int_equal(ito_sampler_create(ctx, linear, &denoiser, NULL, ITO_SHAPE(N, 2), &o, &s), ITO_OK);
    memcpy(first, ito_sampler_x(s), sizeof first);
    ito_level t = ito_process_level(linear, ito_sampler_time(s, 0)),
              now = ito_process_level(linear, ito_sampler_time(s, 6));
    for (int k = 0; k < 6; k++) assert_int_equal(ito_sampler_step(s), ITO_OK);
    for (int i = 0; i < 2 * N; i++) {
        double eps = ((double)first[i] - t.signal * 0.25) / t.sigma;
        assert_true(fabs((double)ito_sampler_x(s)[i] - (now.signal * 0.25 + now.sigma * eps)) < 1e-5);
    }
    ito_sampler_destroy(s);
}

static void test_hook_on_moments(void **state)
{
    (void)state;
    counts c = {0};
    float a[2 * N], b[2 * N];
    const ito_hook hook = {.user = &c, .on_moments = no_noise};
    ito_sample_options o = ancestral;
    o.hooks = &hook;
    o.n_hooks = 1;
    assert_int_equal(run(ctx, &o, N, a), ITO_OK);
    assert_true(c.moments == 20 && c.variance > 0.5);
    assert_int_equal(run(ctx, &ancestral, N, b), ITO_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

/* Going back repeats steps 1..4, 6..9, ... once, with fresh noise, and the distribution stays what it was: the mean of
 * 2,000 samples within 5 standard errors and 0.02 of bias. */
static void test_hook_sends_back(void **state)
{
    (void)state;
    enum { n = 2000 };
    static float x[2 * n];
    counts c = {0};
    const ito_hook hook = {.user = &c, .on_step = once_back};
    ito_sample_options o = {.sampler = "ddpm", .n_steps = 100, .hooks = &hook, .n_hooks = 1, .seed = 12};
    assert_int_equal(run(ctx, &o, n, x), ITO_OK);
    assert_int_equal(c.backs, 20);
    assert_int_equal(c.steps, 100 + 20 * 4);
    double mean[2], covariance[4], got[2] = {0}, variance[2] = {0};
    ito_mixture_moments(mixture, ITO_MIXTURE_ALL, mean, covariance);
    for (int i = 0; i < 2 * n; i++) got[i % 2] += (double)x[i] / n;
    for (int i = 0; i < 2 * n; i++) variance[i % 2] += ((double)x[i] - got[i % 2]) * ((double)x[i] - got[i % 2]) / n;
    for (int j = 0; j < 2; j++) {
        assert_true(fabs(got[j] - mean[j]) < 5 * sqrt(covariance[3 * j] / n) + 0.02);
        assert_true(fabs(variance[j] / covariance[3 * j] - 1) < 0.1);
    }
    const ito_hook bad = {.on_step = refuse};
    o.hooks = &bad;
    assert_int_equal(run(ctx, &o, n, x), ITO_USAGE);
}

/* ---- clipping ---- */

static ito_status huge_eval(void *self, ito_ctx *c, const ito_tensor *x, const double *t,
                            const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    (void)c;
    (void)t;
    (void)condition;
    (void)extra;
    for (int64_t i = 0; i < ito_shape_count(x->shape); i++)
        ((float *)out->data)[i] = *(float *)self * (i % 2 ? -1.0F : 0.5F);
    return ITO_OK;
}

/* EQ[imagen:s2.3] */
static void test_clipping(void **state)
{
    (void)state;
    float value = 4, x[2 * N];
    ito_denoiser d = {.self = &value, .eval = huge_eval};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), x);
    ito_sample_options o = {.n_steps = 5};
    assert_int_equal(ito_prediction_find(ctx, "x0", &d.prediction), ITO_OK);
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, &o, &xs), ITO_OK);
    assert_true(x[0] == 2 && x[1] == -4);
    o.clip = "static";
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, &o, &xs), ITO_OK);
    assert_true(x[0] == 1 && x[1] == -1);
    o.clip = "dynamic"; /* the quantile of {2, 4} at 0.995 is 3.99 */
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, &o, &xs), ITO_OK);
    assert_true(fabs((double)x[0] - 2 / 3.99) < 1e-6 && x[1] == -1);
    value = 0.5F; /* inside -1..1 nothing happens */
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, &o, &xs), ITO_OK);
    assert_true(x[0] == 0.25F && x[1] == -0.5F);
    o.clip = "statik";
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, &o, &xs), ITO_NOT_FOUND);
}

/* keep_eps: DDIM's step then mixes the clipped x_0 with the network's own eps. */
static void test_keep_eps(void **state)
{
    (void)state;
    float value = 4;
    ito_denoiser d = {.self = &value, .eval = huge_eval};
    assert_int_equal(ito_prediction_find(ctx, "x0", &d.prediction), ITO_OK);
    for (int keep = 0; keep < 2; keep++) {
        ito_sample_options o = {.n_steps = 5, .clip = "static", .keep_eps = keep};
        ito_sampler *s;
        assert_int_equal(ito_sampler_create(ctx, linear, &d, NULL, ITO_SHAPE(1, 2), &o, &s), ITO_OK);
        double before = (double)ito_sampler_x(s)[1];
        assert_int_equal(ito_sampler_step(s), ITO_OK);
        ito_level t = ito_process_level(linear, 1000), to = ito_process_level(linear, 800);
        double eps = (before - t.signal * (keep ? -4 : -1)) / t.sigma;
        assert_true(fabs((double)ito_sampler_x(s)[1] - (-to.signal + to.sigma * eps)) < 1e-6);
        ito_sampler_destroy(s);
    }
}

/* ---- a program's own noise and process ---- */

static ito_status count_up(void *self, ito_ctx *c, ito_stream stream, uint32_t step, int64_t n, const uint64_t *sample,
                           int64_t size, float *dst)
{
    (void)c;
    uint32_t *steps = self;
    assert_true(stream == ITO_STREAM_PRIOR ? step == 0 : step == ITO_NOISE_DRAWS * *steps);
    if (stream == ITO_STREAM_STEP) ++*steps;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < size; j++) *dst++ = 0.1F * (float)sample[i];
    return ITO_OK;
}

static void test_own_noise(void **state)
{
    (void)state;
    uint32_t steps = 0;
    float x[4], same[2];
    const ito_noise noise = {&steps, count_up};
    ito_sample_options o = ancestral;
    o.noise = &noise;
    o.first_sample = 5;
    assert_int_equal(run(ctx, &o, 2, x), ITO_OK);
    assert_int_equal(steps, 19); /* the last step adds none */
    steps = 0;
    o.first_sample = 6;
    assert_int_equal(run(ctx, &o, 1, same), ITO_OK);
    assert_memory_equal(same, x + 2, sizeof same);
}

/* Rectified flow's process in twenty lines: continuous, not variance preserving, no signal left at t = 1. */
static ito_status line_create(ito_ctx *c, const ito_opts *opts, ito_process_ends *ends, void **own)
{
    (void)c;
    (void)opts;
    *own = NULL;
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static ito_level line_level(const void *own, double t)
{
    (void)own;
    return (ito_level){t, 1 - t, t, 2 * log((1 - t) / t), -1, 1, 0};
}

static double line_time(const void *own, double log_snr)
{
    (void)own;
    return 1 / (1 + exp(0.5 * log_snr));
}

static double line_drift(const void *own, double t)
{
    (void)own;
    return -1 / (1 - t);
}

static double line_diffusion(const void *own, double t)
{
    (void)own;
    return sqrt(2 * t / (1 - t));
}

static double line_label(const void *own, double t)
{
    (void)own;
    return 1000 * t;
}

static void test_own_process(void **state)
{
    (void)state;
    static const ito_process_def line = {.choice = {.name = "line", .summary = "x_t = (1 - t) x_0 + t eps"},
                                         .create = line_create,
                                         .level = line_level,
                                         .time = line_time,
                                         .drift = line_drift,
                                         .diffusion = line_diffusion,
                                         .label = line_label};
    ito_process *flow;
    ito_denoiser eps, x0;
    float x[2 * N];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), x);
    assert_int_equal(ito_process_register(ctx, &line), ITO_OK);
    assert_int_equal(ito_process_create(ctx, "line", NULL, &flow), ITO_OK);
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, flow, "x0", &x0), ITO_OK);
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, flow, "eps", &eps), ITO_OK);
    ito_sample_options o = {.n_steps = 400, .seed = 2};
    assert_int_equal(ito_sample(ctx, flow, &x0, NULL, &o, &xs), ITO_OK);
    for (int i = 0; i < N; i++) { /* every sample lies near a component: log q of a draw is above -8 but once in 1e3 */
        const double at[] = {(double)x[2 * i], (double)x[2 * i + 1]};
        ito_level data = ito_process_level(flow, 0);
        assert_true(ito_mixture_log_density(mixture, &data, ITO_MIXTURE_ALL, at) > -8);
    }
    const char *const same[] = {"v", "velocity",
                                "edm"}; /* defined where no signal is left; a float's digits of each differ */
    for (int k = 0; k < ITO_COUNT(same); k++) {
        ito_denoiser d;
        float y[2 * N];
        ito_tensor ys = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), y);
        assert_int_equal(ito_mixture_denoiser(ctx, mixture, flow, same[k], &d), ITO_OK);
        assert_int_equal(ito_sample(ctx, flow, &d, NULL, &o, &ys), ITO_OK);
        for (int i = 0; i < 2 * N; i++) assert_true(fabs((double)x[i] - (double)y[i]) < 1e-4);
        ito_denoiser_clear(&d);
    }
    ito_denoiser mu = x0;
    assert_int_equal(ito_prediction_find(ctx, "mu", &mu.prediction), ITO_OK);
    assert_fails(ctx, ITO_USAGE, "time is continuous", ito_sample(ctx, flow, &mu, NULL, &o, &xs));
    assert_int_equal(ito_mixture_denoiser(ctx, mixture, flow, "mu", &mu), ITO_USAGE);
    assert_int_equal(ito_sample(ctx, flow, &eps, NULL, &o, &xs), ITO_NUMERIC); /* eps tells no x_0 at t = 1 */
    assert_non_null(strstr(ito_last_error(ctx), "eps prediction cannot tell x_0 at t = 1"));
    o.spacing = "leading";
    assert_int_equal(ito_sample(ctx, flow, &x0, NULL, &o, &xs), ITO_USAGE); /* needs integer timesteps */
    ito_denoiser_clear(&x0);
    ito_denoiser_clear(&eps);
    ito_process_destroy(flow);
}

/* ---- errors ---- */

static ito_status lazy_step(ito_step *step)
{
    (void)step;
    return ITO_OK;
}

/* Steps between levels of the process are the steps between its times; levels elsewhere go where they say. */
static void test_levels(void **state)
{
    (void)state;
    float by_times[2 * N], by_levels[2 * N];
    const double times[] = {900, 500, 100, 0};
    ito_step_levels levels[3];
    ito_sample_options o = {.sampler = "ddpm", .n_steps = 3, .times = times, .seed = 3};
    assert_int_equal(run(ctx, &o, N, by_times), ITO_OK);
    for (int i = 0; i < 3; i++)
        levels[i] = (ito_step_levels){ito_process_level(linear, times[i]), ito_process_level(linear, times[i + 1])};
    o.times = NULL;
    o.levels = levels;
    assert_int_equal(run(ctx, &o, N, by_levels), ITO_OK);
    assert_memory_equal(by_levels, by_times, sizeof by_times);
    /* As if the last step ended at half the signal: DDIM's x_s is signal_s x_0 there. */
    o.sampler = "ddim";
    o.prior_sd = 1;
    assert_int_equal(run(ctx, &o, N, by_times), ITO_OK);
    levels[2].s.signal = 0.5;
    assert_int_equal(run(ctx, &o, N, by_levels), ITO_OK);
    for (int i = 0; i < 2 * N; i++) assert_true(by_levels[i] == 0.5F * by_times[i]);
    o.prior_sd = 2;
    assert_int_equal(run(ctx, &o, N, by_levels), ITO_OK);
    assert_memory_not_equal(by_levels, by_times, sizeof by_times);
    levels[1].s.sigma = -1;
    assert_int_equal(run(ctx, &o, N, by_levels), ITO_USAGE);
    assert_non_null(strstr(ito_last_error(ctx), "levels of step 1"));
    o.n_steps = 0;
    assert_int_equal(run(ctx, &o, N, by_levels), ITO_USAGE);
}

static void test_errors(void **state)
{
    (void)state;
    float value = NAN, x[2 * N];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), x);
    ito_denoiser d = {.self = &value, .eval = huge_eval};
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, NULL, &xs), ITO_USAGE); /* no prediction kind */
    assert_int_equal(ito_prediction_find(ctx, "eps", &d.prediction), ITO_OK);
    assert_int_equal(ito_sample(ctx, linear, &d, NULL, NULL, &xs), ITO_NUMERIC);
    assert_non_null(strstr(ito_last_error(ctx), "sample 0 is not finite after step 1 of 50"));
    assert_int_equal(run(ctx, &(ito_sample_options){.sampler = "dddim"}, N, x), ITO_NOT_FOUND);
    assert_non_null(strstr(ito_last_error(ctx), "did you mean 'ddim'"));
    assert_int_equal(run(ctx, &(ito_sample_options){.n_steps = 2000}, N, x), ITO_USAGE);
    const double up[] = {10, 20}, out[] = {1001, 20}, low[] = {20, 10};
    assert_int_equal(run(ctx, &(ito_sample_options){.n_steps = 2, .times = up}, N, x), ITO_USAGE);
    assert_int_equal(run(ctx, &(ito_sample_options){.n_steps = 2, .times = out}, N, x), ITO_USAGE);
    assert_int_equal(run(ctx, &(ito_sample_options){.n_steps = 2, .times = low, .t_end = 10}, N, x), ITO_USAGE);
    assert_int_equal(run(ctx, &(ito_sample_options){.n_steps = 2, .times = low, .t_end = 9.5}, N, x), ITO_OK);
    int32_t labels[3] = {0};
    ito_condition condition = {0};
    assert_int_equal(ito_condition_add(ctx, &condition, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(3), labels)),
                     ITO_OK);
    assert_int_equal(ito_sample(ctx, linear, &denoiser, &condition, NULL, &xs), ITO_SHAPE);
    xs.dtype = ITO_I32;
    assert_int_equal(ito_sample(ctx, linear, &denoiser, NULL, NULL, &xs), ITO_DTYPE);
    static const ito_sampler_def lazy = {.choice = {.name = "lazy", .summary = "does nothing"}, .step = lazy_step};
    assert_int_equal(ito_sampler_register(ctx, &lazy), ITO_OK);
    assert_int_equal(run(ctx, &(ito_sample_options){.sampler = "lazy"}, N, x), ITO_USAGE);
    const ito_sampler_def *ddpm;
    ito_opts *opts;
    assert_int_equal(ito_sampler_find(ctx, "ddpm", &ddpm), ITO_OK);
    assert_int_equal(ito_opts_create(ctx, ddpm->choice.options, &opts), ITO_OK);
    assert_int_equal(ito_opts_set(opts, "ddpm", "variance", "huge"), ITO_OK);
    assert_int_equal(run(ctx, &(ito_sample_options){.sampler = "ddpm", .sampler_opts = opts}, N, x), ITO_NOT_FOUND);
    assert_int_equal(run(ctx, &(ito_sample_options){.sampler = "ddim", .sampler_opts = opts}, N, x), ITO_USAGE);
    ito_opts_destroy(opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_batch_any_threads),
        cmocka_unit_test(test_step_by_step_is_whole),
        cmocka_unit_test(test_progress_and_cancellation),
        cmocka_unit_test(test_hook_on_x0),
        cmocka_unit_test(test_eps_follows_x0),
        cmocka_unit_test(test_hook_on_moments),
        cmocka_unit_test(test_hook_sends_back),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_keep_eps),
        cmocka_unit_test(test_own_noise),
        cmocka_unit_test(test_own_process),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
