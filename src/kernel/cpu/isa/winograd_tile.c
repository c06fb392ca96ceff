/* What the Winograd kernels share: which pixels a patch has, the transform of the source, when to use them at all. */
#include "kernel/cpu/conv_view.h"
#include "kernel/cpu/isa/winograd.h"

void winograd_patch(const winograd_tiling *t, const float *image, int64_t tile, int size, const float *zeros,
                    const float **pixels)
{
    const winograd_place at = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    int64_t y0 = at.y - t->pad_y, x0 = at.x - t->pad_x;
    const float *row = image + ((at.image * t->height + y0) * t->width + x0) * t->channels;
    for (int y = 0; y < size; y++, row += t->width * t->channels) {
        bool outside = (uint64_t)(y0 + y) >= (uint64_t)t->height;
        for (int x = 0; x < size; x++)
            *pixels++ = outside || (uint64_t)(x0 + x) >= (uint64_t)t->width ? zeros : row + x * t->channels;
    }
}

/* The same for a patch of bf16 images. */
static void narrow_patch(const winograd_tiling *t, const uint16_t *image, int64_t tile, const uint16_t *zeros,
                         const uint16_t *pixels[WINOGRAD_POINTS])
{
    const winograd_place at = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    for (int i = 0; i < WINOGRAD_POINTS; i++) {
        int64_t y = at.y - t->pad_y + i / WINOGRAD_SPAN, x = at.x - t->pad_x + i % WINOGRAD_SPAN;
        bool outside = (uint64_t)y >= (uint64_t)t->height || (uint64_t)x >= (uint64_t)t->width;
        pixels[i] = outside ? zeros : image + ((at.image * t->height + y) * t->width + x) * t->channels;
    }
}

/* The pixels of a patch: all of them at fixed steps, or each at an address of its own where some lie outside or are bf16. */
typedef enum patch_place { INSIDE, BORDER, NARROW } patch_place;

typedef struct patch {
    const float *corner;
    int64_t row_step, pixel_step;
    const float *pixels[WINOGRAD_POINTS];
    const uint16_t *narrow[WINOGRAD_POINTS];
} patch;

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const patch *p, int y, int x, int64_t c, int n, patch_place place)
{
    if (place == NARROW)
        return n == VF_WIDTH ? vwiden(vh_load(p->narrow[y * WINOGRAD_SPAN + x] + c))
                             : vwiden(vh_load_n(p->narrow[y * WINOGRAD_SPAN + x] + c, n));
    const float *at =
        place == INSIDE ? p->corner + y * p->row_step + x * p->pixel_step + c : p->pixels[y * WINOGRAD_SPAN + x] + c;
    return n == VF_WIDTH ? vload(at) : vload_n(at, n);
}

/* point_step is a constant where it matters, here and below */
INLINE void store_row(const vf row[WINOGRAD_SPAN], int n, float *v, int64_t point_step)
{
    vf point[WINOGRAD_SPAN];
    winograd_bt(row, point);
    for (int x = 0; x < WINOGRAD_SPAN; x++)
        if (n == VF_WIDTH)
            vstore(v + x * point_step, point[x]);
        else
            vstore_n(v + x * point_step, n, point[x]);
}

/* The pixels that the patch to the right adds: a few lines of each row are no stream that the processor fetches ahead by
 * itself. */
INLINE void ask_for_next(const patch *p, int64_t c)
{
    const float *next = p->corner + WINOGRAD_SPAN * p->pixel_step + c;
    for (int y = 0; y < WINOGRAD_SPAN; y++)
        for (int x = 0; x < WINOGRAD_TILE; x++) __builtin_prefetch(next + y * p->row_step + x * p->pixel_step);
}

/* n channels from c on; n and `place` are constants where it matters */
INLINE void source_vector(const patch *p, int64_t c, int n, patch_place place, float *v, int64_t point_step)
{
    vf d[WINOGRAD_SPAN], column[WINOGRAD_SPAN], t[WINOGRAD_SPAN][WINOGRAD_SPAN];
    if (place != NARROW) ask_for_next(p, c);
    for (int x = 0; x < WINOGRAD_SPAN; x++) {
        for (int y = 0; y < WINOGRAD_SPAN; y++) d[y] = load(p, y, x, c, n, place);
        winograd_bt(d, column);
        for (int y = 0; y < WINOGRAD_SPAN; y++) t[y][x] = column[y];
    }
    for (int y = 0; y < WINOGRAD_SPAN; y++) store_row(t[y], n, v + y * WINOGRAD_SPAN * point_step, point_step);
}

