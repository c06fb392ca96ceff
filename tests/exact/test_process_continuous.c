/* Continuous processes against the papers' formulas in long double, with their limits at both ends. */
#include "exact/process_cases.h"

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

/* What a formula says of one time. */
typedef struct wanted {
    long double signal, sigma, signal_rate, sigma_rate, drift, diffusion, label;
} wanted;

/* 1e-13 of each number: a few dozen roundings, and exponents up to 40. */
static void check(const process_case *c, wanted (*formula)(long double t))
{
    ito_process *p = process_open(ctx, c);
    double low = ito_process_t_min(p), high = ito_process_t_max(p);
    assert_int_equal(ito_process_n_timesteps(p), 0);
    for (int i = 1; i < 200; i++) {
        double w = i / 200.0, t = low + (high - low) * (i % 2 ? w : w * w * w * w); /* some near the data */
        ito_level at = ito_process_level(p, t);
        wanted want = formula(t);
        assert_close_at(c, t, at.signal, want.signal, 1e-13);
        assert_close_at(c, t, at.sigma, want.sigma, 1e-13);
        assert_near_at(c, t, at.log_snr, 2 * logl(want.signal / want.sigma), 1e-13);
        assert_close_at(c, t, at.signal_rate, want.signal_rate, 1e-13);
        assert_close_at(c, t, at.sigma_rate, want.sigma_rate, 1e-13);
        assert_close_at(c, t, ito_process_drift(p, t), want.drift, 1e-13);
        assert_close_at(c, t, ito_process_diffusion(p, t), want.diffusion, 1e-13);
        assert_near_at(c, t, ito_process_label(p, t), want.label, 1e-13);
    }
    ito_process_destroy(p);
}

/* Song et al.: beta(t) = 0.1 + 19.9 t, with its integral. */
static long double rate(long double t)
{
    return 0.1L + t * 19.9L;
}

static long double integral(long double t)
{
    return 0.1L * t + 19.9L * t * t / 2;
}

/* -expm1l(-x), by its series where the difference would cancel */
static long double lost(long double x)
{
    return x > 1e-3L ? 1 - expl(-x) : x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5))));
}

static wanted vp_sde(long double t)
{
    long double b = integral(t), signal = expl(-b / 2), sigma = sqrtl(lost(b));
    return (wanted){signal,         sigma,  -rate(t) / 2 * signal, rate(t) * expl(-b) / (2 * sigma), -rate(t) / 2,
                    sqrtl(rate(t)), 999 * t};
}

static wanted subvp_sde(long double t)
{
    long double b = integral(t), signal = expl(-b / 2);
    return (wanted){
        signal, lost(b), -rate(t) / 2 * signal, rate(t) * expl(-b), -rate(t) / 2, sqrtl(rate(t) * lost(2 * b)),
        999 * t};
}

/* EQ[sde:11] EQ[sde:29] */
static void test_vp_sde(void **state)
{
    (void)state;
    const process_case c = {"vp-sde", {NULL}};
    check(&c, vp_sde);
    ito_process *p = process_open(ctx, &c);
    ito_level data = ito_process_level(p, 0), end = ito_process_level(p, 1);
    assert_true(ito_process_t_min(p) == 0 && ito_process_t_max(p) == 1 && ito_process_prior_sd(p) == 1);
    assert_true(data.signal == 1 && data.sigma == 0 && isinf(data.log_snr) && isinf(data.sigma_rate));
    assert_close_at(&c, 0, data.signal_rate, -0.05, 1e-15);
    const process_case from_zero = {"vp-sde", {"beta_min=0", "beta_max=8"}};
    ito_process *smooth = process_open(ctx, &from_zero);
    assert_close_at(&from_zero, 0, ito_process_level(smooth, 0).sigma_rate, 2, 1e-15);
    assert_close_at(&from_zero, 1e-6, ito_process_level(smooth, 1e-6).sigma_rate, 2, 1e-10);
    ito_process_destroy(smooth);
    assert_close_at(&c, 1, end.signal * end.signal, expl(-10.05L), 1e-14); /* the paper's: about 4.3e-5 */
    ito_process_destroy(p);
}

/* EQ[sde:12] */
static void test_subvp_sde(void **state)
{
    (void)state;
    const process_case c = {"subvp-sde", {NULL}}, same = {"vp-sde", {NULL}};
    check(&c, subvp_sde);
    ito_process *p = process_open(ctx, &c), *vp = process_open(ctx, &same);
    ito_level data = ito_process_level(p, 0);
    assert_true(data.signal == 1 && data.sigma == 0 && isinf(data.log_snr) && ito_process_diffusion(p, 0) == 0);
    assert_close_at(&c, 0, data.sigma_rate, 0.1, 1e-15);
    for (int i = 1; i <= 20; i++) { /* its variance lies below the VP-SDE's (the paper's claim): it is its square */
        double t = i / 20.0, sigma = ito_process_sigma(p, t), theirs = ito_process_sigma(vp, t);
        assert_true(sigma < theirs);
        assert_close_at(&c, t, sigma, theirs * theirs, 1e-14);
    }
    ito_process_destroy(vp);
    ito_process_destroy(p);
}

