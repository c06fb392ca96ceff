/* The way out of a Winograd convolution: A^T m A of one tile's products, then bias, residual and activation. */
#include "kernel/cpu/isa/winograd.h"

#include "kernel/cpu/isa/vact.h"

#define INLINE static inline __attribute__((always_inline))

/* What happens to a value of the target; constants where it matters. */
typedef struct finish {
    bool full; /* all pixels of the tile are inside */
    int n;     /* channels of the vector */
    int32_t act;
} finish;

/* The first pixel of the tile in the target, and in the residual or NULL. */
typedef struct corner {
    float *data;
    const float *residual;
    int64_t row_step, pixel_step;
    int64_t residual_row_step, residual_pixel_step;
    int64_t rows, columns;
} corner;

INLINE void put_line(const corner *to, finish f, const vf half[WINOGRAD_SPAN], vf bias, int y)
{
    vf out[WINOGRAD_TILE];
    winograd_at(half, out);
    float *pixel = to->data + y * to->row_step;
    const float *residual = to->residual + (to->residual ? y * to->residual_row_step : 0);
    for (int x = 0; x < WINOGRAD_TILE; x++) {
        if (!f.full && x >= to->columns) break;
        vf v = out[x] + bias;
        if (to->residual) v += f.n == VF_WIDTH ? vload(residual) : vload_n(residual, f.n);
        v = vact(f.act, v);
        if (f.n == VF_WIDTH)
            vstore(pixel, v);
        else
            vstore_n(pixel, f.n, v);
        pixel += to->pixel_step;
        if (to->residual) residual += to->residual_pixel_step;
    }
}

INLINE void put_vector(const corner *to, finish f, const float *m, vf bias)
{
    vf in[WINOGRAD_SPAN], out[WINOGRAD_TILE], half[WINOGRAD_TILE][WINOGRAD_SPAN];
    for (int x = 0; x < WINOGRAD_SPAN; x++) {
        for (int y = 0; y < WINOGRAD_SPAN; y++) in[y] = vload(m + (y * WINOGRAD_SPAN + x) * GEMM_NR);
        winograd_at(in, out);
        for (int y = 0; y < WINOGRAD_TILE; y++) half[y][x] = out[y];
    }
    for (int y = 0; y < WINOGRAD_TILE; y++) {
        if (!f.full && y >= to->rows) break;
        put_line(to, f, half[y], bias, y);
    }
}

winograd_spot winograd_spot_of(const winograd_target *t, int64_t tile)
{
    const winograd_place w = winograd_place_of(t->tiles_y, t->tiles_x, tile);
    int64_t at = ((w.image * t->height + w.y) * t->width + w.x) * t->channels;
    return (winograd_spot){.rows = ITO_MIN(WINOGRAD_TILE, t->height - w.y),
                           .columns = ITO_MIN(WINOGRAD_TILE, t->width - w.x),
                           .at = at,
                           .residual = t->per_image ? w.image * t->channels : at};
}

void winograd_put(const winograd_target *t, const winograd_spot *spot, const float *m, int64_t channel,
                  int64_t channels)
{
    int64_t row_step = t->width * t->channels, pixel_step = t->channels;
    corner to = {.data = t->data + spot->at + channel,
                 .residual = t->residual ? t->residual + spot->residual + channel : NULL,
                 .row_step = row_step,
                 .pixel_step = pixel_step,
                 .residual_row_step = t->per_image ? 0 : row_step,
                 .residual_pixel_step = t->per_image ? 0 : pixel_step,
                 .rows = spot->rows,
                 .columns = spot->columns};
    bool full = to.rows == WINOGRAD_TILE && to.columns == WINOGRAD_TILE && t->act == ITO_UNARY_identity;
    const float *bias = t->bias ? t->bias + channel : NULL;
    for (int64_t c = 0; c < channels; c += VF_WIDTH) {
        int n = (int)ITO_MIN(VF_WIDTH, channels - c);
        vf b = bias ? vload_n(bias + c, n) : (vf){0};
        if (full && n == VF_WIDTH)
            put_vector(&to, (finish){true, VF_WIDTH, ITO_UNARY_identity}, m + c, b);
        else
            put_vector(&to, (finish){false, n, t->act}, m + c, b);
        to.data += VF_WIDTH;
        if (to.residual) to.residual += VF_WIDTH;
    }
}
