/* The variational bound on exact denoisers: terms in closed form, a chain whose bound is tight, unbiased shares of the
 * chain, learned variances, rate and distortion. test_vlb_images.c has the rest. */
#include "exact/own_processes.h"

#include <math.h>
#include <string.h>

#include <ito/likelihood.h>
#include <ito/mixture.h>
#include <ito/rng.h>
#include <ito/variance.h>

#include "likelihood/chain.h"

#define N   4000
#define DIM 2
#define LN2 0.69314718055994530942

static const double mean[DIM] = {0.3, -0.2}, sd[DIM] = {0.5, 0.5};
static const double chain[] = {1000, 900, 700, 450, 300, 150, 60, 20, 5, 1};
#define STEPS ITO_COUNT(chain)

/* The exact denoiser of one Gaussian, with extra channels: the o of a learned variance. */
typedef struct learned {
    ito_denoiser inner;
    double fixed;          /* o everywhere, unless the chain is set: */
    const double *of_step; /* o at chain[k] */
} learned;

static ito_mixture *gauss;

/* ---- variances: the built-in ones and three that a program registers ---- */

enum { SMALL, LARGE, RANGE, MIDDLE, OWN_LAST, WIDE, VARIANCES };
static const char *const variance_names[VARIANCES] = {"fixed_small", "fixed_large", "learned_range",
                                                      "middle",      "own_last",    "wide"};
static const ito_variance_def *variances[VARIANCES];

/* 0 at the data. */
static double middle(const ito_level *t, const ito_level *s)
{
    return sqrt(ito_level_transition(t, s).variance * ito_level_posterior(t, s).variance);
}

static double own_last(const ito_level *t, const ito_level *s)
{
    return s->sigma > 0 ? 1.5 * ito_level_posterior(t, s).variance : 0.02;
}

static void wide(const ito_process *process, const ito_level *t, const ito_level *s, double log_variance[2])
{
    (void)process;
    log_variance[0] = log(ito_level_posterior(t, s).variance) - 0.5;
    log_variance[1] = log(ito_level_transition(t, s).variance) + 0.25;
}

static const ito_variance_def own_variances[] = {
    {.choice = {.name = "middle", .summary = "between the fixed ones"}, .fixed = middle},
    {.choice = {.name = "own_last", .summary = "with a decoder of its own"}, .fixed = own_last},
    {.choice = {.name = "wide", .summary = "learned, farther apart"}, .range = wide},
};

static int setup(void **state)
{
    (void)state;
    ito_mixture_options o = {.dim = DIM, .n_components = 1, .mean = mean, .sd = sd};
    own_processes_open(1);
    assert_ok(ctx, ito_mixture_create(ctx, &o, &gauss));
    for (int k = 0; k < ITO_COUNT(own_variances); k++) assert_ok(ctx, ito_variance_register(ctx, &own_variances[k]));
    for (int k = 0; k < VARIANCES; k++) assert_ok(ctx, ito_variance_find(ctx, variance_names[k], &variances[k]));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(gauss);
    own_processes_close();
    return 0;
}

static int step_at(double t)
{
    int k = 0;
    while (k < STEPS - 1 && fabs(chain[k] - t) > 1e-9) k++;
    return k;
}

static ito_status learned_eval(void *self, ito_ctx *c, const ito_tensor *x, const double *t,
                               const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    learned *l = self;
    int64_t n = x->shape.d[0], size = ito_shape_count(x->shape) / n;
    assert_true(!extra || ito_shape_equal(extra->shape, x->shape));
    for (int64_t i = 0; extra && i < n; i++)
        for (int64_t j = 0; j < size; j++)
            ((float *)extra->data)[i * size + j] = (float)(l->of_step ? l->of_step[step_at(t[i])] : l->fixed);
    return l->inner.eval(l->inner.self, c, x, t, condition, out, NULL);
}

static ito_denoiser learned_open(learned *l)
{
    assert_ok(ctx, ito_mixture_denoiser(ctx, gauss, linear, "x0", &l->inner));
    return (ito_denoiser){.self = l, .eval = learned_eval, .prediction = l->inner.prediction, .n_extra = DIM};
}

