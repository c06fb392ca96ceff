/* Divergences, bins and the terms of a bound against tools/make_likelihood_fixtures.py, which computes them in float64
 * from the papers' definitions. Tolerances: 1e-9 for scalars in double (1e-15 / p where the reference itself loses
 * digits in the right tail); 1e-6 of the terms of the bound, whose x_t passes through float32. */
#include "golden_file.h"

#include <math.h>

#include <ito/likelihood.h>

#define FILE_NAME "tests/golden/likelihood/likelihood.safetensors"

typedef struct numbers {
    golden_tensor t;
    double *at;
    int64_t n;
} numbers;

static ito_ctx *ctx;
static golden_file file;

static numbers get(const char *name)
{
    numbers n;
    n.at = golden_doubles(&file, name, false, &n.t);
    n.n = ito_shape_count(n.t.shape);
    return n;
}

static int setup(void **state)
{
    (void)state;
    ctx = ctx_open(0);
    file = golden_open(ctx, FILE_NAME);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    golden_close(&file);
    ito_ctx_destroy(ctx);
    return 0;
}

static void test_kl(void **state)
{
    (void)state;
    numbers ma = get("kl.mean_a"), la = get("kl.log_variance_a"), mb = get("kl.mean_b"), lb = get("kl.log_variance_b"),
            want = get("kl");
    assert_true(want.n > 100);
    for (int64_t i = 0; i < want.n; i++)
        assert_true(fabs(ito_gaussian_kl(ma.at[i], la.at[i], mb.at[i], lb.at[i]) - want.at[i]) <
                    1e-9 * (1 + want.at[i]));
    for (int k = 0; k < 5; k++) free((double *[]){ma.at, la.at, mb.at, lb.at, want.at}[k]);
}

/* EQ[ddpm:13] */
static void test_bins(void **state)
{
    (void)state;
    numbers x = get("bin.x"), mean = get("bin.mean"), log_variance = get("bin.log_variance"), want[2];
    int apart = 0;
    want[ITO_CDF_TANH] = get("bin.tanh");
    want[ITO_CDF_EXACT] = get("bin.exact");
    for (int c = 0; c < 2; c++)
        for (int64_t i = 0; i < x.n; i++) {
            double p = exp(want[c].at[i]);
            double got = ito_gaussian_log_bin(x.at[i], mean.at[i], log_variance.at[i], (ito_cdf)c);
            assert_true(fabs(got - want[c].at[i]) < 1e-9 + 1e-15 / p);
            apart += fabs(want[0].at[i] - want[1].at[i]) > 1e-4;
        }
    assert_true(apart > 100); /* the two functions can be told apart */
    for (int k = 0; k < 5; k++) free((double *[]){x.at, mean.at, log_variance.at, want[0].at, want[1].at}[k]);
}

/* The network of the fixture: says x0_hat and o of timestep t whatever it sees. */
typedef struct stored {
    const float *x0_hat, *o;
    int64_t size;
} stored;

static ito_status stored_eval(void *self, ito_ctx *c, const ito_tensor *x, const double *t,
                              const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    const stored *s = self;
    int64_t n = x->shape.d[0];
    (void)c;
    (void)condition;
    for (int64_t i = 0; i < n; i++) {
        int64_t from = ((int64_t)t[i] - 1) * n * s->size + i * s->size;
        memcpy((float *)out->data + i * s->size, s->x0_hat + from, (size_t)s->size * sizeof(float));
        if (extra) memcpy((float *)extra->data + i * s->size, s->o + from, (size_t)s->size * sizeof(float));
    }
    return ITO_OK;
}

static ito_process *open_process(const numbers *alpha_bar)
{
    const ito_process_def *def;
    ito_process *process;
    ito_opts *opts;
    char steps[16];
    snprintf(steps, sizeof steps, "%d", (int)alpha_bar->n);
    assert_ok(ctx, ito_process_find(ctx, "vp-linear", &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    assert_ok(ctx, ito_opts_set(opts, "vp-linear", "T", steps));
    assert_ok(ctx, ito_opts_set(opts, "vp-linear", "beta_start", "0.002"));
    assert_ok(ctx, ito_opts_set(opts, "vp-linear", "beta_end", "0.35"));
    assert_ok(ctx, ito_process_create(ctx, "vp-linear", opts, &process));
    ito_opts_destroy(opts);
    for (int t = 1; t <= alpha_bar->n; t++)
        assert_true(fabs(ito_process_alpha_bar(process, t) - alpha_bar->at[t - 1]) < 1e-12);
    return process;
}

/* Every image's sum, and every term's mean over images. */
static void check_bound(const ito_process *process, const ito_denoiser *d, const ito_tensor *x, int choice)
{
    const char *const names[] = {"chain.terms.small", "chain.terms.large", "chain.terms.range"};
    const char *const variances[] = {"fixed_small", "fixed_large", "learned_range"};
    numbers terms = get(names[choice]), prior = get("chain.prior"), mse = get("chain.mse");
    int n = (int)terms.t.shape.d[1], steps = (int)terms.t.shape.d[0];
    ito_vlb_options o = {0};
    double total[8], prior_mean = 0;
    ito_vlb *v;
    ito_vlb_result r;
    assert_true(n <= 8);
    assert_ok(ctx, ito_variance_find(ctx, variances[choice], &o.variance));
    assert_ok(ctx, ito_vlb_create(ctx, process, d, ito_shape_make(3, x->shape.d + 1), &o, &v));
    assert_ok(ctx, ito_vlb_add(v, x, NULL, NULL, total));
    assert_ok(ctx, ito_vlb_get(v, &r));
    assert_int_equal(r.n_terms, steps);
    for (int t = 0; t < steps; t++) {
        const ito_vlb_term *term = &r.terms[steps - 1 - t];
        double bits = 0, error = 0;
        for (int i = 0; i < n; i++) {
            bits += terms.at[t * n + i] / n;
            error += mse.at[t * n + i] / n;
        }
        assert_true(term->t == t + 1);
        assert_true(fabs(term->bits - bits) < 1e-6 * (1 + bits));
        assert_true(fabs(term->x0_mse - error) < 1e-6);
    }
    for (int i = 0; i < n; i++) {
        double sum = prior.at[i];
        for (int t = 0; t < steps; t++) sum += terms.at[t * n + i];
        assert_true(fabs(total[i] - sum) < 1e-6 * sum);
        prior_mean += prior.at[i] / n;
    }
    assert_true(fabs(r.prior - prior_mean) < 1e-6);
    ito_vlb_destroy(v);
    free(terms.at);
    free(prior.at);
    free(mse.at);
}

/* EQ[survey:16] = EQ[iddpm:15] = EQ[survey:23] */
static void test_bound(void **state)
{
    (void)state;
    numbers alpha_bar = get("chain.alpha_bar");
    golden_tensor x = golden_get(&file, "chain.x");
    stored s = {golden_get(&file, "chain.x0_hat").data, golden_get(&file, "chain.o").data,
                ito_shape_count(x.shape) / x.shape.d[0]};
    ito_denoiser d = {.self = &s, .eval = stored_eval, .n_extra = (int)x.shape.d[3]};
    ito_process *process = open_process(&alpha_bar);
    ito_tensor xs = ito_tensor_view(ITO_F32, x.shape, (void *)x.data);
    assert_ok(ctx, ito_prediction_find(ctx, "x0", &d.prediction));
    for (int choice = 0; choice < 3; choice++) check_bound(process, &d, &xs, choice);
    ito_process_destroy(process);
    free(alpha_bar.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kl),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
