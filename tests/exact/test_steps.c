/* What steps are made of: runs in double, levels of each sample's own, Brownian paths, and encoding. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include <ito/mixture.h>
#include <ito/sampler.h>

#include "base/base.h"

#define N 6

static ito_mixture *mixture;
static ito_denoiser denoiser;

static int setup(void **state)
{
    (void)state;
    const double mean[] = {1, 1, -1, 0.5, 0.2, -1}, sd[] = {0.15, 0.3, 0.2, 0.2, 0.3, 0.1};
    ito_mixture_options o = {.dim = 2, .n_components = 3, .mean = mean, .sd = sd};
    processes_open(1);
    assert_ok(ctx, ito_mixture_create(ctx, &o, &mixture));
    assert_ok(ctx, ito_mixture_denoiser(ctx, mixture, cosine, "v", &denoiser));
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

static ito_status sample_as(ito_dtype dtype, const ito_sample_options *o, int64_t n, void *x)
{
    ito_tensor xs = ito_tensor_view(dtype, ITO_SHAPE(n, 2), x);
    return ito_sample(ctx, cosine, &denoiser, NULL, o, &xs);
}

/* ---- in double ---- */

/* Noise is the same, so the runs differ by float32's roundings; and doubles go on where floats have stopped. */
static void test_doubles(void **state)
{
    (void)state;
    const char *const samplers[] = {"ddim", "ddpm"};
    for (int k = 0; k < ITO_COUNT(samplers); k++) {
        float single[2 * N];
        double twice[2 * N];
        ito_sample_options o = {.sampler = samplers[k], .n_steps = 50, .seed = 3};
        assert_ok(ctx, sample_as(ITO_F32, &o, N, single));
        assert_ok(ctx, sample_as(ITO_F64, &o, N, twice));
        for (int i = 0; i < 2 * N; i++) {
            assert_true(fabs(twice[i] - (double)single[i]) < 1e-5);
            assert_true(twice[i] != (double)single[i]);
        }
    }
}

static bool go_on(void *user, const ito_progress *p)
{
    (void)user;
    (void)p;
    return true;
}

static void test_doubles_refuse(void **state)
{
    (void)state;
    double x[2];
    const ito_hook hook = {0};
    const ito_sample_options wrong[] = {{.clip = "static"}, {.progress = go_on}, {.hooks = &hook, .n_hooks = 1}};
    for (int i = 0; i < ITO_COUNT(wrong); i++) assert_int_equal(sample_as(ITO_F64, &wrong[i], 1, x), ITO_USAGE);
    int32_t no[2];
    assert_fails(ctx, ITO_DTYPE, "samples are f32 or f64, found i32", sample_as(ITO_I32, NULL, 1, no));
}

/* ---- levels of each sample's own ---- */

/* DDIM from t to s by way of a time between them, another in each sample; sample 1 does without. */
static ito_status wander(ito_step *st)
{
    ito_estimate e;
    ito_level t[N], s[N];
    bool active[N];
    double coef[2 * N];
    const void *state = st->x;
    for (int leg = 0; leg < 2; leg++) {
        for (int64_t i = 0; i < st->n; i++) {
            double share = i == 1 ? 0 : (double)(i + 1) / (double)(st->n + 1);
            ito_level between = ito_process_level(st->process, st->t.t + share * (st->s.t - st->t.t));
            t[i] = leg ? between : st->t;
            s[i] = leg ? st->s : between;
            active[i] = i != 1 || leg;
        }
        ito_status status = ito_step_predict_each(st, 0, t, active, state, &e);
        if (status != ITO_OK) return status;
        for (int64_t i = 0; i < st->n; i++) {
            coef[i] = s[i].signal;
            coef[st->n + i] = s[i].sigma;
        }
        ito_step_combine_each(st, 2, coef, (const void *const[]){e.x0, e.eps}, st->scratch[0]);
        state = st->scratch[0];
    }
    return ito_step_to(st, 1, (const ito_term[]){{1, st->scratch[0]}}, 0);
}

