/* The functions of doubles that solvers share: phi functions, weights that match moments, integrals of Lagrange's polynomials. */

#include "testing.h"

#include <math.h>

#include <ito/rng.h>

#include "base/base.h"
#include "sampler/exp_integrator.h"
#include "sampler/lagrange.h"

static double uniform(uint32_t i, double low, double high)
{
    double u;
    ito_rng_uniform((ito_rng_key){.seed = 11, .step = i}, 0, 1, &u);
    return low + (high - low) * u;
}

static void assert_near(double got, long double want, double tolerance)
{
    if (!(fabsl((long double)got - want) <= (long double)tolerance)) fail_msg("%.17g, expected %.17Lg", got, want);
}

/* z phi_k(z) in long double: the series up to 4, the recurrence beyond. */
static long double psi(int k, long double z)
{
    long double term = 1, sum = 0, phi = expm1l(z) / z, factorial = 1;
    for (int i = 2; i <= k; i++) term /= i;
    for (int j = 0; j < 60; j++) {
        sum += term;
        term *= z / (j + 1 + k);
    }
    for (int i = 1; i < k; i++) {
        factorial *= i;
        phi = (phi - 1 / factorial) / z;
    }
    return z * (fabsl(z) < 4 ? sum : phi);
}

/* EQ[dpmsolver:B], to 1e-13 of the value */
static void test_psi(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        double z = uniform(i, -1, 1) * pow(10, uniform(9000 + i, -6, 1.5));
        if (z == 0) continue;
        for (int k = 1; k <= 4; k++) {
            long double want = psi(k, (long double)z);
            assert_near(ito__psi(k, z), want, 1e-13 * fabs((double)want));
        }
    }
}

/* The integral that the weights stand for, z int_0^1 exp((1 - u) z) u^k du, by Simpson's rule. */
static long double moment(long double z, int k)
{
    enum { PIECES = 4000 };
    long double sum = 0;
    for (int i = 0; i <= PIECES; i++) {
        long double u = (long double)i / PIECES, weight = i == 0 || i == PIECES ? 1 : i % 2 ? 4 : 2;
        sum += weight * expl((1 - u) * z) * powl(u, k);
    }
    return z * sum / (3 * PIECES);
}

/* Weights at nodes behind t, in the step and at its end, for every polynomial that they are to be exact for. */
static void test_weights(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        double z = uniform(i, -3, 3), w[4];
        const double nodes[2][4] = {
            {0, -uniform(100 + i, 0.2, 1.5), -uniform(200 + i, 1.7, 3), -uniform(300 + i, 3.2, 5)},
            {0, -uniform(100 + i, 0.2, 1.5), uniform(200 + i, 0.2, 0.6), 1}};
        for (int n = 1; n <= 4; n++) {
            const double *r = nodes[i % 2];
            ito__exp_weights(z, n, r, w);
            for (int k = 0; k < n; k++) {
                long double sum = 0, size = 1;
                for (int j = 0; j < n; j++) {
                    sum += (long double)w[j] * powl((long double)r[j], k);
                    size += fabsl((long double)w[j] * powl((long double)r[j], k));
                }
                assert_near((double)sum, moment((long double)z, k), 1e-12 * (double)size);
            }
        }
    }
}

/* Adams and Bashforth's weights on even nodes; powers on uneven ones: sum_j w_j y_j^k = (b^(k+1) - a^(k+1)) / (k + 1). */
static void test_lagrange(void **state)
{
    (void)state;
    double w[4];
    const double even[] = {0, -1, -2, -3}, adams[] = {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0};
    ito__lagrange_integrals(4, even, 0, 1, w);
    for (int j = 0; j < 4; j++) assert_near(w[j], (long double)adams[j], 1e-14);
    for (uint32_t i = 0; i < 100; i++) {
        double a = uniform(i, 1, 2), b = uniform(100 + i, 0, 1);
        const double nodes[] = {a, a + uniform(200 + i, 0.1, 1), a + uniform(300 + i, 1.1, 2),
                                a + uniform(400 + i, 2.1, 4)};
        ito__lagrange_integrals(4, nodes, a, b, w);
        for (int k = 0; k < 4; k++) {
            long double sum = 0;
            for (int j = 0; j < 4; j++) sum += (long double)w[j] * powl((long double)nodes[j], k);
            assert_near((double)sum, (powl((long double)b, k + 1) - powl((long double)a, k + 1)) / (k + 1), 1e-11);
        }
    }
}

static double log_of(const void *user, double y)
{
    (void)user;
    return log(y);
}

static double root_of(const void *user, double y)
{
    (void)user;
    return sqrt(y);
}

/* Polynomials of log y and of sqrt y, over four decades and down to 0: int log y = y log y - y, int sqrt y = 2/3 y^1.5. */
static void test_lagrange_of_a_map(void **state)
{
    (void)state;
    const double from[] = {90, 3, 2e-3, 0.4}, to[] = {0.01, 2.9, 0.7, 0}, nodes[] = {1.5, 4};
    for (int i = 0; i < 4; i++) {
        double w[2], a = from[i], b = to[i], log_a = a * log(a) - a, log_b = b > 0 ? b * log(b) - b : 0;
        double size = fabs(log_b - log_a) + fabs(b - a);
        ito__lagrange_integrals_of(2, nodes, log_of, NULL, a, b, w);
        assert_near(w[0] + w[1], (long double)(b - a), 1e-13 * size);
        assert_near(nodes[0] * w[0] + nodes[1] * w[1], (long double)(log_b - log_a), 1e-11 * size);
        ito__lagrange_integrals_of(2, nodes, root_of, NULL, a, b, w);
        assert_near(nodes[0] * w[0] + nodes[1] * w[1], (long double)(2 / 3.0 * (pow(b, 1.5) - pow(a, 1.5))),
                    1e-11 * fmax(pow(a, 1.5), pow(b, 1.5)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psi),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_lagrange),
        cmocka_unit_test(test_lagrange_of_a_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
