/* The way in of Winograd's weights: G g G^T of every pair of channels, as panels of a product. The lanes of a vector are
 * columns, whose weights lie apart, so squares of them are turned in registers: four permutations a vector, where gathering
 * takes a load a lane. */
#include "kernel/cpu/isa/winograd.h"

#define INLINE static inline __attribute__((always_inline))
#define TAPS   9
#define ROWS   VF_WIDTH /* turned at a time: their taps are whole vectors */

/* turned[i] lane l = w[l * stride + i], for i < count and l < lanes; other lanes are zero. count is a constant. What lies `ahead`
 * floats on is wanted next. */
INLINE void turn(const float *w, int64_t stride, int lanes, int count, int64_t ahead, vf *turned)
{
    for (int l = 0; l < lanes; l++)
        for (int at = 0; at < count; at += 16) __builtin_prefetch(w + l * stride + ahead + at);
    for (int at = 0; at < count; at += VF_WIDTH) {
        vf x[VF_WIDTH];
        const int n = ITO_MIN(VF_WIDTH, count - at);
        for (int l = 0; l < VF_WIDTH; l++) x[l] = l < lanes ? vload_n(w + l * stride + at, n) : (vf){0};
        vturn(x);
        for (int i = 0; i < n; i++) turned[at + i] = x[i];
    }
}

/* To binary16 when narrow, a constant. */
INLINE void put_point(vf x, bool narrow, void *u, int64_t at)
{
    if (narrow)
        vh_store((uint16_t *)u + at, vhalf(x));
    else
        vstore((float *)u + at, x);
}

/* G g G^T of one row; tap t is taps[t], or taps[8 - t] when turned. */
INLINE void put_row(const vf *taps, bool turned, bool narrow, void *u, int64_t at, int64_t point_step)
{
    vf columns[3][WINOGRAD_SPAN], g[3], point[WINOGRAD_SPAN];
    for (int x = 0; x < 3; x++) {
        for (int y = 0; y < 3; y++) g[y] = taps[turned ? TAPS - 1 - (y * 3 + x) : y * 3 + x];
        winograd_g(g, columns[x]);
    }
    for (int y = 0; y < WINOGRAD_SPAN; y++) {
        for (int x = 0; x < 3; x++) g[x] = columns[x][y];
        winograd_g(g, point);
        for (int x = 0; x < WINOGRAD_SPAN; x++)
            put_point(point[x], narrow, u, at + (y * WINOGRAD_SPAN + x) * point_step);
    }
}

/* n rows of half a panel, from element `at` on. */
static void put_rows(const winograd_weights *w, const vf *taps, int n, void *u, int64_t at, int64_t point_step)
{
    for (int i = 0; i < n; i++, taps += TAPS, at += GEMM_NR)
        if (w->narrow)
            put_row(taps, w->turned, true, u, at, point_step);
        else
            put_row(taps, w->turned, false, u, at, point_step);
}

void winograd_pack(const winograd_weights *weights, const float *w, int64_t panel, int64_t row, int64_t end, void *u,
                   int64_t point_step)
{
    vf taps[ROWS * TAPS];
    const bool dense =
        weights->k_stride == TAPS; /* the taps of successive rows follow one another, not those of columns */
    for (int64_t r = row; r < end;) {
        const bool square = dense && end - r >= ROWS;
        for (int64_t at = 0; at < GEMM_NR; at += VF_WIDTH) {
            const int64_t column = panel * GEMM_NR + at, stride = weights->n_stride;
            const float *from = w + r * weights->k_stride + column * stride;
            int lanes = (int)ITO_MAX(0, ITO_MIN(VF_WIDTH, weights->n - column));
            if (square)
                turn(from, stride, lanes, ROWS * TAPS, ROWS * TAPS, taps);
            else
                turn(from, stride, lanes, TAPS, weights->k_stride, taps);
            put_rows(weights, taps, square ? ROWS : 1, u, r * GEMM_NR + at, point_step);
        }
        r += square ? ROWS : 1;
    }
}
