/* Layer norm (Ba, Kiros and Hinton 2016) and RMS norm (Zhang and Sennrich 2019) over the last axis, with an activation
 * after the affine map, and their gradients. A row is normalised in the cache: mean, then squared deviations, then
 *   u = gamma xhat + beta, xhat = (x - mean) rstd, y = act(u)
 * Gradient, with du = act'(u) dy and averages over the row:
 *   dx = rstd (gamma du - avg(gamma du) - xhat avg(gamma du xhat))     (RMS norm: mean = 0 and no middle term)
 * dgamma and dbeta are summed over chunks of rows, and the chunks in order. */
#include <math.h>

#include "kernel/cpu/isa/mem.h"

typedef struct rows_job {
    bool centred; /* layer norm */
    int64_t n, width, rows, chunks;
    double eps;
    int32_t act;
    const float *x, *gamma, *beta, *stats, *dy; /* beta NULL: none */
    float *y, *y_stats, *dgamma, *dbeta;        /* y is dx in the gradient */
    float *partials;                            /* [chunks][2][width] */
} rows_job;

static rows_job job_of(const ito_kernel *k, const void *const *in, bool centred)
{
    const ito_attr_norm *attr = k->attr;
    rows_job j = {.centred = centred, .width = last_dim(k->in[0].shape), .eps = attr->eps, .act = attr->act};
    j.n = count_in(k, 0) / j.width;
    j.rows = chunk_rows(j.width);
    j.chunks = div_up(j.n, j.rows);
    j.x = in[0];
    j.gamma = in[1];
    j.beta = centred ? in[2] : NULL;
    return j;
}

static ito_status forward_prepare(ito_kernel *k)
{
    return all_f32(k) && count_in(k, 0) > 0 ? ITO_OK : ITO_UNSUPPORTED;
}

static ito_status grad_prepare(ito_kernel *k)
{
    ITO_TRY(forward_prepare(k));
    int64_t width = last_dim(k->in[0].shape), rows = count_in(k, 0) / width;
    k->workspace_bytes = (size_t)(div_up(rows, chunk_rows(width)) * 2 * width) * sizeof(float);
    return ITO_OK;
}

#define LEFT(n, i) ((int)ITO_MIN((n) - (i), VF_WIDTH))

/* --- forward ------------------------------------------------------------------------------------------------------ */

static float row_mean(int64_t n, const float *x)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) sum += vload_n(x + i, LEFT(n, i));
    return vsum(sum) / (float)n;
}

static float row_rstd(int64_t n, const float *x, float mean, double eps)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        vf d = vselect(vmask(LEFT(n, i)), vload_n(x + i, LEFT(n, i)) - mean, vset(0.0f));
        sum += d * d;
    }
    return (float)(1 / sqrt((double)vsum(sum) / (double)n + eps));
}

static void affine_row(const rows_job *j, const float *x, float mean, float rstd, float *u)
{
    for (int64_t i = 0; i < j->width; i += VF_WIDTH) {
        int left = LEFT(j->width, i);
        vf v = (vload_n(x + i, left) - mean) * rstd * vload_n(j->gamma + i, left);
        vstore_n(u + i, left, j->beta ? v + vload_n(j->beta + i, left) : v);
    }
}

static void forward_row(const rows_job *j, int64_t r)
{
    const float *x = j->x + r * j->width;
    float *y = j->y + r * j->width;
    float mean = j->centred ? row_mean(j->width, x) : 0, rstd = row_rstd(j->width, x, mean, j->eps);
    if (j->centred) j->y_stats[2 * r] = mean;
    j->y_stats[j->centred ? 2 * r + 1 : r] = rstd;
    affine_row(j, x, mean, rstd, y);
    unary_row(j->act, j->width, y, y);
}

static void forward_slice(void *arg, int64_t chunk, int thread)
{
    (void)thread;
    const rows_job *j = arg;
    int64_t end = ITO_MIN((chunk + 1) * j->rows, j->n);
    for (int64_t r = chunk * j->rows; r < end; r++) forward_row(j, r);
}

static void forward_run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, bool centred)
{
    rows_job j = job_of(k, in, centred);
    j.y = out[0];
    j.y_stats = out[1];
    ito__parallel(q, j.chunks, forward_slice, &j);
}

/* --- gradient ----------------------------------------------------------------------------------------------------- */

typedef struct row_sums {
    float du, du_xhat; /* averages of gamma du and gamma du xhat */
} row_sums;

