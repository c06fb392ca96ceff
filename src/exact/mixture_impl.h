/* The inside of a mixture, shared by its mathematics (mixture.c) and its denoiser (mixture_denoiser.c). */
#ifndef ITO_MIXTURE_IMPL_H
#define ITO_MIXTURE_IMPL_H

#include <ito/mixture.h>
#include <ito/rng.h>

#define ITO__MIXTURE_MAX 64 /* components */

struct ito_mixture {
    ito_ctx *ctx;
    int dim, n;
    double log_weight[ITO__MIXTURE_MAX];
    int label[ITO__MIXTURE_MAX];
    double *mean, *sd; /* [n, dim], inside numbers */
    double numbers[];
};

/* Posterior of the components given x_t into r [n]; returns log q(x_t). */
double ito__mixture_posterior(const ito_mixture *m, const ito_level *t, int label, const double *x, double *r);

/* Variance of x_t[j] given component k. */
static inline double ito__mixture_variance(const ito_mixture *m, const ito_level *t, int k, int j)
{
    double from_data = t->signal * m->sd[k * m->dim + j];
    return from_data * from_data + t->sigma * t->sigma;
}

#endif
