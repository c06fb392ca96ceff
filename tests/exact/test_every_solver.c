/* What every deterministic sampler must keep, built in or not: any batch and number of threads, the ends of processes, a state that a
 * hook sends back, an x_0 that is held, and the way back from data to noise. */

#include "exact/solvers.h"

static ito_mixture *mixture;

static int setup(void **state)
{
    (void)state;
    processes_open(1);
    mixture = gaussian();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(mixture);
    processes_close();
    return 0;
}

/* The deterministic sampler number i of those that follow the ODE, NULL past the last. */
static const ito_sampler_def *solver(int i)
{
    const ito_axis *axis = ito_axis_find("sampler");
    for (int k = 0; k < axis->n_builtin; k++) {
        const ito_sampler_def *def = (const ito_sampler_def *)axis->builtin[k];
        if (!def->is_stochastic && def->order && i-- == 0) return def;
    }
    return NULL;
}

static ito_process *open_process(const char *name, const char *key, const char *value)
{
    const ito_process_def *def;
    ito_process *process;
    ito_opts *opts;
    assert_ok(ctx, ito_process_find(ctx, name, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    if (key) assert_ok(ctx, ito_opts_set(opts, name, key, value));
    assert_ok(ctx, ito_process_create(ctx, name, opts, &process));
    ito_opts_destroy(opts);
    return process;
}

static void sample(ito_ctx *c, const ito_process *process, const char *kind, const ito_sample_options *o, int64_t n,
                   void *x)
{
    ito_denoiser d;
    ito_tensor xs = ito_tensor_view(o->dtype, ITO_SHAPE(n, 1), x);
    assert_ok(c, ito_mixture_denoiser(c, mixture, process, kind, &d));
    assert_ok(c, ito_sample(c, process, &d, NULL, o, &xs));
    ito_denoiser_clear(&d);
}

/* Bit for bit; and doubles do the same to float's accuracy. */
static void test_any_batch_any_threads(void **state)
{
    (void)state;
    enum { N = 8 };
    const ito_sampler_def *def;
    ito_ctx *three = ctx_open(3);
    for (int i = 0; (def = solver(i)); i++) {
        float all[N], some[3], threaded[N];
        double doubles[N];
        ito_sample_options o = {.sampler = def->choice.name, .n_steps = 12, .seed = 3};
        sample(ctx, linear, "v", &o, N, all);
        sample(three, linear, "v", &o, N, threaded);
        assert_memory_equal(threaded, all, sizeof all);
        o.dtype = ITO_F64;
        sample(ctx, linear, "v", &o, N, doubles);
        for (int k = 0; k < N; k++) assert_true(fabs(doubles[k] - (double)all[k]) < 1e-4 * (1 + fabs(doubles[k])));
        o.dtype = ITO_F32;
        o.first_sample = 4;
        sample(ctx, linear, "v", &o, 3, some);
        assert_memory_equal(some, all + 4, sizeof some);
    }
    assert_true(def == NULL && solver(19));
    ito_ctx_destroy(three);
}

/* From a start without signal, or from EDM's, to sigma = 0 or nearly: one step from no signal leaves the mean of the data, many come
 * near the solution, and no number of steps makes nonsense. */
static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *process, *key, *value, *kind, *spacing;
        double tolerance;
    } cases[] = {
        {"vp-linear", "zero_snr", "true", "v", "trailing", 0.1},
        {"flow", NULL, NULL, "velocity", "trailing", 0.05},
        {"flow", "shift", "3", "x0", "trailing", 0.05},
        {"vp-cosine", "zero_snr", "true", "x0", "trailing", 0.05},
        {"vdm", NULL, NULL, "eps", "trailing", 0.05},
        {"edm", NULL, NULL, "edm", "karras", 0.05},
    };
    static const int counts[] = {1, 2, 3, 4, 5, 7, 14, 15, 40};
    const ito_sampler_def *def;
    for (int c = 0; c < ITO_COUNT(cases); c++) {
        ito_process *p = open_process(cases[c].process, cases[c].key, cases[c].value);
        ito_level t = ito_process_level(p, ito_process_t_max(p)), s = ito_process_level(p, ito_process_t_min(p));
        for (int i = 0; (def = solver(i)); i++)
            for (int k = 0; k < ITO_COUNT(counts); k++) {
                double x, start = 0.8 * ito_process_prior_sd(p);
                ito_sample_options o = {.sampler = def->choice.name,
                                        .spacing = cases[c].spacing,
                                        .n_steps = counts[k],
                                        .start = &start,
                                        .dtype = ITO_F64};
                sample(ctx, p, cases[c].kind, &o, 1, &x);
                double error = fabs(x - flow_to(&t, &s, start));
                double bound = counts[k] == 40 ? cases[c].tolerance : counts[k] > 4 ? 1.5 : 50;
                if (counts[k] == 1 && !(t.signal > 0)) error = fabs(x - MEAN), bound = 1e-9;
                if (!(error < bound))
                    fail_msg("%s in %s, %d steps: %g, error %g", def->choice.name, cases[c].process, counts[k], x,
                             error);
            }
        ito_process_destroy(p);
    }
}

