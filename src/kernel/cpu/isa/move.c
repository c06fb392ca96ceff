/* Kernels that only move elements: slice and its gradient, pad, concat, permute where rows stay whole. Each is a list
 * of walks with two operands, where to and where from, and maybe a fill before. transpose.c does the other permutes. */
#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/walk.h"

#define AHEAD 1024 /* floats: how far ahead memory is asked for */

enum { TO, FROM };

typedef struct moves {
    bool fill; /* the output with `value`, before anything is moved */
    float value;
    int n;
    walk part[]; /* part i moves input i */
} moves;

static ito_status create_moves(ito_kernel *k, int n, moves **out)
{
    *out = NULL;
    if (!all_f32(k)) return ITO_UNSUPPORTED;
    moves *m = k->state = *out = ito__alloc(k->ctx, sizeof *m + (size_t)n * sizeof m->part[0]);
    if (!m) return ITO_MEMORY;
    m->n = n;
    return ITO_OK;
}

/* --- run ---------------------------------------------------------------------------------------------------------- */

static void copy_row(int64_t n, float *to, int64_t to_step, const float *from, int64_t from_step)
{
    if (to_step == 1 && from_step == 1)
        memcpy(to, from, (size_t)n * sizeof *to);
    else
        for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];
}

typedef struct part_job {
    const walk *w;
    const float *from;
    float *to;
    bool large; /* the whole output is */
} part_job;

/* `rows` rows of n floats, evenly spaced on both sides: concat and slice of channels. */
static inline __attribute__((always_inline)) void copy_rows(bool stream, int64_t rows, int64_t n, float *to,
                                                            int64_t to_stride, const float *from, int64_t from_stride)
{
    const int left = (int)(n % VF_WIDTH);
    for (; rows > 0; rows--, to += to_stride, from += from_stride) {
        for (int64_t i = 0; i + VF_WIDTH <= n; i += VF_WIDTH) {
            __builtin_prefetch(from + i + AHEAD);
            if (stream)
                vstream(to + i, vload(from + i));
            else
                vstore(to + i, vload(from + i));
        }
        if (left) vstore_n(to + n - left, left, vload_n(from + n - left, left));
    }
}

/* The rows of a slice of a walk over rows that are one segment each. */
static void row_slice(const part_job *job, walk_cursor *c)
{
    const int64_t rows = c->end - c->segment, to_stride = job->w->stride[TO][0], n = job->w->row;
    walk_span s;
    if (!walk_next(c, &s)) return;
    float *to = job->to + s.at[TO];
    const float *from = job->from + s.at[FROM];
    if (job->large && n % VF_WIDTH == 0 && to_stride % VF_WIDTH == 0 && (uintptr_t)to % sizeof(vf) == 0) {
        copy_rows(true, rows, n, to, to_stride, from, job->w->stride[FROM][0]);
        vstream_end();
    } else
        copy_rows(false, rows, n, to, to_stride, from, job->w->stride[FROM][0]);
}

static void part_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const part_job *job = arg;
    const int64_t to_step = walk_inner(job->w, TO), from_step = walk_inner(job->w, FROM);
    walk_cursor c = walk_start(job->w, slice);
    if (job->w->n_dims == 2 && job->w->per_row == 1 && to_step == 1 && from_step == 1) {
        row_slice(job, &c);
        return;
    }
    for (walk_span s; walk_next(&c, &s);) copy_row(s.n, job->to + s.at[TO], to_step, job->from + s.at[FROM], from_step);
}

static void fill_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const moves *m = job->k->state;
    float *y = job->out[0];
    int64_t end = chunk_end(count_out(job->k, 0), slice);
    for (int64_t i = slice * CHUNK; i < end; i++) y[i] = m->value;
}

static void moves_run(RUN_ARGS)
{
    (void)packed;
    const moves *m = k->state;
    mem_job all = {k, in, out, work};
    if (m->fill) ito__parallel(q, div_up(count_out(k, 0), CHUNK), fill_slice, &all);
    for (int i = 0; i < m->n; i++) {
        part_job part = {&m->part[i], in[i], out[0], count_out(k, 0) * (int64_t)sizeof(float) >= STREAM_BYTES};
        ito__parallel(q, walk_n_slices(part.w), part_slice, &part);
    }
}

/* --- slice -------------------------------------------------------------------------------------------------------- */

