/* What solvers share: levels inside the process, the step of order 1, estimates of earlier steps. */
#ifndef ITO_SAMPLER_SOLVER_H
#define ITO_SAMPLER_SOLVER_H

#include <ito/sampler.h>

/* Is there signal and noise, so that log-SNR, sigma / signal and its inverse are numbers? Solvers of higher order work between
 * such levels only. */
bool ito__level_is_inner(const ito_level *t);
/* sigma / signal, EDM's sigma: 0 at the data, infinite where no signal is left */
double ito__level_sigma_hat(const ito_level *t);
/* The level with that sigma / signal, or the nearest that the process has. */
ito_level ito__level_at_sigma_hat(const ito_process *process, double sigma_hat);
/* Half the log-SNR, DPM-Solver's lambda. */
ito_level ito__level_at_lambda(const ito_process *process, double lambda);

/* The end of a step of order 1, DDIM's, finite at both ends of every process: the limit of the others' there. */
ito_status ito__step_ddim(ito_step *st, const ito_estimate *e);

/* Estimates of the steps before this one, the newest first, until one stands at an end of the process: at most `most`.
 * Returns how many. */
int ito__step_past(const ito_step *st, int most, ito_estimate *past);

/* The end of a step of x / signal along sigma / signal: its increment is the integral of eps, (sigma_hat_s - sigma_hat_t) e.eps
 * and the sum of weight[j] (past[j].eps - e.eps). From an inner level; weights are those of sigma / signal times signal_s. */
ito_status ito__step_with_past(ito_step *st, const ito_estimate *e, int n, const ito_estimate *past,
                               const double *weight);

#endif