static ito_status no_noise(void *self, ito_ctx *c, ito_stream stream, uint32_t step, int64_t n,
                           const uint64_t *sample_of, int64_t size, float *dst)
{
    (void)self, (void)c, (void)step, (void)sample_of;
    for (int64_t i = 0; i < n * size; i++) dst[i] = stream == ITO_STREAM_PRIOR ? 0.9F - (float)i : 0;
    return ITO_OK;
}

static ito_status back_once(void *user, ito_step *step, float *x, int *go_to)
{
    bool *done = user;
    x[0] += 0.125F;
    if (step->index == 5 && !*done) {
        *done = true;
        *go_to = 2;
    }
    return ITO_OK;
}

static ito_status change_only(void *user, ito_step *step, float *x, int *go_to)
{
    (void)user, (void)step, (void)go_to;
    x[0] += 0.125F;
    return ITO_OK;
}

/* After it was sent back a run is, bit for bit, one that starts there: nothing of before is left. */
static void test_sent_back(void **state)
{
    (void)state;
    enum { N = 2, STEPS = 18, BACK = 2 };
    const ito_sampler_def *def;
    ito_denoiser d;
    const ito_noise noise = {NULL, no_noise};
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, linear, "eps", &d));
    for (int i = 0; (def = solver(i)); i++) {
        ito_sampler *s, *fresh;
        bool done = false;
        double times[STEPS];
        float start[N];
        const ito_hook back = {.user = &done, .on_step = back_once}, change = {.on_step = change_only};
        for (int k = 0; k < STEPS; k++) times[k] = 1000 - 50 * k;
        ito_sample_options o = {.sampler = def->choice.name,
                                .n_steps = STEPS,
                                .times = times,
                                .noise = &noise,
                                .hooks = &back,
                                .n_hooks = 1};
        assert_ok(ctx, ito_sampler_create(ctx, linear, &d, NULL, ITO_SHAPE(N, 1), &o, &s));
        while (!done) assert_ok(ctx, ito_sampler_step(s));
        assert_int_equal(ito_sampler_index(s), BACK);
        ito_sampler_get_x(s, start);
        o.times = times + BACK;
        o.n_steps = STEPS - BACK;
        o.start = start;
        o.hooks = &change;
        assert_ok(ctx, ito_sampler_create(ctx, linear, &d, NULL, ITO_SHAPE(N, 1), &o, &fresh));
        while (!ito_sampler_is_done(fresh)) {
            assert_ok(ctx, ito_sampler_step(s));
            assert_ok(ctx, ito_sampler_step(fresh));
            assert_memory_equal(ito_sampler_x(s), ito_sampler_x(fresh), sizeof start);
        }
        ito_sampler_destroy(s);
        ito_sampler_destroy(fresh);
    }
    ito_denoiser_clear(&d);
}

static ito_status hold(void *user, ito_step *step, const ito_level *t, const float *x, float *x0)
{
    (void)user, (void)t, (void)x;
    for (int64_t i = 0; i < step->n * step->size; i++) x0[i] = 0.25F;
    return ITO_OK;
}

/* With x_0 held at a constant the paths are straight lines to it, for every solver. */
static void test_held(void **state)
{
    (void)state;
    const ito_sampler_def *def;
    const ito_hook hook = {.on_x0 = hold};
    for (int i = 0; (def = solver(i)); i++) {
        float x[4];
        ito_sample_options o = {.sampler = def->choice.name, .n_steps = 20, .hooks = &hook, .n_hooks = 1};
        sample(ctx, linear, "eps", &o, 4, x);
        for (int k = 0; k < 4; k++) assert_true(fabsf(x[k] - 0.25F) < 1e-5F);
    }
}

/* From sigma = 0 up to the prior, or to no signal at all, along the same ODE: the error falls with the steps, and the way back
 * leads near the start. */
static void test_encode(void **state)
{
    (void)state;
    const char *const processes[] = {"vdm", "flow"};
    const ito_sampler_def *def;
    for (int c = 0; c < 2; c++) {
        ito_process *p = open_process(processes[c], NULL, NULL);
        ito_level t = ito_process_level(p, 1), s = ito_process_level(p, 0);
        for (int i = 0; (def = solver(i)); i++) {
            double x0 = 1.3, z, back, before = 0;
            for (int n = 50; n <= 200; n *= 4) {
                ito_sample_options o = {
                    .sampler = def->choice.name, .n_steps = n, .start = &x0, .encode = true, .dtype = ITO_F64};
                sample(ctx, p, "v", &o, 1, &z);
                double error = fabs(z - flow_to(&s, &t, x0));
                o.start = &z;
                o.encode = false;
                sample(ctx, p, "v", &o, 1, &back);
                if (!(error < 0.2) || (n > 50 && !(error < 0.6 * before || error < 1e-6)) || !(fabs(back - x0) < 0.1))
                    fail_msg("%s in %s, %d steps: error %g after %g, and %g came back of %g", def->choice.name,
                             processes[c], n, error, before, back, x0);
                before = error;
            }
        }
        ito_process_destroy(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_batch_any_threads),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_sent_back),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_encode),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
