/* Elementwise kernels of one input: unary and its gradient, scale, clip, full, cast. One loop per function, chosen
 * once per row; a row's tail goes through the same vector code, so an element's value does not depend on its place. */
#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/isa/vmath.h"
#include "tensor/bf16.h"

#define AHEAD 1024 /* elements: how far ahead memory is asked for */

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define UNARY_LOOP(name)                                                                                               \
    static void unary_row_##name(int64_t n, const float *x, float *y)                                                  \
    {                                                                                                                  \
        int64_t i = 0;                                                                                                 \
        for (; i + VF_WIDTH <= n; i += VF_WIDTH) vstore(y + i, unary_##name(vload(x + i)));                            \
        if (i < n) vstore_n(y + i, (int)(n - i), unary_##name(vload_n(x + i, (int)(n - i))));                          \
    }
ITO_UNARY_MAP(UNARY_LOOP)

#define SLOPE_LOOP(name)                                                                                               \
    static void slope_row_##name(int64_t n, const float *x, const float *dy, float *dx)                                \
    {                                                                                                                  \
        int64_t i = 0;                                                                                                 \
        for (; i + VF_WIDTH <= n; i += VF_WIDTH) vstore(dx + i, slope_##name(vload(x + i)) * vload(dy + i));           \
        int left = (int)(n - i);                                                                                       \
        if (left) vstore_n(dx + i, left, slope_##name(vload_n(x + i, left)) * vload_n(dy + i, left));                  \
    }
ITO_UNARY_MAP(SLOPE_LOOP)

void ITO_ISA_FN(ito__cpu_unary_row)(int kind, int64_t n, const float *x, float *y)
{
#define ENTRY(name) unary_row_##name,
    static void (*const rows[ITO_UNARY_COUNT])(int64_t, const float *, float *) = {ITO_UNARY_MAP(ENTRY)};
#undef ENTRY
    if (kind != ITO_UNARY_identity || x != y) rows[kind](n, x, y);
}

void ITO_ISA_FN(ito__cpu_slope_row)(int kind, int64_t n, const float *x, const float *dy, float *dx)
{
#define ENTRY(name) slope_row_##name,
    static void (*const rows[ITO_UNARY_COUNT])(int64_t, const float *, const float *, float *) = {ITO_UNARY_MAP(ENTRY)};
#undef ENTRY
    rows[kind](n, x, dy, dx);
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

#define ELEMENTWISE(name) RUN_SLICES(name, div_up(count_out(k, 0), CHUNK))

static void unary_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_unary *attr = job->k->attr;
    int64_t first = slice * CHUNK, end = chunk_end(count_out(job->k, 0), slice);
    unary_row(attr->kind, end - first, (const float *)job->in[0] + first, (float *)job->out[0] + first);
}
ELEMENTWISE(unary)

static void unary_grad_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_unary *attr = job->k->attr;
    int64_t first = slice * CHUNK, end = chunk_end(count_out(job->k, 0), slice);
    slope_row(attr->kind, end - first, (const float *)job->in[0] + first, (const float *)job->in[1] + first,
              (float *)job->out[0] + first);
}
ELEMENTWISE(unary_grad)

static void scale_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_scale *attr = job->k->attr;
    const float scale = (float)attr->scale, shift = (float)attr->shift;
    const float *x = job->in[0];
    float *y = job->out[0];
    int64_t end = chunk_end(count_out(job->k, 0), slice);
    for (int64_t i = slice * CHUNK; i < end; i++) y[i] = scale * x[i] + shift;
}
ELEMENTWISE(scale)

static void clip_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_clip *attr = job->k->attr;
    const float low = (float)attr->low, high = (float)attr->high;
    const float *x = job->in[0];
    float *y = job->out[0];
    int64_t end = chunk_end(count_out(job->k, 0), slice);
    for (int64_t i = slice * CHUNK; i < end; i++) {
        float v = x[i] < low ? low : x[i]; /* a comparison with NaN is false: NaN stays */
        y[i] = v > high ? high : v;
    }
}
ELEMENTWISE(clip)

static void full_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_full *attr = job->k->attr;
    int64_t end = chunk_end(count_out(job->k, 0), slice);
    float *y = job->out[0];
    for (int64_t i = slice * CHUNK; i < end; i++) y[i] = (float)attr->value;
}
ELEMENTWISE(full)

/* --- cast --------------------------------------------------------------------------------------------------------- */

#define CAST(from, to)                                                                                                 \
    static void cast_##from##_##to(int64_t n, const void *in, void *out)                                               \
    {                                                                                                                  \
        const from *x = in;                                                                                            \
        to *y = out;                                                                                                   \
        for (int64_t i = 0; i < n; i++) y[i] = (to)x[i];                                                               \
    }
