/* Winograd's minimal filtering F(4x4, 3x3): a tile of 4 x 4 outputs of a 3x3 convolution costs 36 products per pair of
 * channels instead of 144; and F(2x2, 3x3), 16 instead of 36, whose transformed weights are less than half as large. With d a
 * 6 x 6 (4 x 4) patch of the source and g a 3 x 3 kernel (Lavin and Gray),
 *
 *   y  = A^T [(G g G^T) . (B^T d B)] A                      summed over input channels inside the brackets
 *   dw = G^T [sum over tiles of (A dy A^T) . (B^T d B)] G   its transpose
 *
 * where "." is elementwise, so that for each of the 36 elements the sums over channels (or tiles) are a matrix product.
 * The interpolation points are 0, 1, -1, 2, -2 and infinity, for 2 x 2 outputs 0, 1, -1 and infinity. Here: the
 * one-dimensional transforms, and the tiles of an image. winograd2.c has tiles of 2 x 2, all others tiles of 4 x 4. */
#ifndef ITO_WINOGRAD_H
#define ITO_WINOGRAD_H

#include "kernel/cpu/isa/gemm.h"

#ifndef WINOGRAD_TILE
#define WINOGRAD_TILE 4 /* outputs along an axis */
#endif
#define WINOGRAD_SPAN   (WINOGRAD_TILE + 2) /* pixels of a patch, and points, along an axis */
#define WINOGRAD_POINTS (WINOGRAD_SPAN * WINOGRAD_SPAN)

#define WINOGRAD_ROWS 32 /* most channels of dy that a block of the weight gradient holds */

#if WINOGRAD_TILE == 2