/* The patch of a tile, and what kind it is. */
static patch_place find_patch(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros, patch *p)
{
    if (t->narrow) {
        narrow_patch(t, image, tile, (const void *)zeros, p->narrow);
        return NARROW;
    }
    const winograd_place at = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    int64_t y = at.y - t->pad_y, x = at.x - t->pad_x;
    p->corner = (const float *)image + ((at.image * t->height + y) * t->width + x) * t->channels;
    p->row_step = t->width * t->channels;
    p->pixel_step = t->channels;
    if (y >= 0 && x >= 0 && y + WINOGRAD_SPAN <= t->height && x + WINOGRAD_SPAN <= t->width) return INSIDE;
    winograd_patch(t, image, tile, WINOGRAD_SPAN, zeros, p->pixels);
    return BORDER;
}

/* Where points and channels of transformed patches go: point p of channel + c to
 * v[p * point_step + c / panel * panel_step + c % panel]. All but panel_step are constants. */
typedef struct layout {
    int64_t point_step, panel, panel_step;
} layout;

/* place and l are constants */
INLINE void source_channels(const patch *p, patch_place place, int64_t channel, int64_t channels, float *v, layout l)
{
    for (int64_t c = 0; c < channels; c += VF_WIDTH) {
        float *to = v + c / l.panel * l.panel_step + c % l.panel;
        if (channels - c < VF_WIDTH)
            source_vector(p, channel + c, (int)(channels - c), place, to, l.point_step);
        else
            source_vector(p, channel + c, VF_WIDTH, place, to, l.point_step);
    }
}

INLINE void source_patch(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros, int64_t channel,
                         int64_t channels, float *v, layout l)
{
    patch p;
    switch (find_patch(t, image, tile, zeros, &p)) {
    case INSIDE: source_channels(&p, INSIDE, channel, channels, v, l); return;
    case BORDER: source_channels(&p, BORDER, channel, channels, v, l); return;
    case NARROW: source_channels(&p, NARROW, channel, channels, v, l); return;
    }
}

void winograd_source(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros, int64_t channel,
                     int64_t channels, float *v, int64_t point_step, int64_t panel_step)
{
    source_patch(t, image, tile, zeros, channel, channels, v, (layout){point_step, GEMM_NR, panel_step});
}

void winograd_source_block(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, float *v)
{
    source_patch(t, image, tile, zeros, 0, t->channels, v,
                 (layout){GEMM_BLOCK, VF_WIDTH, WINOGRAD_POINTS * GEMM_BLOCK});
}

static bool is_3x3(const ito_attr_conv *a)
{
    if (a->groups != 1 || a->w_shape.d[2] != 3 || a->w_shape.d[3] != 3) return false;
    for (int i = 0; i < 2; i++)
        if (a->stride[i] != 1 || a->dilation[i] != 1) return false;
    return true;
}

bool winograd_fits(const ito_kernel *k)
{
    return ito__conv_fits(k) && is_3x3(k->attr);
}

bool winograd_fits_weight(const ito_kernel *k)
{
    return ito__conv_fits_weight(k) && is_3x3(k->attr);
}

#if WINOGRAD_TILE == 4

bool winograd_pays(int64_t source_channels, ito_shape target)
{
    int64_t tiles = (target.d[1] + 3) / 4 * ((target.d[2] + 3) / 4);
    /* 9 products per output against 36 per tile, and the transforms */
    bool full = target.d[1] * target.d[2] >= 6 * tiles;
    return full && tiles * target.d[0] >= 4 && source_channels >= 16;
}

/* ---- of the weight gradient, by pairs of rows ---- */

INLINE void pair_vector(const patch *p, int pair, int64_t c, int n, patch_place place, float *v, int64_t point_step)
{
    vf d[6], a[6], b[6];
    if (place != NARROW) ask_for_next(p, c);
    for (int x = 0; x < 6; x++) {
        for (int y = !!pair; y < 6 - !!pair; y++) d[y] = load(p, y, x, c, n, place);
        winograd_bt_pair(pair, d, &a[x], &b[x]);
    }
    store_row(a, n, v, point_step);
    store_row(b, n, v + 6 * point_step, point_step);
}

/* pair and place are constants */
INLINE void pair_channels(const patch *p, int pair, patch_place place, int64_t channel, int64_t channels, float *v,
                          int64_t point_step, int64_t panel_step)
{
    for (int64_t c = 0; c < channels; c += VF_WIDTH) {
        float *to = v + c / GEMM_NR * panel_step + c % GEMM_NR;
        if (channels - c < VF_WIDTH)
            pair_vector(p, pair, channel + c, (int)(channels - c), place, to, point_step);
        else
            pair_vector(p, pair, channel + c, VF_WIDTH, place, to, point_step);
    }
}

