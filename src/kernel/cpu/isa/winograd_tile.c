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

/* The pixels of a patch: all of them at fixed steps, or each at an address of its own where some lie outside. */
typedef struct patch {
    const float *corner;
    int64_t row_step, pixel_step;
    const float *pixels[36];
} patch;

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const patch *p, int y, int x, int64_t c, int n, bool inside)
{
    const float *at = inside ? p->corner + y * p->row_step + x * p->pixel_step + c : p->pixels[y * 6 + x] + c;
    return n == VF_WIDTH ? vload(at) : vload_n(at, n);
}

INLINE void store_row(const vf row[6], int n, float *v, int64_t point_step)
{
    vf point[6];
    winograd_bt(row, point);
    for (int x = 0; x < 6; x++)
        if (n == VF_WIDTH)
            vstore(v + x * point_step, point[x]);
        else
            vstore_n(v + x * point_step, n, point[x]);
}

/* n channels from c on; n and `inside` are constants where it matters */
INLINE void source_vector(const patch *p, int64_t c, int n, bool inside, float *v, int64_t point_step)
{
    vf d[6], column[6], t[6][6];
    for (int x = 0; x < 6; x++) {
        for (int y = 0; y < 6; y++) d[y] = load(p, y, x, c, n, inside);
        winograd_bt(d, column);
        for (int y = 0; y < 6; y++) t[y][x] = column[y];
    }
    for (int y = 0; y < 6; y++) store_row(t[y], n, v + y * 6 * point_step, point_step);
}

INLINE void pair_vector(const patch *p, int pair, int64_t c, int n, bool inside, float *v, int64_t point_step)
{
    vf d[6], a[6], b[6];
    for (int x = 0; x < 6; x++) {
        for (int y = !!pair; y < 6 - !!pair; y++) d[y] = load(p, y, x, c, n, inside);
        winograd_bt_pair(pair, d, &a[x], &b[x]);
    }
    store_row(a, n, v, point_step);
    store_row(b, n, v + 6 * point_step, point_step);
}

/* The patch when it lies inside the image: false when part of it does not. */
static bool find_inside(const winograd_tiling *t, const float *image, int64_t tile, patch *p)
{
    const winograd_place at = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    int64_t y = at.y - t->pad_y, x = at.x - t->pad_x;
    p->corner = image + ((at.image * t->height + y) * t->width + x) * t->channels;
    p->row_step = t->width * t->channels;
    p->pixel_step = t->channels;
    return y >= 0 && x >= 0 && y + 6 <= t->height && x + 6 <= t->width;
}

void winograd_source(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, int64_t channel,
                     int64_t channels, float *v, int64_t point_step, int64_t panel, int64_t panel_step)
{
    patch p;
    bool inside = find_inside(t, image, tile, &p);
    if (!inside) winograd_patch(t, image, tile, 6, zeros, p.pixels);
    for (int64_t c = 0; c < channels; c += VF_WIDTH) {
        float *to = v + c / panel * panel_step + c % panel;
        if (channels - c < VF_WIDTH)
            source_vector(&p, channel + c, (int)(channels - c), inside, to, point_step);
        else if (inside)
            source_vector(&p, channel + c, VF_WIDTH, true, to, point_step);
        else
            source_vector(&p, channel + c, VF_WIDTH, false, to, point_step);
    }
}

/* pair is a constant */
INLINE void pair_channels(const patch *p, int pair, bool inside, int64_t channel, int64_t channels, float *v,
                          int64_t point_step, int64_t panel_step)
{
    for (int64_t c = 0; c < channels; c += VF_WIDTH) {
        float *to = v + c / GEMM_NR * panel_step + c % GEMM_NR;
        if (channels - c < VF_WIDTH)
            pair_vector(p, pair, channel + c, (int)(channels - c), inside, to, point_step);
        else if (inside)
            pair_vector(p, pair, channel + c, VF_WIDTH, true, to, point_step);
        else
            pair_vector(p, pair, channel + c, VF_WIDTH, false, to, point_step);
    }
}

