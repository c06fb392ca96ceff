/* Winograd weight gradient: dw = G^T [sum over tiles of (A dy A^T) . (B^T d B)] G, the sums being 36 products
 * [outputs, tiles] x [tiles, inputs], in two orders of work:
 *
 *   winograd4-parts  the tiles are cut into a few parts by shape alone; a slice is one part: chunk by chunk it transforms
 *                    some of its tiles and adds their products to sums of its own, all in the second-level cache. The
 *                    parts are added in order at the end. For few channels.
 *   winograd4        chunk by chunk, all threads first transform tiles of x and dy; then blocks of the 36 products are
 *                    slices that add to their piece of the only sums. Chunks follow one another in order.
 *
 * So no sum crosses threads in an order of its own. */
#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/winograd.h"

#define MOST_TILES   GEMM_KC /* of a chunk: as long as one part of a reduction */
#define TURN         4       /* tiles that a slice transforms */
#define MOST_PANELS  8       /* of a block's columns */
#define PARTS        8       /* enough for many threads, few enough to add */
#define CACHE_FLOATS 131072  /* wanted size of the transformed tiles of one chunk of a part */

typedef struct weight {
    winograd_tiling x, dy;
    int64_t m, n;                     /* dw is [m outputs][n inputs][3][3] */
    int64_t parts;                    /* 1: all threads work at the same chunk */
    int64_t part, chunk;              /* tiles of a part and of a chunk of it */
    int64_t lds;                      /* row stride of the sums: n rounded up */
    int64_t z_step, v_step, sum_step; /* between the 36 matrices */
    int64_t columns, n_columns;       /* blocks */
} weight;

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* n things in as few even shares of at most `most` as possible: the size of a share. */
static int64_t even_share(int64_t n, int64_t most)
{
    return ITO_MAX(1, ceil_div(n, ITO_MAX(1, ceil_div(n, most))));
}

/* The workspace: a pixel of zeros; then, of each thread when there are parts, transformed dy [36][tile of
 * rows][chunk][GEMM_MR] and transformed x [36][panel][chunk][GEMM_NR]; then, of each part, sums [36][m][lds]. */
static int64_t zeros_floats(const weight *s)
{
    return ceil_div(ITO_MAX(s->m, s->n), 16) * 16;
}

static int64_t chunk_floats(const weight *s)
{
    return WINOGRAD_POINTS * (s->z_step + s->v_step);
}

static int64_t n_chunks_at_once(const ito_kernel *k)
{
    return ((const weight *)k->state)->parts > 1 ? ITO_MAX(1, k->n_threads) : 1;
}

static int64_t workspace_floats(const ito_kernel *k)
{
    const weight *s = k->state;
    return zeros_floats(s) + n_chunks_at_once(k) * chunk_floats(s) + s->parts * WINOGRAD_POINTS * s->sum_step;
}

static winograd_tiling tiling(ito_shape image, const int64_t pad[2], ito_shape dy)
{
    return (winograd_tiling){.images = image.d[0],
                             .height = image.d[1],
                             .width = image.d[2],
                             .channels = image.d[3],
                             .tiles_y = ceil_div(dy.d[1], 4),
                             .tiles_x = ceil_div(dy.d[2], 4),
                             .pad_y = pad[0],
                             .pad_x = pad[1]};
}

static void cut(weight *s, bool parts)
{
    int64_t tiles = winograd_tiles(&s->x), rows = gemm_tile_count(s->m) * GEMM_MR, most = MOST_TILES;
    s->lds = gemm_panels(s->n) * GEMM_NR;
    s->columns = even_share(gemm_panels(s->n), MOST_PANELS) * GEMM_NR;
    s->n_columns = ceil_div(s->n, s->columns);
    s->part = parts ? ITO_MAX(1, ceil_div(tiles, PARTS)) : tiles;
    s->parts = ITO_MAX(1, ceil_div(tiles, s->part));
    if (s->parts > 1) most = ITO_MIN(most, ITO_MAX(16, CACHE_FLOATS / (WINOGRAD_POINTS * (rows + s->lds))));
    s->chunk = even_share(s->part, most);
    s->z_step = winograd_step(s->chunk * rows);
    s->v_step = winograd_step(s->chunk * s->lds);
    s->sum_step = winograd_step(s->m * s->lds);
}

