/* Dormand and Prince's Runge-Kutta pair of orders 5 and 4, RK5(4)7M, and its rule for the next step: what the solvers of the
 * log-likelihood and of sampling share. */
#ifndef ITO_DOPRI_H
#define ITO_DOPRI_H

#include <stdbool.h>

#define ITO__DOPRI_STAGES 7

/* k_i = rate(t + node_i h, y + h sum_j tableau_ij k_j); the last row is the fifth-order solution itself, so that its rate is the
 * next step's first. difference: h sum_i difference_i k_i is the fifth-order solution less the fourth-order one. */
extern const double ito__dopri_node[ITO__DOPRI_STAGES];
extern const double ito__dopri_tableau[ITO__DOPRI_STAGES][ITO__DOPRI_STAGES - 1];
extern const double ito__dopri_difference[ITO__DOPRI_STAGES];

/* How much longer the next step is after one with this error, in units of the tolerance: the step counts where it is at most 1. */
double ito__dopri_factor(double error, bool after_rejection);

#endif
