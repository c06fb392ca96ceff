/* The probability-flow ODE as the classical solvers see it, in one of two spaces (option "space"):
 *     sigma: d(x / signal) / d sigma_hat = eps, sigma_hat = sigma / signal (EDM's);
 *     time:  dx / dt = signal' x_0 + sigma' eps, in the process's own t. */
#ifndef ITO_SAMPLER_ODE_H
#define ITO_SAMPLER_ODE_H

#include <ito/sampler.h>

typedef struct ito__ode {
    ito_step *st;
    bool in_time;
    double from, to; /* the variable at t and s */
} ito__ode;

extern const char *const ito__ode_spaces[];
#define ITO__ODE_SPACE                                                                                                 \
    ITO_OPT_CHOICE("space", 0, ito__ode_spaces, "x / signal along sigma / signal (EDM's), or x along the process's t")

/* Asks at t into e. *is_whole: the slope is finite from t to s, with noise at both, so that s may be asked about. */
ito_status ito__ode_begin(ito__ode *o, ito_step *st, ito_estimate *e, bool *is_whole);
/* The level where the variable is `at`. */
ito_level ito__ode_level(const ito__ode *o, double at);
/* An estimate's slope into dst, an array. */
void ito__ode_slope(const ito__ode *o, const ito_estimate *e, void *dst);
/* x at level `to`, reached from t by `step` of the variable along sum of weight_k slope_k, into dst; NULL: the end of the
 * step. */
ito_status ito__ode_go(const ito__ode *o, const ito_level *to, double step, int n, const double *weight,
                       void *const *slope, void *dst);
/* Euler's step to s, DDIM's where the slope is infinite. */
ito_status ito__ode_euler(const ito__ode *o, const ito_estimate *e);

#endif
