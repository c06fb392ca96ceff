/* What every sampler that injects noise owes, and rk45 with them, asked of each by name: samples in the data's distribution, the same
 * bits in any batch and on any number of threads, other noise for other seeds, and hooks that send the state back. */
#include "exact/solo.h"

#include <string.h>

typedef struct setting {
    const char *sampler, *text;
    int process; /* of processes() */
    int n_steps;
    double bias; /* what the number of steps leaves of energy distance, above the noise floor */
} setting;

static const ito_process *process_of(const setting *s)
{
    const ito_process *const all[] = {linear, vp, ve, edm, flow};
    return all[s->process];
}

enum { LINEAR, VP, VE, EDM, FLOW };

/* Steps and settings at which each has converged; the spacing is trailing, or karras for EDM's process. */
static const setting settings_of[] = {
    {"edm", "s_churn=20", EDM, 60, 1e-3},
    {"edm", "s_churn=40 s_noise=1", VP, 100, 1e-3},
    {"euler-a", "", LINEAR, 200, 2e-3},
    {"euler-a", "eta=0.5", FLOW, 100, 1e-3},
    {"dpm2-a", "", EDM, 60, 1e-3},
    {"dpmpp-2s-a", "", LINEAR, 200, 1e-3},
    {"dpmpp-sde", "", FLOW, 60, 1e-3},
    {"dpmpp-2m-sde", "", EDM, 60, 1e-3},
    {"dpmpp-2m-sde", "solver=heun", LINEAR, 100, 1e-3},
    {"dpmpp-3m-sde", "", FLOW, 100, 1e-3},
    {"sa-solver", "", VP, 100, 1e-3},
    {"sa-solver", "tau=0.7 tau_min=0 tau_max=1e9 predictor_order=3 corrector_order=3", EDM, 60, 1e-3},
    {"euler-maruyama", "", VP, 500, 1e-3},
    {"reverse-diffusion", "", VE, 500, 2e-3},
    {"reverse-diffusion", "", LINEAR, 500, 1e-3},
    {"flow-sde", "", FLOW, 200, 1e-3},
    {"annealed-langevin", "n_per_level=20 step_size=0.1", EDM, 60, 2e-3},
    {"rk45", "", FLOW, 1, 1e-3},
    {"rk45", "", LINEAR, 1, 1e-3},
    {"pc", "batch_norms=true", VE, 200, 2e-3},
    {"pc", "predictor=ancestral corrector=ald", LINEAR, 200, 2e-3},
    {"pc", "predictor=euler-maruyama snr=0.1 batch_norms=true", VP, 200, 2e-3},
};

static ito_sample_options options_of(const setting *s)
{
    return (ito_sample_options){
        .sampler = s->sampler, .n_steps = s->n_steps, .seed = 3, .spacing = s->process == EDM ? "karras" : "trailing"};
}

/* The largest energy distance of 12 pairs of fresh data, and a bias; a tenth of a standard deviation of shift is 5e-3 more. */
static void test_distribution(void **state)
{
    (void)state;
    enum { n = 800 };
    static double x[2 * n];
    static float fresh[2 * n];
    double floor = 0, got;
    int n_bad = 0;
    for (uint64_t k = 0; k < 12; k++) {
        ito_mixture_draw(blobs, ITO_MIXTURE_ALL, 100, k * n, n, fresh);
        for (int i = 0; i < 2 * n; i++) x[i] = (double)fresh[i];
        floor = fmax(floor, energy_of(x, n));
    }
    for (int k = 0; k < ITO_COUNT(settings_of); k++) {
        const setting *s = &settings_of[k];
        sample(process_of(s), blobs, s->text, options_of(s), n, x);
        got = energy_of(x, n);
        if (!(got < floor + s->bias))
            print_error("%s %s, process %d: energy distance %g, floor %g\n", s->sampler, s->text, s->process, got,
                        floor);
        n_bad += !(got < floor + s->bias);
    }
    assert_int_equal(n_bad, 0);
    for (int i = 0; i < n; i++) x[2 * i] += 0.15;
    assert_true(energy_of(x, n) > floor + 2e-3);
}

/* Annealed Langevin dynamics on a ladder of levels, with both papers' steps: mean and variance within 5 standard errors of the
 * mean, and the variance to 10 percent, of one Gaussian. */
static void test_annealed_law(void **state)
{
    (void)state;
    enum { n = 4000 };
    static double x[n];
    const char *const texts[] = {"n_per_level=100", "step_size=0 n_per_level=20", "n_per_level=100 denoise=false"};
    for (int k = 0; k < ITO_COUNT(texts); k++) {
        double mean, variance, times[40];
        for (int i = 0; i < 40; i++) times[i] = 10 * pow(0.02 / 10, i / 39.0);
        ito_sample_options o = {.sampler = "annealed-langevin", .times = times, .n_steps = 40, .seed = 5};
        sample(edm, gaussian, texts[k], o, n, x);
        moments_of(x, n, 1, &mean, &variance);
        if (!(fabs(mean - MEAN) < 5 * SD / sqrt(n) + 0.01 && fabs(variance / (SD * SD) - 1) < 0.15))
            print_error("%s: mean %g, variance %g\n", texts[k], mean, variance);
        assert_true(fabs(mean - MEAN) < 5 * SD / sqrt(n) + 0.01);
        assert_true(fabs(variance / (SD * SD) - 1) < 0.15);
    }
}

