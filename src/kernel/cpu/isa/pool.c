/* Pooling over windows of an image [N, H, W, C], and resampling by whole factors; vectors run along the channels.
 * Padding never wins a maximum; it counts in an average only when count_pad says so. A slice is a row of the output,
 * except in max_pool_grad, where windows may share elements: there it is some channels of a whole sample. */
#include <math.h>

#include "kernel/cpu/isa/mem.h"

#define CHANNELS 64 /* of one slice of max_pool_grad */

/* Rows (or columns) first .. end - 1 of the image under place i of the output. */
typedef struct span {
    int64_t first, end;
} span;

static span window(const ito_attr_pool *attr, int axis, int64_t extent, int64_t i)
{
    int64_t at = i * attr->stride[axis] - attr->pad_before[axis];
    return (span){ITO_MAX(at, 0), ITO_MIN(at + attr->kernel[axis], extent)};
}

/* Places of the output whose window holds row (or column) i of the image. */
static span windows_over(const ito_attr_pool *attr, int axis, int64_t places, int64_t i)
{
    int64_t at = i + attr->pad_before[axis], stride = attr->stride[axis], above = at - attr->kernel[axis] + 1;
    return (span){above <= 0 ? 0 : div_up(above, stride), ITO_MIN(at / stride + 1, places)};
}

static float divisor(const ito_attr_pool *attr, span rows, span columns)
{
    if (attr->count_pad) return (float)(attr->kernel[0] * attr->kernel[1]);
    return (float)(ITO_MAX(rows.end - rows.first, 1) * ITO_MAX(columns.end - columns.first, 1));
}

static const float *pixel(const float *x, const int64_t *d, int64_t n, int64_t h, int64_t w)
{
    return x + ((n * d[1] + h) * d[2] + w) * d[3];
}

/* --- rows of channels --------------------------------------------------------------------------------------------- */

static void fill_row(int64_t n, float value, float *y)
{
    for (int64_t c = 0; c < n; c++) y[c] = value;
}

static void max_row(int64_t n, const float *restrict x, float *restrict y) /* NaN beats all */
{
    for (int64_t c = 0; c < n; c++) y[c] = x[c] > y[c] || x[c] != x[c] ? x[c] : y[c];
}

static void add_row(int64_t n, float scale, const float *restrict x, float *restrict y)
{
    for (int64_t c = 0; c < n; c++) y[c] += scale * x[c];
}

static void scale_row(int64_t n, float scale, float *y)
{
    for (int64_t c = 0; c < n; c++) y[c] *= scale;
}

/* --- maximum and average ------------------------------------------------------------------------------------------ */

static void pool_row(const mem_job *job, int64_t slice, bool is_max)
{
    const ito_attr_pool *attr = job->k->attr;
    const int64_t *x = job->k->in[0].shape.d, *y = job->k->out[0].shape.d;
    const int64_t n = slice / y[1], channels = x[3];
    float *to = (float *)job->out[0] + slice * y[2] * channels;
    span rows = window(attr, 0, x[1], slice % y[1]);
    for (int64_t q = 0; q < y[2]; q++, to += channels) {
        span columns = window(attr, 1, x[2], q);
        fill_row(channels, is_max ? -INFINITY : 0, to);
        for (int64_t h = rows.first; h < rows.end; h++)
            for (int64_t w = columns.first; w < columns.end; w++) {
                const float *from = pixel(job->in[0], x, n, h, w);
                if (is_max)
                    max_row(channels, from, to);
                else
                    add_row(channels, 1, from, to);
            }
        if (!is_max) scale_row(channels, 1 / divisor(attr, rows, columns), to);
    }
}

static void max_pool_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    pool_row(arg, slice, true);
}

static void avg_pool_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    pool_row(arg, slice, false);
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

/* The first largest of a window, for up to CHANNELS channels. */
typedef struct winners {
    float value[CHANNELS];
    int32_t at[CHANNELS]; /* pixel of the image */
} winners;

static void find_winners(int64_t n, const float *restrict x, int32_t at, bool first, winners *best)
{
    for (int64_t c = 0; c < n; c++) {
        bool better = first || x[c] > best->value[c] || (x[c] != x[c] && best->value[c] == best->value[c]);
        best->at[c] = better ? at : best->at[c];
        best->value[c] = better ? x[c] : best->value[c];
    }
}

/* One window's gradient to its winners; x, dy and dx begin at the slice's channels of the sample. */
static void grad_window(const int64_t *x_dims, span rows, span columns, int64_t n, const float *x, const float *dy,
                        float *dx)
{
    winners best;
    bool first = true;
    for (int64_t h = rows.first; h < rows.end; h++)
        for (int64_t w = columns.first; w < columns.end; w++, first = false)
            find_winners(n, x + (h * x_dims[2] + w) * x_dims[3], (int32_t)(h * x_dims[2] + w), first, &best);
    if (first) return; /* wholly in the padding */
    for (int64_t c = 0; c < n; c++) dx[best.at[c] * x_dims[3] + c] += dy[c];
}

