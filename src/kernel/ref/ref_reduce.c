/* Reductions: sum, mean, max and min over any axes; sum_to, which undoes broadcasting; argmax. */
#include <math.h>

#include "kernel/ref/ref.h"

/* Position in the output of what element i of x is reduced into. Kept axes keep their order, so it does not matter
 * whether reduced ones stay with extent 1. */
static int64_t reduced_position(const ito_shape *shape, uint32_t axes, int64_t i)
{
    int64_t index[ITO_MAX_DIMS], position = 0;
    ref_unravel(shape, i, index);
    for (int axis = 0; axis < shape->n_dims; axis++)
        if (!(axes >> axis & 1)) position = position * shape->d[axis] + index[axis];
    return position;
}

static double combine(int32_t kind, double total, double x)
{
    switch ((ito_reduce)kind) {
    case ITO_REDUCE_MAX: return ref_larger(x, total) ? x : total;
    case ITO_REDUCE_MIN: return ref_larger(-x, -total) ? x : total;
    default: return total + x;
    }
}

static void run_reduce(const ito_ref *r)
{
    const ito_attr_reduce *attr = r->attr;
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    const double infinity = (double)INFINITY;
    double start = attr->kind == ITO_REDUCE_MAX ? -infinity : attr->kind == ITO_REDUCE_MIN ? infinity : 0;
    double divisor = attr->kind == ITO_REDUCE_MEAN ? (double)x->count / (double)y->count : 1;
    for (int64_t i = 0; i < y->count; i++) r->scratch[i] = start;
    for (int64_t i = 0; i < x->count; i++) {
        double *total = &r->scratch[reduced_position(&x->shape, attr->axes, i)];
        *total = combine(attr->kind, *total, ref_get(x, i));
    }
    for (int64_t i = 0; i < y->count; i++) ref_put(y, i, r->scratch[i] / divisor);
}

static void run_sum_to(const ito_ref *r)
{
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t i = 0; i < y->count; i++) r->scratch[i] = 0;
    for (int64_t i = 0; i < x->count; i++) r->scratch[ref_broadcast(&x->shape, i, &y->shape)] += ref_get(x, i);
    for (int64_t i = 0; i < y->count; i++) ref_put(y, i, r->scratch[i]);
}

static void run_argmax(const ito_ref *r)
{
    const ito_attr_axis *attr = r->attr;
    ref_axis a = ref_around(&r->in[0].shape, attr->axis);
    for (int64_t outer = 0; outer < a.outer; outer++)
        for (int64_t inner = 0; inner < a.inner; inner++) {
            int64_t best = 0, first = outer * a.extent * a.inner + inner;
            for (int64_t i = 1; i < a.extent; i++)
                if (ref_larger(ref_get(&r->in[0], first + i * a.inner), ref_get(&r->in[0], first + best * a.inner)))
                    best = i;
            ref_put(&r->out[0], outer * a.inner + inner, (double)best);
        }
}

ITO_REF_KERNEL(reduce, ito__ref_prepare_sums);
ITO_REF_KERNEL(sum_to, ito__ref_prepare_sums);
ITO_REF_KERNEL(argmax, NULL);
