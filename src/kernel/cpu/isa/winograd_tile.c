/* What the Winograd kernels share: which pixels a patch has, the transform of the source, when to use them at all. */
#include "kernel/cpu/conv_view.h"
#include "kernel/cpu/isa/winograd.h"

/* Addresses of the pixels of patch number `tile`, span x span of them; those outside the image point at `zeros`. */
static void wide_patch(const winograd_tiling *t, const float *image, int64_t tile, int span, const float *zeros,
                       const float **pixels)
{
    const winograd_place at = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    int64_t y0 = at.y - t->pad_y, x0 = at.x - t->pad_x;
    const float *row = image + ((at.image * t->height + y0) * t->width + x0) * t->channels;
    for (int y = 0; y < span; y++, row += t->width * t->channels) {
        bool outside = (uint64_t)(y0 + y) >= (uint64_t)t->height;
        for (int x = 0; x < span; x++)
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
    int64_t ahead; /* from here to the patch of the next tile */
    const float *pixels[WINOGRAD_POINTS];
    const uint16_t *narrow[WINOGRAD_POINTS];
} patch;

#define INLINE static inline __attribute__((always_inline))

/* Hides where a pointer comes from: of three dozen addresses, compilers keep every one in a register of its own, and have not so
 * many; from the beginning of a row they are an offset away. */
INLINE const float *opaque(const float *p)
{
    __asm__("" : "+r"(p));
    return p;
}

INLINE vf load_n(const float *at, int n)
{
    return n == VF_WIDTH ? vload(at) : vload_n(at, n);
}

INLINE void load_narrow_row(const patch *p, int span, int y, int64_t c, int n, vf d[WINOGRAD_SPAN])
{
    for (int x = 0; x < span; x++) {
        const uint16_t *at = p->narrow[y * span + x] + c;
        d[x] = n == VF_WIDTH ? vwiden(vh_load(at)) : vwiden(vh_load_n(at, n));
    }
}

/* `span` pixels of row y, n channels of each from c on; n, span and place are constants where it matters, here and below. And asks
 * for the pixels of the row that the next tile adds: a few lines of each row are no stream that the processor fetches
 * ahead by itself. */
INLINE void load_row(const patch *p, patch_place place, int span, int y, int64_t c, int n, vf d[WINOGRAD_SPAN])
{
    if (place == NARROW) {
        load_narrow_row(p, span, y, c, n, d);
        return;
    }
    const float *row = opaque(p->corner + y * p->row_step + c);
    const float *next = opaque(row + p->ahead + (span - WINOGRAD_TILE) * p->pixel_step);
    for (int x = 0; x < WINOGRAD_TILE; x++) __builtin_prefetch(next + x * p->pixel_step);
    for (int x = 0; x < span; x++)
        d[x] = load_n(place == INSIDE ? row + x * p->pixel_step : p->pixels[y * span + x] + c, n);
}

INLINE void store_n(float *to, int n, vf x)
{
    if (n == VF_WIDTH)
        vstore(to, x);
    else
        vstore_n(to, n, x);
}

/* n channels from c on; point_step is a constant where it matters, here and below */
INLINE void source_vector(const patch *p, int64_t c, int n, patch_place place, float *v, int64_t point_step)
{
    vf d[WINOGRAD_SPAN], t[WINOGRAD_SPAN][WINOGRAD_SPAN], point[WINOGRAD_SPAN];
    for (int y = 0; y < WINOGRAD_SPAN; y++) {
        load_row(p, place, WINOGRAD_SPAN, y, c, n, d);
        winograd_bt(d, point);
        for (int x = 0; x < WINOGRAD_SPAN; x++) t[x][y] = point[x];
    }
    for (int x = 0; x < WINOGRAD_SPAN; x++) {
        winograd_bt(t[x], point);
        for (int y = 0; y < WINOGRAD_SPAN; y++) store_n(v + (y * WINOGRAD_SPAN + x) * point_step, n, point[y]);
    }
}

/* The patch of a tile, `span` pixels high and wide, and what kind it is. */
static patch_place find_patch(const winograd_tiling *t, const void *image, int64_t tile, int span, const float *zeros,
                              patch *p)
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
    bool last = at.x + WINOGRAD_TILE >= t->width;
    p->ahead = last ? WINOGRAD_TILE * p->row_step - at.x * p->pixel_step : WINOGRAD_TILE * p->pixel_step;
    if (y >= 0 && x >= 0 && y + span <= t->height && x + span <= t->width) return INSIDE;
    wide_patch(t, image, tile, span, zeros, p->pixels);
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
    switch (find_patch(t, image, tile, WINOGRAD_SPAN, zeros, &p)) {
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

void winograd_source_near(const winograd_tiling *t, const void *image, int64_t tile, const float *zeros,
                          int64_t channel, int64_t channels, float *v, int64_t panel_step)
{
    source_patch(t, image, tile, zeros, channel, channels, v, (layout){GEMM_NR, GEMM_NR, panel_step});
}

#if WINOGRAD_TILE == 4

bool winograd_pays(int64_t source_channels, ito_shape target)
{
    int64_t tiles = (target.d[1] + 3) / 4 * ((target.d[2] + 3) / 4);
    /* 9 products per output against 36 per tile, and the transforms */
    bool full = target.d[1] * target.d[2] >= 6 * tiles;
    return full && tiles * target.d[0] >= 4 && source_channels >= 16;
}

/* A dy A^T of n channels. */
INLINE void gradient_vector(const patch *p, patch_place place, int64_t c, int n, float *z, int64_t point_step)
{
    vf d[6], t[6][4], point[6];
    for (int y = 0; y < 4; y++) {
        load_row(p, place, 4, y, c, n, d);
        winograd_a(d, point);
        for (int x = 0; x < 6; x++) t[x][y] = point[x];
    }
    for (int x = 0; x < 6; x++) {
        winograd_a(t[x], point);
        for (int y = 0; y < 6; y++) store_n(z + (y * 6 + x) * point_step, n, point[y]);
    }
}

/* place is a constant */
INLINE void gradient_channels(const patch *p, patch_place place, int64_t channel, int64_t channels, float *z,
                              int64_t point_step)
{
    int64_t c = 0;
    for (; c + VF_WIDTH <= channels; c += VF_WIDTH) gradient_vector(p, place, channel + c, VF_WIDTH, z + c, point_step);
    if (c < channels) gradient_vector(p, place, channel + c, (int)(channels - c), z + c, point_step);
}

INLINE void gradient_tile(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros,
                          int64_t channel, int64_t channels, float *z, int64_t point_step)
{
    patch p;
    if (find_patch(t, image, tile, WINOGRAD_TILE, zeros, &p) == INSIDE)
        gradient_channels(&p, INSIDE, channel, channels, z, point_step);
    else
        gradient_channels(&p, BORDER, channel, channels, z, point_step);
}

void winograd_gradient(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, int64_t channel,
                       int64_t channels, float *z, int64_t point_step)
{
    gradient_tile(t, image, tile, zeros, channel, channels, z, point_step);
}

void winograd_gradient_near(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros,
                            int64_t channel, int64_t channels, float *z)
{
    gradient_tile(t, image, tile, zeros, channel, channels, z, WINOGRAD_ROWS);
}

#endif
