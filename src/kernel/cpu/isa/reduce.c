/* Sums, means, maxima and minima over axes, and sum_to, which undoes broadcasting. Axes merge until x is
 * [outer, extent, inner] and the middle is reduced: [N, H, W, C] -> [C] is [1, N H W, C], -> [N, 1, 1, C] is
 * [N, H W, C], a row's sum is [rows, L, 1]. Anything else is left to the reference kernel.
 *
 * The middle is cut into parts of fixed size; each part is reduced in one fixed order, and the parts are combined in
 * order (sums in double). NaN comes out of a maximum or minimum. */
#include <math.h>

#include "kernel/cpu/isa/mem.h"

#define BLOCK 2048 /* columns of one unit of work */

typedef struct reduction {
    int kind; /* ito_reduce */
    int64_t outer, extent, inner;
    int64_t rows, n_parts;       /* rows of the middle in one part */
    int64_t columns, n_blocks;   /* of `inner` in one unit */
    int64_t n_units, unit_group; /* a unit is one (outer, part, block) */
} reduction;

/* --- prepare ------------------------------------------------------------------------------------------------------ */

/* Merges axes into the three of the reduction; false when reduced and kept axes alternate further. */
static bool merge_axes(ito_shape shape, uint32_t axes, reduction *r)
{
    int64_t *const slot[] = {&r->outer, &r->extent, &r->inner};
    int at = 0;
    r->outer = r->extent = r->inner = 1;
    for (int axis = 0; axis < shape.n_dims; axis++) {
        if (shape.d[axis] == 1) continue;
        bool reduced = axes >> axis & 1;
        while (at < 2 && reduced != (at == 1)) at++;
        if (reduced != (at == 1)) return false;
        *slot[at] *= shape.d[axis];
    }
    return true;
}

static ito_status prepare_axes(ito_kernel *k, int kind, uint32_t axes)
{
    reduction r = {.kind = kind};
    if (!all_f32(k) || count_in(k, 0) == 0 || !merge_axes(k->in[0].shape, axes, &r)) return ITO_UNSUPPORTED;
    r.columns = ITO_MIN(r.inner, BLOCK);
    r.n_blocks = div_up(r.inner, r.columns);
    r.rows = chunk_rows(r.columns);
    r.n_parts = div_up(r.extent, r.rows);
    r.n_units = r.outer * r.n_parts * r.n_blocks;
    r.unit_group = chunk_rows(r.columns * ITO_MIN(r.rows, r.extent));
    k->workspace_bytes = (size_t)(r.outer * r.n_parts * r.inner) * sizeof(float);
    if (!(k->state = ito__alloc(k->ctx, sizeof r))) return ITO_MEMORY;
    memcpy(k->state, &r, sizeof r);
    return ITO_OK;
}

static ito_status reduce_prepare(ito_kernel *k)
{
    const ito_attr_reduce *attr = k->attr;
    return prepare_axes(k, attr->kind, attr->axes);
}

static ito_status sum_to_prepare(ito_kernel *k)
{
    ito_shape from = k->in[0].shape, to = k->out[0].shape;
    uint32_t axes = 0;
    for (int axis = 0; axis < from.n_dims; axis++) {
        int there = axis - (from.n_dims - to.n_dims);
        if (there < 0 || to.d[there] != from.d[axis]) axes |= 1u << axis;
    }
    return prepare_axes(k, ITO_REDUCE_SUM, axes);
}

/* --- one part ----------------------------------------------------------------------------------------------------- */

#define INLINE static inline __attribute__((always_inline))

INLINE float start_of(int kind)
{
    return kind == ITO_REDUCE_MAX ? -INFINITY : kind == ITO_REDUCE_MIN ? INFINITY : 0.0f;
}

INLINE vf combine(int kind, vf total, vf x)
{
    if (kind == ITO_REDUCE_MAX) return vselect((x > total) | (x != x), x, total);
    if (kind == ITO_REDUCE_MIN) return vselect((x < total) | (x != x), x, total);
    return total + x;
}