static ito_status change(void *user, ito_step *step, const ito_level *t, const float *x, float *x0)
{
    (void)user, (void)step, (void)t, (void)x, (void)x0;
    return ITO_OK;
}

/* Each sample is what DDIM makes of it alone with its own times. */
static void test_levels_of_each(void **state)
{
    (void)state;
    static const ito_sampler_def own = {
        .choice = {.name = "wander", .summary = "a test's sampler"}, .n_scratch = 1, .step = wander};
    ito_sampler *s;
    const double times[] = {800, 300};
    ito_sample_options o = {.sampler = "wander", .n_steps = 2, .times = times, .seed = 5};
    assert_ok(ctx, ito_sampler_register(ctx, &own));
    assert_ok(ctx, ito_sampler_create(ctx, cosine, &denoiser, NULL, ITO_SHAPE(N, 2), &o, &s));
    while (!ito_sampler_is_done(s)) assert_ok(ctx, ito_sampler_step(s));
    for (int i = 0; i < N; i++) {
        float alone[2];
        double share = (double)(i + 1) / (N + 1), path[] = {800, 800 - share * 500, 300, 300 - share * 300};
        ito_sample_options one = {.n_steps = 4, .times = path, .seed = 5, .first_sample = (uint64_t)i};
        if (i == 1) one.times = times, one.n_steps = 2;
        assert_ok(ctx, sample_as(ITO_F32, &one, 1, alone));
        for (int j = 0; j < 2; j++) assert_true(fabsf(ito_sampler_x(s)[2 * i + j] - alone[j]) < 1e-5f);
    }
    assert_int_equal(ito_sampler_n_evals(s), 4);
    assert_true(fabs(ito_sampler_mean_evals(s) - (4.0 * N - 2) / N) < 1e-12);
    ito_sampler_destroy(s);
    const ito_hook hook = {.on_x0 = change};
    float x[2 * N];
    o.hooks = &hook;
    o.n_hooks = 1;
    assert_fails(ctx, ITO_USAGE, "hooks on x_0 cannot follow", sample_as(ITO_F32, &o, N, x));
}

/* ---- Brownian paths ---- */

/* The last run's increments between the times that are asked for: [MOST][n * size]. */
enum { MOST = 4, WIDE = 500 };
static double increments[MOST][WIDE * 2];
static double asked[MOST][2];
static int n_asked;

static ito_status follow(ito_step *st)
{
    for (int k = 0; k < n_asked; k++) {
        ito_status status = ito_step_brownian(st, k, asked[k][0], asked[k][1], st->scratch[0]);
        if (status != ITO_OK) return status;
        memcpy(increments[k], st->scratch[0], (size_t)(st->n * st->size) * sizeof(double));
    }
    return ito_step_to(st, 1, (const ito_term[]){{0, st->x}}, 0);
}

static void draw_paths(int n, uint64_t first, uint64_t seed)
{
    static double x[2 * WIDE];
    ito_sample_options o = {.sampler = "follow", .n_steps = 1, .seed = seed, .first_sample = first};
    assert_ok(ctx, sample_as(ITO_F64, &o, n, x));
}

static double moment(const double *a, const double *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += a[i] * b[i] / count;
    return sum;
}

/* Unit variance within 5 standard errors, no correlation of times apart, and that of times that overlap; over adjoining times
 * increments add up; EQ[li20:s4]. */