void winograd_source_pair(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, int pair,
                          int64_t channel, int64_t channels, float *v, int64_t point_step, int64_t panel_step)
{
    patch p;
    bool inside = find_inside(t, image, tile, &p);
    if (!inside) winograd_patch(t, image, tile, 6, zeros, p.pixels);
    if (pair == 0) pair_channels(&p, 0, inside, channel, channels, v, point_step, panel_step);
    if (pair == 1) pair_channels(&p, 1, inside, channel, channels, v, point_step, panel_step);
    if (pair == 2) pair_channels(&p, 2, inside, channel, channels, v, point_step, panel_step);
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

INLINE void gradient_vector(const float *const *pixels, int64_t channel, int n, float *z, int64_t point_step)
{
    vf d[4], column[6], t[6][4];
    for (int x = 0; x < 4; x++) {
        load_line(pixels + x, 4, channel, n, d);
        winograd_a(d, column);
        for (int y = 0; y < 6; y++) t[y][x] = column[y];
    }
    for (int y = 0; y < 6; y++) store_points(t[y], n, z + y * 6 * point_step, point_step);
}

/* pair is a constant */
INLINE void gradient_pair_vector(const float *const *pixels, int pair, int64_t channel, int n, float *z,
                                 int64_t point_step)
{
    vf d[4], a[4], b[4];
    for (int x = 0; x < 4; x++) {
        load_line(pixels + x, 4, channel, n, d);
        winograd_a_pair(pair, d, &a[x], &b[x]);
    }
    store_points(a, n, z, point_step);
    store_points(b, n, z + 6 * point_step, point_step);
}

void winograd_gradient(const float *const *pixels, int64_t channel, int64_t channels, float *z, int64_t point_step)
{
    int64_t c = 0;
    for (; c + VF_WIDTH <= channels; c += VF_WIDTH) gradient_vector(pixels, channel + c, VF_WIDTH, z + c, point_step);
    if (c < channels) gradient_vector(pixels, channel + c, (int)(channels - c), z + c, point_step);
}

INLINE void gradient_pair(const float *const *pixels, int pair, int64_t channel, int64_t channels, float *z,
                          int64_t point_step)
{
    int64_t c = 0;
    for (; c + VF_WIDTH <= channels; c += VF_WIDTH)
        gradient_pair_vector(pixels, pair, channel + c, VF_WIDTH, z + c, point_step);
    if (c < channels) gradient_pair_vector(pixels, pair, channel + c, (int)(channels - c), z + c, point_step);
}

void winograd_gradient_pair(const float *const *pixels, int pair, int64_t channel, int64_t channels, float *z,
                            int64_t point_step)
{
    if (pair == 0) gradient_pair(pixels, 0, channel, channels, z, point_step);
    if (pair == 1) gradient_pair(pixels, 1, channel, channels, z, point_step);
    if (pair == 2) gradient_pair(pixels, 2, channel, channels, z, point_step);
}

bool winograd_fits(const ito_kernel *k)
{
    const ito_attr_conv *a = k->attr;
    if (!ito__conv_fits(k) || a->groups != 1 || a->w_shape.d[2] != 3 || a->w_shape.d[3] != 3) return false;
    for (int i = 0; i < 2; i++)
        if (a->stride[i] != 1 || a->dilation[i] != 1) return false;
    return true;
}

bool winograd_pays(int64_t source_channels, ito_shape target)
{
    int64_t tiles = (target.d[1] + 3) / 4 * ((target.d[2] + 3) / 4);
    /* 9 products per output against 36 per tile, and the transforms */
    bool full = target.d[1] * target.d[2] >= 6 * tiles;
    return full && tiles * target.d[0] >= 4 && source_channels >= 16;
}
