/* Processes against closed forms computed here another way: tables in long double straight from the betas, the forward
 * chain composed step by step, Bayes' rule for the posterior, differences for drift and diffusion. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

#define T 1000

static bool near(double got, long double want, double relative)
{
    return fabs(got - (double)want) <= relative * fabs((double)want);
}

/* The schedules as the papers write them. */
static long double linear_beta(int t)
{
    return 1e-4L + (0.02L - 1e-4L) * (t - 1) / (T - 1);
}

static long double cosine_f(int t)
{
    long double pi = 3.14159265358979323846264338328L, c = cosl(((long double)t / T + 0.008L) / 1.008L * pi / 2);
    return c * c;
}

static long double cosine_beta(int t)
{
    return fminl(1 - cosine_f(t) / cosine_f(t - 1), 0.999L);
}

/* EQ[survey:3] EQ[survey:8.1] EQ[survey:8.2] EQ[ddpm:4] EQ[ddpm:s4] EQ[survey:22] EQ[iddpm:17]:
 * alpha_bar_t is the product of (1 - beta_i), not of the betas (errata: first text). 1e-12 leaves room for a sum of 1000 logarithms in double. */
static void test_tables(void **state)
{
    (void)state;
    ito_process *const processes[] = {linear, cosine};
    long double (*const betas[])(int) = {linear_beta, cosine_beta};
    for (int k = 0; k < 2; k++) {
        long double alpha_bar = 1;
        for (int t = 1; t <= T; t++) {
            alpha_bar *= 1 - betas[k](t);
            ito_level level = ito_process_level(processes[k], t);
            assert_true(near(level.signal, sqrtl(alpha_bar), 1e-12));
            assert_true(near(level.sigma, sqrtl(1 - alpha_bar), 1e-12));
            assert_true(fabs(level.log_snr - (double)logl(alpha_bar / (1 - alpha_bar))) < 1e-11);
            assert_true(near(ito_process_alpha_bar(processes[k], t), alpha_bar, 1e-12));
            assert_true(near(ito_process_beta(processes[k], t), betas[k](t), 1e-11));
        }
    }
}

/* Values to look at: DDPM's own (its appendix gives alpha_bar_T about 4e-5) and Eq. 22 before its clip bites. */
static void test_reference_values(void **state)
{
    (void)state;
    assert_true(near(ito_process_alpha_bar(linear, 1), 0.9999L, 1e-14));
    assert_true(near(ito_process_beta(linear, T), 0.02L, 1e-11));
    assert_true(fabs(ito_process_alpha_bar(linear, T) - 4.0358e-5) < 1e-9);
    for (int t = 1; t < T; t += 37)
        assert_true(near(ito_process_alpha_bar(cosine, t), cosine_f(t) / cosine_f(0), 1e-11));
    assert_true(near(ito_process_beta(cosine, T), 0.999L, 1e-12)); /* unclipped it would be 1 */
}

static void test_ends(void **state)
{
    (void)state;
    ito_level data = ito_process_level(linear, 0);
    assert_true(data.signal == 1 && data.sigma == 0 && isinf(data.log_snr) && data.log_snr > 0);
    assert_true(ito_process_level(linear, -3).signal == 1);
    assert_true(ito_process_level(linear, T + 9).t == T);
    assert_int_equal(ito_process_n_timesteps(linear), T);
    assert_true(ito_process_t_min(linear) == 0 && ito_process_t_max(linear) == T);
    assert_true(ito_process_prior_sd(linear) == 1);
}

static void test_claims(void **state)
{
    (void)state;
    ito_process *const processes[] = {linear, cosine};
    for (int k = 0; k < 2; k++) {
        assert_true(ito_process_get_def(processes[k])->is_variance_preserving);
        for (int quarter = 1; quarter <= 4 * T; quarter++) {
            double t = 0.25 * quarter;
            ito_level a = ito_process_level(processes[k], t - 0.25), b = ito_process_level(processes[k], t);
            assert_true(fabs(b.signal * b.signal + b.sigma * b.sigma - 1) < 1e-15 * 4);
            assert_true(b.signal < a.signal && b.sigma > a.sigma && b.log_snr < a.log_snr);
        }
    }
}