static ito_vlb *open_vlb(const ito_denoiser *d, const ito_vlb_options *o)
{
    ito_vlb *v;
    assert_ok(ctx, ito_vlb_create(ctx, linear, d, ITO_SHAPE(DIM), o, &v));
    return v;
}

/* Variances of the chain's step k, in the test's own words: from alpha_bar alone. */
typedef struct moments {
    double abar_t, abar_s, beta, beta_tilde, coef_x0;
    double spread; /* Var(x_0 | x_t) of the Gaussian */
    double log_small, log_large;
} moments;

static moments moments_of(int k)
{
    moments m = {.abar_t = ito_process_alpha_bar(linear, chain[k]),
                 .abar_s = k < STEPS - 1 ? ito_process_alpha_bar(linear, chain[k + 1]) : 1};
    m.beta = 1 - m.abar_t / m.abar_s;
    m.beta_tilde = (1 - m.abar_s) / (1 - m.abar_t) * m.beta;
    m.coef_x0 = sqrt(m.abar_s) * m.beta / (1 - m.abar_t);
    m.spread = 0.25 * (1 - m.abar_t) / (0.25 * m.abar_t + 1 - m.abar_t);
    m.log_large = log(m.beta);
    m.log_small = k < STEPS - 1 ? log(m.beta_tilde) : moments_of(k - 1).log_small;
    return m;
}

/* Of p(x_s | x_t), in the test's own words, for the extra output o. */
static double log_variance_of(int choice, const moments *m, bool last, double o)
{
    switch (choice) {
    case SMALL: return m->log_small;
    case LARGE: return last ? m->log_small : m->log_large;
    case RANGE: return 0.5 * (1 + o) * m->log_large + 0.5 * (1 - o) * m->log_small;
    case MIDDLE: return last ? m->log_small : 0.5 * (m->log_small + m->log_large);
    case OWN_LAST: return log(last ? 0.02 : 1.5 * m->beta_tilde);
    default: return 0.5 * (1 + o) * (m->log_large + 0.25) + 0.5 * (1 - o) * (m->log_small - (last ? 0 : 0.5));
    }
}

static double kl_mean(const moments *m, double log_var, double x0_mse)
{
    return 0.5 *
           (log_var - log(m->beta_tilde) + (m->beta_tilde + m->coef_x0 * m->coef_x0 * x0_mse) * exp(-log_var) - 1) /
           LN2;
}

/* ---- closed forms ---- */

/* EQ[survey:16] = EQ[ddpm:5]  For Gaussian data the error of the best x0_hat has variance Var(x_0 | x_t), so every
 * term's mean is known; N images of two dimensions, five standard errors of a chi-square. EQ[iddpm:15] = EQ[survey:23]
 * at o = 0.3. Variances that a program registers are no different: in the last step, what is 0 of theirs is beta_tilde of the
 * step before, what is not is theirs. */
static void test_terms_of_a_gaussian(void **state)
{
    (void)state;
    static float x[N * DIM];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, DIM), x);
    learned l = {.fixed = 0.3};
    ito_denoiser d = learned_open(&l);
    ito_mixture_draw(gauss, ITO_MIXTURE_ALL, 3, 0, N, x);
    for (int choice = 0; choice < VARIANCES; choice++) {
        ito_vlb_options o = {.times = chain,
                             .n_times = STEPS,
                             .variance = variances[choice],
                             .keep_range = true,
                             .continuous = true,
                             .seed = 1};
        ito_vlb *v = open_vlb(&d, &o);
        ito_vlb_result r;
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        assert_true(r.n_images == N && r.dims == DIM && r.n_terms == STEPS && r.variance == variances[choice]);
        for (int k = 0; k < STEPS; k++) {
            moments m = moments_of(k);
            const ito_vlb_term *term = &r.terms[k];
            bool last = k == STEPS - 1;
            double log_var = log_variance_of(choice, &m, last, (double)0.3F);
            double noise = 5 * sqrt(2.0 / (N * DIM)); /* relative, of the mean of squares */
            double slope = (last ? 1 : m.coef_x0 * m.coef_x0) * exp(-log_var) / (2 * LN2);
            double want = last ? (0.5 * log(2 * acos(-1.0)) + 0.5 * log_var) / LN2 + slope * m.spread
                               : kl_mean(&m, log_var, m.spread);
            assert_true(term->t == chain[k] && term->s == (last ? 0 : chain[k + 1]) && term->n == N);
            assert_true(fabs(term->x0_mse / m.spread - 1) < noise);
            assert_true(fabs(term->bits - want) < noise * slope * m.spread + 1e-9);
            assert_true(fabs(term->bits - (want + slope * (term->x0_mse - m.spread))) < 1e-6 * (1 + fabs(want)));
            assert_true(fabs(term->eps_mse - m.abar_t / (1 - m.abar_t) * term->x0_mse) < 1e-9 * term->eps_mse);
        }
        double abar = moments_of(0).abar_t, second = 0;
        for (int i = 0; i < N * DIM; i++) second += (double)x[i] * (double)x[i] / (N * DIM);
        assert_true(fabs(r.prior - 0.5 * (-log(1 - abar) - abar + abar * second) / LN2) < 1e-12);
        ito_vlb_destroy(v);
    }
    ito_denoiser_clear(&l.inner);
}