static wanted ve_sde(long double t)
{
    long double sigma = 0.01L * powl(5000, t), growth = logl(5000);
    return (wanted){1, sigma, 0, sigma * growth, 0, sigma * sqrtl(2 * growth), sigma};
}

/* EQ[sde:9] */
static void test_ve_sde(void **state)
{
    (void)state;
    const process_case c = {"ve-sde", {NULL}};
    check(&c, ve_sde);
    ito_process *p = process_open(ctx, &c);
    assert_true(ito_process_sigma(p, 0) == 0.01 && ito_process_sigma(p, 1) == 50 && ito_process_prior_sd(p) == 50);
    ito_process_destroy(p);
}

static wanted edm(long double t)
{
    return (wanted){1, t, 0, 1, 0, sqrtl(2 * t), logl(t > 0.002L ? t : 0.002L) / 4};
}

/* EQ[edm:t1] */
static void test_edm(void **state)
{
    (void)state;
    const process_case c = {"edm", {NULL}};
    check(&c, edm);
    ito_process *p = process_open(ctx, &c);
    ito_level data = ito_process_level(p, 0);
    assert_true(data.signal == 1 && data.sigma == 0 && isinf(data.log_snr) && data.sigma_rate == 1);
    assert_true(ito_process_diffusion(p, 0) == 0 && isfinite(ito_process_label(p, 0)));
    assert_true(ito_process_t_max(p) == 80 && ito_process_prior_sd(p) == 80);
    ito_process_destroy(p);
}

/* dx = f x dt + g dw of a straight line: f = -u' / (1 - u), g^2 = 2 u u' / (1 - u) */
static wanted line(long double t, long double shift)
{
    long double d = 1 + (shift - 1) * t, u = shift * t / d, du = (shift * d - shift * t * (shift - 1)) / (d * d);
    return (wanted){1 - u, u, -du, du, -du / (1 - u), sqrtl(2 * u * du / (1 - u)), 1000 * u};
}

static wanted flow(long double t)
{
    return line(t, 1);
}

static wanted shifted(long double t)
{
    return line(t, 3);
}

/* EQ[esser24:13] EQ[esser24:23] */
static void test_flow(void **state)
{
    (void)state;
    const process_case cases[] = {{"flow", {NULL}}, {"flow", {"shift=3"}}};
    check(&cases[0], flow);
    check(&cases[1], shifted);
    for (int k = 0; k < 2; k++) {
        double shift = k ? 3 : 1, infinite = (double)INFINITY;
        ito_process *p = process_open(ctx, &cases[k]);
        ito_level data = ito_process_level(p, 0), end = ito_process_level(p, 1);
        assert_true(data.signal == 1 && data.sigma == 0 && data.log_snr == infinite &&
                    ito_process_diffusion(p, 0) == 0);
        assert_true(data.signal_rate == -shift && data.sigma_rate == shift && ito_process_drift(p, 0) == -shift);
        assert_true(end.signal == 0 && end.sigma == 1 && end.log_snr == -infinite);
        assert_close_at(&cases[k], 1, end.signal_rate, -1 / shift, 1e-15);
        assert_close_at(&cases[k], 1, end.sigma_rate, 1 / shift, 1e-15);
        assert_true(ito_process_drift(p, 1) == -infinite && ito_process_diffusion(p, 1) == infinite);
        assert_true(ito_process_label(p, 0) == 0 && ito_process_label(p, 1) == 1000 && ito_process_prior_sd(p) == 1);
        ito_process_destroy(p);
    }
}

static wanted vdm(long double t)
{
    long double l = 13.3L + t * (-5 - 13.3L), signal2 = 1 / (1 + expl(-l)), sigma2 = 1 / (1 + expl(l));
    long double signal = sqrtl(signal2), sigma = sqrtl(sigma2), slope = 18.3L; /* gamma' = -d log_snr / dt */
    return (wanted){signal,
                    sigma,
                    -slope / 2 * sigma2 * signal,
                    slope / 2 * signal2 * sigma,
                    -slope / 2 * sigma2,
                    sqrtl(slope * sigma2),
                    1000 * t};
}

/* EQ[vdm:4] */
static void test_vdm(void **state)
{
    (void)state;
    const process_case c = {"vdm", {NULL}};
    check(&c, vdm);
    ito_process *p = process_open(ctx, &c);
    assert_true(ito_process_log_snr(p, 0) == 13.3 && ito_process_log_snr(p, 1) == -5 && ito_process_prior_sd(p) == 1);
    ito_process_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp_sde), cmocka_unit_test(test_subvp_sde), cmocka_unit_test(test_ve_sde),
        cmocka_unit_test(test_edm),    cmocka_unit_test(test_flow),      cmocka_unit_test(test_vdm),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