/* Adds the row's part of dbeta and dgamma and returns its averages. */
static row_sums sum_row(const rows_job *j, const float *x, const float *du, float mean, float rstd, float *dbeta,
                        float *dgamma)
{
    vf sum = {0}, sum_xhat = {0};
    for (int64_t i = 0; i < j->width; i += VF_WIDTH) {
        int left = LEFT(j->width, i);
        vf d = vload_n(du + i, left), xhat = (vload_n(x + i, left) - mean) * rstd;
        vf g = d * vload_n(j->gamma + i, left);
        sum += g;
        sum_xhat += g * xhat;
        vstore_n(dbeta + i, left, vload_n(dbeta + i, left) + d);
        vstore_n(dgamma + i, left, vload_n(dgamma + i, left) + d * xhat);
    }
    float scale = 1.0f / (float)j->width;
    return (row_sums){j->centred ? vsum(sum) * scale : 0, vsum(sum_xhat) * scale};
}

static void grad_row(const rows_job *j, int64_t r, float *dbeta, float *dgamma)
{
    const float *x = j->x + r * j->width, *du = j->dy + r * j->width;
    float *dx = j->y + r * j->width;
    float mean = j->centred ? j->stats[2 * r] : 0, rstd = j->stats[j->centred ? 2 * r + 1 : r];
    if (j->act != ITO_UNARY_identity) {
        affine_row(j, x, mean, rstd, dx);
        slope_row(j->act, j->width, dx, du, dx);
        du = dx;
    }
    row_sums s = sum_row(j, x, du, mean, rstd, dbeta, dgamma);
    for (int64_t i = 0; i < j->width; i += VF_WIDTH) {
        int left = LEFT(j->width, i);
        vf g = vload_n(du + i, left) * vload_n(j->gamma + i, left), xhat = (vload_n(x + i, left) - mean) * rstd;
        vstore_n(dx + i, left, rstd * (g - s.du - xhat * s.du_xhat));
    }
}

static void grad_slice(void *arg, int64_t chunk, int thread)
{
    (void)thread;
    const rows_job *j = arg;
    float *dbeta = j->partials + chunk * 2 * j->width, *dgamma = dbeta + j->width;
    memset(dbeta, 0, (size_t)(2 * j->width) * sizeof *dbeta);
    int64_t end = ITO_MIN((chunk + 1) * j->rows, j->n);
    for (int64_t r = chunk * j->rows; r < end; r++) grad_row(j, r, dbeta, dgamma);
}

static void affine_grad_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const rows_job *j = arg;
    int64_t end = ITO_MIN((slice + 1) * 256, j->width);
    for (int64_t i = slice * 256; i < end; i++) {
        double dbeta = 0, dgamma = 0;
        for (int64_t chunk = 0; chunk < j->chunks; chunk++) {
            const float *partial = j->partials + chunk * 2 * j->width;
            dbeta += (double)partial[i];
            dgamma += (double)partial[j->width + i];
        }
        if (j->dbeta) j->dbeta[i] = (float)dbeta;
        j->dgamma[i] = (float)dgamma;
    }
}

static void grad_run(const ito_queue *q, rows_job *j)
{
    ito__parallel(q, j->chunks, grad_slice, j);
    ito__parallel(q, div_up(j->width, 256), affine_grad_slice, j);
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

static void layer_norm_run(RUN_ARGS)
{
    (void)work, (void)packed;
    forward_run(k, q, in, out, true);
}

static void rms_norm_run(RUN_ARGS)
{
    (void)work, (void)packed;
    forward_run(k, q, in, out, false);
}

static void layer_norm_grad_run(RUN_ARGS)
{
    (void)packed;
    rows_job j = job_of(k, in, true);
    j.stats = in[3];
    j.dy = in[4];
    j.y = out[0];
    j.dgamma = out[1];
    j.dbeta = out[2];
    j.partials = work;
    grad_run(q, &j);
}

static void rms_norm_grad_run(RUN_ARGS)
{
    (void)packed;
    rows_job j = job_of(k, in, false);
    j.stats = in[2];
    j.dy = in[3];
    j.y = out[0];
    j.dgamma = out[1];
    j.partials = work;
    grad_run(q, &j);
}

static const ito_kernel_def defs[] = {
    {.op = "layer_norm", .name = "rows", .prepare = forward_prepare, .run = layer_norm_run},
    {.op = "layer_norm_grad", .name = "rows", .prepare = grad_prepare, .run = layer_norm_grad_run},
    {.op = "rms_norm", .name = "rows", .prepare = forward_prepare, .run = rms_norm_run},
    {.op = "rms_norm_grad", .name = "rows", .prepare = grad_prepare, .run = rms_norm_grad_run},
};

ITO_ISA_FAMILY(row_norm, defs);
