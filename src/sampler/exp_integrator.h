/* What DPM-Solver, DPM-Solver++ and UniPC share: over lambda, half the log-SNR, the probability-flow ODE is solved exactly but for
 * an integral of the network's eps, or of its x_0, that is weighed by an exponential. With m either and h = lambda_s - lambda_t,
 *     x_s = of_x x_t + gain sum_k psi_k(z) h^(k-1) m^(k-1),    psi_k(z) = z phi_k(z),
 *     of eps:  of_x = signal_s / signal_t,  gain = -sigma_s,   z = h;
 *     of x_0:  of_x = sigma_s / sigma_t,    gain = -signal_s,  z = -h.
 * Functions of doubles. */
#ifndef ITO_SAMPLER_EXP_INTEGRATOR_H
#define ITO_SAMPLER_EXP_INTEGRATOR_H

#include <ito/sampler.h>

#define ITO__EXP_NODES 4

typedef struct ito__exp_step {
    double h, z, of_x, gain;
} ito__exp_step;

/* False where lambda is infinite at one of the two. */
bool ito__exp_step_between(bool of_x0, const ito_level *t, const ito_level *s, ito__exp_step *out);

/* z phi_k(z), k = 1 .. 4: phi_1(z) = expm1(z) / z, phi_(k+1)(z) = (phi_k(z) - 1/k!) / z. */
double ito__psi(int k, double z);

/* b[k] = what the weights' k-th moment is to be, sum_j w_j r[j]^k; becomes the n weights w. The r differ. */
void ito__match_moments(int n, const double *r, double *b);

/* Weights of m at lambda_t + r[j] h: exact where m is a polynomial of degree n - 1 in lambda. */
void ito__exp_weights(double z, int n, const double *r, double *w);

/* r[0] = 0 and (lambda_j - lambda_t) / h of past estimates. */
void ito__exp_nodes(const ito__exp_step *step, const ito_level *t, int n_past, const ito_estimate *past, double *r);

static inline const void *ito__exp_model(bool of_x0, const ito_estimate *e)
{
    return of_x0 ? e->x0 : e->eps;
}

#endif
