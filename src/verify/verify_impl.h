/* What the measures share: grids in log-SNR, starting points and the exact flow. */
#ifndef ITO_VERIFY_IMPL_H
#define ITO_VERIFY_IMPL_H

#include <ito/verify.h>

#include "base/base.h"

#define ITO__VERIFY_MAX_DIM 64

/* The finest grid of times; a coarser one is every stride-th of it. */
typedef struct ito__verify_times {
    ito_verify_grid grid; /* with its defaults filled in */
    int n;                /* of the finest: grid.n_steps 2^(runs - 1) */
    double *t;            /* [n + 1], falling */
} ito__verify_times;

ito_status ito__verify_times_open(ito_ctx *ctx, const ito_verify *what, const ito_verify_grid *grid, int runs,
                                  ito__verify_times *out);
void ito__verify_times_close(ito_ctx *ctx, ito__verify_times *times);

/* Points [n_points, dim] of the process at its noisy end: its marginal's own. */
void ito__verify_start(const ito_verify *what, const ito__verify_times *times, double *x);

/* The probability-flow ODE's solution from x [n_points, dim] at the first time: path [n + 1][n_points, dim]. */
ito_status ito__verify_flow(ito_ctx *ctx, const ito_verify *what, const ito__verify_times *times, const double *x,
                            double *path);

/* The options of a run with n / stride steps from x; to [n / stride + 1] is filled and must live as long. */
ito_sample_options ito__verify_options(const ito_verify *what, const ito__verify_times *times, int stride, double *to,
                                       const void *x);

double ito__verify_distance(int64_t count, const double *a, const double *b); /* root mean square */
void ito__verify_rate_fit(ito_verify_rate *rate);

#endif
