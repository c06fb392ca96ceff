/* Group norm (Wu and He 2018), layer norm (Ba, Kiros and Hinton 2016), RMS norm (Zhang and Sennrich 2019), each with an
 * activation after the affine map. All three are one thing: x is seen as [n, spatial, channels]; the elements of one
 * sample and one group of channels are a set, and
 *   xhat = (x - mean) rstd,  rstd = 1 / sqrt(var + eps)  (var biased),  u = gamma_c xhat + beta_c,  y = act(u)
 * with mean and var taken over the set. Layer norm: every row is a sample with one group and no spatial extent. RMS
 * norm: likewise, and mean = 0, no beta. Statistics: (mean, rstd) of each set, for RMS norm rstd alone.
 *
 * Gradients, with du = dy act'(u) and averages over the set:
 *   dbeta_c = sum du    dgamma_c = sum du xhat    dx = rstd (gamma du - avg(gamma du) - xhat avg(gamma du xhat))
 * (without the middle term for RMS norm). dy is with respect to the activated output. */
#include <math.h>

#include "kernel/ref/ref.h"

typedef struct norm {
    int64_t n, spatial, channels, groups;
    bool centred; /* is a mean taken out? */
    double eps;
    int32_t act;
    bool rounds;
    const ito_ref_array *x, *gamma, *beta, *stats, *dy; /* beta NULL in RMS norm */
} norm;

/* The shape part; the arrays are filled by the callers. */
static norm norm_of(const ito_ref *r, bool rows, bool centred)
{
    const ito_attr_norm *attr = r->attr;
    const ito_shape *shape = &r->in[0].shape;
    int64_t channels = shape->d[shape->n_dims - 1];
    norm m = {.channels = channels, .centred = centred, .eps = attr->eps, .act = attr->act, .x = &r->in[0]};
    m.rounds = attr->rounds;
    m.gamma = &r->in[1];
    m.groups = rows ? 1 : attr->groups;
    m.n = rows ? r->in[0].count / channels : shape->d[0];
    m.spatial = r->in[0].count / (m.n * channels);
    return m;
}

/* Set `set` holds m.spatial rows of this many channels; element i of it, and that element's channel. */
static int64_t set_size(const norm *m)
{
    return m->spatial * (m->channels / m->groups);
}

static int64_t set_channel(const norm *m, int64_t set, int64_t i)
{
    int64_t width = m->channels / m->groups;
    return set % m->groups * width + i % width;
}

static int64_t set_element(const norm *m, int64_t set, int64_t i)
{
    int64_t width = m->channels / m->groups;
    return (set / m->groups * m->spatial + i / width) * m->channels + set_channel(m, set, i);
}

static double affine(const norm *m, int64_t c, double xhat)
{
    return ref_get(m->gamma, c) * xhat + (m->beta ? ref_get(m->beta, c) : 0);
}

/* Mean and 1 / standard deviation of a set. */
static void set_stats(const norm *m, int64_t set, double *mean, double *rstd)
{
    int64_t size = set_size(m);
    double sum = 0, squares = 0;
    for (int64_t i = 0; m->centred && i < size; i++) sum += ref_get(m->x, set_element(m, set, i));
    *mean = sum / (double)size;
    for (int64_t i = 0; i < size; i++) {
        double d = ref_get(m->x, set_element(m, set, i)) - *mean;
        squares += d * d;
    }
    *rstd = 1 / sqrt(squares / (double)size + m->eps);
}

static void forward(const norm *m, const ito_ref_array *y, const ito_ref_array *stats)
{
    for (int64_t set = 0; set < m->n * m->groups; set++) {
        double mean, rstd;
        set_stats(m, set, &mean, &rstd);
        if (m->centred) ref_put(stats, set * 2, mean);
        ref_put(stats, m->centred ? set * 2 + 1 : set, rstd);
        for (int64_t i = 0; i < set_size(m); i++) {
            int64_t at = set_element(m, set, i);
            double u = affine(m, set_channel(m, set, i), (ref_get(m->x, at) - mean) * rstd);
            double value = ito__unary_value(m->act, u);
            ref_put(y, at, m->rounds ? ito__unary_value(ITO_UNARY_round_bf16, value) : value);
        }
    }
}

static double stored_rstd(const norm *m, int64_t set)
{
    return ref_get(m->stats, m->centred ? set * 2 + 1 : set);
}

