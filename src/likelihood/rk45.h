/* Dormand and Prince's Runge-Kutta pair of orders 5 and 4 (1980) for a batch of independent systems. Internal. */
#ifndef ITO_RK45_H
#define ITO_RK45_H

#include "base/base.h"

/* n systems of `size` numbers, dy/dt = rate(t, y), each with a time and a step of its own: a row's result is a function
 * of that row. Rows that have arrived are still handed to rate(), with their last state. */
typedef struct ito__ode {
    ito_ctx *ctx;
    int64_t n, size;
    int64_t
        n_main; /* the error of the numbers before this one and of those behind it is measured apart, as two norms */
    double from, to;
    double rtol, atol;
    int max_steps;
    void *self;
    ito_status (*rate)(void *self, const double *t, const double *y, double *dy); /* t [n]; y, dy [n, size] */
} ito__ode;

/* How a row went. */
typedef struct ito__ode_row {
    int n_evals, n_steps; /* evaluations of rate(), accepted steps */
} ito__ode_row;

/* y [n, size]: in, the state at `from`; out, that at `to`. ITO_NUMERIC when a row is not finite or needs more than
 * max_steps steps, rejected ones included. */
ito_status ito__rk45(const ito__ode *ode, double *y, ito__ode_row *rows);

#endif
