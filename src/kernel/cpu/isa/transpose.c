/* Permutes whose last axis changes: tiles in which rows of the input become columns of the output, so that both sides
 * touch whole cache lines. */
#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/walk.h"

#define TILE 16 /* floats of one cache line */

/* After merging axes: `column` is the axis along which the input is dense, the last axis (`row`) the one along which
 * the output is. A unit is TILE columns at one place of the remaining axes. */
typedef struct transpose {
    walk w; /* operands: output, input */
    int column;
    int64_t n_columns, n_rows, tiles, n_units, per_slice;
} transpose;

static int dense_axis(const walk *w)
{
    for (int axis = 0; axis < w->n_dims - 1; axis++)
        if (w->stride[1][axis] == 1) return axis;
    return -1;
}

static ito_status transpose_prepare(ito_kernel *k)
{
    if (!all_f32(k)) return ITO_UNSUPPORTED;
    const ito_attr_permute *attr = k->attr;
    int64_t stride[2][ITO_MAX_DIMS] = {{0}}, dense[ITO_MAX_DIMS] = {0};
    walk_dense(k->out[0].shape, stride[0]);
    walk_dense(k->in[0].shape, dense);
    for (int axis = 0; axis < k->out[0].shape.n_dims; axis++) stride[1][axis] = dense[attr->perm[axis]];
    transpose t = {.w = walk_make(k->out[0].shape, 2, stride)};
    t.column = dense_axis(&t.w);
    if (t.column < 0) return ITO_UNSUPPORTED;
    t.n_columns = t.w.d[t.column];
    t.n_rows = t.w.row;
    t.tiles = div_up(t.n_columns, TILE);
    t.n_units = t.tiles;
    for (int axis = 0; axis < t.w.n_dims - 1; axis++)
        if (axis != t.column) t.n_units *= t.w.d[axis];
    t.per_slice = chunk_rows(t.n_rows * TILE);
    if (!(k->state = ito__alloc(k->ctx, sizeof t))) return ITO_MEMORY;
    memcpy(k->state, &t, sizeof t);
    return ITO_OK;
}

static void transpose_unit(const transpose *t, int64_t unit, const float *x, float *y)
{
    const walk *w = &t->w;
    int64_t first = unit % t->tiles * TILE, place = unit / t->tiles;
    for (int axis = w->n_dims - 2; axis >= 0; axis--) {
        if (axis == t->column) continue;
        y += place % w->d[axis] * w->stride[0][axis];
        x += place % w->d[axis] * w->stride[1][axis];
        place /= w->d[axis];
    }
    const int64_t y_step = w->stride[0][t->column], x_step = walk_inner(w, 1);
    int64_t width = ITO_MIN(TILE, t->n_columns - first);
    y += first * y_step;
    x += first;
    for (int64_t r = 0; r < t->n_rows; r += TILE) {
        int64_t end = ITO_MIN(r + TILE, t->n_rows);
        for (int64_t c = 0; c < width; c++)
            for (int64_t i = r; i < end; i++) y[c * y_step + i] = x[i * x_step + c];
    }
}

static void transpose_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const transpose *t = job->k->state;
    int64_t end = ITO_MIN((slice + 1) * t->per_slice, t->n_units);
    for (int64_t unit = slice * t->per_slice; unit < end; unit++) transpose_unit(t, unit, job->in[0], job->out[0]);
}

static void transpose_run(RUN_ARGS)
{
    (void)packed;
    const transpose *t = k->state;
    mem_job job = {k, in, out, work};
    ito__parallel(q, div_up(t->n_units, t->per_slice), transpose_slice, &job);
}

static const ito_kernel_def defs[] = {
    {.op = "permute", .name = "tiles", .prepare = transpose_prepare, .run = transpose_run},
};

ITO_ISA_FAMILY(transpose, defs);