/* xhat and du of element i of a set. */
static void element_grad(const norm *m, int64_t set, int64_t i, double *xhat, double *du)
{
    int64_t at = set_element(m, set, i);
    double mean = m->centred ? ref_get(m->stats, set * 2) : 0;
    *xhat = (ref_get(m->x, at) - mean) * stored_rstd(m, set);
    double u = affine(m, set_channel(m, set, i), *xhat);
    *du = ref_get(m->dy, at) * ito__unary_slope(m->act, u);
}

static void grad_x(const norm *m, const ito_ref_array *dx)
{
    for (int64_t set = 0; set < m->n * m->groups; set++) {
        int64_t size = set_size(m);
        double xhat, du, sum = 0, sum_xhat = 0;
        for (int64_t i = 0; i < size; i++) {
            element_grad(m, set, i, &xhat, &du);
            double g = ref_get(m->gamma, set_channel(m, set, i)) * du;
            sum += g;
            sum_xhat += g * xhat;
        }
        double average = m->centred ? sum / (double)size : 0, average_xhat = sum_xhat / (double)size;
        for (int64_t i = 0; i < size; i++) {
            element_grad(m, set, i, &xhat, &du);
            double g = ref_get(m->gamma, set_channel(m, set, i)) * du;
            ref_put(dx, set_element(m, set, i), stored_rstd(m, set) * (g - average - xhat * average_xhat));
        }
    }
}

static void grad_affine(const norm *m, const ito_ref_array *dgamma, const ito_ref_array *dbeta)
{
    int64_t width = m->channels / m->groups;
    for (int64_t c = 0; c < m->channels; c++) {
        double xhat, du, sum = 0, sum_xhat = 0;
        for (int64_t n = 0; n < m->n; n++)
            for (int64_t s = 0; s < m->spatial; s++) {
                element_grad(m, n * m->groups + c / width, s * width + c % width, &xhat, &du);
                sum += du;
                sum_xhat += du * xhat;
            }
        ref_put(dgamma, c, sum_xhat);
        if (dbeta) ref_put(dbeta, c, sum);
    }
}

/* x, gamma, beta -> y, stats */
static void centred_forward(const ito_ref *r, bool rows)
{
    norm m = norm_of(r, rows, true);
    m.beta = &r->in[2];
    forward(&m, &r->out[0], &r->out[1]);
}

/* x, gamma, beta, stats, dy -> dx, dgamma, dbeta */
static void centred_grad(const ito_ref *r, bool rows)
{
    norm m = norm_of(r, rows, true);
    m.beta = &r->in[2];
    m.stats = &r->in[3];
    m.dy = &r->in[4];
    grad_affine(&m, &r->out[1], &r->out[2]); /* first: dx may overwrite dy */
    grad_x(&m, &r->out[0]);
}

static void copy_to(const ito_ref_array *to, const ito_ref_array *from)
{
    for (int64_t i = 0; i < to->count; i++) ref_put(to, i, ref_get(from, i));
}

/* y may be written over x. */
static void run_group_norm(const ito_ref *r)
{
    const ito_attr_norm *attr = r->attr;
    if (attr->keeps_x) copy_to(&r->out[2], &r->in[0]);
    centred_forward(r, false);
    if (attr->keeps_y) copy_to(&r->out[2 + attr->keeps_x], &r->out[0]);
}

static void run_group_norm_grad(const ito_ref *r)
{
    centred_grad(r, false);
    for (int64_t e = 0; r->n_in > 5 && e < r->out[0].count; e++)
        ref_put(&r->out[0], e, ref_get(&r->out[0], e) + ref_get(&r->in[5], e));
}

static void run_layer_norm(const ito_ref *r)
{
    centred_forward(r, true);
}

static void run_layer_norm_grad(const ito_ref *r)
{
    centred_grad(r, true);
}

static void run_rms_norm(const ito_ref *r)
{
    norm m = norm_of(r, true, false);
    forward(&m, &r->out[0], &r->out[1]);
}

/* x, gamma, stats, dy -> dx, dgamma */
static void run_rms_norm_grad(const ito_ref *r)
{
    norm m = norm_of(r, true, false);
    m.stats = &r->in[2];
    m.dy = &r->in[3];
    grad_affine(&m, &r->out[1], NULL);
    grad_x(&m, &r->out[0]);
}

ITO_REF_KERNEL(group_norm, NULL);
ITO_REF_KERNEL(group_norm_grad, NULL);
ITO_REF_KERNEL(layer_norm, NULL);
ITO_REF_KERNEL(layer_norm_grad, NULL);
ITO_REF_KERNEL(rms_norm, NULL);
ITO_REF_KERNEL(rms_norm_grad, NULL);
