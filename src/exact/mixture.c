/* Gaussian mixtures under x_t = a x_0 + sigma eps, with a = signal. Given the component k,
 *     x_t ~ N(a m_k, v_k),  v_k = a^2 s_k^2 + sigma^2,
 *     E[x_0 | x_t, k] = m_k + (a s_k^2 / v_k) (x_t - a m_k),   E[eps | x_t, k] = (sigma / v_k) (x_t - a m_k),
 * and the mixture weighs these by the posterior r_k of the component, a softmax computed in logarithms. No division by a
 * or sigma: exact at both ends. Everything is diagonal and in double. */
#include <ito/mixture.h>

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "exact/mixture_impl.h"

static ito_status check(ito_ctx *ctx, const ito_mixture_options *o)
{
    if (o->dim < 1 || o->n_components < 1 || o->n_components > ITO__MIXTURE_MAX)
        return ito__fail(ctx, ITO_USAGE, "a mixture needs a dimension (found %d) and 1 to %d components (found %d)",
                         o->dim, ITO__MIXTURE_MAX, o->n_components);
    for (int k = 0; k < o->n_components; k++)
        if (o->weight && !(o->weight[k] > 0 && isfinite(o->weight[k])))
            return ito__fail(ctx, ITO_USAGE, "weight %d of a mixture is %g, but must be positive", k, o->weight[k]);
    for (int64_t j = 0; j < (int64_t)o->n_components * o->dim; j++)
        if (!(o->sd[j] > 0) || !isfinite(o->sd[j]) || !isfinite(o->mean[j]))
            return ito__fail(ctx, ITO_USAGE,
                             "component %lld of a mixture: deviations must be positive and means finite",
                             (long long)(j / o->dim));
    return ITO_OK;
}

ito_status ito_mixture_create(ito_ctx *ctx, const ito_mixture_options *o, ito_mixture **out)
{
    *out = NULL;
    ITO_TRY(check(ctx, o));
    size_t components = (size_t)o->n_components, numbers = components * (size_t)o->dim;
    ito_mixture *m = ito__alloc(ctx, sizeof *m + 2 * numbers * sizeof(double));
    if (!m) return ITO_MEMORY;
    m->ctx = ctx;
    m->dim = o->dim;
    m->n = o->n_components;
    m->mean = m->numbers;
    m->sd = m->numbers + numbers;
    memcpy(m->mean, o->mean, numbers * sizeof(double));
    memcpy(m->sd, o->sd, numbers * sizeof(double));
    for (int k = 0; k < m->n; k++) {
        m->log_weight[k] = o->weight ? log(o->weight[k]) : 0;
        m->label[k] = o->label ? o->label[k] : 0;
    }
    *out = m;
    return ITO_OK;
}

void ito_mixture_destroy(ito_mixture *m)
{
    if (m) ito__free(m->ctx, m);
}

static bool has_label(const ito_mixture *m, int label)
{
    for (int k = 0; k < m->n; k++)
        if (m->label[k] == label) return true;
    return false;
}

/* Weights of the components of a class, normalised. */
static void prior(const ito_mixture *m, int label, double *weight)
{
    bool all = !has_label(m, label);
    double sum = 0;
    for (int k = 0; k < m->n; k++) sum += weight[k] = all || m->label[k] == label ? exp(m->log_weight[k]) : 0;
    for (int k = 0; k < m->n; k++) weight[k] /= sum;
}

double ito__mixture_posterior(const ito_mixture *m, const ito_level *t, int label, const double *x, double *r)
{
    double log_joint[ITO__MIXTURE_MAX], largest = -(double)INFINITY, sum = 0;
    prior(m, label, r);
    for (int k = 0; k < m->n; k++) {
        log_joint[k] = log(r[k]); /* -inf for other classes */
        for (int j = 0; j < m->dim; j++) {
            double v = ito__mixture_variance(m, t, k, j), d = x[j] - t->signal * m->mean[k * m->dim + j];
            log_joint[k] -= 0.5 * (d * d / v + log(6.283185307179586 * v));
        }
        largest = fmax(largest, log_joint[k]);
    }
    for (int k = 0; k < m->n; k++) sum += r[k] = exp(log_joint[k] - largest);
    for (int k = 0; k < m->n; k++) r[k] /= sum;
    return largest + log(sum);
}

void ito_mixture_estimate(const ito_mixture *m, const ito_level *t, int label, const double *x, double *x0, double *eps)
{
    double r[ITO__MIXTURE_MAX];
    ito__mixture_posterior(m, t, label, x, r);
    for (int j = 0; j < m->dim; j++) {
        double sum_x0 = 0, sum_eps = 0;
        for (int k = 0; k < m->n; k++) {
            double mean = m->mean[k * m->dim + j], sd = m->sd[k * m->dim + j];
            double z = (x[j] - t->signal * mean) / ito__mixture_variance(m, t, k, j);
            sum_x0 += r[k] * (mean + t->signal * sd * sd * z);
            sum_eps += r[k] * t->sigma * z;
        }
        if (x0) x0[j] = sum_x0;
        if (eps) eps[j] = sum_eps;
    }
}

double ito_mixture_log_density(const ito_mixture *m, const ito_level *t, int label, const double *x)
{
    double r[ITO__MIXTURE_MAX];
    return ito__mixture_posterior(m, t, label, x, r);
}

void ito_mixture_score(const ito_mixture *m, const ito_level *t, int label, const double *x, double *score)
{
    double r[ITO__MIXTURE_MAX];
    ito__mixture_posterior(m, t, label, x, r);
    for (int j = 0; j < m->dim; j++) {
        score[j] = 0;
        /* EQ[survey:21]  score = grad log q(x_t) = E[grad log q(x_t | x_0) | x_t] = -E[eps | x_t] / sigma_t */
        for (int k = 0; k < m->n; k++)
            score[j] -= r[k] * (x[j] - t->signal * m->mean[k * m->dim + j]) / ito__mixture_variance(m, t, k, j);
    }
}

void ito_mixture_moments(const ito_mixture *m, int label, double *mean, double *covariance)
{
    double weight[ITO__MIXTURE_MAX];
    int dim = m->dim;
    prior(m, label, weight);
    for (int j = 0; j < dim; j++) {
        mean[j] = 0;
        for (int k = 0; k < m->n; k++) mean[j] += weight[k] * m->mean[k * dim + j];
    }
    for (int i = 0; i < dim; i++)
        for (int j = 0; j < dim; j++) {
            double sum = 0;
            for (int k = 0; k < m->n; k++) {
                double sd = i == j ? m->sd[k * dim + j] : 0;
                sum += weight[k] * (sd * sd + (m->mean[k * dim + i] - mean[i]) * (m->mean[k * dim + j] - mean[j]));
            }
            covariance[i * dim + j] = sum;
        }
}

void ito_mixture_draw(const ito_mixture *m, int label, uint64_t seed, uint64_t first, int64_t n, float *x)
{
    double weight[ITO__MIXTURE_MAX] = {0};
    prior(m, label, weight);
    for (int64_t i = 0; i < n; i++, x += m->dim) {
        ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_DATA, .sample = first + (uint64_t)i};
        double u = 0;
        int k = 0;
        ito_rng_uniform(key, 0, 1, &u);
        while (k < m->n - 1 && u >= weight[k]) u -= weight[k++];
        key.step = 1; /* another sequence than u's */
        ito_rng_normal(key, 0, (size_t)m->dim, x);
        for (int j = 0; j < m->dim; j++) x[j] = (float)(m->mean[k * m->dim + j] + m->sd[k * m->dim + j] * (double)x[j]);
    }
}
