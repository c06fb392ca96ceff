/* The exact denoiser of a mixture, on f32 or f64. Given the component k the output is affine in x, with value f_k and slope g_k:
 *     out = sum_k r_k f_k,    (d out / d x)^T d = sum_k r_k (g_k d + (f_k . d) (q_k - q)),
 * where q_k = -(x - a m_k) / v_k is the gradient of log q(x | k) and q = sum_k r_k q_k that of log q(x). */
#include <math.h>

#include "base/base.h"
#include "exact/mixture_impl.h"

typedef struct exact {
    ito_ctx *ctx;
    const ito_mixture *mixture;
    const ito_process *process;
    ito_prediction prediction;
    double x[]; /* [dim] */
} exact;

/* Everything about coordinate j under component k. */
typedef struct part {
    double f, g, q;
} part;

static part part_of(const ito_mixture *m, const ito_level *t, const double row[2], int k, int j, double x)
{
    double mean = m->mean[k * m->dim + j], sd = m->sd[k * m->dim + j], v = ito__mixture_variance(m, t, k, j);
    double z = (x - t->signal * mean) / v, of_x0 = t->signal * sd * sd;
    part p = {.q = -z};
    /* 0 times a coefficient that does not exist at this level must not spoil the other */
    if (row[0] != 0) p.f += row[0] * (mean + of_x0 * z), p.g += row[0] * of_x0 / v;
    if (row[1] != 0) p.f += row[1] * t->sigma * z, p.g += row[1] * t->sigma / v;
    return p;
}

/* Element i of f32 or f64 data. */
static double get(const ito_tensor *x, int64_t i)
{
    return x->dtype == ITO_F64 ? ((const double *)x->data)[i] : (double)((const float *)x->data)[i];
}

static void put(const ito_tensor *x, int64_t i, double value)
{
    if (x->dtype == ITO_F64)
        ((double *)x->data)[i] = value;
    else
        ((float *)x->data)[i] = (float)value;
}

/* The sample whose first element is `first`. */
static void eval_one(const exact *e, const ito_level *t, int label, int64_t first, const ito_tensor *dout,
                     ito_tensor *out, ito_tensor *dx)
{
    const double *x = e->x;
    const ito_mixture *m = e->mixture;
    double r[ITO__MIXTURE_MAX], along[ITO__MIXTURE_MAX] = {0};
    ito_prediction_map map = ito_prediction_map_in(&e->prediction, e->process, t);
    const double row[] = {map.out_x0, map.out_eps};
    ito__mixture_posterior(m, t, label, x, r);
    for (int j = 0; j < m->dim; j++) {
        double sum = 0;
        for (int k = 0; k < m->n; k++) {
            part p = part_of(m, t, row, k, j, x[j]);
            sum += r[k] * p.f;
            if (dout) along[k] += p.f * get(dout, first + j);
        }
        if (out) put(out, first + j, sum);
    }
    for (int j = 0; dx && j < m->dim; j++) {
        double sum = 0, q = 0;
        for (int k = 0; k < m->n; k++) q += r[k] * part_of(m, t, row, k, j, x[j]).q;
        for (int k = 0; k < m->n; k++) {
            part p = part_of(m, t, row, k, j, x[j]);
            sum += r[k] * (p.g * get(dout, first + j) + along[k] * (p.q - q));
        }
        put(dx, first + j, sum);
    }
}

static ito_status check(const exact *e, const ito_tensor *x, const ito_condition *condition)
{
    char text[ITO_SHAPE_TEXT];
    if (x->shape.n_dims < 1 || ito_shape_count(x->shape) != x->shape.d[0] * e->mixture->dim)
        return ito__fail(e->ctx, ITO_SHAPE, "the mixture has %d dimensions, so x must be [n, %d]; found %s",
                         e->mixture->dim, e->mixture->dim, ito_shape_text(x->shape, text));
    ITO_TRY(ito_condition_check(e->ctx, condition, x->shape.d[0]));
    const ito_tensor *label = ito_condition_get(condition, "label");
    if (label && (label->dtype != ITO_I32 || ito_shape_count(label->shape) != x->shape.d[0]))
        return ito__fail(e->ctx, ITO_DTYPE, "condition 'label' must be i32 [n]");
    return ITO_OK;
}

static ito_status vjp(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                      const ito_tensor *dout, ito_tensor *out, ito_tensor *dx)
{
    exact *e = self;
    int dim = e->mixture->dim;
    (void)ctx;
    ITO_TRY(check(e, x, condition));
    const ito_tensor *label = ito_condition_get(condition, "label");
    for (int64_t i = 0; i < x->shape.d[0]; i++) {
        ito_level level = ito_process_level(e->process, t[i]);
        for (int j = 0; j < dim; j++) e->x[j] = get(x, i * dim + j);
        eval_one(e, &level, label ? ((const int32_t *)label->data)[i] : ITO_MIXTURE_ALL, i * dim, dout, out, dx);
    }
    return ITO_OK;
}

static ito_status eval(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                       ito_tensor *out, ito_tensor *extra)
{
    (void)extra; /* n_extra is 0 */
    return vjp(self, ctx, x, t, condition, NULL, out, NULL);
}

static void destroy(void *self)
{
    exact *e = self;
    ito__free(e->ctx, e);
}

ito_status ito_mixture_denoiser(ito_ctx *ctx, const ito_mixture *mixture, const ito_process *process,
                                const char *prediction, ito_denoiser *out)
{
    ito_prediction kind;
    *out = (ito_denoiser){0};
    ITO_TRY(ito_prediction_find(ctx, prediction, &kind));
    ITO_TRY(ito_prediction_check(ctx, &kind, process));
    exact *e = ito__alloc(ctx, sizeof *e + (size_t)mixture->dim * sizeof e->x[0]);
    if (!e) return ITO_MEMORY;
    e->ctx = ctx;
    e->mixture = mixture;
    e->process = process;
    e->prediction = kind;
    *out = (ito_denoiser){.self = e, .eval = eval, .vjp = vjp, .destroy = destroy, .prediction = kind};
    return ITO_OK;
}
