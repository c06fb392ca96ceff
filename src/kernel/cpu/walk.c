/* Strided walks; see walk.h. */
#include "kernel/cpu/walk.h"

#include <string.h>

/* Does every operand cross from axis `inner` to the axis before it in one even stride? */
static bool merges(const walk *w, int64_t extent, const int64_t stride[][ITO_MAX_DIMS], int axis)
{
    int last = w->n_dims - 1;
    for (int i = 0; i < w->n_operands; i++)
        if (w->stride[i][last] != stride[i][axis] * extent) return false;
    return true;
}

/* Takes one axis (outermost first): merged into the last one where that is possible. */
static void take_axis(walk *w, int64_t extent, const int64_t stride[][ITO_MAX_DIMS], int axis)
{
    if (extent == 1) return;
    if (w->n_dims && merges(w, extent, stride, axis))
        w->d[w->n_dims - 1] *= extent;
    else
        w->d[w->n_dims++] = extent;
    for (int i = 0; i < w->n_operands; i++) w->stride[i][w->n_dims - 1] = stride[i][axis];
}

walk walk_make(ito_shape shape, int n_operands, const int64_t stride[][ITO_MAX_DIMS])
{
    walk w = {.n_operands = n_operands};
    for (int axis = 0; axis < shape.n_dims; axis++) take_axis(&w, shape.d[axis], stride, axis);
    if (!w.n_dims) { /* one element */
        w.d[w.n_dims++] = 1;
        for (int i = 0; i < n_operands; i++) w.stride[i][0] = 1;
    }
    int64_t n_rows = 1;
    for (int axis = 0; axis < w.n_dims - 1; axis++) n_rows *= w.d[axis];
    w.row = w.d[w.n_dims - 1];
    w.segment = ITO_MAX(ITO_MIN(w.row, WALK_CHUNK), 1);
    w.per_row = (w.row + w.segment - 1) / w.segment;
    w.n_segments = n_rows * w.per_row;
    w.per_slice = WALK_CHUNK / w.segment;
    return w;
}

int64_t walk_n_slices(const walk *w)
{
    return (w->n_segments + w->per_slice - 1) / w->per_slice;
}

void walk_dense(ito_shape shape, int64_t stride[ITO_MAX_DIMS])
{
    int64_t step = 1;
    for (int axis = shape.n_dims - 1; axis >= 0; axis--) {
        stride[axis] = step;
        step *= shape.d[axis];
    }
}

void walk_broadcast(ito_shape from, ito_shape to, int64_t stride[ITO_MAX_DIMS])
{
    int64_t dense[ITO_MAX_DIMS] = {0};
    walk_dense(from, dense);
    int missing = to.n_dims - from.n_dims;
    for (int axis = 0; axis < to.n_dims; axis++)
        stride[axis] = axis < missing || from.d[axis - missing] == 1 ? 0 : dense[axis - missing];
}

walk_cursor walk_start(const walk *w, int64_t slice)
{
    walk_cursor c = {.w = w, .segment = slice * w->per_slice};
    c.end = ITO_MIN(c.segment + w->per_slice, w->n_segments);
    int64_t row = w->per_row ? c.segment / w->per_row : 0;
    for (int axis = w->n_dims - 2; axis >= 0; axis--) {
        c.index[axis] = row % w->d[axis];
        row /= w->d[axis];
    }
    return c;
}

static void next_row(walk_cursor *c)
{
    for (int axis = c->w->n_dims - 2; axis >= 0; axis--) {
        if (++c->index[axis] < c->w->d[axis]) return;
        c->index[axis] = 0;
    }
}

bool walk_next(walk_cursor *c, walk_span *span)
{
    const walk *w = c->w;
    if (c->segment >= c->end) return false;
    int64_t first = c->segment % w->per_row * w->segment;
    span->n = ITO_MIN(w->segment, w->row - first);
    for (int i = 0; i < w->n_operands; i++) {
        span->at[i] = w->offset[i] + first * walk_inner(w, i);
        for (int axis = 0; axis < w->n_dims - 1; axis++) span->at[i] += c->index[axis] * w->stride[i][axis];
    }
    c->segment++;
    if (c->segment % w->per_row == 0) next_row(c);
    return true;
}
