/* The way in of Winograd's weights: G g G^T of every pair of channels, as panels of a product. The lanes of a vector are
 * columns, whose weights lie apart, so squares of them are turned in registers: four permutations a vector, where gathering
 * takes a load a lane. */
#include "kernel/cpu/isa/winograd.h"

#define INLINE static inline __attribute__((always_inline))
#define TAPS   9
#define ROWS   VF_WIDTH /* turned at a time: their taps are whole vectors */

/* turned[i] lane l = w[l * stride + i], for i < count and l < lanes; other lanes are zero. count is a constant. */
INLINE void turn(const float *w, int64_t stride, int lanes, int count, vf *turned)
{
    for (int at = 0; at < count; at += VF_WIDTH) {
        vf x[VF_WIDTH];
        const int n = ITO_MIN(VF_WIDTH, count - at);
        for (int l = 0; l < VF_WIDTH; l++) x[l] = l < lanes ? vload_n(w + l * stride + at, n) : (vf){0};
        vturn(x);
        for (int i = 0; i < n; i++) turned[at + i] = x[i];
    }
}

/* What a vector becomes: float32, or bf16 in the lower or upper halves of words, the lower first. A constant. */
typedef enum words { WHOLE, LOWER, UPPER } words;

INLINE void put_point(vf x, words h, float *to)
{
    if (h == LOWER) x = (vf)vpair(x, (vf){0});
    if (h == UPPER) x = (vf)((vu)vload(to) | vpair((vf){0}, x));
    vstore(to, x);
}

/* G g G^T of one row; tap t is taps[t], or taps[8 - t] when turned. */
INLINE void put_row(const vf *taps, bool turned, words h, float *u, int64_t point_step)
{
    vf columns[3][WINOGRAD_SPAN], g[3], point[WINOGRAD_SPAN];
    for (int x = 0; x < 3; x++) {
        for (int y = 0; y < 3; y++) g[y] = taps[turned ? TAPS - 1 - (y * 3 + x) : y * 3 + x];
        winograd_g(g, columns[x]);
    }
    for (int y = 0; y < WINOGRAD_SPAN; y++) {
        for (int x = 0; x < 3; x++) g[x] = columns[x][y];
        winograd_g(g, point);
        for (int x = 0; x < WINOGRAD_SPAN; x++) put_point(point[x], h, u + (y * WINOGRAD_SPAN + x) * point_step);
    }
}

/* n rows of u, row_step floats apart */
INLINE void put_rows(const vf *taps, int n, bool turned, words h, float *u, int64_t row_step, int64_t point_step)
{
    for (int i = 0; i < n; i++) put_row(taps + i * TAPS, turned, h, u + i * row_step, point_step);
}

/* The rows of half a panel, at r and `at` of u. */
static void put_square(const winograd_weights *w, const vf *taps, int n, int64_t r, int64_t at, float *u,
                       int64_t point_step)
{
    if (!w->narrow)
        put_rows(taps, n, w->turned, WHOLE, u + r * GEMM_NR + at, GEMM_NR, point_step);
    else if (at == 0)
        put_rows(taps, n, w->turned, LOWER, u + r * VF_WIDTH, VF_WIDTH, point_step / 2);
    else
        put_rows(taps, n, w->turned, UPPER, u + r * VF_WIDTH, VF_WIDTH, point_step / 2);
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
                turn(from, stride, lanes, ROWS * TAPS, taps);
            else
                turn(from, stride, lanes, TAPS, taps);
            put_square(weights, taps, square ? ROWS : 1, r, at, u, point_step);
        }
        r += square ? ROWS : 1;
    }
}
