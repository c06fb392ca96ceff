/* LMS, PNDM, iPNDM and DEIS: their steps written out on a Gaussian. The integrals are worked out by other means: those of LMS and
 * of DEIS in sigma from the polynomial's coefficients, DEIS in time by Simpson's rule. */

#include "exact/solvers.h"

static ito_process *vp;
static const double times[] = {0.9, 0.75, 0.6, 0.42, 0.3, 0.2};
#define STEPS 6
#define END   0.1
#define START (-0.6)

static int setup(void **state)
{
    (void)state;
    processes_open(1);
    assert_ok(ctx, ito_process_create(ctx, "vp-sde", NULL, &vp));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_process_destroy(vp);
    processes_close();
    return 0;
}

static ito_level at(int k)
{
    return ito_process_level(vp, k < STEPS ? times[k] : END);
}

static double hat(int k)
{
    ito_level t = at(k);
    return t.sigma / t.signal;
}

/* Coefficients c[0 .. n - 1] of the polynomial through (node, value), by Newton's differences. */
static void polynomial(int n, const double *node, const double *value, double *c)
{
    double difference[4], basis[4] = {1};
    memcpy(difference, value, (size_t)n * sizeof *value);
    for (int k = 1; k < n; k++)
        for (int i = n - 1; i >= k; i--) difference[i] = (difference[i] - difference[i - 1]) / (node[i] - node[i - k]);
    for (int i = 0; i < n; i++) c[i] = 0;
    for (int k = 0; k < n; k++) {
        for (int i = 0; i <= k; i++) c[i] += difference[k] * basis[i];
        for (int i = n - 1; i > 0; i--) basis[i] = basis[i - 1] - node[k] * basis[i];
        basis[0] *= -node[k];
    }
}

static double value_at(int n, const double *c, double v)
{
    double sum = 0;
    for (int i = n - 1; i >= 0; i--) sum = sum * v + c[i];
    return sum;
}

static double integral(int n, const double *c, double from, double to)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += c[i] * (pow(to, i + 1) - pow(from, i + 1)) / (i + 1);
    return sum;
}

/* EQ[hairer:III.5]: x / signal moves by the integral of the polynomial through the last `order` values of eps. */
static double lms(int order, double x)
{
    double y = x / at(0).signal, eps[STEPS];
    for (int k = 0; k < STEPS; k++) {
        double node[4], value[4], c[4];
        int n = ITO_MIN(order, k + 1);
        ito_level t = at(k);
        eps[k] = eps_at(&t, y * t.signal);
        for (int j = 0; j < n; j++) {
            node[j] = hat(k - j);
            value[j] = eps[k - j];
        }
        polynomial(n, node, value, c);
        y += integral(n, c, hat(k), hat(k + 1));
    }
    return y * at(STEPS).signal;
}

static void test_lms(void **state)
{
    (void)state;
    const char *const settings[] = {"order=1", "order=2", "order=3", "order=4"};
    for (int order = 1; order <= 4; order++) {
        assert_solves(vp, "lms", settings[order - 1], STEPS, times, END, START, lms(order, START));
        char deis[64];
        snprintf(deis, sizeof deis, "%s variable=sigma lower_order_final=false", settings[order - 1]);
        assert_solves(vp, "deis", deis, STEPS, times, END, START, lms(order, START));
    }
}

/* The integrand of DEIS with its paper's symbols: 1/2 Psi(s, tau) g^2 / sigma P(tau), Psi(s, tau) = signal_s / signal_tau. */
static double integrand(const ito_level *s, int n, const double *c, double tau)
{
    ito_level t = ito_process_level(vp, tau);
    double g = ito_process_diffusion(vp, tau);
    return 0.5 * s->signal / t.signal * g * g / t.sigma * value_at(n, c, tau);
}

/* EQ[deis:14] EQ[deis:15]: x_s = Psi x_t + sum_j C_j eps_j, the polynomial in t; orders fall to 1 in a run of few steps. */
static double deis(int order, bool falls, double x)
{
    enum { PIECES = 2000 };
    double eps[STEPS];
    for (int k = 0; k < STEPS; k++) {
        double node[4], value[4], c[4], sum = 0;
        int n = ITO_MIN(order, k + 1);
        if (falls) n = ITO_MIN(n, STEPS - k);
        ito_level t = at(k), s = at(k + 1);
        eps[k] = eps_at(&t, x);
        for (int j = 0; j < n; j++) {
            node[j] = at(k - j).t;
            value[j] = eps[k - j];
        }
        polynomial(n, node, value, c);
        for (int i = 0; i <= PIECES; i++)
            sum += (i == 0 || i == PIECES ? 1
                    : i % 2               ? 4
                                          : 2) *
                   integrand(&s, n, c, t.t + (s.t - t.t) * i / PIECES) * (s.t - t.t) / (3 * PIECES);
        x = s.signal / t.signal * x + sum;
    }
    return x;
}

