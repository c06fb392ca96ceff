/* What DPM-Solver, DPM-Solver++ and UniPC share. Tested in tests/exact/test_solver_math.c. */
#include "sampler/exp_integrator.h"

#include <math.h>

#include "sampler/solver.h"

bool ito__exp_step_between(bool of_x0, const ito_level *t, const ito_level *s, ito__exp_step *out)
{
    double h = 0.5 * (s->log_snr - t->log_snr);
    if (!ito__level_is_inner(t) || !ito__level_is_inner(s)) return false;
    if (of_x0) /* EQ[dpmpp:8]  x_s = sigma_s / sigma_t x_t + sigma_s int exp(lambda) x_0 d lambda */
        *out = (ito__exp_step){h, -h, s->sigma / t->sigma, -s->signal};
    else /* EQ[dpmsolver:3.4]  x_s = signal_s / signal_t x_t - signal_s int exp(-lambda) eps d lambda */
        *out = (ito__exp_step){h, h, s->signal / t->signal, -s->sigma};
    return true;
}

/* Near 0 the recurrence cancels, and the series sum_j z^j / (j + k)! converges at once. */
static double series(int k, double z)
{
    double term = 1, sum;
    for (int i = 2; i <= k; i++) term /= i;
    sum = term;
    for (int j = 1; j < 24; j++) {
        term *= z / (j + k);
        sum += term;
    }
    return sum;
}

double ito__psi(int k, double z)
{
    if (k == 1) return expm1(z);
    if (fabs(z) < 1) return z * series(k, z);
    double phi = expm1(z) / z, factorial = 1;
    for (int i = 1; i < k; i++) {
        factorial *= i;
        /* EQ[dpmsolver:B]  phi_(k+1)(z) = (phi_k(z) - 1/k!) / z */
        phi = (phi - 1 / factorial) / z;
    }
    return z * phi;
}

/* Vandermonde's system by Bjorck and Pereyra's elimination: no matrix, and accurate for nodes in a row. */
void ito__match_moments(int n, const double *r, double *b)
{
    for (int k = 0; k < n - 1; k++)
        for (int i = n - 1; i > k; i--) b[i] -= r[k] * b[i - 1];
    for (int k = n - 2; k >= 0; k--) {
        for (int i = k + 1; i < n; i++) b[i] /= r[i] - r[i - k - 1];
        for (int i = k; i < n - 1; i++) b[i] -= b[i + 1];
    }
}

void ito__exp_weights(double z, int n, const double *r, double *w)
{
    double factorial = 1;
    for (int k = 0; k < n; k++) {
        if (k) factorial *= k;
        /* EQ[dpmsolver:B]  the integral of r^k is k! psi_(k+1)(z) */
        w[k] = factorial * ito__psi(k + 1, z);
    }
    ito__match_moments(n, r, w);
}

void ito__exp_nodes(const ito__exp_step *step, const ito_level *t, int n_past, const ito_estimate *past, double *r)
{
    r[0] = 0;
    for (int j = 0; j < n_past; j++) r[1 + j] = 0.5 * (past[j].t.log_snr - t->log_snr) / step->h;
}
