/* Predictor-corrector sampling against score_sde's algorithms written out in one dimension and in the plane; norms of a sample and of
 * the batch; without a corrector it is its predictor. */
#include "exact/solo.h"

enum { STEPS = 8, SEED = 3, N = 4 };

typedef struct setting {
    const char *text;
    double snr;
    int n_corrections;
    bool by_norm, batch;
    char predictor; /* r, e, a, n */
} setting;

static void score_of(const ito_level *t, const double *x, double *score)
{
    ito_mixture_score(blobs, t, ITO_MIXTURE_ALL, x, score);
}

static void noise_of(int k, int draw, uint64_t i, double *z)
{
    float both[2];
    ito_rng_key key = {SEED, ITO_STREAM_STEP, (uint32_t)(k * ITO_NOISE_DRAWS + draw), i};
    ito_rng_normal(key, 0, 2, both);
    z[0] = (double)both[0], z[1] = (double)both[1];
}

/* EQ[sde:a4] EQ[sde:a5] EQ[sde:s4.2]: the corrector of the whole batch. */
static void correct(const setting *c, int k, int draw, const ito_level *t, const ito_level *s, double (*x)[2])
{
    double score[N][2], z[N][2], of_score[N], of_noise[N], mean_score = 0, mean_noise = 0;
    for (int i = 0; i < N; i++) {
        score_of(t, x[i], score[i]);
        noise_of(k, draw, (uint64_t)i, z[i]);
        mean_score += (of_score[i] = hypot(score[i][0], score[i][1])) / N;
        mean_noise += (of_noise[i] = hypot(z[i][0], z[i][1])) / N;
    }
    double a = t->signal / s->signal;
    for (int i = 0; i < N; i++) {
        double target =
            c->by_norm ? c->snr * (c->batch ? mean_noise / mean_score : of_noise[i] / of_score[i]) : c->snr * t->sigma;
        double size = target * target * 2 * a * a;
        for (int j = 0; j < 2; j++) x[i][j] += size * score[i][j] + sqrt(2 * size) * z[i][j];
    }
}

/* EQ[sde:4] EQ[sde:47] and the two others. */
static void predict(const setting *c, const ito_process *p, int k, const ito_level *t, const ito_level *s, uint64_t i,
                    double *x)
{
    double score[2], z[2], a = t->signal / s->signal, added = t->sigma * t->sigma - a * a * s->sigma * s->sigma;
    double f = ito_process_drift(p, t->t), g = ito_process_diffusion(p, t->t), dt = t->t - s->t;
    bool is_ddpm = ito_process_get_def(p)->is_variance_preserving;
    score_of(t, x, score);
    noise_of(k, 0, i, z);
    for (int j = 0; j < 2; j++) {
        if (k == STEPS - 1) z[j] = 0;
        if (c->predictor == 'r') x[j] = (2 - a) * x[j] + added * score[j] + sqrt(added) * z[j];
        if (c->predictor == 'e') x[j] += -(f * x[j] - g * g * score[j]) * dt + g * sqrt(dt) * z[j];
        if (c->predictor == 'a')
            x[j] = (x[j] + added * score[j]) / a + (is_ddpm ? sqrt(added) : s->sigma / t->sigma * sqrt(added)) * z[j];
    }
}

static void check(const ito_process *p, double from, double to, const setting *c)
{
    double times[STEPS], got[2 * N], x[N][2];
    ito_level level[STEPS + 1];
    for (int k = 0; k < STEPS; k++) times[k] = from + (to - from) * k / STEPS;
    fill_levels(p, times, STEPS, to, level);
    ito_sample_options o = {.sampler = "pc", .seed = SEED, .times = times, .n_steps = STEPS, .t_end = to};
    sample(p, blobs, c->text, o, N, got);
    for (int i = 0; i < N; i++) {
        float z[2];
        ito_rng_normal((ito_rng_key){SEED, ITO_STREAM_PRIOR, 0, (uint64_t)i}, 0, 2, z);
        for (int j = 0; j < 2; j++) x[i][j] = ito_process_prior_sd(p) * (double)z[j];
    }
    for (int k = 0; k < STEPS; k++) {
        for (int j = 0; j < c->n_corrections; j++) correct(c, k, 1 + j, &level[k], &level[k + 1], x);
        for (int i = 0; i < N; i++) predict(c, p, k, &level[k], &level[k + 1], (uint64_t)i, x[i]);
    }
    for (int i = 0; i < 2 * N; i++) {
        double want = x[i / 2][i % 2];
        if (!(fabs(got[i] - want) < 1e-8 * fmax(1, fabs(want)))) print_error("%s: %g for %g\n", c->text, got[i], want);
        assert_true(fabs(got[i] - want) < 1e-8 * fmax(1, fabs(want)));
    }
}