/* The walk over `part`, which lies in `whole` as the attributes say; `dense` is the operand that is the part itself. */
static walk sliced_walk(const ito_attr_slice *attr, ito_shape whole, ito_shape part, int dense)
{
    int64_t stride[2][ITO_MAX_DIMS] = {{0}}, offset = 0;
    int inside = 1 - dense;
    walk_dense(part, stride[dense]);
    walk_dense(whole, stride[inside]);
    for (int axis = 0; axis < part.n_dims; axis++) {
        offset += attr->start[axis] * stride[inside][axis];
        stride[inside][axis] *= attr->step[axis];
    }
    walk w = walk_make(part, 2, stride);
    w.offset[inside] = offset;
    return w;
}

static ito_status slice_prepare(ito_kernel *k)
{
    moves *m;
    ITO_TRY(create_moves(k, 1, &m));
    m->part[0] = sliced_walk(k->attr, k->in[0].shape, k->out[0].shape, TO);
    return ITO_OK;
}

static ito_status slice_grad_prepare(ito_kernel *k)
{
    moves *m;
    ITO_TRY(create_moves(k, 1, &m));
    m->fill = true;
    m->part[0] = sliced_walk(k->attr, k->out[0].shape, k->in[0].shape, FROM);
    return ITO_OK;
}

/* --- pad, concat -------------------------------------------------------------------------------------------------- */

/* The walk that puts a dense part into the output with its first element at index `at`. */
static walk placed_walk(ito_shape part, ito_shape whole, const int64_t at[ITO_MAX_DIMS])
{
    ito_attr_slice place = {.shape = whole};
    for (int axis = 0; axis < whole.n_dims; axis++) {
        place.start[axis] = at[axis];
        place.step[axis] = 1;
    }
    return sliced_walk(&place, whole, part, FROM);
}

static ito_status pad_prepare(ito_kernel *k)
{
    const ito_attr_pad *attr = k->attr;
    for (int axis = 0; axis < k->in[0].shape.n_dims; axis++)
        if (attr->before[axis] < 0 || attr->after[axis] < 0) return ITO_UNSUPPORTED;
    moves *m;
    ITO_TRY(create_moves(k, 1, &m));
    m->fill = true;
    m->value = (float)attr->value;
    m->part[0] = placed_walk(k->in[0].shape, k->out[0].shape, attr->before);
    return ITO_OK;
}

static ito_status concat_prepare(ito_kernel *k)
{
    const ito_attr_axis *attr = k->attr;
    moves *m;
    ITO_TRY(create_moves(k, k->n_in, &m));
    int64_t at[ITO_MAX_DIMS] = {0};
    for (int i = 0; i < k->n_in; i++) {
        m->part[i] = placed_walk(k->in[i].shape, k->out[0].shape, at);
        at[attr->axis] += k->in[i].shape.d[attr->axis];
    }
    return ITO_OK;
}

/* --- permute of whole rows ---------------------------------------------------------------------------------------- */

static ito_status permute_prepare(ito_kernel *k)
{
    const ito_attr_permute *attr = k->attr;
    int64_t stride[2][ITO_MAX_DIMS] = {{0}}, dense[ITO_MAX_DIMS] = {0};
    walk_dense(k->out[0].shape, stride[TO]);
    walk_dense(k->in[0].shape, dense);
    for (int axis = 0; axis < k->out[0].shape.n_dims; axis++) stride[FROM][axis] = dense[attr->perm[axis]];
    walk w = walk_make(k->out[0].shape, 2, stride);
    if (walk_inner(&w, FROM) != 1) return ITO_UNSUPPORTED;
    moves *m;
    ITO_TRY(create_moves(k, 1, &m));
    m->part[0] = w;
    return ITO_OK;
}

static const ito_kernel_def defs[] = {
    {.op = "slice", .name = "rows", .prepare = slice_prepare, .run = moves_run},
    {.op = "slice_grad", .name = "rows", .prepare = slice_grad_prepare, .run = moves_run},
    {.op = "pad", .name = "rows", .prepare = pad_prepare, .run = moves_run},
    {.op = "concat", .name = "rows", .prepare = concat_prepare, .run = moves_run},
    {.op = "permute", .name = "rows", .prepare = permute_prepare, .run = moves_run},
};

ITO_ISA_FAMILY(move, defs);