INLINE float combine_lanes(int kind, vf x)
{
    if (kind == ITO_REDUCE_SUM) return vsum(x);
    float total = x[0];
    for (int i = 1; i < VF_WIDTH; i++) {
        bool better = kind == ITO_REDUCE_MAX ? x[i] > total : x[i] < total;
        if (better || x[i] != x[i]) total = x[i];
    }
    return total;
}

/* n consecutive elements to one. */
INLINE float part_row(int kind, int64_t n, const float *x)
{
    const vf start = vset(start_of(kind));
    vf total[4] = {start, start, start, start};
    int64_t i = 0;
    for (; i + 4 * VF_WIDTH <= n; i += 4 * VF_WIDTH)
        for (int j = 0; j < 4; j++) total[j] = combine(kind, total[j], vload(x + i + j * VF_WIDTH));
    for (; i < n; i += VF_WIDTH) {
        int left = (int)ITO_MIN(n - i, VF_WIDTH);
        total[0] = combine(kind, total[0], vselect(vmask(left), vload_n(x + i, left), start));
    }
    total[0] = combine(kind, combine(kind, total[0], total[1]), combine(kind, total[2], total[3]));
    return combine_lanes(kind, total[0]);
}

#define CHAINS 8 /* sums under way at once: an addition takes longer than a load */

/* Some vectors of each row to one row, CHAINS / vectors rows at a time; `vectors` is a constant. */
INLINE void part_vectors(int kind, int vectors, int64_t rows, int64_t stride, const float *x, float *y)
{
    const int turn = CHAINS / vectors;
    vf total[CHAINS];
    for (int i = 0; i < CHAINS; i++) total[i] = vset(start_of(kind));
    int64_t r = 0;
    for (; r + turn <= rows; r += turn, x += turn * stride)
        for (int i = 0; i < CHAINS; i++)
            total[i] = combine(kind, total[i], vload(x + i / vectors * stride + i % vectors * VF_WIDTH));
    for (; r < rows; r++, x += stride)
        for (int j = 0; j < vectors; j++) total[j] = combine(kind, total[j], vload(x + j * VF_WIDTH));
    for (int i = vectors; i < CHAINS; i++) total[i % vectors] = combine(kind, total[i % vectors], total[i]);
    for (int j = 0; j < vectors; j++) vstore(y + j * VF_WIDTH, total[j]);
}

/* Rows of n columns, `stride` apart, to one row: vectors run along the columns. */
INLINE void part_columns(int kind, int64_t rows, int64_t n, int64_t stride, const float *x, float *y)
{
    int64_t c = 0;
    for (; c + 8 * VF_WIDTH <= n; c += 8 * VF_WIDTH) part_vectors(kind, 8, rows, stride, x + c, y + c);
    for (; c + 4 * VF_WIDTH <= n; c += 4 * VF_WIDTH) part_vectors(kind, 4, rows, stride, x + c, y + c);
    for (; c + 2 * VF_WIDTH <= n; c += 2 * VF_WIDTH) part_vectors(kind, 2, rows, stride, x + c, y + c);
    for (; c + VF_WIDTH <= n; c += VF_WIDTH) part_vectors(kind, 1, rows, stride, x + c, y + c);
    if (c == n) return;
    int left = (int)(n - c);
    vf total = vset(start_of(kind));
    for (int64_t r = 0; r < rows; r++) total = combine(kind, total, vload_n(x + r * stride + c, left));
    vstore_n(y + c, left, total);
}