static void max_pool_grad_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_pool *attr = job->k->attr;
    const int64_t *x = job->k->in[0].shape.d, *y = job->k->in[1].shape.d, blocks = div_up(x[3], CHANNELS);
    const int64_t n = slice / blocks, channel = slice % blocks * CHANNELS, width = ITO_MIN(CHANNELS, x[3] - channel);
    const float *from = pixel(job->in[0], x, n, 0, 0) + channel, *dy = pixel(job->in[1], y, n, 0, 0) + channel;
    float *dx = (float *)job->out[0] + n * x[1] * x[2] * x[3] + channel;
    for (int64_t i = 0; i < x[1] * x[2]; i++) fill_row(width, 0, dx + i * x[3]);
    for (int64_t p = 0; p < y[1]; p++)
        for (int64_t q = 0; q < y[2]; q++)
            grad_window(x, window(attr, 0, x[1], p), window(attr, 1, x[2], q), width, from, dy + (p * y[2] + q) * x[3],
                        dx);
}

/* Each element gathers from the windows that hold it, so no two slices write one place. */
static void avg_pool_grad_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_pool *attr = job->k->attr;
    const int64_t *x = job->k->out[0].shape.d, *y = job->k->in[0].shape.d;
    const int64_t n = slice / x[1], channels = x[3];
    float *to = (float *)job->out[0] + slice * x[2] * channels;
    span over_rows = windows_over(attr, 0, y[1], slice % x[1]);
    for (int64_t w = 0; w < x[2]; w++, to += channels) {
        span over_columns = windows_over(attr, 1, y[2], w);
        fill_row(channels, 0, to);
        for (int64_t p = over_rows.first; p < over_rows.end; p++)
            for (int64_t q = over_columns.first; q < over_columns.end; q++) {
                float scale = 1 / divisor(attr, window(attr, 0, x[1], p), window(attr, 1, x[2], q));
                add_row(channels, scale, pixel(job->in[0], y, n, p, q), to);
            }
    }
}

/* --- resampling --------------------------------------------------------------------------------------------------- */

static void upsample_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_resample *attr = job->k->attr;
    const int64_t *x = job->k->in[0].shape.d, *y = job->k->out[0].shape.d, channels = x[3];
    const float *from = pixel(job->in[0], x, slice / y[1], slice % y[1] / attr->factor[0], 0);
    float *to = (float *)job->out[0] + slice * y[2] * channels;
    for (int64_t w = 0; w < x[2]; w++, from += channels)
        for (int64_t i = 0; i < attr->factor[1]; i++, to += channels) memcpy(to, from, (size_t)channels * sizeof *to);
}

static void downsample_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const mem_job *job = arg;
    const ito_attr_resample *attr = job->k->attr;
    const int64_t *x = job->k->in[0].shape.d, *y = job->k->out[0].shape.d, channels = x[3];
    const int64_t n = slice / y[1], top = slice % y[1] * attr->factor[0];
    float *to = (float *)job->out[0] + slice * y[2] * channels;
    for (int64_t q = 0; q < y[2]; q++, to += channels) {
        fill_row(channels, 0, to);
        for (int64_t i = 0; i < attr->factor[0]; i++)
            for (int64_t j = 0; j < attr->factor[1]; j++)
                add_row(channels, 1, pixel(job->in[0], x, n, top + i, q * attr->factor[1] + j), to);
        scale_row(channels, 1 / (float)(attr->factor[0] * attr->factor[1]), to);
    }
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

static int64_t output_rows(const ito_kernel *k)
{
    return k->out[0].shape.d[0] * k->out[0].shape.d[1];
}

RUN_SLICES(max_pool, output_rows(k))
RUN_SLICES(max_pool_grad, k->in[0].shape.d[0] * div_up(k->in[0].shape.d[3], CHANNELS))
RUN_SLICES(avg_pool, output_rows(k))
RUN_SLICES(avg_pool_grad, output_rows(k))
RUN_SLICES(upsample, output_rows(k))
RUN_SLICES(downsample, output_rows(k))

static const ito_kernel_def defs[] = {
    {.op = "max_pool", .name = "rows", .prepare = prepare_f32, .run = max_pool_run},
    {.op = "max_pool_grad", .name = "channels", .prepare = prepare_f32, .run = max_pool_grad_run},
    {.op = "avg_pool", .name = "rows", .prepare = prepare_f32, .run = avg_pool_run},
    {.op = "avg_pool_grad", .name = "rows", .prepare = prepare_f32, .run = avg_pool_grad_run},
    {.op = "upsample_nearest", .name = "rows", .prepare = prepare_f32, .run = upsample_run},
    {.op = "downsample_average", .name = "rows", .prepare = prepare_f32, .run = downsample_run},
};

ITO_ISA_FAMILY(pool, defs);
