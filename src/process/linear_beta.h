/* The rate beta(t) = beta_min + t (beta_max - beta_min), t in 0..1, of the VP- and the sub-VP-SDE, and its integral. */
#ifndef ITO_LINEAR_BETA_H
#define ITO_LINEAR_BETA_H

#include <ito/process.h>

typedef struct ito__linear_beta {
    double min, max;
} ito__linear_beta;

/* The body of a create(): an ito__linear_beta from the options, for ito__state_free. */
ito_status ito__linear_beta_create(ito_ctx *ctx, const char *name, const ito_opts *opts, ito_process_ends *ends,
                                   void **state);
double ito__linear_beta_at(const ito__linear_beta *beta, double t);
double ito__linear_beta_integral(const ito__linear_beta *beta, double t);    /* from 0 to t */
double ito__linear_beta_time(const ito__linear_beta *beta, double integral); /* its inverse, in 0..1 */
double ito__linear_beta_label(const void *state, double t);

#define ITO__LINEAR_BETA_OPTIONS                                                                                       \
    ITO_OPT_REAL("beta_min", 0.1, 0, 1000, "beta at t = 0"), ITO_OPT_REAL("beta_max", 20, 0, 1000, "beta at t = 1")

#endif
