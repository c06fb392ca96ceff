/* Softmax and its relatives along the last axis, one row at a time, the largest element taken out first:
 *   softmax y = e^{x - max} / sum       softmax_grad dx_i = y_i (dy_i - sum_j y_j dy_j)
 *   log_softmax y = x - lse             log_softmax_grad dx_i = dy_i - e^{y_i} sum_j dy_j
 * Other axes are left to the reference kernel. */
#include <math.h>

#include "kernel/cpu/isa/mem.h"

static ito_status prepare_last_axis(ito_kernel *k)
{
    const ito_attr_axis *attr = k->attr;
    bool last = attr->axis == k->in[0].shape.n_dims - 1;
    return last && k->in[0].dtype == ITO_F32 && last_dim(k->in[0].shape) > 0 ? ITO_OK : ITO_UNSUPPORTED;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define LEFT(n, i) ((int)ITO_MIN((n) - (i), VF_WIDTH))

/* NaN beats all. */
static float row_max(int64_t n, const float *x)
{
    vf largest = vset(-INFINITY);
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        int left = LEFT(n, i);
        vf v = vselect(vmask(left), vload_n(x + i, left), largest);
        largest = vselect((v > largest) | (v != v), v, largest);
    }
    float total = largest[0];
    for (int i = 1; i < VF_WIDTH; i++)
        if (largest[i] > total || largest[i] != largest[i]) total = largest[i];
    return total;
}

/* y = e^{x - shift}, and the sum of it; y may be x. */
static float row_exp(int64_t n, const float *x, float shift, float *y)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        int left = LEFT(n, i);
        vf e = vexp(vload_n(x + i, left) - shift);
        vstore_n(y + i, left, e);
        sum += vselect(vmask(left), e, vset(0.0f));
    }
    return vsum(sum);
}

static float row_sum_exp(int64_t n, const float *x, float shift)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        int left = LEFT(n, i);
        sum += vselect(vmask(left), vexp(vload_n(x + i, left) - shift), vset(0.0f));
    }
    return vsum(sum);
}

static float row_dot(int64_t n, const float *x, const float *y)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) sum += vload_n(x + i, LEFT(n, i)) * vload_n(y + i, LEFT(n, i));
    return vsum(sum);
}

static float row_sum(int64_t n, const float *x)
{
    vf sum = {0};
    for (int64_t i = 0; i < n; i += VF_WIDTH) sum += vload_n(x + i, LEFT(n, i));
    return vsum(sum);
}

static float row_logsumexp(int64_t n, const float *x)
{
    float largest = row_max(n, x);
    if (isinf(largest)) return largest; /* all -inf, or a +inf: the differences would be NaN */
    return largest + logf(row_sum_exp(n, x, largest));
}

static void softmax_row(int64_t n, const float *x, float *y)
{
    float scale = 1.0f / row_exp(n, x, row_max(n, x), y);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

static void log_softmax_row(int64_t n, const float *x, float *y)
{
    float largest = row_max(n, x), lse = logf(row_sum_exp(n, x, largest));
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - largest) - lse;
}

static void softmax_grad_row(int64_t n, const float *y, const float *dy, float *dx)
{
    float sum = row_dot(n, y, dy);
    for (int64_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - sum);
}

static void log_softmax_grad_row(int64_t n, const float *y, const float *dy, float *dx)
{
    float sum = row_sum(n, dy);
    for (int64_t i = 0; i < n; i += VF_WIDTH) {
        int left = LEFT(n, i);
        vstore_n(dx + i, left, vload_n(dy + i, left) - vexp(vload_n(y + i, left)) * sum);
    }
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

static int64_t row_slices(const ito_kernel *k)
{
    int64_t n = last_dim(k->in[0].shape);
    return div_up(count_in(k, 0) / n, chunk_rows(n));
}

/* NAME_run over slices of rows; `statement` sees row r of n elements. */
#define ROW_KERNEL(name, out_type, statement)                                                                          \
    static void name##_slice(void *arg, int64_t slice, int thread)                                                     \
    {                                                                                                                  \
        (void)thread;                                                                                                  \
        const mem_job *job = arg;                                                                                      \
        const int64_t n = last_dim(job->k->in[0].shape), rows = chunk_rows(n);                                         \
        const int64_t end = ITO_MIN((slice + 1) * rows, count_in(job->k, 0) / n);                                      \
        const float *x = job->in[0], *dy = job->k->n_in > 1 ? job->in[1] : NULL;                                       \
        out_type *y = job->out[0];                                                                                     \
        (void)dy;                                                                                                      \
        for (int64_t r = slice * rows; r < end; r++) statement;                                                        \
    }                                                                                                                  \
    RUN_SLICES(name, row_slices(k))

static int32_t row_argmax(int64_t n, const float *x)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best] || (x[i] != x[i] && x[best] == x[best])) best = i;
    return (int32_t)best;
}

ROW_KERNEL(softmax, float, softmax_row(n, x + r * n, y + r * n))
ROW_KERNEL(log_softmax, float, log_softmax_row(n, x + r * n, y + r * n))
ROW_KERNEL(softmax_grad, float, softmax_grad_row(n, x + r * n, dy + r * n, y + r * n))
ROW_KERNEL(log_softmax_grad, float, log_softmax_grad_row(n, x + r * n, dy + r * n, y + r * n))
ROW_KERNEL(logsumexp, float, y[r] = row_logsumexp(n, x + r * n))
ROW_KERNEL(argmax, int32_t, y[r] = row_argmax(n, x + r * n))

static const ito_kernel_def defs[] = {
    {.op = "softmax", .name = "rows", .prepare = prepare_last_axis, .run = softmax_run},
    {.op = "log_softmax", .name = "rows", .prepare = prepare_last_axis, .run = log_softmax_run},
    {.op = "softmax_grad", .name = "rows", .prepare = prepare_last_axis, .run = softmax_grad_run},
    {.op = "log_softmax_grad", .name = "rows", .prepare = prepare_last_axis, .run = log_softmax_grad_run},
    {.op = "logsumexp", .name = "rows", .prepare = prepare_last_axis, .run = logsumexp_run},
    {.op = "argmax", .name = "rows", .prepare = prepare_last_axis, .run = argmax_run},
};

ITO_ISA_FAMILY(softmax, defs);
