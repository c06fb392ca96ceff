/* Divergence, density and bins of Gaussians against long double and against integrals computed here. */
#include "testing.h"

#include <math.h>

#include <ito/likelihood.h>
#include <ito/rng.h>

#define N 2000

/* n uniform numbers in low..high. */
static void draw(uint32_t step, double low, double high, double *out)
{
    ito_rng_uniform((ito_rng_key){.seed = 5, .stream = ITO_STREAM_USER, .step = step}, 0, N, out);
    for (int i = 0; i < N; i++) out[i] = low + (high - low) * out[i];
}

static long double kl(double ma, double la, double mb, double lb)
{
    long double d = (long double)ma - (long double)mb;
    return 0.5L * ((long double)lb - (long double)la + (expl((long double)la) + d * d) / expl((long double)lb) - 1);
}

/* To 1e-12 of the terms that the divergence is a difference of. */
static void test_kl(void **state)
{
    (void)state;
    double ma[N], la[N], mb[N], lb[N];
    draw(0, -2, 2, ma);
    draw(1, -15, 3, la);
    draw(2, -2, 2, mb);
    draw(3, -15, 3, lb);
    for (int i = 0; i < N; i++) {
        long double want = kl(ma[i], la[i], mb[i], lb[i]);
        double got = ito_gaussian_kl(ma[i], la[i], mb[i], lb[i]);
        assert_true(fabsl((long double)got - want) < 1e-12L * (fabsl(want) + 20));
        assert_true(got >= 0);
        /* nearly equal: r^2 / 4 for a log-ratio of r = 1e-5, which a difference of ones would lose */
        assert_true(fabs(ito_gaussian_kl(ma[i], la[i], ma[i], la[i] + 1e-5) / 0.25e-10 - 1) < 1e-4);
        assert_true(ito_gaussian_kl(ma[i], la[i], ma[i], la[i]) == 0);
    }
    assert_true(isinf(ito_gaussian_kl(0, -(double)INFINITY, 0, 0)));
}

/* The divergence is the integral of q log(q / p), by the trapezoid rule. */
static void test_density_gives_kl(void **state)
{
    (void)state;
    const double ma = 0.3, la = -1, mb = -0.4, lb = 0.5, h = 1e-3;
    double mass = 0, sum = 0;
    for (double x = -12; x < 12; x += h) {
        double a = ito_gaussian_log_density(x, ma, la), b = ito_gaussian_log_density(x, mb, lb);
        mass += exp(a) * h;
        sum += exp(a) * (a - b) * h;
    }
    assert_true(fabs(mass - 1) < 1e-10);
    assert_true(fabs(sum - ito_gaussian_kl(ma, la, mb, lb)) < 1e-10);
    assert_true(fabs(ito_gaussian_log_density(1, 1, 0) + 0.91893853320467274178) < 1e-15);
}

static long double cdf_of(long double z, ito_cdf cdf)
{
    if (cdf == ITO_CDF_EXACT) return 0.5L * erfcl(-z / sqrtl(2));
    return 0.5L * (1 + tanhl(sqrtl(2 / acosl(-1)) * (z + 0.044715L * z * z * z)));
}

/* EQ[ddpm:13] against the definition in long double. There the right tail loses digits, 1e-19 of 1: of p, 1e-19 / p. */
static void test_bins(void **state)
{
    (void)state;
    double u[N], mean[N], log_variance[N];
    draw(4, 0, 256, u);
    draw(5, -1.2, 1.2, mean);
    draw(6, -12, 1, log_variance);
    int clamped = 0;
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < N; i++) {
            int k = (int)u[i];
            double x = k / 127.5 - 1;
            ito_cdf cdf = c ? ITO_CDF_EXACT : ITO_CDF_TANH;
            long double sd = expl(0.5L * (long double)log_variance[i]), centre = (long double)x - (long double)mean[i];
            long double high = k == 255 ? 1 : cdf_of((centre + 1 / 255.0L) / sd, cdf);
            long double low = k == 0 ? 0 : cdf_of((centre - 1 / 255.0L) / sd, cdf), p = fmaxl(high - low, 1e-12L);
            double got = ito_gaussian_log_bin(x, mean[i], log_variance[i], cdf);
            assert_true(fabsl((long double)got - logl(p)) < 1e-10L + 1e-17L / p);
            clamped += got == log(1e-12);
        }
    assert_true(clamped > 100 && 2 * N - clamped > 1000);
}

/* The 256 bins share the whole mass, wherever the mean is, and both tails are alike. */
static void test_bins_sum_to_one(void **state)
{
    (void)state;
    const double means[] = {-3, -1, -0.3, 0, 0.77, 1, 5};
    for (int c = 0; c < 2; c++)
        for (int m = 0; m < 7; m++)
            for (double log_variance = -9; log_variance < 3; log_variance += 1.5) {
                ito_cdf cdf = c ? ITO_CDF_EXACT : ITO_CDF_TANH;
                double sum = 0;
                for (int k = 0; k < 256; k++) {
                    double left = ito_gaussian_log_bin(k / 127.5 - 1, means[m], log_variance, cdf);
                    double right = ito_gaussian_log_bin((255 - k) / 127.5 - 1, -means[m], log_variance, cdf);
                    assert_true(fabs(left - right) < 1e-9);
                    sum += exp(left);
                }
                assert_true(fabs(sum - 1) < 1e-9); /* 256 clamped ones add up to 3e-10 at most */
            }
}

/* Exact bins against Simpson's rule on the density; the tanh ones differ by up to 4e-4 of mass in each half. */
static void test_bins_are_integrals(void **state)
{
    (void)state;
    double u[N], log_variance[N];
    draw(7, 1, 255, u);
    draw(8, -9, -2, log_variance);
    for (int i = 0; i < N; i++) {
        double x = floor(u[i]) / 127.5 - 1, mean = x + (i % 41 - 20) / 500.0, sum = 0, h = 1 / 2550.0;
        for (int k = 0; k <= 20; k++)
            sum += exp(ito_gaussian_log_density(x + (k - 10) * h, mean, log_variance[i])) *
                   (k == 0 || k == 20 ? 1
                    : k % 2           ? 4
                                      : 2) *
                   h / 3;
        if (sum < 1e-8) continue;
        assert_true(fabs(ito_gaussian_log_bin(x, mean, log_variance[i], ITO_CDF_EXACT) - log(sum)) < 1e-6);
        assert_true(fabs(exp(ito_gaussian_log_bin(x, mean, log_variance[i], ITO_CDF_TANH)) - sum) < 8e-4);
    }
}

static void test_interval(void **state)
{
    (void)state;
    const double values[] = {1, 2, 4, 5};
    ito_interval i = ito_interval_of(values, 4);
    double se = sqrt(10.0 / 3 / 4);
    assert_true(fabs(i.mean - 3) < 1e-15 && fabs(i.se - se) < 1e-15);
    assert_true(fabs(i.low - (3 - 1.96 * se)) < 1e-14 && fabs(i.high - (3 + 1.96 * se)) < 1e-14);
    i = ito_interval_of(values, 1);
    assert_true(i.mean == 1 && isnan(i.se));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kl),
        cmocka_unit_test(test_density_gives_kl),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_bins_sum_to_one),
        cmocka_unit_test(test_bins_are_integrals),
        cmocka_unit_test(test_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