/* EQ[survey:13] = EQ[survey:14] = EQ[survey:15] = EQ[ddpm:5]  With the true variance of the reverse steps, which a
 * learned range can express for a Gaussian, the chain is the reverse process itself and the bound is no bound any more:
 * the terms' mean over noise telescopes to -log p(x_0), for every x_0. With beta_tilde in its place it does not. */
static void test_tight_bound(void **state)
{
    (void)state;
    static float x[N * DIM];
    double o_of[STEPS];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, DIM), x);
    learned l = {.of_step = o_of};
    ito_denoiser d = learned_open(&l);
    for (int k = 0; k < STEPS; k++) {
        moments m = moments_of(k);
        double truth = log((k < STEPS - 1 ? m.beta_tilde : 0) + m.coef_x0 * m.coef_x0 * m.spread);
        o_of[k] = 2 * (truth - m.log_small) / (m.log_large - m.log_small) - 1;
    }
    for (int p = 0; p < 3; p++) {
        double x0[] = {0.3 + 0.6 * (p - 1), -0.2 + 0.3 * p};
        const ito_level data = {.signal = 1, .log_snr = (double)INFINITY};
        for (int i = 0; i < N * DIM; i++) x[i] = (float)x0[i % DIM];
        double want = -ito_mixture_log_density(gauss, &data, ITO_MIXTURE_ALL, x0) / (DIM * LN2);
        for (int fixed = 0; fixed < 2; fixed++) {
            ito_vlb_options o = {.times = chain,
                                 .n_times = STEPS,
                                 .keep_range = true,
                                 .continuous = true,
                                 .variance = variances[fixed ? SMALL : RANGE],
                                 .seed = (uint64_t)p};
            ito_vlb *v = open_vlb(&d, &o);
            ito_vlb_result r;
            assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
            assert_ok(ctx, ito_vlb_get(v, &r));
            if (fixed)
                assert_true(r.total > want + 1);
            else
                assert_true(fabs(r.total - want) < 5 * r.total_se && r.total_se < 0.03);
            ito_vlb_destroy(v);
        }
    }
    ito_denoiser_clear(&l.inner);
}

/* ---- shares of the chain ---- */

/* K evaluations for each image estimate the whole sum: the difference from the whole sum of the same images and noise
 * has mean 0 within 5 standard errors, and the spread over seeds is what total_se says, to 40 percent. */
