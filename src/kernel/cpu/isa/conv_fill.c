/* Rows of the im2col matrix. A row is made of runs that are contiguous in the source: the channels of one tap, or all
 * taps of one row of the kernel when they lie side by side. */
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/conv_fill.h"

static inline void copy(float *to, const float *from, int64_t n)
{
    int64_t i = 0;
    for (; i + VF_WIDTH <= n; i += VF_WIDTH) vstore(to + i, vload(from + i));
    if (i < n) vstore_n(to + i, (int)(n - i), vload_n(from + i, (int)(n - i)));
}

static inline void zero(float *to, int64_t n)
{
    int64_t i = 0;
    for (; i + VF_WIDTH <= n; i += VF_WIDTH) vstore(to + i, (vf){0});
    if (i < n) vstore_n(to + i, (int)(n - i), (vf){0});
}

/* Elements begin .. end - 1 of a run that starts at source[at]; only low .. high - 1 lie inside the image. */
static inline void put(float *to, const float *source, int64_t at, int64_t begin, int64_t end, int64_t low,
                       int64_t high)
{
    low = ITO_MIN(ITO_MAX(low, begin), end);
    high = ITO_MIN(ITO_MAX(high, low), end);
    if (low > begin) zero(to, low - begin);
    if (high > low) copy(to + low - begin, source + at + low, high - low);
    if (end > high) zero(to + high - begin, end - high);
}

typedef struct pixel {
    int64_t image, y, x;
} pixel;

static inline pixel pixel_at(const conv_view *v, int64_t index)
{
    return (pixel){index / (v->x.grid * v->y.grid), index / v->x.grid % v->y.grid, index % v->x.grid};
}

static inline void pixel_next(const conv_view *v, pixel *p)
{
    if (++p->x < v->x.grid) return;
    p->x = 0;
    if (++p->y < v->y.grid) return;
    p->y = 0;
    p->image++;
}

static inline bool inside(int64_t i, int64_t n)
{
    return i >= 0 && i < n;
}

/* Columns k0 .. k1 - 1 of one row, every run being the taps of one kernel row. */
static void fill_wide(const conv_source *s, pixel p, int64_t k0, int64_t k1, float *row)
{
    const conv_view *v = s->view;
    int64_t size = v->x.taps * v->reduce, x = p.x * v->x.step + v->x.offset0;
    for (int64_t run = k0 / size; run * size < k1; run++) {
        int64_t y = p.y * v->y.step + v->y.offset0 + run * v->y.offset_step, first = run * size;
        int64_t begin = ITO_MAX(k0 - first, 0), end = ITO_MIN(k1 - first, size);
        int64_t low = -x * v->reduce, high = inside(y, v->y.source) ? (v->x.source - x) * v->reduce : low;
        int64_t at = ((p.image * v->y.source + y) * v->x.source + x) * v->channels;
        put(row + first + begin - k0, s->data, at, begin, end, low, high);
    }
}

/* The same, every run being the channels of one tap. */
static void fill_narrow(const conv_source *s, pixel p, int64_t k0, int64_t k1, float *row)
{
    const conv_view *v = s->view;
    int64_t size = v->reduce;
    for (int64_t run = k0 / size; run * size < k1; run++) {
        int64_t y = p.y * v->y.step + v->y.offset0 + run / v->x.taps * v->y.offset_step, first = run * size;
        int64_t x = p.x * v->x.step + v->x.offset0 + run % v->x.taps * v->x.offset_step;
        int64_t begin = ITO_MAX(k0 - first, 0), end = ITO_MIN(k1 - first, size);
        int64_t high = inside(y, v->y.source) && inside(x, v->x.source) ? size : 0;
        int64_t at = ((p.image * v->y.source + y) * v->x.source + x) * v->channels;
        put(row + first + begin - k0, s->data, at, begin, end, 0, high);
    }
}

void conv_fill(const void *arg, int64_t m0, int64_t m, int64_t k0, int64_t k1, float *buffer, int64_t ld)
{
    const conv_source *s = arg;
    const conv_view *v = s->view;
    bool wide = v->reduce == v->channels && v->x.offset_step == 1;
    if (k0 >= k1) return;
    pixel p = pixel_at(v, m0);
    for (int64_t i = 0; i < m; i++, pixel_next(v, &p))
        if (wide)
            fill_wide(s, p, k0, k1, buffer + i * ld);
        else
            fill_narrow(s, p, k0, k1, buffer + i * ld);
}
