/* The way out of a Winograd convolution: A^T m A of one tile's products, then bias, residual and activation. */
#include "kernel/cpu/isa/winograd.h"

#include "kernel/cpu/isa/vact.h"

/* Where one tile lies in the target. */
typedef struct tile_place {
    int64_t rows, columns; /* pixels inside the target */
    int64_t at;            /* first float of the first pixel */
    int64_t row_step, pixel_step;
    int64_t residual; /* its first float, and steps, for the residual */
    int64_t residual_row_step, residual_pixel_step;
} tile_place;

#define INLINE static inline __attribute__((always_inline))

/* n channels; `full` (all pixels are inside), n and act are constants where it matters */
INLINE void put_vector(const winograd_target *t, const tile_place *p, const float *m, int64_t point_step,
                       int64_t channel, int n, int32_t act, bool full)
{
    vf in[WINOGRAD_SPAN], out[WINOGRAD_TILE], half[WINOGRAD_TILE][WINOGRAD_SPAN];
    for (int x = 0; x < WINOGRAD_SPAN; x++) {
        for (int y = 0; y < WINOGRAD_SPAN; y++) in[y] = vload(m + (y * WINOGRAD_SPAN + x) * point_step);
        winograd_at(in, out);
        for (int y = 0; y < WINOGRAD_TILE; y++) half[y][x] = out[y];
    }
    vf bias = t->bias ? vload_n(t->bias + channel, n) : (vf){0};
    for (int y = 0; y < WINOGRAD_TILE; y++) {
        if (!full && y >= p->rows) break;
        winograd_at(half[y], out);
        for (int x = 0; x < WINOGRAD_TILE; x++) {
            if (!full && x >= p->columns) break;
            int64_t at = p->at + y * p->row_step + x * p->pixel_step + channel;
            vf v = out[x] + bias;
            if (t->residual) {
                const float *r =
                    t->residual + p->residual + y * p->residual_row_step + x * p->residual_pixel_step + channel;
                v += n == VF_WIDTH ? vload(r) : vload_n(r, n);
            }
            v = vact(act, v);
            if (n == VF_WIDTH)
                vstore(t->data + at, v);
            else
                vstore_n(t->data + at, n, v);
        }
    }
}

static tile_place find_place(const winograd_target *t, int64_t tile)
{
    const winograd_place w = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    tile_place p = {.rows = ITO_MIN(WINOGRAD_TILE, t->height - w.y),
                    .columns = ITO_MIN(WINOGRAD_TILE, t->width - w.x),
                    .at = ((w.image * t->height + w.y) * t->width + w.x) * t->channels,
                    .row_step = t->width * t->channels,
                    .pixel_step = t->channels};
    p.residual = t->per_image ? w.image * t->channels : p.at;
    p.residual_row_step = t->per_image ? 0 : p.row_step;
    p.residual_pixel_step = t->per_image ? 0 : p.pixel_step;
    return p;
}

void winograd_put(const winograd_target *t, int64_t tile, const float *m, int64_t point_step, int64_t channel,
                  int64_t channels)
{
    const tile_place p = find_place(t, tile);
    bool full = p.rows == WINOGRAD_TILE && p.columns == WINOGRAD_TILE && t->act == ITO_UNARY_identity;
    for (int64_t c = 0; c < channels; c += VF_WIDTH) {
        int n = (int)ITO_MIN(VF_WIDTH, channels - c);
        if (full && n == VF_WIDTH)
            put_vector(t, &p, m + c, point_step, channel + c, VF_WIDTH, ITO_UNARY_identity, true);
        else
            put_vector(t, &p, m + c, point_step, channel + c, n, t->act, false);
    }
}
