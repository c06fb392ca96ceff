/* Rows of the im2col matrix. A row is made of runs that are contiguous in the source: the channels of one tap, or all
 * taps of one row of the kernel when they lie side by side. */
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/conv_fill.h"
#include "kernel/cpu/isa/mem.h"

static inline void copy(float *to, const conv_source *s, int64_t at, int64_t n)
{
    if (s->narrow) {
        widen_row(n, s->narrow + at, to);
        return;
    }
    const float *from = s->data + at;
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

/* Elements begin .. end - 1 of a run that starts at element `at` of the source; only low .. high - 1 lie inside the image. */
static inline void put(float *to, const conv_source *source, int64_t at, int64_t begin, int64_t end, int64_t low,
                       int64_t high)
{
    if (low <= begin && high >= end) {
        copy(to, source, at + begin, end - begin);
        return;
    }
    low = ITO_MIN(ITO_MAX(low, begin), end);
    high = ITO_MIN(ITO_MAX(high, low), end);
    if (low > begin) zero(to, low - begin);
    if (high > low) copy(to + low - begin, source, at + low, high - low);
    if (end > high) zero(to + high - begin, end - high);
}

#define AHEAD 12 /* pixels: short pieces far apart are no pattern that the processor fetches ahead by itself */

static inline void prefetch(const conv_source *s, int64_t at, int64_t n)
{
    for (int64_t i = 0; i < ITO_MIN(n, 64); i += 16)
        __builtin_prefetch(s->narrow ? (const void *)(s->narrow + at + i) : s->data + at + i);
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

/* Part begin .. end - 1 of one run, for m pixels from p on; the run's tap is (y, x) away from the pixel. */
typedef struct run {
    int64_t y, x, begin, end;
    bool wide; /* all taps of a kernel row */
} run;

static void fill_run(const conv_source *s, const run *r, pixel p, int64_t m, float *to, int64_t ld)
{
    const conv_view *v = s->view;
    for (int64_t i = 0; i < m; i++, to += ld, pixel_next(v, &p)) {
        int64_t y = p.y * v->y.step + r->y, x = p.x * v->x.step + r->x, low = 0, high = 0;
        if (!inside(y, v->y.source)) {
            zero(to, r->end - r->begin);
            continue;
        }
        if (r->wide) {
            low = -x * v->reduce;
            high = (v->x.source - x) * v->reduce;
        } else if (inside(x, v->x.source)) {
            high = v->reduce;
        }
        int64_t at = ((p.image * v->y.source + y) * v->x.source + x) * v->channels;
        put(to, s, at, r->begin, r->end, low, high);
        prefetch(s, at + r->begin + AHEAD * v->x.step * v->channels, r->end - r->begin);
    }
}

void conv_fill(const void *arg, int64_t m0, int64_t m, int64_t k0, int64_t k1, float *buffer, int64_t ld)
{
    const conv_source *s = arg;
    const conv_view *v = s->view;
    if (k0 >= k1) return;
    bool wide = v->reduce == v->channels && v->x.offset_step == 1;
    int64_t size = wide ? v->x.taps * v->reduce : v->reduce;
    pixel p = pixel_at(v, m0);
    for (int64_t i = k0 / size; i * size < k1; i++) {
        int64_t first = i * size, tap_y = wide ? i : i / v->x.taps, tap_x = wide ? 0 : i % v->x.taps;
        run r = {v->y.offset0 + tap_y * v->y.offset_step, v->x.offset0 + tap_x * v->x.offset_step,
                 ITO_MAX(k0 - first, 0), ITO_MIN(k1 - first, size), wide};
        fill_run(s, &r, p, m, buffer + first + r.begin - k0, ld);
    }
}
