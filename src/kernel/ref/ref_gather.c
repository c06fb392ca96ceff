/* Rows of a table by index: gather (embedding), its gradient, one_hot. An index outside the table gives zeros and
 * receives no gradient. */
#include "kernel/ref/ref.h"

/* Element i of the index array, or -1 when it is outside 0 .. n - 1. */
static int64_t index_at(const ito_ref_array *index, int64_t i, int64_t n)
{
    int64_t row = (int64_t)ref_get(index, i);
    return row >= 0 && row < n ? row : -1;
}

/* Elements in one row of a table. */
static int64_t row_size(const ito_ref_array *table)
{
    return table->count / table->shape.d[0];
}

static void run_gather(const ito_ref *r)
{
    const ito_ref_array *table = &r->in[0], *index = &r->in[1], *y = &r->out[0];
    int64_t size = row_size(table);
    for (int64_t i = 0; i < y->count; i++) {
        int64_t row = index_at(index, i / size, table->shape.d[0]);
        ref_put(y, i, row < 0 ? 0 : ref_get(table, row * size + i % size));
    }
}

/* index, dy -> dtable */
static void run_gather_grad(const ito_ref *r)
{
    const ito_ref_array *index = &r->in[0], *dy = &r->in[1], *table = &r->out[0];
    int64_t size = row_size(table);
    for (int64_t i = 0; i < table->count; i++) r->scratch[i] = 0;
    for (int64_t i = 0; i < dy->count; i++) {
        int64_t row = index_at(index, i / size, table->shape.d[0]);
        if (row >= 0) r->scratch[row * size + i % size] += ref_get(dy, i);
    }
    for (int64_t i = 0; i < table->count; i++) ref_put(table, i, r->scratch[i]);
}

static void run_one_hot(const ito_ref *r)
{
    const ito_attr_one_hot *attr = r->attr;
    for (int64_t i = 0; i < r->out[0].count; i++)
        ref_put(&r->out[0], i, index_at(&r->in[0], i / attr->depth, attr->depth) == i % attr->depth);
}

ITO_REF_KERNEL(gather, NULL);
ITO_REF_KERNEL(gather_grad, ito__ref_prepare_sums);
ITO_REF_KERNEL(one_hot, NULL);
