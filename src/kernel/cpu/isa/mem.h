/* What the memory-bound kernels share: the arguments of a run, chunk sizes, checks, rows of elementwise functions.
 * Chunks depend on shapes alone, so results do not depend on the number of threads. */
#ifndef ITO_MEM_H
#define ITO_MEM_H

#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/vec.h"

#define CHUNK 8192 /* elements of one slice of work: 32 KiB, half of the smallest level-1 cache and some */

typedef struct mem_job {
    const ito_kernel *k;
    const void *const *in;
    void *const *out;
    void *work;
} mem_job;

#define RUN_ARGS                                                                                                       \
    const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *work, const void *packed

/* NAME_run of a kernel that is all in NAME_slice: calls it, with a mem_job, for so many slices (an expression in k). */
#define RUN_SLICES(name, slices)                                                                                       \
    static void name##_run(RUN_ARGS)                                                                                   \
    {                                                                                                                  \
        (void)packed;                                                                                                  \
        mem_job job = {k, in, out, work};                                                                              \
        ito__parallel(q, slices, name##_slice, &job);                                                                  \
    }

static inline int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline int64_t count_in(const ito_kernel *k, int i)
{
    return ito_shape_count(k->in[i].shape);
}

static inline int64_t count_out(const ito_kernel *k, int i)
{
    return ito_shape_count(k->out[i].shape);
}

/* Elements from slice * CHUNK to the end of the slice. */
static inline int64_t chunk_end(int64_t n, int64_t slice)
{
    int64_t end = (slice + 1) * CHUNK;
    return end < n ? end : n;
}

/* How many rows of `width` elements make one chunk: at least one, and never a function of the number of rows. */
static inline int64_t chunk_rows(int64_t width)
{
    return width >= CHUNK ? 1 : CHUNK / ITO_MAX(width, 1);
}

static inline int64_t last_dim(ito_shape shape)
{
    return shape.n_dims ? shape.d[shape.n_dims - 1] : 1;
}

static inline bool all_f32_from(const ito_kernel *k, int first)
{
    for (int i = first; i < k->n_in; i++)
        if (k->in[i].dtype != ITO_F32) return false;
    for (int i = 0; i < k->n_out; i++)
        if (k->out[i].dtype != ITO_F32) return false;
    return true;
}

static inline bool all_f32(const ito_kernel *k)
{
    return all_f32_from(k, 0);
}

static inline ito_status prepare_f32(ito_kernel *k)
{
    return all_f32(k) ? ITO_OK : ITO_UNSUPPORTED;
}

static inline size_t round_up64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

#define STREAM_BYTES (4 << 20) /* results from this size on are written past the caches */

/* y = x over n numbers; narrow ones are written past the caches where y allows it. */
void ITO_ISA_FN(ito__cpu_narrow_row)(int64_t n, const float *x, uint16_t *y);
void ITO_ISA_FN(ito__cpu_widen_row)(int64_t n, const uint16_t *x, float *y);
#define narrow_row ITO_ISA_FN(ito__cpu_narrow_row)
#define widen_row  ITO_ISA_FN(ito__cpu_widen_row)

/* y = kind(x) and dx = kind'(x) dy over n floats; y may be x, dx may be dy or x. kind is an ito_unary. */
void ITO_ISA_FN(ito__cpu_unary_row)(int kind, int64_t n, const float *x, float *y);
void ITO_ISA_FN(ito__cpu_slope_row)(int kind, int64_t n, const float *x, const float *dy, float *dx);
#define unary_row ITO_ISA_FN(ito__cpu_unary_row)
#define slope_row ITO_ISA_FN(ito__cpu_slope_row)

#endif