static void test_strata_are_unbiased(void **state)
{
    (void)state;
    enum { images = 300, seeds = 40 };
    static float x[images * DIM];
    double whole[images], part[images], difference[images], totals[seeds], se = 0;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(images, DIM), x);
    ito_denoiser d;
    assert_ok(ctx, ito_mixture_denoiser(ctx, gauss, linear, "eps", &d));
    ito_mixture_draw(gauss, ITO_MIXTURE_ALL, 3, 0, images, x);
    double sum = 0, deviation = 0;
    for (int s = 0; s < seeds; s++) {
        ito_vlb_options o = {.times = chain,
                             .n_times = STEPS,
                             .keep_range = true,
                             .continuous = true,
                             .variance = variances[LARGE],
                             .seed = (uint64_t)s};
        ito_vlb_result r;
        for (int k = 0; k < 2; k++) {
            o.n_evals = k ? 5 : 0; /* nine links in parts of 2, 2, 2 and 3 */
            ito_vlb *v = open_vlb(&d, &o);
            assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, k ? part : whole));
            assert_ok(ctx, ito_vlb_get(v, &r));
            int64_t n = 0;
            for (int j = 0; j < STEPS; j++) n += r.terms[j].n;
            assert_int_equal(n, images * (k ? 5 : STEPS));
            assert_int_equal(r.terms[STEPS - 1].n, images);
            assert_true(fabs(r.prior + r.kl + r.decoder - r.total) < 1e-12);
            ito_vlb_destroy(v);
        }
        for (int i = 0; i < images; i++) difference[i] = part[i] - whole[i];
        ito_interval mean_difference = ito_interval_of(difference, images);
        assert_true(fabs(mean_difference.mean) < 5 * mean_difference.se && mean_difference.se > 0);
        assert_true(fabs(r.total - ito_interval_of(part, images).mean) < 1e-12);
        assert_true(fabs(r.total_se - ito_interval_of(part, images).se) < 1e-12);
        sum += mean_difference.mean / seeds;
        deviation += mean_difference.se * mean_difference.se / seeds;
        totals[s] = mean_difference.mean;
        se += mean_difference.se / seeds;
    }
    assert_true(fabs(sum) < 5 * sqrt(deviation / seeds));
    double spread = ito_interval_of(totals, seeds).se * sqrt(seeds);
    assert_true(spread > 0.6 * se && spread < 1.4 * se);
    ito_denoiser_clear(&d);
}

/* An image's numbers are the same in any batch, bit for bit, and follow its index. */
static void test_any_batch(void **state)
{
    (void)state;
    enum { images = 6 };
    float x[images * DIM];
    double all[images], one;
    ito_denoiser d;
    assert_ok(ctx, ito_mixture_denoiser(ctx, gauss, cosine, "v", &d));
    ito_mixture_draw(gauss, ITO_MIXTURE_ALL, 3, 0, images, x);
    for (int evals = 0; evals < 10; evals += 9) {
        ito_vlb_options o = {.n_evals = evals, .continuous = true, .seed = 2};
        ito_vlb *v, *w;
        ito_vlb_result a, b;
        ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(images, DIM), x);
        assert_ok(ctx, ito_vlb_create(ctx, cosine, &d, ITO_SHAPE(DIM), &o, &v));
        assert_ok(ctx, ito_vlb_create(ctx, cosine, &d, ITO_SHAPE(DIM), &o, &w));
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, all));
        for (uint64_t i = 0; i < images; i++) {
            ito_tensor row = ito_tensor_view(ITO_F32, ITO_SHAPE(1, DIM), x + i * DIM);
            assert_ok(ctx, ito_vlb_add(w, &row, NULL, &i, &one));
            assert_true(one == all[i]);
        }
        assert_ok(ctx, ito_vlb_get(v, &a));
        assert_ok(ctx, ito_vlb_get(w, &b));
        assert_true(a.n_terms == 1000 && fabs(a.total - b.total) < 1e-12 && fabs(a.total_se - b.total_se) < 1e-12);
        ito_vlb_destroy(v);
        ito_vlb_destroy(w);
    }
    ito_denoiser_clear(&d);
}

/* Every kind of prediction says the same of x_0, to the rounding of its outputs: mu's are nearly x_t, eps's at t = 1000 too. */
static void test_kinds_agree(void **state)
{
    (void)state;
    enum { images = 20 };
    static const char *const kinds[] = {"x0", "eps", "v", "score", "velocity", "edm", "mu"};
    float x[images * DIM];
    double bits[STEPS] = {0};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(images, DIM), x);
    ito_mixture_draw(gauss, ITO_MIXTURE_ALL, 3, 0, images, x);
    for (int k = 0; k < ITO_COUNT(kinds); k++) {
        ito_vlb_options o = {.times = chain, .n_times = STEPS, .keep_range = true, .continuous = true};
        ito_denoiser d;
        ito_vlb_result r;
        assert_ok(ctx, ito_mixture_denoiser(ctx, gauss, linear, kinds[k], &d));
        ito_vlb *v = open_vlb(&d, &o);
        assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
        assert_ok(ctx, ito_vlb_get(v, &r));
        for (int j = 0; j < STEPS; j++) {
            if (k == 0) bits[j] = r.terms[j].bits;
            if (!(fabs(r.terms[j].bits - bits[j]) < 1e-3 * (1 + fabs(bits[j]))))
                fail_msg("%s, t = %g: %g, not %g", kinds[k], chain[j], r.terms[j].bits, bits[j]);
        }
        ito_vlb_destroy(v);
        ito_denoiser_clear(&d);
    }
}