/* Dense rows of fewer columns than a vector has lanes: VF_WIDTH rows at once are n vectors. */
INLINE void part_narrow(int kind, int64_t rows, int64_t n, const float *x, float *y)
{
    vf total[VF_WIDTH];
    float lane[VF_WIDTH * VF_WIDTH];
    for (int64_t j = 0; j < n; j++) total[j] = vset(start_of(kind));
    int64_t wide = rows / VF_WIDTH, left = rows % VF_WIDTH;
    for (int64_t r = 0; r < wide; r++)
        for (int64_t j = 0; j < n; j++) total[j] = combine(kind, total[j], vload(x + (r * n + j) * VF_WIDTH));
    for (int64_t j = 0; j < n; j++) vstore(lane + j * VF_WIDTH, total[j]);
    for (int64_t c = 0; c < n; c++) {
        vf column;
        for (int64_t r = 0; r < VF_WIDTH; r++) column[r] = lane[r * n + c];
        vf rest = vset(start_of(kind));
        for (int64_t r = 0; r < left; r++) rest[r] = x[(wide * VF_WIDTH + r) * n + c];
        y[c] = combine_lanes(kind, combine(kind, column, rest));
    }
}

INLINE void part_of_kind(int kind, const reduction *r, int64_t rows, int64_t columns, const float *x, float *y)
{
    if (r->inner == 1)
        *y = part_row(kind, rows, x);
    else if (r->inner < VF_WIDTH)
        part_narrow(kind, rows, columns, x, y);
    else
        part_columns(kind, rows, columns, r->inner, x, y);
}

static void unit_part(const reduction *r, int64_t unit, const float *x, float *work)
{
    int64_t block = unit % r->n_blocks, part = unit / r->n_blocks % r->n_parts, outer = unit / r->n_blocks / r->n_parts;
    int64_t row = part * r->rows, column = block * r->columns;
    int64_t rows = ITO_MIN(r->rows, r->extent - row), columns = ITO_MIN(r->columns, r->inner - column);
    x += (outer * r->extent + row) * r->inner + column;
    float *y = work + (outer * r->n_parts + part) * r->inner + column;
    switch (r->kind) {
    case ITO_REDUCE_MAX: part_of_kind(ITO_REDUCE_MAX, r, rows, columns, x, y); break;
    case ITO_REDUCE_MIN: part_of_kind(ITO_REDUCE_MIN, r, rows, columns, x, y); break;
    default: part_of_kind(ITO_REDUCE_SUM, r, rows, columns, x, y); break;
    }
}

static void part_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const reduction *r = job->k->state;
    int64_t end = ITO_MIN((slice + 1) * r->unit_group, r->n_units);
    for (int64_t unit = slice * r->unit_group; unit < end; unit++) unit_part(r, unit, job->in[0], job->work);
}

/* --- the parts, in order ------------------------------------------------------------------------------------------ */

static float combine_parts(const reduction *r, const float *part)
{
    double total = (double)start_of(r->kind);
    for (int64_t p = 0; p < r->n_parts; p++) {
        float x = part[p * r->inner];
        if (r->kind == ITO_REDUCE_SUM || r->kind == ITO_REDUCE_MEAN)
            total += (double)x;
        else if (x != x || (r->kind == ITO_REDUCE_MAX ? (double)x > total : (double)x < total))
            total = (double)x;
    }
    return (float)(r->kind == ITO_REDUCE_MEAN ? total / (double)r->extent : total);
}

static void final_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const reduction *r = job->k->state;
    const float *work = job->work;
    float *y = job->out[0];
    int64_t end = chunk_end(r->outer * r->inner, slice);
    for (int64_t i = slice * CHUNK; i < end; i++)
        y[i] = combine_parts(r, work + i / r->inner * r->n_parts * r->inner + i % r->inner);
}

static void reduce_run(RUN_ARGS)
{
    (void)packed;
    const reduction *r = k->state;
    mem_job job = {k, in, out, work};
    ito__parallel(q, div_up(r->n_units, r->unit_group), part_slice, &job);
    ito__parallel(q, div_up(r->outer * r->inner, CHUNK), final_slice, &job);
}

static const ito_kernel_def defs[] = {
    {.op = "reduce", .name = "parts", .prepare = reduce_prepare, .run = reduce_run},
    {.op = "sum_to", .name = "parts", .prepare = sum_to_prepare, .run = reduce_run},
};

ITO_ISA_FAMILY(reduce, defs);
