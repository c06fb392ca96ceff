/* Discrete processes against the papers' formulas in long double, written another way: betas multiplied up, algorithm 1
 * for zero terminal SNR as it stands, the ladder by powers. */
#include "exact/process_cases.h"

typedef long double (*beta_of)(int t, int T);

static long double part(int t, int T)
{
    return T == 1 ? 0 : (long double)(t - 1) / (T - 1);
}

static long double sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double linear(int t, int T)
{
    return 1e-4L + (0.02L - 1e-4L) * part(t, T);
}

static long double scaled_linear(int t, int T)
{
    return powl(sqrtl(0.00085L) * (1 - part(t, T)) + sqrtl(0.012L) * part(t, T), 2);
}

static long double sigmoid_beta(int t, int T)
{
    return sigmoid(-6 + 12 * part(t, T)) * (0.02L - 1e-4L) + 1e-4L;
}

static long double cosine(int t, int T)
{
    long double half = acosl(0), a = ((long double)(t - 1) / T + 0.008L) / 1.008L,
                b = ((long double)t / T + 0.008L) / 1.008L;
    return fminl(1 - powl(cosl(b * half) / cosl(a * half), 2), 0.999L);
}

static long double jabri_alpha_bar(int t, int T)
{
    long double a = -3 + 6 * (long double)t / T;
    return fmaxl((sigmoid(3) - sigmoid(a)) / (sigmoid(3) - sigmoid(-3)), 1e-9L);
}

static long double jabri(int t, int T)
{
    return 1 - jabri_alpha_bar(t, T) / jabri_alpha_bar(t - 1, T);
}

/* log(snr) = mu - b sgn(1/2 - u) log(1 - 2 |1/2 - u|), with mu = 0 and b = 1/2: snr = (1 - 2 |1/2 - u|)^(-+ 1/2) */
static long double laplace_alpha_bar(int t, int T)
{
    long double u = (long double)t / T;
    if (t == 0) return 1;
    if (t == T) return 0;
    long double snr = powl(1 - 2 * fabsl(0.5L - u), u < 0.5L ? -0.5L : 0.5L);
    return snr / (1 + snr);
}

static long double laplace(int t, int T)
{
    return fminl(1 - laplace_alpha_bar(t, T) / laplace_alpha_bar(t - 1, T), 0.999L);
}

static long double laplace_theirs_root(int t, int T)
{
    long double u = (long double)t / T, snr = powl(1 - 2 * fabsl(0.5L - u) + 1e-6L, u <= 0.5L ? -0.5L : 0.5L);
    return sqrtl(snr / (1 + snr));
}

static long double laplace_theirs(int t, int T)
{
    return fminl(1 - laplace_theirs_root(t, T) / laplace_theirs_root(t - 1, T), 0.999L);
}

static long double listed(int t, int T)
{
    static const long double betas[] = {0.001L, 0.5L, 0.02L, 0.9L, 0.01L};
    assert_int_equal(T, 5);
    return betas[t - 1];
}

/* The processes under test, and the same schedule with zero terminal SNR. */
static const struct {
    process_case plain, zero;
    int T;
    beta_of beta;
} schedules[] = {
    {{"vp-linear", {NULL}}, {"vp-linear", {"zero_snr=true"}}, 1000, linear},
    {{"vp-linear", {"T=2"}}, {"vp-linear", {"T=2", "zero_snr=true"}}, 2, linear},
    {{"vp-cosine", {NULL}}, {"vp-cosine", {"zero_snr=true"}}, 1000, cosine},
    {{"vp-scaled-linear", {NULL}}, {"vp-scaled-linear", {"zero_snr=true"}}, 1000, scaled_linear},
    {{"vp-scaled-linear", {"T=7"}}, {"vp-scaled-linear", {"T=7", "zero_snr=true"}}, 7, scaled_linear},
    {{"vp-sigmoid-beta", {NULL}}, {"vp-sigmoid-beta", {"zero_snr=true"}}, 1000, sigmoid_beta},
    {{"vp-sigmoid", {NULL}}, {"vp-sigmoid", {"zero_snr=true"}}, 1000, jabri},
    {{"vp-sigmoid", {"T=33"}}, {"vp-sigmoid", {"T=33", "zero_snr=true"}}, 33, jabri},
    {{"vp-laplace", {NULL}}, {"vp-laplace", {"zero_snr=true"}}, 1000, laplace},
    {{"vp-laplace", {"T=63"}}, {"vp-laplace", {"T=63", "zero_snr=true"}}, 63, laplace},
    {{"vp-laplace", {"form=diffusers"}}, {"vp-laplace", {"form=diffusers", "zero_snr=true"}}, 1000, laplace_theirs},
    {{"vp-betas", {"betas=0.001,0.5, 0.02,0.9,0.01"}},
     {"vp-betas", {"betas=0.001,0.5,0.02 ,0.9,0.01", "zero_snr=1"}},
     5,
     listed},
};
#define N_SCHEDULES ((int)(sizeof schedules / sizeof schedules[0]))

