/* Solvers measured against closed forms: orders of convergence of deterministic samplers, strong and weak errors of stochastic ones,
 * and the distance of their samples from the data. Everything runs on exact denoisers of Gaussian mixtures
 * (ito/mixture.h), so nothing is trained and nothing else is to blame. `ito verify` makes its table of these; a program
 * measures its own samplers and processes with them. */
#ifndef ITO_VERIFY_H
#define ITO_VERIFY_H

#include <ito/mixture.h>
#include <ito/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is solved, and with what. Borrowed. */
typedef struct ito_verify {
    const ito_process *process;
    const ito_mixture *mixture;
    int dim; /* of the mixture */
    const char *sampler;
    const ito_opts *sampler_opts; /* NULL: the defaults */
} ito_verify;

#define ITO_VERIFY_RUNS 5 /* a coarse grid of steps, halved four times */

/* Runs with n_steps, 2 n_steps, ... steps, evenly spaced in log-SNR from `noisy` down to `clean`, both away from where a process is
 * singular; n_points start where the process's own points of that level are. Zero fields: log-SNR -4 to 4, 20 steps, 8
 * points, seed 0. */
typedef struct ito_verify_grid {
    double noisy, clean;
    int n_steps, n_points;
    uint64_t seed;
} ito_verify_grid;

/* Errors of the runs, root mean squares over points, coordinates and, of orders, the coarsest run's times, and the order that they fall with: log2 of the quotient of
 * neighbours, averaged. Errors at the rounding of doubles end the average; the order is +infinity where all are. */
typedef struct ito_verify_rate {
    double error[ITO_VERIFY_RUNS], order;
} ito_verify_rate;

/* Two orders of a deterministic sampler along the probability-flow ODE, in double, against that ODE solved finely. formula: the states of
 * its first steps are set to exact ones, and its last three steps, where solvers may be cautious, do not count. run: a
 * run as it is. ITO_USAGE where the grid does not fit the process. */
ito_status ito_verify_order(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, ito_verify_rate *formula,
                            ito_verify_rate *run);

/* Strong error of a sampler that follows a Brownian path, in double: the distance of a run's end from that along the same path with
 * four times the steps of the finest run. */
ito_status ito_verify_strong(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid,
                             ito_verify_rate *strong);

/* Weak error on a Gaussian: how far mean and standard deviation of a run's end are from the process's at that level. Nothing is drawn:
 * a sampler whose steps are affine in state and noise is asked for its coefficients one by one, with noise that is a
 * unit in one draw and zero in all others. ITO_USAGE when the mixture has more than one component or its dimension is
 * not 1; ITO_NUMERIC when the steps turn out not to be affine. */
ito_status ito_verify_weak(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, ito_verify_rate *mean,
                           ito_verify_rate *sd);

/* Energy distance of n samples, drawn by n_steps of the spacing (NULL: "trailing"), from n fresh points of the mixture. floor: the
 * largest of n_pairs such distances between two sets of fresh points. */
typedef struct ito_verify_samples {
    int64_t n;
    int n_steps, n_pairs;
    const char *spacing;
    uint64_t seed;
} ito_verify_samples;
ito_status ito_verify_energy(ito_ctx *ctx, const ito_verify *what, const ito_verify_samples *samples, double *distance,
                             double *floor);

/* The largest error, in nats, of the log-density by the probability-flow ODE (ito_nll) at n points of a one-dimensional Gaussian of that
 * mean and sd, whose flow is affine, so that its density under the process's prior is known. */
ito_status ito_verify_likelihood(ito_ctx *ctx, const ito_process *process, double mean, double sd, int n,
                                 double *error);

#ifdef __cplusplus
}
#endif
#endif