/* EQ[survey:1] EQ[survey:8.3] EQ[ddpm:2]: the chain x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) eps, composed step by step, is the
 * kernel from any s to any t, and for s = 0 the marginal. */
static void test_chain_composes(void **state)
{
    (void)state;
    ito_process *const processes[] = {linear, cosine};
    long double (*const betas[])(int) = {linear_beta, cosine_beta};
    const int starts[] = {0, 1, 10, 500, 990};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < ITO_COUNT(starts); i++) {
            long double scale = 1, variance = 0;
            ito_level s = ito_process_level(processes[k], starts[i]);
            for (int t = starts[i] + 1; t <= T; t++) {
                scale *= sqrtl(1 - betas[k](t));
                variance = (1 - betas[k](t)) * variance + betas[k](t);
                ito_level level = ito_process_level(processes[k], t);
                ito_transition q = ito_level_transition(&level, &s);
                assert_true(near(q.scale, scale, 1e-11));
                assert_true(near(q.variance, variance, 1e-11));
            }
        }
}

/* EQ[survey:7] EQ[survey:9] EQ[survey:10] EQ[ddpm:6] EQ[ddpm:7]: Bayes' rule with precisions, in long double. */
static void test_posterior_is_bayes(void **state)
{
    (void)state;
    const int pairs[][2] = {{2, 1}, {10, 9}, {1000, 999}, {1000, 1}, {500, 250}, {20, 3}};
    for (int i = 0; i < ITO_COUNT(pairs); i++) {
        long double abar_t = 1, abar_s = 1;
        for (int j = 1; j <= pairs[i][0]; j++) abar_t *= 1 - linear_beta(j);
        for (int j = 1; j <= pairs[i][1]; j++) abar_s *= 1 - linear_beta(j);
        long double a = sqrtl(abar_t / abar_s), forward = 1 - abar_t / abar_s;
        long double precision = a * a / forward + 1 / (1 - abar_s);
        ito_level t = ito_process_level(linear, pairs[i][0]), s = ito_process_level(linear, pairs[i][1]);
        ito_posterior q = ito_level_posterior(&t, &s);
        assert_true(near(q.variance, 1 / precision, 1e-11));
        assert_true(near(q.coef_x, a / forward / precision, 1e-11));
        assert_true(near(q.coef_x0, sqrtl(abar_s) / (1 - abar_s) / precision, 1e-11));
    }
}

/* EQ[survey:12] EQ[survey:17] EQ[ddpm:11]: with x_0 written through eps the posterior mean of s = t - 1 is
 * (x_t - beta_t / sqrt(1 - alpha_bar_t) eps) / sqrt(1 - beta_t). */
static void test_posterior_mean_through_eps(void **state)
{
    (void)state;
    for (int i = 1; i <= T; i += 111) {
        ito_level t = ito_process_level(linear, i), s = ito_process_level(linear, i - 1);
        ito_posterior q = ito_level_posterior(&t, &s);
        double of_x = q.coef_x + q.coef_x0 / t.signal, of_eps = -q.coef_x0 * t.sigma / t.signal;
        long double beta = linear_beta(i), root = sqrtl(1 - beta);
        assert_true(near(of_x, 1 / root, 1e-11));
        assert_true(near(of_eps, -beta / ((long double)t.sigma * root), 1e-11));
    }
}

/* The marginal of x_s from x_t's: what makes DDPM's and DDIM's steps consistent. */
static void test_posterior_keeps_the_marginal(void **state)
{
    (void)state;
    for (int i = 2; i <= T; i += 83)
        for (int j = 1; j < i; j += 59) {
            ito_level t = ito_process_level(cosine, i), s = ito_process_level(cosine, j);
            ito_posterior q = ito_level_posterior(&t, &s);
            assert_true(near(q.coef_x * t.signal + q.coef_x0, s.signal, 1e-12));
            double variance = q.coef_x * q.coef_x * t.sigma * t.sigma + q.variance;
            assert_true(near(variance, s.sigma * s.sigma, 1e-12));
        }
}