static ito_status make(ito_kernel *k, bool parts)
{
    if (!winograd_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    ito_shape dy = k->in[1].shape;
    weight *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->x = tiling(attr->x_shape, attr->pad_before, dy);
    s->dy = tiling(dy, (const int64_t[]){0, 0}, dy);
    s->m = dy.d[3];
    s->n = attr->x_shape.d[3];
    cut(s, parts);
    k->workspace_bytes = (size_t)workspace_floats(k) * sizeof(float);
    return ITO_OK;
}

static ito_status prepare_any(ito_kernel *k)
{
    return make(k, false);
}

static ito_status prepare_any_parts(ito_kernel *k)
{
    return make(k, true);
}

static ito_status prepare(ito_kernel *k)
{
    return winograd_pays(k->attr, k->in[1].shape) ? prepare_any(k) : ITO_UNSUPPORTED;
}

/* Sums must leave the second-level cache room for a chunk, and a part must have enough tiles to be worth sums. */
static bool parts_pay(const ito_attr_conv *attr, ito_shape dy)
{
    int64_t tiles = dy.d[0] * ceil_div(dy.d[1], 4) * ceil_div(dy.d[2], 4);
    return attr->w_shape.d[0] * attr->w_shape.d[1] <= 96 * 96 && tiles >= 32 * PARTS;
}

static ito_status prepare_parts(ito_kernel *k)
{
    bool pays = winograd_pays(k->attr, k->in[1].shape) && parts_pay(k->attr, k->in[1].shape);
    return pays ? prepare_any_parts(k) : ITO_UNSUPPORTED;
}

/* A chunk of tiles on its way into one part's sums. */
typedef struct chunk {
    int64_t tile0, n_tiles;
    float *z, *v, *sums;
    bool accumulate;
} chunk;

typedef struct job {
    const weight *s;
    const float *x, *dy;
    float *dw, *zeros, *buffers, *sums;
    chunk shared; /* by all threads, without parts */
} job;

/* A dy A^T of n channels of one tile of 16 pixels. */
static inline void dy_vector(const float *const *pixels, int64_t channel, int n, float *z, int64_t point_step)
{
    vf d[4], column[6], t[6][4];
    for (int x = 0; x < 4; x++) {
        for (int y = 0; y < 4; y++) d[y] = vload_n(pixels[y * 4 + x] + channel, n);
        winograd_a(d, column);
        for (int y = 0; y < 6; y++) t[y][x] = column[y];
    }
    for (int y = 0; y < 6; y++) {
        winograd_a(t[y], column);
        for (int x = 0; x < 6; x++) vstore_n(z + (y * 6 + x) * point_step, n, column[x]);
    }
}

/* All channels of one tile of the image, in the product's tiles of GEMM_MR rows; z is its place in the first one. */
static void transform_dy(const weight *s, const float *const *pixels, float *z, int64_t n_tiles)
{
    for (int64_t i = 0; i < gemm_tile_count(s->m); i++, z += n_tiles * GEMM_MR) {
        int64_t channel = gemm_tile_row(s->m, i), rows = gemm_tile_row(s->m, i + 1) - channel;
        for (int64_t at = 0; at < rows; at += VF_WIDTH)
            dy_vector(pixels, channel + at, (int)ITO_MIN(VF_WIDTH, rows - at), z + at, s->z_step);
    }
}

/* Tiles first .. end - 1 of a chunk. */
static void transform_tiles(const job *j, const chunk *c, int64_t first, int64_t end)
{
    const weight *s = j->s;
    for (int64_t i = first; i < end; i++) {
        const float *pixels[16];
        winograd_source(&s->x, j->x, c->tile0 + i, j->zeros, c->v + i * GEMM_NR, s->v_step, c->n_tiles * GEMM_NR);
        winograd_patch(&s->dy, j->dy, c->tile0 + i, 4, j->zeros, pixels);
        transform_dy(s, pixels, c->z + i * GEMM_MR, c->n_tiles);
    }
}

static void multiply_block(const weight *s, const chunk *c, int64_t point, int64_t column, int64_t columns)
{
    gemm_run(&(gemm_block){.m = s->m,
                           .n = ITO_MIN(columns, s->lds - column),
                           .k = c->n_tiles,
                           .a = c->z + point * s->z_step,
                           .tiled = true,
                           .wide_panels = true,
                           .b = c->v + point * s->v_step + column * c->n_tiles,
                           .c = c->sums + point * s->sum_step + column,
                           .ldc = s->lds,
                           .accumulate = c->accumulate});
}

static void transform(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    transform_tiles(j, &j->shared, slice * TURN, ITO_MIN(j->shared.n_tiles, (slice + 1) * TURN));
}

static void multiply(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const weight *s = j->s;
    multiply_block(s, &j->shared, slice / s->n_columns, slice % s->n_columns * s->columns, s->columns);
}

static void run_together(job *j, const ito_queue *q)
{
    const weight *s = j->s;
    int64_t tiles = winograd_tiles(&s->x);
    chunk *c = &j->shared;
    *c = (chunk){.z = j->buffers, .v = j->buffers + WINOGRAD_POINTS * s->z_step, .sums = j->sums};
    for (; c->tile0 < tiles; c->tile0 += s->chunk) {
        c->n_tiles = ITO_MIN(s->chunk, tiles - c->tile0);
        c->accumulate = c->tile0 > 0;
        ito__parallel(q, ceil_div(c->n_tiles, TURN), transform, j);
        ito__parallel(q, WINOGRAD_POINTS * s->n_columns, multiply, j);
    }
}

static void run_part(void *arg, int64_t part, int thread)
{
    const job *j = arg;
    const weight *s = j->s;
    int64_t first = part * s->part, end = ITO_MIN(first + s->part, winograd_tiles(&s->x));
    chunk c = {.z = j->buffers + thread * chunk_floats(s), .sums = j->sums + part * WINOGRAD_POINTS * s->sum_step};
    c.v = c.z + WINOGRAD_POINTS * s->z_step;
    for (c.tile0 = first; c.tile0 < end; c.tile0 += s->chunk) {
        c.n_tiles = ITO_MIN(s->chunk, end - c.tile0);
        c.accumulate = c.tile0 > first;
        transform_tiles(j, &c, 0, c.n_tiles);
        for (int64_t p = 0; p < WINOGRAD_POINTS; p++) multiply_block(s, &c, p, 0, s->lds);
    }
}

/* What all parts add up to, in order. */
static inline vf total(const weight *s, const float *sum)
{
    vf x = vload(sum);
    for (int64_t part = 1; part < s->parts; part++) x += vload(sum + part * WINOGRAD_POINTS * s->sum_step);
    return x;
}

/* G^T u G for all inputs of one output. */
static void finish(void *arg, int64_t row, int thread)
{
    (void)thread;
    const job *j = arg;
    const weight *s = j->s;
    for (int64_t c = 0; c < s->n; c += VF_WIDTH) {
        const float *sum = j->sums + row * s->lds + c;
        vf u[6], g[3], half[3][6];
        for (int x = 0; x < 6; x++) {
            for (int y = 0; y < 6; y++) u[y] = total(s, sum + (y * 6 + x) * s->sum_step);
            winograd_gt(u, g);
            for (int y = 0; y < 3; y++) half[y][x] = g[y];
        }
        for (int y = 0; y < 3; y++) {
            winograd_gt(half[y], g);
            for (int x = 0; x < 3; x++)
                for (int64_t i = 0; i < ITO_MIN(VF_WIDTH, s->n - c); i++)
                    j->dw[(row * s->n + c + i) * 9 + y * 3 + x] = g[x][i];
        }
    }
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    (void)packed;
    const weight *s = k->state;
    job j = {.s = s, .x = in[0], .dy = in[1], .dw = out[0], .zeros = workspace};
    j.buffers = j.zeros + zeros_floats(s);
    j.sums = j.buffers + n_chunks_at_once(k) * chunk_floats(s);
    memset(j.zeros, 0, (size_t)zeros_floats(s) * sizeof *j.zeros);
    if (s->parts > 1)
        ito__parallel(q, s->parts, run_part, &j);
    else
        run_together(&j, q);
    ito__parallel(q, s->m, finish, &j);
}

#define WEIGHT(text, fit)                                                                                              \
    {                                                                                                                  \
        .op = "conv2d_grad_weight", .name = text, .prepare = fit, .run = run                                           \
    }
static const ito_kernel_def defs[] = {
    WEIGHT("winograd4-parts", prepare_parts),
    WEIGHT("winograd4", prepare),
};

ITO_ISA_FAMILY(winograd_weight, defs);

/* The same for any shape, found only by name. */
static const ito_kernel_def by_name[] = {
    WEIGHT("winograd4", prepare_any),
    WEIGHT("winograd4-parts", prepare_any_parts),
};

ITO_ISA_FAMILY(winograd_weight_by_name, by_name);
