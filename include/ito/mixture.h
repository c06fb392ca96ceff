/* Gaussian mixtures with diagonal covariances: data whose denoiser is known exactly, in any dimension and for any
 * process. Every sampler and every conversion can be proven on it without training anything. */
#ifndef ITO_MIXTURE_H
#define ITO_MIXTURE_H

#include <ito/denoiser.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_mixture ito_mixture;

/* Row-major arrays, copied. */
typedef struct ito_mixture_options {
    int dim, n_components;
    const double *weight; /* [n_components], positive, of any sum; NULL: all equal */
    const double *mean;   /* [n_components, dim] */
    const double *sd;     /* [n_components, dim], positive */
    const int *label;     /* [n_components], the class of each component, 0 and up; NULL: all 0 */
} ito_mixture_options;

/* The caller destroys *out. */
ito_status ito_mixture_create(ito_ctx *ctx, const ito_mixture_options *options, ito_mixture **out);
void ito_mixture_destroy(ito_mixture *mixture);

/* In what follows `label` picks the components of one class; a label that no component has, ITO_MIXTURE_ALL for
 * instance, means all of them. */
#define ITO_MIXTURE_ALL (-1)

/* E[x_0 | x_t] and E[eps | x_t] for one x_t [dim]; x0 or eps may be NULL. Exact at both ends of the process too. */
void ito_mixture_estimate(const ito_mixture *mixture, const ito_level *t, int label, const double *x, double *x0,
                          double *eps);
/* log q(x_t) and its gradient. At the level of the data these are the data's own. */
double ito_mixture_log_density(const ito_mixture *mixture, const ito_level *t, int label, const double *x);
void ito_mixture_score(const ito_mixture *mixture, const ito_level *t, int label, const double *x, double *score);

/* Mean [dim] and covariance [dim, dim] of the data. */
void ito_mixture_moments(const ito_mixture *mixture, int label, double *mean, double *covariance);
/* Exact samples of the data, numbers first .. first + n - 1 of the seed, into x [n, dim]. */
void ito_mixture_draw(const ito_mixture *mixture, int label, uint64_t seed, uint64_t first, int64_t n, float *x);

/* The exact denoiser with the given prediction kind ("eps", "x0", "v", ...): x is f32 or f64 [n, dim], as the output is, and the condition, when
 * there is one, holds "label" i32 [n]. Has a vjp. Borrows mixture and process; the caller clears *out. */
ito_status ito_mixture_denoiser(ito_ctx *ctx, const ito_mixture *mixture, const ito_process *process,
                                const char *prediction, ito_denoiser *out);

#ifdef __cplusplus
}
#endif
#endif
