/* Shape rules and folding shared by the op files. */
#include "graph/op/op_util.h"

bool ito__broadcast(ito_shape a, ito_shape b, ito_shape *out)
{
    out->n_dims = ITO_MAX(a.n_dims, b.n_dims);
    for (int i = 1; i <= out->n_dims; i++) {
        int64_t x = i <= a.n_dims ? a.d[a.n_dims - i] : 1, y = i <= b.n_dims ? b.d[b.n_dims - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        out->d[out->n_dims - i] = x == 1 ? y : x;
    }
    return true;
}

ito_status ito__infer_real(const ito_infer *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]->dtype != n->in[0]->dtype || n->in[i]->dtype > ITO_F64)
            return ito__infer_fail(n, "expected inputs of one real dtype (f32 or f64)");
    return ITO_OK;
}

ito_status ito__infer_same(ito_infer *n)
{
    ITO_TRY(ito__infer_real(n));
    n->out[0] = (ito_desc){n->in[0]->dtype, n->in[0]->shape};
    for (int i = 1; i < n->n_in; i++)
        if (!ito_shape_equal(n->in[i]->shape, n->in[0]->shape))
            return ito__infer_fail(n, "expected inputs of one shape");
    return ITO_OK;
}

ito_status ito__infer_broadcast(ito_infer *n)
{
    ITO_TRY(ito__infer_real(n));
    n->out[0].dtype = n->in[0]->dtype;
    if (!ito__broadcast(n->in[0]->shape, n->in[1]->shape, &n->out[0].shape))
        return ito__infer_fail(n, "extents must be equal or 1, aligned at the last axis");
    return ITO_OK;
}

ito_value *ito__fold(ito_graph *g, ito_value *dy, const ito_value *like)
{
    if (ito__is_poison(dy) || ito_shape_equal(dy->shape, like->shape)) return dy;
    return ito_op_sum_to(g, dy, like->shape);
}

int32_t ito__axis(const ito_value *x, int axis)
{
    return axis < 0 && !ito__is_poison(x) ? axis + x->shape.n_dims : axis;
}

ito_shape ito__shape_without(ito_shape shape, int axis)
{
    for (int i = axis; i + 1 < shape.n_dims; i++) shape.d[i] = shape.d[i + 1];
    shape.d[--shape.n_dims] = 0;
    return shape;
}
