/* Kernels that move elements and compute nothing: cast, broadcast_to, permute, slice, pad, concat. */
#include "kernel/ref/ref.h"

static void copy_element(const ito_ref_array *to, int64_t i, const ito_ref_array *from, int64_t j)
{
    ref_put(to, i, ref_get(from, j));
}

static void run_cast(const ito_ref *r)
{
    for (int64_t i = 0; i < r->out[0].count; i++) copy_element(&r->out[0], i, &r->in[0], i);
}

static void run_broadcast_to(const ito_ref *r)
{
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t i = 0; i < y->count; i++) copy_element(y, i, x, ref_broadcast(&y->shape, i, &x->shape));
}

/* y[i_0, i_1, ...] = x[j] with j[perm[axis]] = i[axis] */
static void run_permute(const ito_ref *r)
{
    const ito_attr_permute *attr = r->attr;
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t i = 0; i < y->count; i++) {
        int64_t to[ITO_MAX_DIMS], from[ITO_MAX_DIMS];
        ref_unravel(&y->shape, i, to);
        for (int axis = 0; axis < y->shape.n_dims; axis++) from[attr->perm[axis]] = to[axis];
        copy_element(y, i, x, ref_ravel(&x->shape, from));
    }
}

/* Position in the whole array of element i of the part that a slice takes. */
static int64_t taken_from(const ito_attr_slice *attr, const ito_shape *whole, const ito_shape *part, int64_t i)
{
    int64_t index[ITO_MAX_DIMS];
    ref_unravel(part, i, index);
    for (int axis = 0; axis < part->n_dims; axis++) index[axis] = attr->start[axis] + index[axis] * attr->step[axis];
    return ref_ravel(whole, index);
}

static void run_slice(const ito_ref *r)
{
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t i = 0; i < y->count; i++) copy_element(y, i, x, taken_from(r->attr, &x->shape, &y->shape, i));
}

/* dy -> dx: zeros where nothing was taken */
static void run_slice_grad(const ito_ref *r)
{
    const ito_ref_array *dy = &r->in[0], *dx = &r->out[0];
    for (int64_t i = 0; i < dx->count; i++) ref_put(dx, i, 0);
    for (int64_t i = 0; i < dy->count; i++) copy_element(dx, taken_from(r->attr, &dx->shape, &dy->shape, i), dy, i);
}

static void run_pad(const ito_ref *r)
{
    const ito_attr_pad *attr = r->attr;
    const ito_ref_array *x = &r->in[0], *y = &r->out[0];
    for (int64_t i = 0; i < y->count; i++) ref_put(y, i, attr->value);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t index[ITO_MAX_DIMS];
        ref_unravel(&x->shape, i, index);
        for (int axis = 0; axis < x->shape.n_dims; axis++) index[axis] += attr->before[axis];
        copy_element(y, ref_ravel(&y->shape, index), x, i);
    }
}

static void run_concat(const ito_ref *r)
{
    const ito_attr_axis *attr = r->attr;
    const ito_ref_array *y = &r->out[0];
    int64_t offset = 0; /* along the axis */
    for (int part = 0; part < r->n_in; part++) {
        const ito_ref_array *x = &r->in[part];
        for (int64_t i = 0; i < x->count; i++) {
            int64_t index[ITO_MAX_DIMS];
            ref_unravel(&x->shape, i, index);
            index[attr->axis] += offset;
            copy_element(y, ref_ravel(&y->shape, index), x, i);
        }
        offset += x->shape.d[attr->axis];
    }
}

ITO_REF_KERNEL(cast, NULL);
ITO_REF_KERNEL(broadcast_to, NULL);
ITO_REF_KERNEL(permute, NULL);
ITO_REF_KERNEL(slice, NULL);
ITO_REF_KERNEL(slice_grad, NULL);
ITO_REF_KERNEL(pad, NULL);
ITO_REF_KERNEL(concat, NULL);