static ito_status run(ito_ctx *c, const ito_sampler_def *def, const ito_process *p, ito_sample_options o, int64_t n,
                      float *x)
{
    ito_denoiser d;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(n, 2), x);
    o.sampler = def->choice.name;
    assert_ok(c, ito_mixture_denoiser(c, blobs, p, "v", &d));
    ito_status st = ito_sample(c, p, &d, NULL, &o, &xs);
    ito_denoiser_clear(&d);
    return st;
}

/* Every built-in sampler: sample i of a seed has the same bits in any batch, in any order and on 3 threads. */
static void test_any_batch_any_threads(void **state)
{
    (void)state;
    enum { n = 6 };
    const ito_axis *axis = ito_axis_find("sampler");
    const uint64_t picked[] = {5, 1};
    ito_ctx *three = ctx_open(3);
    for (int k = 0; k < axis->n_builtin; k++) {
        const ito_sampler_def *def = (const ito_sampler_def *)axis->builtin[k];
        float all[2 * n], some[4], other[2 * n];
        ito_sample_options o = {.n_steps = 5, .seed = 2};
        assert_ok(ctx, run(ctx, def, vp, o, n, all));
        assert_ok(three, run(three, def, vp, o, n, other));
        assert_memory_equal(all, other, sizeof all);
        o.samples = picked;
        assert_ok(ctx, run(ctx, def, vp, o, 2, some));
        assert_memory_equal(some, all + 10, 2 * sizeof *all);
        assert_memory_equal(some + 2, all + 2, 2 * sizeof *all);
        o = (ito_sample_options){.n_steps = 5, .seed = 3};
        assert_ok(ctx, run(ctx, def, vp, o, n, other));
        assert_memory_not_equal(all, other, sizeof all);
    }
    ito_ctx_destroy(three);
}

/* Once from the middle to the start. */
static ito_status go_back(void *user, ito_step *step, float *x, int *go_to)
{
    int *n_steps = user;
    (void)x;
    if (step->index == 3 && *n_steps == 3) *go_to = 1;
    ++*n_steps;
    return ITO_OK;
}

/* Every sampler goes on from there: finite, with as many steps as were made, and the same again. */
static void test_sent_back(void **state)
{
    (void)state;
    const ito_axis *axis = ito_axis_find("sampler");
    for (int k = 0; k < axis->n_builtin; k++) {
        const ito_sampler_def *def = (const ito_sampler_def *)axis->builtin[k];
        float x[8], again[8];
        for (int twice = 0; twice < 2; twice++) {
            int n_steps = 0;
            const ito_hook hook = {.user = &n_steps, .on_step = go_back};
            ito_sample_options o = {.n_steps = 8, .seed = 2, .hooks = &hook, .n_hooks = 1};
            assert_ok(ctx, run(ctx, def, vp, o, 4, twice ? again : x));
            assert_int_equal(n_steps, 11);
        }
        assert_memory_equal(x, again, sizeof x);
    }
}

/* What the options say of noise is what a run does: encoding is for those without. */
static void test_is_noisy(void **state)
{
    (void)state;
    const struct {
        const char *sampler, *text;
        bool is_noisy;
    } cases[] = {{"edm", "", false},
                 {"edm", "s_churn=1", true},
                 {"euler-a", "", true},
                 {"euler-a", "eta=0", false},
                 {"dpmpp-2m-sde", "eta=0", false},
                 {"dpmpp-3m-sde", "eta=0", false},
                 {"dpmpp-sde", "eta=0", false},
                 {"sa-solver", "tau=0", false},
                 {"sa-solver", "", true},
                 {"flow-sde", "eta=0", false},
                 {"tcd", "gamma=0", false},
                 {"sgld", "", true},
                 {"pc", "", true},
                 {"rk45", "", false}};
    for (int k = 0; k < ITO_COUNT(cases); k++) {
        double x0[2] = {0.3, -0.4}, z[2];
        ito_opts *opts = settings(cases[k].sampler, cases[k].text);
        ito_sample_options o = {
            .sampler = cases[k].sampler, .sampler_opts = opts, .n_steps = 20, .start = x0, .encode = true};
        for (int p = 0; p < 3; p++) /* from the data, and to where no signal is left */
            assert_int_equal(try_sample(p ? p == 1 ? flow : edm : vp, blobs, &o, ITO_F64, 1, z),
                             cases[k].is_noisy ? ITO_USAGE : ITO_OK);
        ito_opts_destroy(opts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distribution),
        cmocka_unit_test(test_annealed_law),
        cmocka_unit_test(test_any_batch_any_threads),
        cmocka_unit_test(test_sent_back),
        cmocka_unit_test(test_is_noisy),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
