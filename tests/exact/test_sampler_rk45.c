/* RK45 sampling: errors under the tolerance for every process, steps and evaluations of each sample's own, bits that do not depend on
 * the batch, the data's end and pure noise, several intervals, encoding, and what it refuses. */
#include "exact/solo.h"

#include <string.h>

enum { N = 6 };

static ito_sampler *open_run(const ito_process *p, ito_denoiser *d, const ito_sample_options *o, int64_t n)
{
    ito_sampler *s;
    assert_ok(ctx, ito_mixture_denoiser(ctx, blobs, p, "v", d));
    assert_ok(ctx, ito_sampler_create(ctx, p, d, NULL, ITO_SHAPE(n, 2), o, &s));
    return s;
}

static void finish(ito_sampler *s)
{
    while (!ito_sampler_is_done(s)) assert_ok(ctx, ito_sampler_step(s));
}

static double worst_of(const double *a, const double *b, int n)
{
    double worst = 0;
    for (int i = 0; i < n; i++) worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

/* EQ[dopri:t2] EQ[salimans22:D]: between two levels inside, against the tolerance of 1e-11; the error of a path may be some tens of
 * those of its steps. Work grows as the tolerance falls. */
static void test_tolerance(void **state)
{
    (void)state;
    const ito_process *const processes[] = {vp, ve, edm, flow};
    const char *const texts[] = {"rtol=1e-3 atol=1e-3", "rtol=1e-5 atol=1e-5", "rtol=1e-7 atol=1e-7"};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        double fine[2 * N], x[2 * N], start[2 * N], tolerance = 1e-3;
        double top = ito_process_time(processes[p], -2 * log(10.0)),
               low = ito_process_time(processes[p], -2 * log(0.05));
        ito_level level = ito_process_level(processes[p], top);
        for (int i = 0; i < 2 * N; i++)
            start[i] = hypot(level.signal, level.sigma) * normal(ITO_STREAM_USER, 0, (uint64_t)i, 1);
        ito_sample_options o = {.sampler = "rk45", .times = &top, .n_steps = 1, .t_end = low, .start = start};
        sample(processes[p], blobs, "rtol=1e-11 atol=1e-11", o, N, fine);
        int before = 0;
        for (int k = 0; k < ITO_COUNT(texts); k++, tolerance /= 100) {
            sample(processes[p], blobs, texts[k], o, N, x);
            if (!(worst_of(x, fine, 2 * N) < 100 * tolerance))
                print_error("%s: %g\n", texts[k], worst_of(x, fine, 2 * N));
            assert_true(worst_of(x, fine, 2 * N) < 100 * tolerance);
            ito_denoiser d;
            ito_opts *opts = settings("rk45", texts[k]);
            o.sampler_opts = opts;
            o.dtype = ITO_F64;
            ito_sampler *s = open_run(processes[p], &d, &o, N);
            finish(s);
            assert_true(ito_sampler_n_evals(s) > before && ito_sampler_mean_evals(s) <= ito_sampler_n_evals(s));
            before = ito_sampler_n_evals(s);
            ito_sampler_destroy(s);
            ito_denoiser_clear(&d);
            ito_opts_destroy(opts);
            o.sampler_opts = NULL;
        }
    }
}

/* Against DDIM with many steps, from the prior to the data, for processes that end in every way. */
static void test_whole_way(void **state)
{
    (void)state;
    const ito_process *const processes[] = {vp, ve, edm, flow};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        double x[2 * N], fine[2 * N], more[2 * N];
        ito_sample_options o = {.sampler = "rk45", .n_steps = 1, .seed = 3};
        sample(processes[p], blobs, "", o, N, x);
        o.n_steps = 5;
        sample(processes[p], blobs, "", o, N, more);
        o = (ito_sample_options){.sampler = "ddim", .n_steps = 4000, .seed = 3, .spacing = "karras"};
        sample(processes[p], blobs, "", o, N, fine);
        if (!(worst_of(x, fine, 2 * N) < 0.02)) print_error("process %d: %g\n", p, worst_of(x, fine, 2 * N));
        assert_true(worst_of(x, fine, 2 * N) < 0.02);
        assert_true(worst_of(x, more, 2 * N) < 2e-3);
    }
}