static void test_paths(void **state)
{
    (void)state;
    static const ito_sampler_def own = {.choice = {.name = "follow", .summary = "a test's sampler"},
                                        .n_scratch = 1,
                                        .follows_path = true,
                                        .step = follow};
    static const double pairs[MOST][2] = {{900, 333.3}, {333.3, 250}, {900, 250}, {0.001, 0}};
    int count = 2 * WIDE;
    double se = sqrt(1.0 / count);
    assert_ok(ctx, ito_sampler_register(ctx, &own));
    memcpy(asked, pairs, sizeof asked);
    n_asked = MOST;
    draw_paths(WIDE, 0, 7);
    for (int k = 0; k < MOST; k++) {
        assert_true(fabs(moment(increments[k], increments[k], count) - 1) < 5 * sqrt(2) * se);
        for (int l = 0; l < k; l++) {
            double shared = fmin(pairs[k][0], pairs[l][0]) - fmax(pairs[k][1], pairs[l][1]);
            double both = sqrt((pairs[k][0] - pairs[k][1]) * (pairs[l][0] - pairs[l][1]));
            double want = fmax(shared, 0) / both;
            assert_true(fabs(moment(increments[k], increments[l], count) - want) < 5 * se);
        }
    }
    for (int i = 0; i < count; i++) {
        double sum = sqrt(900 - 333.3) * increments[0][i] + sqrt(333.3 - 250) * increments[1][i];
        assert_true(fabs(sum - sqrt(650) * increments[2][i]) < 1e-9);
    }
}

/* By seed and sample, whatever else is asked and drawn. */
static void test_paths_are_keyed(void **state)
{
    (void)state;
    double whole[2 * WIDE];
    asked[0][0] = 700, asked[0][1] = 100;
    n_asked = 1;
    draw_paths(WIDE, 0, 7);
    memcpy(whole, increments[0], sizeof whole);
    asked[1][0] = 700, asked[1][1] = 100;
    asked[0][0] = 420, asked[0][1] = 400;
    n_asked = 2;
    draw_paths(3, 40, 7);
    assert_memory_equal(increments[1], whole + 80, 6 * sizeof *whole);
    draw_paths(3, 40, 8);
    assert_memory_not_equal(increments[1], whole + 80, 6 * sizeof *whole);
}

/* ---- encoding ---- */

/* Along the same ODE upward and back: with steps of order 1 the way there and back misses by less the finer they are, and what the
 * data become has the prior's moments. */
static void test_encode(void **state)
{
    (void)state;
    enum { n = 400 };
    static float data[2 * n];
    static double x0[2 * n], z[2 * n], back[2 * n];
    double before = 0;
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 9, 0, n, data);
    for (int i = 0; i < 2 * n; i++) x0[i] = (double)data[i];
    for (int steps = 125; steps <= 500; steps *= 2) {
        double error = 0, sum = 0, squares = 0;
        ito_sample_options o = {.n_steps = steps, .start = x0, .encode = true, .dtype = ITO_F64};
        assert_ok(ctx, sample_as(ITO_F64, &o, n, z));
        o.start = z;
        o.encode = false;
        assert_ok(ctx, sample_as(ITO_F64, &o, n, back));
        for (int i = 0; i < 2 * n; i++) {
            error += (back[i] - x0[i]) * (back[i] - x0[i]) / (2 * n);
            sum += z[i] / (2 * n);
            squares += z[i] * z[i] / (2 * n);
        }
        assert_true(fabs(sum) < 0.15 && fabs(squares - 1) < 0.2);
        error = sqrt(error);
        if (steps > 125) assert_true(error < 0.75 * before);
        before = error;
    }
    assert_true(before < 0.02);
}

static void test_encode_refuses(void **state)
{
    (void)state;
    float x0[2] = {0}, z[2];
    ito_sample_options o = {.n_steps = 5, .encode = true};
    assert_fails(ctx, ITO_USAGE, "start must hold x_0", sample_as(ITO_F32, &o, 1, z));
    o.start = x0;
    o.sampler = "ddpm";
    assert_fails(ctx, ITO_USAGE, "ddpm injects noise, so it has no way back", sample_as(ITO_F32, &o, 1, z));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),         cmocka_unit_test(test_doubles_refuse),
        cmocka_unit_test(test_levels_of_each),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_paths_are_keyed), cmocka_unit_test(test_encode),
        cmocka_unit_test(test_encode_refuses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