/* ---- variances, rate and distortion ---- */

/* A chain of every timestep and training, which knows no chain, have the same variances, the last step's too. */
static void test_chain_and_training_agree(void **state)
{
    (void)state;
    ito_prediction kind;
    assert_ok(ctx, ito_prediction_find(ctx, "eps", &kind));
    for (int choice = 0; choice < VARIANCES; choice++) {
        const ito_process *process = choice % 2 ? cosine : linear;
        ito__chain all;
        assert_ok(ctx, ito__chain_create(ctx, process, &kind, &(ito_vlb_options){.variance = variances[choice]}, &all));
        assert_int_equal(all.n, 1000);
        for (int k = 0; k < all.n; k++) {
            const ito__link *l = &all.link[k];
            ito_level t = ito_process_level(process, 1000 - k), s = ito_process_level(process, 999 - k);
            ito_log_variance want = ito_variance_log(variances[choice], process, NULL, &t, &s);
            assert_true(fabs(l->log_p.shift - want.shift) < 1e-12 && fabs(l->log_p.scale - want.scale) < 1e-12);
        }
        ito__free(ctx, all.link);
    }
}

/* Without a choice a denoiser with extra output has its learned range and others have fixed_small. */
static void test_default_variance(void **state)
{
    (void)state;
    float x[2 * DIM] = {0.1F, 0.2F, -0.3F, 0.6F};
    double total[2][2];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(2, DIM), x);
    for (int learns = 0; learns < 2; learns++) {
        learned l = {.fixed = 0.4};
        ito_denoiser d = learned_open(&l);
        if (!learns) d.n_extra = 0;
        for (int k = 0; k < 2; k++) {
            ito_vlb_options o = {.times = chain, .n_times = STEPS, .continuous = true};
            ito_vlb_result r;
            if (k) o.variance = variances[learns ? RANGE : SMALL];
            ito_vlb *v = open_vlb(&d, &o);
            assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, total[k]));
            assert_ok(ctx, ito_vlb_get(v, &r));
            assert_string_equal(r.variance->choice.name, learns ? "learned_range" : "fixed_small");
            ito_vlb_destroy(v);
        }
        assert_memory_equal(total[0], total[1], sizeof total[0]);
        ito_denoiser_clear(&l.inner);
    }
}

static double nothing(const ito_level *t, const ito_level *s)
{
    return s->t > 100 ? ito_level_posterior(t, s).variance : 0;
}

static void test_bad_variances(void **state)
{
    (void)state;
    const ito_variance_def none = {.choice = {.name = "none", .summary = "0 at last"}, .fixed = nothing};
    ito_denoiser d;
    ito_vlb *v;
    assert_ok(ctx, ito_mixture_denoiser(ctx, gauss, linear, "eps", &d));
    ito_vlb_options o = {.times = chain, .n_times = STEPS, .variance = &none};
    assert_fails(ctx, ITO_NUMERIC, "variance none has no finite logarithm in the step from t = 150 to 60",
                 ito_vlb_create(ctx, linear, &d, ITO_SHAPE(DIM), &o, &v));
    o.variance = variances[WIDE];
    assert_fails(ctx, ITO_SHAPE, "variance wide is learned and needs as many extra output channels as the data has, 2",
                 ito_vlb_create(ctx, linear, &d, ITO_SHAPE(DIM), &o, &v));
    ito_denoiser_clear(&d);
}

/* o = -1 is beta_tilde and o = +1 is beta, in every term. Only L_0 of fixed_large is not o = +1: it has beta_tilde's.
 * */