CAST(float, float)
CAST(float, double)
CAST(double, float)
CAST(int32_t, float)
CAST(uint8_t, float)

/* With `stream` y is aligned to what is written at once. */
static inline __attribute__((always_inline)) void narrow(bool stream, int64_t n, const float *x, uint16_t *y)
{
    int64_t i = 0;
    for (; i + VF_WIDTH <= n; i += VF_WIDTH) {
        __builtin_prefetch(x + i + AHEAD);
        if (stream)
            vh_stream(y + i, vnarrow(vload(x + i)));
        else
            vh_store(y + i, vnarrow(vload(x + i)));
    }
    for (; i < n; i++) y[i] = ito__bf16_narrow(x[i]);
    if (stream) vstream_end();
}

static inline __attribute__((always_inline)) void widen(bool stream, int64_t n, const uint16_t *x, float *y)
{
    int64_t i = 0;
    for (; i + VF_WIDTH <= n; i += VF_WIDTH) {
        __builtin_prefetch(x + i + AHEAD);
        if (stream)
            vstream(y + i, vwiden(vh_load(x + i)));
        else
            vstore(y + i, vwiden(vh_load(x + i)));
    }
    for (; i < n; i++) y[i] = ito__bf16_widen(x[i]);
    if (stream) vstream_end();
}

static void cast_float_bf16(int64_t n, const void *x, void *y)
{
    narrow(false, n, x, y);
}

static void cast_bf16_float(int64_t n, const void *x, void *y)
{
    widen(false, n, x, y);
}

static void stream_float_bf16(int64_t n, const void *x, void *y)
{
    narrow(true, n, x, y);
}

static void stream_bf16_float(int64_t n, const void *x, void *y)
{
    widen(true, n, x, y);
}

void ITO_ISA_FN(ito__cpu_narrow_row)(int64_t n, const float *x, uint16_t *y)
{
    if ((uintptr_t)y % sizeof(vh) == 0)
        narrow(true, n, x, y);
    else
        narrow(false, n, x, y);
}

void ITO_ISA_FN(ito__cpu_widen_row)(int64_t n, const uint16_t *x, float *y)
{
    widen(false, n, x, y);
}

typedef void cast_fn(int64_t n, const void *x, void *y);

/* NULL where the value may not fit: the reference kernel defines those. What is narrowed is put away, so it is written past the
 * caches early. */
static cast_fn *find_cast(ito_dtype from, ito_dtype to, int64_t count)
{
    if (from == ITO_F32 && to == ITO_BF16 && 32 * count >= STREAM_BYTES) return stream_float_bf16;
    if (from == ITO_BF16 && to == ITO_F32 && 4 * count >= STREAM_BYTES) return stream_bf16_float;
    static cast_fn *const table[ITO_DTYPE_COUNT][ITO_DTYPE_COUNT] = {
        [ITO_F32] = {[ITO_F32] = cast_float_float, [ITO_F64] = cast_float_double, [ITO_BF16] = cast_float_bf16},
        [ITO_F64] = {[ITO_F32] = cast_double_float},
        [ITO_I32] = {[ITO_F32] = cast_int32_t_float},
        [ITO_U8] = {[ITO_F32] = cast_uint8_t_float},
        [ITO_BF16] = {[ITO_F32] = cast_bf16_float},
    };
    return table[from][to];
}

static ito_status cast_prepare(ito_kernel *k)
{
    return find_cast(k->in[0].dtype, k->out[0].dtype, 0) ? ITO_OK : ITO_UNSUPPORTED;
}

static void cast_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    ito_dtype from = job->k->in[0].dtype, to = job->k->out[0].dtype;
    int64_t first = slice * CHUNK, end = chunk_end(count_out(job->k, 0), slice);
    find_cast(from, to, count_out(job->k, 0))(end - first,
                                              (const char *)job->in[0] + first * (int64_t)ito_dtype_size(from),
                                              (char *)job->out[0] + first * (int64_t)ito_dtype_size(to));
}
ELEMENTWISE(cast)

static const ito_kernel_def defs[] = {
    {.op = "unary", .name = "simd", .prepare = prepare_f32, .run = unary_run},
    {.op = "unary_grad", .name = "simd", .prepare = prepare_f32, .run = unary_grad_run},
    {.op = "scale", .name = "simd", .prepare = prepare_f32, .run = scale_run},
    {.op = "clip", .name = "simd", .prepare = prepare_f32, .run = clip_run},
    {.op = "full", .name = "simd", .prepare = prepare_f32, .run = full_run},
    {.op = "cast", .name = "simd", .prepare = cast_prepare, .run = cast_run},
};

ITO_ISA_FAMILY(unary, defs);