static void test_posterior_limits(void **state)
{
    (void)state;
    ito_level data = ito_process_level(linear, 0), t = ito_process_level(linear, 5);
    ito_level noise = {.t = 1, .signal = 0, .sigma = 1, .log_snr = -(double)INFINITY};
    ito_posterior to_data = ito_level_posterior(&t, &data), from_noise = ito_level_posterior(&noise, &t);
    assert_true(to_data.coef_x == 0 && to_data.coef_x0 == 1 && to_data.variance == 0);
    assert_true(from_noise.coef_x == 0 && from_noise.coef_x0 == t.signal);
    assert_true(near(from_noise.variance, t.sigma * t.sigma, 1e-15));
    ito_transition q = ito_level_transition(&noise, &t);
    assert_true(q.scale == 0 && q.variance == 1);
}

static void test_time_inverts_log_snr(void **state)
{
    (void)state;
    ito_process *const processes[] = {linear, cosine};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < T; i++) {
            double t = i + 0.001 * (i + 1);
            double back = ito_process_time(processes[k], ito_process_log_snr(processes[k], t));
            assert_true(fabs(back - t) < 1e-9);
        }
    assert_true(ito_process_time(linear, 100) < 1e-12 && ito_process_time(linear, -100) == T);
    assert_true(ito_process_time(linear, (double)INFINITY) == 0);
}

/* drift = d log(signal) / dt and d sigma^2 / dt = 2 drift sigma^2 + diffusion^2, by central differences inside a step;
 * 1e-6 is their error with h = 1e-3. */
static void test_drift_and_diffusion(void **state)
{
    (void)state;
    ito_process *const processes[] = {linear, cosine};
    const double h = 1e-3;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < T; i += 7) {
            double t = i + 0.5;
            const ito_process *p = processes[k];
            double f = ito_process_drift(p, t), g = ito_process_diffusion(p, t), sigma = ito_process_sigma(p, t);
            double df = (log(ito_process_signal(p, t + h)) - log(ito_process_signal(p, t - h))) / (2 * h);
            double up = ito_process_sigma(p, t + h), down = ito_process_sigma(p, t - h);
            double dv = (up * up - down * down) / (2 * h);
            assert_true(near(df, f, 1e-6));
            assert_true(near(dv - 2 * f * sigma * sigma, g * g, 1e-6));
        }
}

static void test_options(void **state)
{
    (void)state;
    const ito_process_def *def;
    ito_opts *opts;
    ito_process *p;
    assert_int_equal(ito_process_find(ctx, "vp-linear", &def), ITO_OK);
    assert_int_equal(ito_opts_create(ctx, def->choice.options, &opts), ITO_OK);
    assert_int_equal(ito_opts_set(opts, "vp-linear", "T", "4"), ITO_OK);
    assert_int_equal(ito_opts_set(opts, "vp-linear", "beta_end", "0.4"), ITO_OK);
    assert_int_equal(ito_opts_set(opts, "vp-linear", "beta_start", "0.1"), ITO_OK);
    assert_int_equal(ito_process_create(ctx, "vp-linear", opts, &p), ITO_OK);
    assert_true(near(ito_process_alpha_bar(p, 4), 0.9L * 0.8L * 0.7L * 0.6L, 1e-14));
    ito_process_destroy(p);
    assert_int_equal(ito_process_create(ctx, "vp-cosine", opts, &p), ITO_USAGE); /* another choice's options */
    assert_int_equal(ito_opts_set(opts, "vp-linear", "beta_end", "1"), ITO_OK);
    assert_int_equal(ito_process_create(ctx, "vp-linear", opts, &p), ITO_USAGE);
    assert_non_null(strstr(ito_last_error(ctx), "beta_4 = 1"));
    assert_null(p);
    assert_int_equal(ito_opts_set(opts, "vp-linear", "T", "0"), ITO_USAGE);
    ito_opts_destroy(opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_reference_values),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_chain_composes),
        cmocka_unit_test(test_posterior_is_bayes),
        cmocka_unit_test(test_posterior_mean_through_eps),
        cmocka_unit_test(test_posterior_keeps_the_marginal),
        cmocka_unit_test(test_posterior_limits),
        cmocka_unit_test(test_time_inverts_log_snr),
        cmocka_unit_test(test_drift_and_diffusion),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, processes_setup, processes_teardown);
}