/* place is a constant */
INLINE void any_pair(const patch *p, int pair, patch_place place, int64_t channel, int64_t channels, float *v,
                     int64_t point_step, int64_t panel_step)
{
    if (pair == 0) pair_channels(p, 0, place, channel, channels, v, point_step, panel_step);
    if (pair == 1) pair_channels(p, 1, place, channel, channels, v, point_step, panel_step);
    if (pair == 2) pair_channels(p, 2, place, channel, channels, v, point_step, panel_step);
}

void winograd_source_pair(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros, int pair,
                          int64_t channel, int64_t channels, float *v, int64_t point_step, int64_t panel_step)
{
    patch p;
    switch (find_patch(t, image, tile, zeros, &p)) {
    case INSIDE: any_pair(&p, pair, INSIDE, channel, channels, v, point_step, panel_step); return;
    case BORDER: any_pair(&p, pair, BORDER, channel, channels, v, point_step, panel_step); return;
    case NARROW: any_pair(&p, pair, NARROW, channel, channels, v, point_step, panel_step); return;
    }
}

/* One line of four pixels, n channels of each; n is a constant where it matters. */
INLINE void load_line(const float *const *pixels, int step, int64_t channel, int n, vf d[4])
{
    for (int i = 0; i < 4; i++)
        d[i] = n == VF_WIDTH ? vload(pixels[i * step] + channel) : vload_n(pixels[i * step] + channel, n);
}

INLINE void store_points(const vf line[4], int n, float *z, int64_t point_step)
{
    vf point[6];
    winograd_a(line, point);
    for (int x = 0; x < 6; x++)
        if (n == VF_WIDTH)
            vstore(z + x * point_step, point[x]);
        else
            vstore_n(z + x * point_step, n, point[x]);
}

/* The tile to the right, whose pixels are `ahead` floats away. */
INLINE void ask_for_tile(const float *const *pixels, int64_t ahead, int64_t channel)
{
    for (int i = 0; i < 16; i++) __builtin_prefetch(pixels[i] + ahead + channel);
}

INLINE void gradient_vector(const float *const *pixels, int64_t ahead, int64_t channel, int n, float *z,
                            int64_t point_step)
{
    vf d[4], column[6], t[6][4];
    ask_for_tile(pixels, ahead, channel);
    for (int x = 0; x < 4; x++) {
        load_line(pixels + x, 4, channel, n, d);
        winograd_a(d, column);
        for (int y = 0; y < 6; y++) t[y][x] = column[y];
    }
    for (int y = 0; y < 6; y++) store_points(t[y], n, z + y * 6 * point_step, point_step);
}

/* pair is a constant */
INLINE void gradient_pair_vector(const float *const *pixels, int64_t ahead, int pair, int64_t channel, int n, float *z,
                                 int64_t point_step)
{
    vf d[4], a[4], b[4];
    ask_for_tile(pixels, ahead, channel);
    for (int x = 0; x < 4; x++) {
        load_line(pixels + x, 4, channel, n, d);
        winograd_a_pair(pair, d, &a[x], &b[x]);
    }
    store_points(a, n, z, point_step);
    store_points(b, n, z + 6 * point_step, point_step);
}

void winograd_gradient(const float *const *pixels, int64_t ahead, int64_t channel, int64_t channels, float *z,
                       int64_t point_step)
{
    int64_t c = 0;
    for (; c + VF_WIDTH <= channels; c += VF_WIDTH)
        gradient_vector(pixels, ahead, channel + c, VF_WIDTH, z + c, point_step);
    if (c < channels) gradient_vector(pixels, ahead, channel + c, (int)(channels - c), z + c, point_step);
}

INLINE void gradient_pair(const float *const *pixels, int64_t ahead, int pair, int64_t channel, int64_t channels,
                          float *z, int64_t point_step)
{
    int64_t c = 0;
    for (; c + VF_WIDTH <= channels; c += VF_WIDTH)
        gradient_pair_vector(pixels, ahead, pair, channel + c, VF_WIDTH, z + c, point_step);
    if (c < channels) gradient_pair_vector(pixels, ahead, pair, channel + c, (int)(channels - c), z + c, point_step);
}

void winograd_gradient_pair(const float *const *pixels, int64_t ahead, int pair, int64_t channel, int64_t channels,
                            float *z, int64_t point_step)
{
    if (pair == 0) gradient_pair(pixels, ahead, 0, channel, channels, z, point_step);
    if (pair == 1) gradient_pair(pixels, ahead, 1, channel, channels, z, point_step);
    if (pair == 2) gradient_pair(pixels, ahead, 2, channel, channels, z, point_step);
}

#endif