static void test_learned_ends(void **state)
{
    (void)state;
    enum { images = 20 };
    float x[images * DIM];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(images, DIM), x);
    ito_mixture_draw(gauss, ITO_MIXTURE_ALL, 3, 0, images, x);
    for (int end = 0; end < 2; end++) {
        learned l = {.fixed = end ? 1 : -1};
        ito_denoiser d = learned_open(&l);
        ito_vlb_result r[2];
        ito_vlb *v[2];
        for (int k = 0; k < 2; k++) {
            ito_vlb_options o = {.times = chain,
                                 .n_times = STEPS,
                                 .continuous = true,
                                 .seed = 2,
                                 .variance = variances[k     ? RANGE
                                                       : end ? LARGE
                                                             : SMALL]};
            v[k] = open_vlb(&d, &o);
            assert_ok(ctx, ito_vlb_add(v[k], &xs, NULL, NULL, NULL));
            assert_ok(ctx, ito_vlb_get(v[k], &r[k]));
        }
        for (int k = 0; k < STEPS - 1; k++)
            assert_true(fabs(r[0].terms[k].bits - r[1].terms[k].bits) < 1e-12 * fabs(r[0].terms[k].bits));
        double gap = r[1].decoder - r[0].decoder, mse = r[0].terms[STEPS - 1].x0_mse;
        moments m = moments_of(STEPS - 1);
        double want = 0.5 * (m.log_large - m.log_small + mse * (exp(-m.log_large) - exp(-m.log_small))) / LN2;
        assert_true(fabs(gap - (end ? want : 0)) < 1e-9 && (!end || fabs(want) > 0.01));
        ito_vlb_destroy(v[0]);
        ito_vlb_destroy(v[1]);
        ito_denoiser_clear(&l.inner);
    }
}

/* EQ[ddpm:s4.3]  The rate is what was paid before, x_0's own error is the distortion, and the strips are the very
 * predictions that were scored. */
static void test_rate_distortion(void **state)
{
    (void)state;
    enum { images = 50 };
    static float x[images * DIM], strips[2 * images * DIM];
    const int of[] = {3, 8};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(images, DIM), x);
    ito_denoiser d;
    assert_ok(ctx, ito_mixture_denoiser(ctx, gauss, linear, "eps", &d));
    ito_mixture_draw(gauss, ITO_MIXTURE_ALL, 3, 0, images, x);
    for (int i = 0; i < images * DIM; i++)
        x[i] = (float)(fmin(fmax(round(((double)x[i] + 1) * 127.5), 0), 255) / 127.5 - 1);
    ito_vlb_options o = {.times = chain, .n_times = STEPS};
    ito_vlb *v = open_vlb(&d, &o);
    ito_vlb_result r;
    assert_ok(ctx, ito_vlb_add(v, &xs, NULL, NULL, NULL));
    assert_ok(ctx, ito_vlb_get(v, &r));
    double rate = r.prior;
    for (int k = 0; k < STEPS; k++) {
        assert_true(fabs(r.terms[k].rate - rate) < 1e-12);
        assert_true(fabs(r.terms[k].distortion - 127.5 * sqrt(r.terms[k].x0_mse)) < 1e-9);
        rate += r.terms[k].bits;
    }
    assert_true(fabs(rate - r.total) < 1e-12 && fabs(r.decoder - r.terms[STEPS - 1].bits) < 1e-12);
    assert_true(r.terms[0].distortion > 3 * r.terms[STEPS - 1].distortion);
    assert_ok(ctx, ito_vlb_reconstruct(v, &xs, NULL, NULL, 2, of, strips));
    for (int k = 0; k < 2; k++) {
        double mse = 0;
        for (int i = 0; i < images; i++)
            for (int j = 0; j < DIM; j++) {
                double e = (double)x[i * DIM + j] - (double)strips[(2 * i + k) * DIM + j];
                mse += e * e / (images * DIM);
            }
        assert_true(fabs(mse / r.terms[of[k]].x0_mse - 1) < 1e-5); /* strips are float32 */
    }
    ito_vlb_destroy(v);
    ito_denoiser_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_of_a_gaussian), cmocka_unit_test(test_tight_bound),
        cmocka_unit_test(test_strata_are_unbiased), cmocka_unit_test(test_kinds_agree),
        cmocka_unit_test(test_any_batch),           cmocka_unit_test(test_chain_and_training_agree),
        cmocka_unit_test(test_default_variance),    cmocka_unit_test(test_bad_variances),
        cmocka_unit_test(test_learned_ends),        cmocka_unit_test(test_rate_distortion),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
