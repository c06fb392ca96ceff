/* What the variance exploding processes share: signal 1, and sigma between the options sigma_min and sigma_max. */
#ifndef ITO_SIGMA_RANGE_H
#define ITO_SIGMA_RANGE_H

#include <ito/process.h>

typedef struct ito__sigma_range {
    double min, max;
    double log_min, log_ratio; /* log(min), log(max / min) */
    double label;              /* edm: networks are told log(sigma) times this */
    int n_timesteps;           /* 0: continuous */
} ito__sigma_range;

/* The start of a create(), for ito__state_free: ITO_USAGE unless 0 < sigma_min < sigma_max. */
ito_status ito__sigma_range_create(ito_ctx *ctx, const char *name, const ito_opts *opts, ito__sigma_range **out);

/* sigma_min (sigma_max / sigma_min)^w, exact at w = 0 and w = 1. */
double ito__sigma_geometric(const ito__sigma_range *range, double w);

double ito__no_drift(const void *state, double t);
/* The level of a process whose signal is 1. */
ito_level ito__exploding_level(double t, double sigma, double sigma_rate);

#endif