/* B^T, A^T and G: 4 source values to 4 points, 4 points to 2 outputs, 3 weights to 4 points. */
static inline void winograd_bt(const vf d[4], vf v[4])
{
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

static inline void winograd_at(const vf m[4], vf y[2])
{
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}

static inline void winograd_g(const vf g[3], vf u[4])
{
    vf even = (g[0] + g[2]) * 0.5f, odd = g[1] * 0.5f;
    u[0] = g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
}

#else

/* B^T: 6 source values to 6 points. */
static inline void winograd_bt(const vf d[6], vf v[6])
{
    vf even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
    vf even2 = d[4] - d[2], odd2 = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = even2 + odd2;
    v[4] = even2 - odd2;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/* A^T: 6 points to 4 outputs. */
static inline void winograd_at(const vf m[6], vf y[4])
{
    vf s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
    y[0] = m[0] + s1 + s2;
    y[1] = d1 + 2.0f * d2;
    y[2] = s1 + 4.0f * s2;
    y[3] = d1 + 8.0f * d2 + m[5];
}

/* A: 4 output gradients to 6 points. */
static inline void winograd_a(const vf y[4], vf z[6])
{
    vf even = y[0] + y[2], odd = y[1] + y[3];
    vf even2 = y[0] + 4.0f * y[2], odd2 = 2.0f * y[1] + 8.0f * y[3];
    z[0] = y[0];
    z[1] = even + odd;
    z[2] = even - odd;
    z[3] = even2 + odd2;
    z[4] = even2 - odd2;
    z[5] = y[3];
}

/* G: 3 weights to 6 points. */
static inline void winograd_g(const vf g[3], vf u[6])
{
    vf even = (g[0] + g[2]) * (-1.0f / 6), odd = g[1] * (-1.0f / 6);
    vf even2 = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), odd2 = g[1] * (1.0f / 12);
    u[0] = g[0] * 0.25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
}

/* G^T: 6 points to 3 weight gradients. */
static inline void winograd_gt(const vf u[6], vf g[3])
{
    vf s1 = u[1] + u[2], d1 = u[1] - u[2], s2 = u[3] + u[4], d2 = u[3] - u[4];
    g[0] = u[0] * 0.25f - s1 * (1.0f / 6) + s2 * (1.0f / 24);
    g[1] = d2 * (1.0f / 12) - d1 * (1.0f / 6);
    g[2] = (s2 - s1) * (1.0f / 6) + u[5];
}

#endif

/* An image batch seen as square patches: patch (ty, tx) begins at pixel (TILE ty - pad_y, TILE tx - pad_x). */
typedef struct winograd_tiling {
    int64_t images, height, width, channels;
    int64_t tiles_y, tiles_x;
    int64_t pad_y, pad_x;
    bool narrow; /* the images are bf16: for winograd_source and winograd_source_near alone */
} winograd_tiling;

/* For tiles of target pixels, and patches that begin `pad` before them. */
static inline winograd_tiling winograd_tiling_of(ito_shape image, const int64_t pad[2], ito_shape target)
{
    return (winograd_tiling){.images = image.d[0],
                             .height = image.d[1],
                             .width = image.d[2],
                             .channels = image.d[3],
                             .tiles_y = (target.d[1] + WINOGRAD_TILE - 1) / WINOGRAD_TILE,
                             .tiles_x = (target.d[2] + WINOGRAD_TILE - 1) / WINOGRAD_TILE,
                             .pad_y = pad[0],
                             .pad_x = pad[1]};
}

/* Distance of the matrices of one element each, of `floats` floats: an odd number of cache lines, so that the 36
 * places that a transform writes or reads fall in different sets of the caches. */
static inline int64_t winograd_step(int64_t floats)
{
    return ((floats + 15) / 16 | 1) * 16;
}

static inline int64_t winograd_tiles(const winograd_tiling *t)
{
    return t->images * t->tiles_y * t->tiles_x;
}

/* Image and first pixel of a tile of the target. */
typedef struct winograd_place {
    int64_t image, y, x;
} winograd_place;

static inline winograd_place winograd_place_of(int64_t tiles_y, int64_t tiles_x, int64_t tile)
{
    return (winograd_place){.image = tile / tiles_x / tiles_y,
                            .y = tile / tiles_x % tiles_y * WINOGRAD_TILE,
                            .x = tile % tiles_x * WINOGRAD_TILE};
}

/* Names across files, of a size of tiles. */
#if WINOGRAD_TILE == 2
#define WINOGRAD_FN(name) ITO_ISA_FN(ito__winograd2_##name)
#else
#define WINOGRAD_FN(name) ITO_ISA_FN(ito__winograd4_##name)
#endif

#define winograd_source        WINOGRAD_FN(source)
#define winograd_source_near   WINOGRAD_FN(source_near)
#define winograd_gradient_near WINOGRAD_FN(gradient_near)
#define winograd_source_block  WINOGRAD_FN(source_block)
#define winograd_gradient      WINOGRAD_FN(gradient)
#define winograd_pack          WINOGRAD_FN(pack)
#define winograd_spot_of       WINOGRAD_FN(spot_of)
#define winograd_put           WINOGRAD_FN(put)
#define winograd_fits          WINOGRAD_FN(fits)
#define winograd_fits_weight   WINOGRAD_FN(fits_weight)
#define winograd_pays          WINOGRAD_FN(pays)

/* Pixels outside the image are read at `zeros`, of as many zeros as a pixel has channels. */

/* B^T d B of `channels` channels, from `channel` on, of the patch of a tile: point p of channel + c goes to
 * v[p * point_step + c / GEMM_NR * panel_step + c % GEMM_NR]. */
void winograd_source(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros, int64_t channel,
                     int64_t channels, float *v, int64_t point_step, int64_t panel_step);

/* The same with the points near one another, at distances that the compiler knows: faster than in matrices of their own. As
 * rows of the products' blocks, of all channels of a float32 image: point p of channel c goes to
 * v[(c / VF_WIDTH * WINOGRAD_POINTS + p) * GEMM_BLOCK + c % VF_WIDTH]. */
void winograd_source_block(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, float *v);

/* With a point_step of GEMM_NR. */
void winograd_source_near(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros,
                          int64_t channel, int64_t channels, float *v, int64_t panel_step);

/* A dy A^T of `channels` channels, from `channel` on, of a tile: point p of channel + c goes to z[p * point_step + c]; and with a
 * point_step of WINOGRAD_ROWS. */
void winograd_gradient(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, int64_t channel,
                       int64_t channels, float *z, int64_t point_step);
void winograd_gradient_near(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros,
                            int64_t channel, int64_t channels, float *z);

/* Weights [k][n][3][3], strides in floats (the taps are dense); turned: read by 180 degrees. */
typedef struct winograd_weights {
    int64_t n, k_stride, n_stride;
    bool turned;
    bool narrow; /* packed in binary16 */
} winograd_weights;

/* G g G^T of rows row .. end - 1 of one panel of columns: point p of row k, column c goes to
 * u[p * point_step + k * GEMM_NR + c]; zeros behind the last column. */
void winograd_pack(const winograd_weights *weights, const float *w, int64_t panel, int64_t row, int64_t end, void *u,
                   int64_t point_step);

#if WINOGRAD_TILE == 4

/* G^T u G, u being 36 sums at `step`. */
static inline void winograd_taps(const float *sums, int64_t step, vf taps[9])
{
    vf u[6], g[3], half[3][6];
    for (int x = 0; x < 6; x++) {
        for (int y = 0; y < 6; y++) u[y] = vload(sums + (y * 6 + x) * step);
        winograd_gt(u, g);
        for (int y = 0; y < 3; y++) half[y][x] = g[y];
    }
    for (int y = 0; y < 3; y++) winograd_gt(half[y], taps + y * 3);
}

/* Gradients of the nine taps, lanes being inputs, to [input][tap]. */
static inline void winograd_put_taps(const vf taps[9], int lanes, float *to)
{
    for (int at = 0; at < 9; at += VF_WIDTH) {
        const int n = 9 - at < VF_WIDTH ? 9 - at : VF_WIDTH;
        vf x[VF_WIDTH];
        for (int i = 0; i < VF_WIDTH; i++) x[i] = i < n ? taps[at + i] : (vf){0};
        vturn(x);
        for (int i = 0; i < lanes; i++) vstore_n(to + i * 9 + at, n, x[i]);
    }
}

#endif

/* An image batch that tiles are written to, and what happens to a value on its way. */
typedef struct winograd_target {
    float *data;
    int64_t height, width, channels;
    int64_t tiles_y, tiles_x;
    const float *bias;     /* [channels] or NULL */
    const float *residual; /* laid out as data, or NULL */
    bool per_image;        /* residual is one pixel an image */
    int32_t act;
} winograd_target;

/* Where one tile lies in the target. */
typedef struct winograd_spot {
    int64_t rows, columns; /* pixels inside the target */
    int64_t at;            /* first float of the first pixel */
    int64_t residual;      /* its first float in the residual */
} winograd_spot;

winograd_spot winograd_spot_of(const winograd_target *t, int64_t tile);

/* A^T m A of at most GEMM_NR channels from `channel` on: point p of channel + c is at m[p * GEMM_NR + c], and whole vectors
 * may be read. */
void winograd_put(const winograd_target *t, const winograd_spot *spot, const float *m, int64_t channel,
                  int64_t channels);

/* Is it a 3x3 convolution of stride 1, dilation 1, one group? Float32, but x of a weight gradient may be bf16. */
bool winograd_fits(const ito_kernel *k);
bool winograd_fits_weight(const ito_kernel *k);

/* Worth it against a direct convolution? Tiles that hang over the target's edge and few source channels eat the gain; for a
 * tile or two the weights, four times as large, take longer to read than the products that they save. */
bool winograd_pays(int64_t source_channels, ito_shape target);

#endif
