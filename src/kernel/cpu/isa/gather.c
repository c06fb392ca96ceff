/* Rows of a table by index: gather, its gradient, one_hot. An index outside the table reads as zeros and gets no
 * gradient. */
#include "kernel/cpu/isa/mem.h"

#define COLUMNS 64 /* of a table, in one slice of the gradient */

static int64_t row_size(const ito_shape *table)
{
    int64_t size = 1;
    for (int axis = 1; axis < table->n_dims; axis++) size *= table->d[axis];
    return size;
}

static ito_status index_prepare(ito_kernel *k, int index, int table)
{
    bool fits = k->in[index].dtype == ITO_I32 && k->out[0].dtype == ITO_F32;
    return fits && (table < 0 || k->in[table].dtype == ITO_F32) ? ITO_OK : ITO_UNSUPPORTED;
}

/* --- gather ------------------------------------------------------------------------------------------------------- */

static ito_status gather_prepare(ito_kernel *k)
{
    return index_prepare(k, 1, 0);
}

static void gather_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_shape *table = &job->k->in[0].shape;
    const int32_t *index = job->in[1];
    const float *from = job->in[0];
    float *to = job->out[0];
    const int64_t size = row_size(table), rows = chunk_rows(size);
    int64_t end = ITO_MIN((slice + 1) * rows, count_in(job->k, 1));
    for (int64_t i = slice * rows; i < end; i++) {
        if (index[i] >= 0 && index[i] < table->d[0])
            memcpy(to + i * size, from + index[i] * size, (size_t)size * sizeof *to);
        else
            memset(to + i * size, 0, (size_t)size * sizeof *to);
    }
}

RUN_SLICES(gather, div_up(count_in(k, 1), chunk_rows(row_size(&k->in[0].shape))))

/* --- its gradient: a slice owns some columns and adds the rows in the order of the indices ------------------------ */

static ito_status gather_grad_prepare(ito_kernel *k)
{
    return index_prepare(k, 0, 1);
}

static void gather_grad_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_shape *table = &job->k->out[0].shape;
    const int32_t *index = job->in[0];
    const float *dy = job->in[1];
    float *sum = job->out[0];
    const int64_t size = row_size(table), first = slice * COLUMNS, end = ITO_MIN(first + COLUMNS, size);
    for (int64_t row = 0; row < table->d[0]; row++)
        memset(sum + row * size + first, 0, (size_t)(end - first) * sizeof *sum);
    int64_t n = count_in(job->k, 0);
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= table->d[0]) continue;
        float *to = sum + index[i] * size;
        const float *from = dy + i * size;
        for (int64_t c = first; c < end; c++) to[c] += from[c];
    }
}

RUN_SLICES(gather_grad, div_up(row_size(&k->out[0].shape), COLUMNS))

/* --- one_hot ------------------------------------------------------------------------------------------------------ */

static ito_status one_hot_prepare(ito_kernel *k)
{
    return index_prepare(k, 0, -1);
}

static void one_hot_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_one_hot *attr = job->k->attr;
    const int32_t *index = job->in[0];
    const int64_t rows = chunk_rows(attr->depth), first = slice * rows;
    int64_t end = ITO_MIN(first + rows, count_in(job->k, 0));
    float *y = job->out[0];
    memset(y + first * attr->depth, 0, (size_t)((end - first) * attr->depth) * sizeof *y);
    for (int64_t i = first; i < end; i++)
        if (index[i] >= 0 && index[i] < attr->depth) y[i * attr->depth + index[i]] = 1;
}

static void one_hot_run(RUN_ARGS)
{
    (void)packed;
    const ito_attr_one_hot *attr = k->attr;
    mem_job job = {k, in, out, work};
    ito__parallel(q, div_up(count_in(k, 0), chunk_rows(attr->depth)), one_hot_slice, &job);
}

static const ito_kernel_def defs[] = {
    {.op = "gather", .name = "rows", .prepare = gather_prepare, .run = gather_run},
    {.op = "gather_grad", .name = "columns", .prepare = gather_grad_prepare, .run = gather_grad_run},
    {.op = "one_hot", .name = "rows", .prepare = one_hot_prepare, .run = one_hot_run},
};

ITO_ISA_FAMILY(gather, defs);