static ito_ctx *ctx;

static int setup(void **state)
{
    (void)state;
    ctx = ctx_open(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_ctx_destroy(ctx);
    return 0;
}

static void check_table(const process_case *c, const ito_process *p, int T, const long double *alpha_bar)
{
    assert_int_equal(ito_process_n_timesteps(p), T);
    assert_true(ito_process_t_min(p) == 0 && ito_process_t_max(p) == T && ito_process_prior_sd(p) == 1);
    for (int t = 1; t <= T; t++) {
        long double before = t > 1 ? alpha_bar[t - 1] : 1, beta = 1 - alpha_bar[t] / before;
        ito_level at = ito_process_level(p, t);
        assert_close_at(c, t, at.signal, sqrtl(alpha_bar[t]), 1e-12);
        assert_close_at(c, t, at.sigma, sqrtl(1 - alpha_bar[t]), 1e-12);
        assert_near_at(c, t, at.log_snr, logl(alpha_bar[t] / (1 - alpha_bar[t])), 1e-12);
        /* a difference of logarithms: the smallest betas, 1e-5, keep 11 digits */
        assert_close_at(c, t, ito_process_beta(p, t), beta, 1e-10);
        assert_true(ito_process_label(p, t) == t - 1);
    }
}

/* EQ[ldm:code] EQ[geodiff:code] EQ[jabri:code] EQ[hang24:t1] EQ[ddpm:s2] EQ[iddpm:17] EQ[ddpm:s4] */
static void test_tables(void **state)
{
    (void)state;
    for (int k = 0; k < N_SCHEDULES; k++) {
        long double alpha_bar[1001] = {1};
        int T = schedules[k].T;
        for (int t = 1; t <= T; t++) alpha_bar[t] = alpha_bar[t - 1] * (1 - schedules[k].beta(t, T));
        ito_process *p = process_open(ctx, &schedules[k].plain);
        check_table(&schedules[k].plain, p, T, alpha_bar);
        ito_process_destroy(p);
    }
}

/* EQ[lin23:a1]: sqrt(alpha_bar) less its last value, times what keeps the first. */
static void test_zero_snr(void **state)
{
    (void)state;
    for (int k = 0; k < N_SCHEDULES; k++) {
        long double root[1001] = {1}, alpha_bar[1001] = {1};
        int T = schedules[k].T;
        for (int t = 1; t <= T; t++) root[t] = root[t - 1] * sqrtl(1 - schedules[k].beta(t, T));
        for (int t = 1; t <= T; t++) alpha_bar[t] = powl((root[t] - root[T]) * root[1] / (root[1] - root[T]), 2);
        ito_process *p = process_open(ctx, &schedules[k].zero);
        check_table(&schedules[k].zero, p, T, alpha_bar);
        ito_level end = ito_process_level(p, T);
        assert_true(end.signal == 0 && end.sigma == 1 && isinf(end.log_snr) && end.log_snr < 0);
        assert_true(ito_process_beta(p, T) == 1);
        ito_process_destroy(p);
    }
}

/* In the last step the signal is a straight line to 0; the limits are those that vp_table.c states. */
static void test_zero_snr_last_step(void **state)
{
    (void)state;
    const process_case c = {"vp-linear", {"zero_snr=true"}};
    ito_process *p = process_open(ctx, &c);
    double top = ito_process_signal(p, 999), infinite = (double)INFINITY;
    for (int i = 1; i < 64; i++) {
        double t = 999 + i / 64.0, signal = top * (1000 - t);
        ito_level at = ito_process_level(p, t);
        assert_close_at(&c, t, at.signal, signal, 1e-14);
        assert_close_at(&c, t, at.sigma, sqrtl(1 - (long double)signal * signal), 1e-15);
        assert_close_at(&c, t, at.signal_rate, -top, 1e-14);
        assert_close_at(&c, t, at.sigma_rate, signal * top / at.sigma, 1e-13);
        assert_close_at(&c, t, ito_process_drift(p, t), -1 / (1000 - t), 1e-15);
        assert_close_at(&c, t, ito_process_diffusion(p, t), sqrt(2 / (1000 - t)), 1e-15);
        assert_close_at(&c, t, ito_process_time(p, at.log_snr), t, 1e-15);
    }
    ito_level end = ito_process_level(p, 1000);
    assert_close_at(&c, 1000, end.signal_rate, -top, 1e-14);
    assert_true(end.sigma_rate == 0);
    assert_true(ito_process_drift(p, 1000) == -infinite && ito_process_diffusion(p, 1000) == infinite);
    assert_true(ito_process_time(p, -infinite) == 1000);
    ito_level s = ito_process_level(p, 999);
    ito_transition q = ito_level_transition(&end, &s);
    ito_posterior r = ito_level_posterior(&end, &s);
    assert_true(q.scale == 0 && q.variance == 1);
    assert_true(r.coef_x == 0 && r.coef_x0 == s.signal);
    assert_close_at(&c, 1000, r.variance, s.sigma * s.sigma, 1e-15);
    ito_process_destroy(p);
}

/* EQ[ncsn:s3.2] */
static void test_ladder(void **state)
{
    (void)state;
    const process_case c = {"ve-geometric", {NULL}}, one = {"ve-geometric", {"T=1", "sigma_max=3"}};
    ito_process *p = process_open(ctx, &c);
    long double ratio = powl(1 / 0.01L, 1 / 9.0L);
    assert_int_equal(ito_process_n_timesteps(p), 10);
    assert_true(ito_process_prior_sd(p) == 1 && ito_process_sigma(p, 10) == 1 && ito_process_sigma(p, 1) == 0.01);
    for (int t = 1; t <= 10; t++) {
        ito_level at = ito_process_level(p, t);
        assert_close_at(&c, t, at.sigma, 0.01L * powl(ratio, t - 1), 1e-14);
        assert_near_at(&c, t, at.log_snr, -2 * logl(0.01L * powl(ratio, t - 1)), 1e-14);
        assert_true(at.signal == 1 && at.signal_rate == 0 && ito_process_drift(p, t) == 0);
        assert_true(ito_process_label(p, t) == t - 1);
        if (t == 10) continue;
        long double middle = 0.01L * powl(ratio, t - 0.5L);
        assert_close_at(&c, t + 0.5, ito_process_sigma(p, t + 0.5), middle, 1e-14);
        assert_close_at(&c, t + 0.5, ito_process_diffusion(p, t + 0.5), middle * sqrtl(2 * logl(ratio)), 1e-14);
    }
    ito_level data = ito_process_level(p, 0), below = ito_process_level(p, 0.25);
    assert_true(data.signal == 1 && data.sigma == 0 && isinf(data.log_snr) && data.sigma_rate == 0.01);
    assert_true(ito_process_diffusion(p, 0) == 0 && ito_process_time(p, (double)INFINITY) == 0);
    assert_close_at(&c, 0.25, below.sigma, 0.0025, 1e-15);
    assert_close_at(&c, 0.25, ito_process_diffusion(p, 0.25), sqrt(2 * 0.25) * 0.01, 1e-15);
    ito_process_destroy(p);
    p = process_open(ctx, &one);
    assert_true(ito_process_sigma(p, 1) == 3 && ito_process_prior_sd(p) == 3 && ito_process_sigma(p, 0.5) == 1.5);
    ito_process_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_zero_snr),
        cmocka_unit_test(test_zero_snr_last_step),
        cmocka_unit_test(test_ladder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
