/* Broadcasting kernels: binary, select, broadcast_to. The walk reduces every case to rows in which an operand either
 * runs along or stays: same shape, a scalar, [C] and [N, 1, 1, C] against [N, H, W, C] all become such rows. */
#include <math.h>

#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/walk.h"

/* --- binary ------------------------------------------------------------------------------------------------------- */

#define EXPR_add(a, b) ((a) + (b))
#define EXPR_sub(a, b) ((a) - (b))
#define EXPR_mul(a, b) ((a) * (b))
#define EXPR_div(a, b) ((a) / (b))
#define EXPR_pow(a, b) powf(a, b)
/* NaN in either operand comes out, as numpy's minimum and maximum do. */
#define EXPR_min(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define EXPR_max(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define EXPR_eq(a, b)  ((a) == (b) ? 1.0f : 0.0f)
#define EXPR_ne(a, b)  ((a) != (b) ? 1.0f : 0.0f)
#define EXPR_lt(a, b)  ((a) < (b) ? 1.0f : 0.0f)
#define EXPR_le(a, b)  ((a) <= (b) ? 1.0f : 0.0f)
#define EXPR_gt(a, b)  ((a) > (b) ? 1.0f : 0.0f)
#define EXPR_ge(a, b)  ((a) >= (b) ? 1.0f : 0.0f)

/* Three loops per function: both run along, b stays, a stays. y may be a or b: operations are planned in place. */
#define BINARY_ROWS(name)                                                                                              \
    static void name##_vv(int64_t n, const float *a, const float *b, float *y)                                         \
    {                                                                                                                  \
        VEC_INDEPENDENT                                                                                                \
        for (int64_t i = 0; i < n; i++) y[i] = EXPR_##name(a[i], b[i]);                                                \
    }                                                                                                                  \
    static void name##_vs(int64_t n, const float *a, const float *b, float *y)                                         \
    {                                                                                                                  \
        const float s = *b;                                                                                            \
        VEC_INDEPENDENT                                                                                                \
        for (int64_t i = 0; i < n; i++) y[i] = EXPR_##name(a[i], s);                                                   \
    }                                                                                                                  \
    static void name##_sv(int64_t n, const float *a, const float *b, float *y)                                         \
    {                                                                                                                  \
        const float s = *a;                                                                                            \
        VEC_INDEPENDENT                                                                                                \
        for (int64_t i = 0; i < n; i++) y[i] = EXPR_##name(s, b[i]);                                                   \
    }
ITO_BINARY_MAP(BINARY_ROWS)

typedef void row_fn(int64_t n, const float *a, const float *b, float *y);

static row_fn *find_row(int kind, bool a_runs, bool b_runs)
{
#define ENTRY(name) {name##_vv, name##_vs, name##_sv},
    static row_fn *const rows[ITO_BINARY_COUNT][3] = {ITO_BINARY_MAP(ENTRY)};
#undef ENTRY
    return rows[kind][a_runs && b_runs ? 0 : a_runs ? 1 : 2];
}

/* The walk over the output and the inputs broadcast to it, kept in k->state. */
static ito_status prepare_broadcast(ito_kernel *k)
{
    if (!all_f32(k)) return ITO_UNSUPPORTED;
    int64_t stride[WALK_OPERANDS][ITO_MAX_DIMS] = {{0}};
    walk_dense(k->out[0].shape, stride[0]);
    for (int i = 0; i < k->n_in; i++) walk_broadcast(k->in[i].shape, k->out[0].shape, stride[i + 1]);
    walk *w = ito__alloc(k->ctx, sizeof *w);
    if (!w) return ITO_MEMORY;
    *w = walk_make(k->out[0].shape, k->n_in + 1, stride);
    k->state = w;
    return ITO_OK;
}

static void binary_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_binary *attr = job->k->attr;
    const walk *w = job->k->state;
    const float *a = job->in[0], *b = job->in[1];
    float *y = job->out[0];
    bool a_runs = walk_inner(w, 1) != 0, b_runs = walk_inner(w, 2) != 0;
    row_fn *row = find_row(attr->kind, a_runs, b_runs);
    walk_span s;
    for (walk_cursor c = walk_start(w, slice); walk_next(&c, &s);) row(s.n, a + s.at[1], b + s.at[2], y + s.at[0]);
}

RUN_SLICES(binary, walk_n_slices(k->state))

/* --- select ------------------------------------------------------------------------------------------------------- */

static void select_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const walk *w = job->k->state;
    const float *cond = job->in[0], *a = job->in[1], *b = job->in[2];
    float *y = job->out[0];
    const int64_t ic = walk_inner(w, 1), ia = walk_inner(w, 2), ib = walk_inner(w, 3);
    walk_span s;
    for (walk_cursor c = walk_start(w, slice); walk_next(&c, &s);) {
        const float *sc = cond + s.at[1], *sa = a + s.at[2], *sb = b + s.at[3];
        float *sy = y + s.at[0];
        for (int64_t i = 0; i < s.n; i++) sy[i] = sc[i * ic] != 0 ? sa[i * ia] : sb[i * ib];
    }
}

RUN_SLICES(select, walk_n_slices(k->state))

/* --- broadcast_to ------------------------------------------------------------------------------------------------- */

static void broadcast_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const walk *w = job->k->state;
    const float *x = job->in[0];
    float *y = job->out[0];
    bool runs = walk_inner(w, 1) != 0;
    walk_span s;
    for (walk_cursor c = walk_start(w, slice); walk_next(&c, &s);) {
        const float *from = x + s.at[1];
        float *to = y + s.at[0];
        if (runs)
            memcpy(to, from, (size_t)s.n * sizeof *to);
        else
            for (int64_t i = 0; i < s.n; i++) to[i] = *from;
    }
}

RUN_SLICES(broadcast, walk_n_slices(k->state))

static const ito_kernel_def defs[] = {
    {.op = "binary", .name = "simd", .prepare = prepare_broadcast, .run = binary_run},
    {.op = "select", .name = "simd", .prepare = prepare_broadcast, .run = select_run},
    {.op = "broadcast_to", .name = "simd", .prepare = prepare_broadcast, .run = broadcast_run},
};

ITO_ISA_FAMILY(binary, defs);