static bool keep_mean(void *user, const ito_progress *p)
{
    *(double *)user = p->mean_evals;
    return true;
}

/* Samples take numbers of evaluations of their own, the same in any batch, and so are their bits, on any number of threads. */
static void test_each_for_itself(void **state)
{
    (void)state;
    float all[2 * N], alone[2], threaded[2 * N];
    ito_denoiser d;
    double told = 0;
    ito_sample_options o = {.sampler = "rk45", .n_steps = 2, .seed = 3, .progress = keep_mean, .user = &told};
    ito_sampler *s = open_run(vp, &d, &o, N);
    finish(s);
    assert_true(told > 0 && told == ito_sampler_mean_evals(s)); /* no arithmetic in between */
    memcpy(all, ito_sampler_x(s), sizeof all);
    int most = ito_sampler_n_evals(s), least = most;
    double mean = ito_sampler_mean_evals(s), sum = 0;
    ito_sampler_destroy(s);
    ito_denoiser_clear(&d);
    for (int i = 0; i < N; i++) {
        o.first_sample = (uint64_t)i;
        s = open_run(vp, &d, &o, 1);
        finish(s);
        memcpy(alone, ito_sampler_x(s), sizeof alone);
        assert_memory_equal(alone, all + 2 * i, sizeof alone);
        assert_true(ito_sampler_n_evals(s) <= most);
        least = ITO_MIN(least, ito_sampler_n_evals(s));
        sum += ito_sampler_n_evals(s);
        ito_sampler_destroy(s);
        ito_denoiser_clear(&d);
    }
    assert_true(least < most && least > 12);
    assert_true(fabs(sum / N - mean) < 1e-9);
    ito_ctx *three = ctx_open(3);
    o.first_sample = 0;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 2), threaded);
    assert_ok(ctx, ito_mixture_denoiser(ctx, blobs, vp, "v", &d));
    assert_ok(three, ito_sample(three, vp, &d, NULL, &o, &xs));
    assert_memory_equal(threaded, all, sizeof all);
    ito_denoiser_clear(&d);
    ito_ctx_destroy(three);
}

/* Up to noise and back again. */
static void test_encode(void **state)
{
    (void)state;
    const ito_process *const processes[] = {vp, edm, flow};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        float data[2 * N];
        double x0[2 * N], z[2 * N], back[2 * N];
        ito_mixture_draw(blobs, ITO_MIXTURE_ALL, 9, 0, N, data);
        for (int i = 0; i < 2 * N; i++) x0[i] = (double)data[i];
        ito_sample_options o = {.sampler = "rk45", .n_steps = 1, .start = x0, .encode = true};
        sample(processes[p], blobs, "", o, N, z);
        o.start = z;
        o.encode = false;
        sample(processes[p], blobs, "", o, N, back);
        assert_true(worst_of(back, x0, 2 * N) < 0.01);
        assert_true(worst_of(z, x0, 2 * N) > 0.1);
    }
}

static ito_status change(void *user, ito_step *step, const ito_level *t, const float *x, float *x0)
{
    (void)user, (void)step, (void)t, (void)x, (void)x0;
    return ITO_OK;
}

static void test_refuses(void **state)
{
    (void)state;
    float x[2];
    const ito_hook hook = {.on_x0 = change};
    ito_sample_options o = {.sampler = "rk45", .n_steps = 1, .hooks = &hook, .n_hooks = 1};
    assert_fails(ctx, ITO_USAGE, "hooks on x_0 cannot follow", try_sample(vp, blobs, &o, ITO_F32, 1, x));
    ito_opts *few = settings("rk45", "max_steps=3");
    o = (ito_sample_options){.sampler = "rk45", .n_steps = 1, .sampler_opts = few};
    assert_fails(ctx, ITO_NUMERIC, "more than max_steps steps", try_sample(vp, blobs, &o, ITO_F32, 1, x));
    ito_opts_destroy(few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tolerance), cmocka_unit_test(test_whole_way), cmocka_unit_test(test_each_for_itself),
        cmocka_unit_test(test_encode),    cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