static void test_updates(void **state)
{
    (void)state;
    const setting cases[] = {
        {"", 0.16, 1, true, false, 'r'},
        {"batch_norms=true snr=0.1 n_corrections=2", 0.1, 2, true, true, 'r'},
        {"predictor=euler-maruyama corrector=ald snr=0.2", 0.2, 1, false, false, 'e'},
        {"predictor=ancestral corrector=none", 0, 0, true, false, 'a'},
        {"predictor=none corrector=langevin n_corrections=3", 0.16, 3, true, false, 'n'},
    };
    for (int k = 0; k < ITO_COUNT(cases); k++) {
        check(ve, 1, 0.05, &cases[k]);
        check(vp, 1, 0.02, &cases[k]);
    }
    check(edm, 80, 0, &cases[0]);
}

/* A sample does not depend on its batch, unless the norms are the batch's. */
static void test_norms(void **state)
{
    (void)state;
    double all[8], alone[2];
    for (int batch = 0; batch < 2; batch++) {
        ito_sample_options o = {.sampler = "pc", .n_steps = 5, .seed = 1};
        sample(vp, blobs, batch ? "batch_norms=true" : "", o, 4, all);
        o.first_sample = 2;
        sample(vp, blobs, batch ? "batch_norms=true" : "", o, 1, alone);
        assert_int_equal(memcmp(all + 4, alone, sizeof alone) != 0, batch);
    }
}

/* In 256 dimensions norms of single samples hardly vary: mean and variance of all numbers within 5 standard errors and 3 percent. */
static void test_many_dimensions(void **state)
{
    (void)state;
    enum { dim = 256, n = 40 };
    static double mean[dim], sd[dim], x[n * dim];
    double got, variance;
    ito_mixture *m;
    ito_denoiser d;
    for (int j = 0; j < dim; j++) mean[j] = MEAN, sd[j] = SD;
    ito_mixture_options one = {.dim = dim, .n_components = 1, .mean = mean, .sd = sd};
    ito_sample_options o = {.sampler = "pc", .n_steps = 300, .seed = 1};
    ito_tensor xs = ito_tensor_view(ITO_F64, ITO_SHAPE(n, dim), x);
    assert_ok(ctx, ito_mixture_create(ctx, &one, &m));
    assert_ok(ctx, ito_mixture_denoiser(ctx, m, ve, "v", &d));
    assert_ok(ctx, ito_sample(ctx, ve, &d, NULL, &o, &xs));
    moments_of(x, n * dim, 1, &got, &variance);
    if (!(fabs(variance / SD / SD - 1) < 0.1)) print_error("mean %g, variance %g\n", got, variance);
    assert_true(fabs(got - MEAN) < 5 * SD / sqrt(n * dim) + 0.01);
    assert_true(fabs(variance / SD / SD - 1) < 5 * sqrt(2.0 / (n * dim)) + 0.03);
    ito_denoiser_clear(&d);
    ito_mixture_destroy(m);
}

static void test_without_corrector(void **state)
{
    (void)state;
    double a[4], b[4], x[1];
    sample(vp, blobs, "corrector=none", (ito_sample_options){.sampler = "pc", .n_steps = 9}, 2, a);
    sample(vp, blobs, "", (ito_sample_options){.sampler = "reverse-diffusion", .n_steps = 9}, 2, b);
    assert_memory_equal(a, b, sizeof a);
    ito_opts *nothing = settings("pc", "predictor=none corrector=none");
    ito_sample_options o = {.sampler = "pc", .sampler_opts = nothing};
    assert_fails(ctx, ITO_USAGE, "neither predictor nor corrector", try_sample(vp, gaussian, &o, ITO_F64, 1, x));
    ito_opts_destroy(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_many_dimensions),
        cmocka_unit_test(test_without_corrector),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