static void test_deis(void **state)
{
    (void)state;
    assert_solves(vp, "deis", "order=1", STEPS, times, END, START, deis(1, true, START));
    assert_solves(vp, "deis", "order=2", STEPS, times, END, START, deis(2, true, START));
    assert_solves(vp, "deis", NULL, STEPS, times, END, START, deis(3, true, START));
    assert_solves(vp, "deis", "lower_order_final=false", STEPS, times, END, START, deis(3, false, START));
    assert_solves(vp, "deis", "order=4 lower_order_final=false", STEPS, times, END, START, deis(4, false, START));
}

/* DEIS in log sigma, of order 2: int (eps_0 + (l - l_0) / (l_1 - l_0) (eps_1 - eps_0)) exp(l) dl with l = log sigma_hat. */
static void test_deis_in_log_sigma(void **state)
{
    (void)state;
    double y = START / at(0).signal, before = 0;
    for (int k = 0; k < STEPS; k++) {
        ito_level t = at(k);
        double a = log(hat(k)), b = log(hat(k + 1)), now = eps_at(&t, y * t.signal);
        double step = (exp(b) - exp(a)) * now;
        if (k)
            step +=
                (now - before) / (a - log(hat(k - 1))) * ((b - 1) * exp(b) - (a - 1) * exp(a) - a * (exp(b) - exp(a)));
        y += step;
        before = now;
    }
    assert_solves(vp, "deis", "order=2 variable=log-sigma lower_order_final=false", STEPS, times, END, START,
                  y * at(STEPS).signal);
}

/* EQ[pndm:9] as the paper has it, with alpha_bar: x_s - x_t = (abar_s - abar_t) (x_t / (sqrt(abar_t) (sqrt(abar_s) + sqrt(abar_t)))
 * - eps / (sqrt(abar_t) (sqrt((1 - abar_s) abar_t) + sqrt((1 - abar_t) abar_s)))) */
static double transfer(const ito_level *t, const ito_level *s, double x, double eps)
{
    double a = t->signal * t->signal, b = s->signal * s->signal;
    return x +
           (b - a) * (x / (sqrt(a) * (sqrt(b) + sqrt(a))) - eps / (sqrt(a) * (sqrt((1 - b) * a) + sqrt((1 - a) * b))));
}

enum { PRK, SKIP, NONE };

/* EQ[pndm:12] EQ[pndm:13] EQ[deis:H] */
static double plms(int start, double x)
{
    double eps[STEPS];
    for (int k = 0; k < STEPS; k++) {
        ito_level t = at(k), s = at(k + 1), half = ito_process_level(vp, (t.t + s.t) / 2);
        double e = eps[k] = eps_at(&t, x);
        const double *d = eps + k;
        if (start == PRK && k < 3) {
            double e2 = eps_at(&half, transfer(&t, &half, x, e)), e3 = eps_at(&half, transfer(&t, &half, x, e2));
            e = (e + 2 * e2 + 2 * e3 + eps_at(&s, transfer(&t, &s, x, e3))) / 6;
        } else if (start == SKIP && k == 0) {
            e = (e + eps_at(&s, transfer(&t, &s, x, e))) / 2;
        } else if (k == 1) {
            e = (3 * d[0] - d[-1]) / 2;
        } else if (k == 2) {
            e = (23 * d[0] - 16 * d[-1] + 5 * d[-2]) / 12;
        } else if (k > 2) {
            e = (55 * d[0] - 59 * d[-1] + 37 * d[-2] - 9 * d[-3]) / 24;
        }
        x = transfer(&t, &s, x, e);
    }
    return x;
}

static void test_plms(void **state)
{
    (void)state;
    assert_solves(vp, "plms", NULL, STEPS, times, END, START, plms(PRK, START));
    assert_solves(vp, "plms", "skip_prk=true", STEPS, times, END, START, plms(SKIP, START));
    assert_solves(vp, "ipndm", NULL, STEPS, times, END, START, plms(NONE, START));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lms),
        cmocka_unit_test(test_deis),
        cmocka_unit_test(test_deis_in_log_sigma),
        cmocka_unit_test(test_plms),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
