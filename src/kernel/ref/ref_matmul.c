/* y = act(a b + bias + residual): a is [..., M, K] ([..., K, M] when trans_a), b is [..., K, N] ([..., N, K] when
 * trans_b), the leading axes broadcast against each other. bias [N], residual of y's shape. */
#include "kernel/ref/ref.h"

/* The axes before the last two. */
static ito_shape batch_of(const ito_shape *shape)
{
    return ito_shape_make(shape->n_dims - 2, shape->d);
}

/* Where the matrix of x that belongs to output matrix `batch` starts. */
static int64_t matrix_start(const ito_shape *y, int64_t batch, const ito_shape *x)
{
    ito_shape from = batch_of(y), to = batch_of(x);
    return ref_broadcast(&from, batch, &to) * x->d[x->n_dims - 2] * x->d[x->n_dims - 1];
}

static void run_matmul(const ito_ref *r)
{
    const ito_attr_matmul *attr = r->attr;
    const ito_ref_array *a = &r->in[0], *b = &r->in[1], *y = &r->out[0];
    const ito_ref_array *bias = attr->has_bias ? &r->in[2] : NULL;
    const ito_ref_array *residual = attr->has_residual ? &r->in[2 + attr->has_bias] : NULL;
    int64_t n_rows = y->shape.d[y->shape.n_dims - 2], n_columns = y->shape.d[y->shape.n_dims - 1];
    int64_t n_terms = a->shape.d[a->shape.n_dims - (attr->trans_a ? 2 : 1)];
    for (int64_t i = 0; i < y->count; i++) {
        int64_t batch = i / (n_rows * n_columns), row = i / n_columns % n_rows, column = i % n_columns;
        int64_t a0 = matrix_start(&y->shape, batch, &a->shape), b0 = matrix_start(&y->shape, batch, &b->shape);
        double sum = 0;
        for (int64_t t = 0; t < n_terms; t++) {
            double left = ref_get(a, a0 + (attr->trans_a ? t * n_rows + row : row * n_terms + t));
            double right = ref_get(b, b0 + (attr->trans_b ? column * n_terms + t : t * n_columns + column));
            sum += left * right;
        }
        if (bias) sum += ref_get(bias, column);
        if (residual) sum += ref_get(residual, i);
        ref_put(y, i, ito__unary_value(attr->act, sum));
    }
}

ITO_REF_KERNEL(matmul, NULL);
