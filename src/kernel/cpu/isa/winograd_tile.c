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

/* n channels from c on; n and `inside` are constants where it matters */
static inline __attribute__((always_inline)) void source_vector(const patch *p, int64_t c, int n, bool inside, float *v,
                                                                int64_t point_step)
{
    vf d[6], column[6], t[6][6];
    for (int x = 0; x < 6; x++) {
        for (int y = 0; y < 6; y++) {
            const float *at = inside ? p->corner + y * p->row_step + x * p->pixel_step + c : p->pixels[y * 6 + x] + c;
            d[y] = n == VF_WIDTH ? vload(at) : vload_n(at, n);
        }
        winograd_bt(d, column);
        for (int y = 0; y < 6; y++) t[y][x] = column[y];
    }
    for (int y = 0; y < 6; y++) {
        winograd_bt(t[y], d);
        for (int x = 0; x < 6; x++)
            if (n == VF_WIDTH)
                vstore(v + (y * 6 + x) * point_step, d[x]);
            else
                vstore_n(v + (y * 6 + x) * point_step, n, d[x]);
    }
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

void winograd_source(const winograd_tiling *t, const float *image, int64_t tile, const float *zeros, float *v,
                     int64_t point_step, int64_t panel_step)
{
    patch p;
    bool inside = find_inside(t, image, tile, &p);
    if (!inside) winograd_patch(t, image, tile, 6, zeros, p.pixels);
    for (int64_t c = 0; c < t->channels; c += VF_WIDTH) {
        float *to = v + (panel_step ? c / GEMM_NR * panel_step + c % GEMM_NR : c);
        if (t->channels - c < VF_WIDTH)
            source_vector(&p, c, (int)(t->channels - c), inside, to, point_step);
        else if (inside)
            source_vector(&p, c, VF_WIDTH, true, to, point_step);
        else
            source_vector(&p, c, VF_WIDTH, false, to, point_step);
    }
}

bool winograd_fits(const ito_kernel *k)
{
    const ito_attr_conv *a = k->attr;
    if (!ito__conv_fits(k) || a->groups != 1 || a->w_shape.d[2] != 3 || a->w_shape.d[3] != 3) return false;
    for (int i = 0; i < 2; i++)
        if (a->stride[i] != 1 || a->dilation[i] != 1) return false;
    return true;
}

bool winograd_pays(const ito_attr_conv *attr, ito_shape target)
{
    int64_t tiles = (target.d[1] + 3) / 4 * ((target.d[2] + 3) / 4);
    /* 9 products per output against 36 per tile, and the transforms */
    bool full = target.d[1] * target.d[2] >= 6 * tiles;
    return full && attr->w_shape.d[0] >= 16 && attr->w_shape.d[1] >= 16;
}

bool winograd_is_wide(const ito_attr_conv *attr)
{
    return attr->w_shape.d[0] * attr->w_shape.d[1] >= 192 * 192;
}
