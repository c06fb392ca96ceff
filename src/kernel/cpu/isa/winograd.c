/* Winograd convolution, forward and for the input gradient (the forward pass with the weights turned by 180 degrees and
 * their channels exchanged). A slice is a block of tiles times a block of target channels: it transforms the patches of
 * its tiles, multiplies 36 times and transforms back with bias, residual and activation; its buffers stay in the
 * second-level cache. */
#include "kernel/cpu/isa/winograd.h"
#include "kernel/cpu/isa.h"

#include "kernel/cpu/isa/vact.h"

#define CACHE_FLOATS 262144 /* wanted size of a slice's two buffers */
#define ENOUGH       8      /* slices */
#define PACK_ROWS    32     /* reduced channels transformed by one slice of pack() */

typedef struct winograd {
    winograd_tiling source;
    int64_t k, n;                               /* channels of source and target */
    int64_t height, width;                      /* of the target */
    int64_t k_stride, n_stride, tap_step, tap0; /* of the weights: tap t is at tap0 + t * tap_step */
    int64_t tiles, n_tiles;                     /* of a slice, and slices */
    int64_t columns, n_columns;
    int64_t ldv, ldm;               /* row strides of the transformed source and of the products */
    int64_t v_step, m_step, u_step; /* between the 36 matrices: source, products, packed weights */
} winograd;

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Floats of a thread: transformed source [36][tiles][ldv], products [36][tiles][ldm], one pixel of zeros. */
static int64_t scratch_floats(const winograd *s)
{
    return WINOGRAD_POINTS * (s->v_step + s->m_step) + ceil_div(s->k, 16) * 16;
}

static void cut(winograd *s)
{
    int64_t total = winograd_tiles(&s->source), panels = gemm_panels(s->n), blocks = 1;
    int64_t tiles = CACHE_FLOATS / (WINOGRAD_POINTS * (s->k + s->n)) / GEMM_MR * GEMM_MR;
    tiles = ITO_MIN(ITO_MAX(tiles, 24), 96);
    while (tiles > 24 && ceil_div(total, tiles) < ENOUGH) tiles -= GEMM_MR;
    blocks = ITO_MAX(1, ceil_div(total, tiles));
    int64_t share = ITO_MAX(1, ceil_div(panels, ITO_MIN(panels, ceil_div(ENOUGH, blocks))));
    s->columns = share * GEMM_NR;
    s->n_columns = ceil_div(panels, share);
    while (tiles > 12 && ceil_div(total, tiles) * s->n_columns < ENOUGH) tiles -= GEMM_MR;
    s->tiles = ITO_MAX(1, ceil_div(total, ITO_MAX(1, ceil_div(total, tiles)))); /* even blocks */
    s->n_tiles = ceil_div(total, s->tiles);
    s->ldv = ceil_div(s->k, 16) * 16 + 16; /* off the powers of two */
    s->ldm = ITO_MIN(s->columns, panels * GEMM_NR) + 16;
    s->v_step = winograd_step(s->tiles * s->ldv);
    s->m_step = winograd_step(s->tiles * s->ldm);
    s->u_step = winograd_step(panels * GEMM_NR * s->k);
}

static void plan(ito_kernel *k, winograd *s)
{
    s->k = s->source.channels;
    s->height = k->out[0].shape.d[1];
    s->width = k->out[0].shape.d[2];
    s->n = k->out[0].shape.d[3];
    s->source.tiles_y = ceil_div(s->height, 4);
    s->source.tiles_x = ceil_div(s->width, 4);
    cut(s);
    k->workspace_bytes = (size_t)ITO_MAX(1, k->n_threads) * (size_t)scratch_floats(s) * sizeof(float);
    *(k->frozen & 2 ? &k->packed_bytes : &k->workspace_bytes) += WINOGRAD_POINTS * (size_t)s->u_step * sizeof(float);
}

static winograd_tiling tiling(ito_shape source, int64_t pad_y, int64_t pad_x)
{
    return (winograd_tiling){.images = source.d[0],
                             .height = source.d[1],
                             .width = source.d[2],
                             .channels = source.d[3],
                             .pad_y = pad_y,
                             .pad_x = pad_x};
}

static ito_status prepare_any(ito_kernel *k)
{
    if (!winograd_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    winograd *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->source = tiling(k->in[0].shape, attr->pad_before[0], attr->pad_before[1]);
    s->k_stride = 9;
    s->n_stride = attr->w_shape.d[1] * 9;
    s->tap_step = 1;
    plan(k, s);
    return ITO_OK;
}

static ito_status prepare_any_grad(ito_kernel *k)
{
    if (!winograd_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    winograd *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->source = tiling(k->in[0].shape, 2 - attr->pad_before[0], 2 - attr->pad_before[1]);
    s->k_stride = attr->w_shape.d[1] * 9;
    s->n_stride = 9;
    s->tap0 = 8;
    s->tap_step = -1;
    plan(k, s);
    return ITO_OK;
}

static ito_status prepare(ito_kernel *k)
{
    return winograd_pays(k->attr, k->out[0].shape) ? prepare_any(k) : ITO_UNSUPPORTED;
}

static ito_status prepare_grad(ito_kernel *k)
{
    return winograd_pays(k->attr, k->out[0].shape) ? prepare_any_grad(k) : ITO_UNSUPPORTED;
}

typedef struct job {
    const ito_kernel *k;
    const float *source, *w, *packed, *bias, *residual;
    float *target, *to_pack, *scratch;
    int32_t act;
} job;

/* G g G^T for n columns of one row of the packed weights. */
static void pack_vector(const winograd *s, const float *w, int64_t n, float *u, int64_t point_step)
{
    float lanes[9][VF_WIDTH];
    if (n < VF_WIDTH) memset(lanes, 0, sizeof lanes);
    for (int64_t j = 0; j < n; j++)
        for (int t = 0; t < 9; t++) lanes[t][j] = w[j * s->n_stride + s->tap0 + t * s->tap_step];
    vf columns[3][6], g[3], point[6];
    for (int x = 0; x < 3; x++) {
        for (int y = 0; y < 3; y++) g[y] = vload(lanes[y * 3 + x]);
        winograd_g(g, columns[x]);
    }
    for (int y = 0; y < 6; y++) {
        for (int x = 0; x < 3; x++) g[x] = columns[x][y];
        winograd_g(g, point);
        for (int x = 0; x < 6; x++) vstore(u + (y * 6 + x) * point_step, point[x]);
    }
}

static void pack_rows(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const winograd *s = j->k->state;
    int64_t column = slice % gemm_panels(s->n) * GEMM_NR, row = slice / gemm_panels(s->n) * PACK_ROWS;
    int64_t end = ITO_MIN(s->k, row + PACK_ROWS);
    for (; row < end; row++)
        for (int64_t at = 0; at < GEMM_NR; at += VF_WIDTH)
            pack_vector(s, j->w + row * s->k_stride + (column + at) * s->n_stride,
                        ITO_MAX(0, ITO_MIN(VF_WIDTH, s->n - column - at)),
                        j->to_pack + column * s->k + row * GEMM_NR + at, s->u_step);
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    const winograd *s = k->state;
    job j = {.k = k, .w = in[1], .to_pack = packed};
    ito__parallel(q, gemm_panels(s->n) * ceil_div(s->k, PACK_ROWS), pack_rows, &j);
}

/* One tile's way out: A^T m A for n target channels, then what is fused. */
typedef struct out_tile {
    int64_t rows, columns; /* pixels inside the target */
    int64_t at;            /* first float of the tile's first pixel */
    int64_t row_step, pixel_step;
} out_tile;

static inline __attribute__((always_inline)) void put_vector(const job *j, const out_tile *t, const float *m,
                                                             int64_t point_step, int64_t channel, int n, int32_t act)
{
    vf in[6], out[4], half[4][6];
    for (int x = 0; x < 6; x++) {
        for (int y = 0; y < 6; y++) in[y] = vload(m + (y * 6 + x) * point_step);
        winograd_at(in, out);
        for (int y = 0; y < 4; y++) half[y][x] = out[y];
    }
    vf bias = j->bias ? vload_n(j->bias + channel, n) : (vf){0};
    for (int64_t y = 0; y < t->rows; y++) {
        winograd_at(half[y], out);
        for (int64_t x = 0; x < t->columns; x++) {
            int64_t at = t->at + y * t->row_step + x * t->pixel_step + channel;
            vf v = out[x] + bias;
            if (j->residual) v += vload_n(j->residual + at, n);
            vstore_n(j->target + at, n, vact(act, v));
        }
    }
}

static void put_tile(const job *j, int64_t tile, const float *m, int64_t point_step, int64_t column, int64_t columns)
{
    const winograd *s = j->k->state;
    int64_t x = tile % s->source.tiles_x * 4, y = tile / s->source.tiles_x % s->source.tiles_y * 4;
    int64_t image = tile / s->source.tiles_x / s->source.tiles_y;
    const out_tile t = {.rows = ITO_MIN(4, s->height - y),
                        .columns = ITO_MIN(4, s->width - x),
                        .at = ((image * s->height + y) * s->width + x) * s->n,
                        .row_step = s->width * s->n,
                        .pixel_step = s->n};
    for (int64_t c = 0; c < columns; c += VF_WIDTH) {
        int n = (int)ITO_MIN(VF_WIDTH, columns - c);
        if (n == VF_WIDTH && j->act == ITO_UNARY_identity)
            put_vector(j, &t, m + c, point_step, column + c, VF_WIDTH, ITO_UNARY_identity);
        else
            put_vector(j, &t, m + c, point_step, column + c, n, j->act);
    }
}

static void run_slice(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    int64_t tile0 = slice / s->n_columns * s->tiles, column = slice % s->n_columns * s->columns;
    int64_t n_tiles = ITO_MIN(s->tiles, winograd_tiles(&s->source) - tile0);
    int64_t columns = ITO_MIN(s->columns, s->n - column);
    float *v = j->scratch + thread * scratch_floats(s), *m = v + WINOGRAD_POINTS * s->v_step;
    float *zeros = m + WINOGRAD_POINTS * s->m_step;
    memset(zeros, 0, (size_t)s->k * sizeof *zeros);
    for (int64_t i = 0; i < n_tiles; i++) {
        const float *pixels[36];
        winograd_patch(&s->source, j->source, tile0 + i, 6, zeros, pixels);
        winograd_source(pixels, s->k, v + i * s->ldv, s->v_step, 0);
    }
    for (int64_t p = 0; p < WINOGRAD_POINTS; p++)
        gemm_run(&(gemm_block){.m = n_tiles,
                               .n = ceil_div(columns, VF_WIDTH) * VF_WIDTH, /* the panels hold zeros there */
                               .k = s->k,
                               .a = v + p * s->v_step,
                               .lda = s->ldv,
                               .b = j->packed + p * s->u_step + column * s->k,
                               .wide_panels = true,
                               .c = m + p * s->m_step,
                               .ldc = s->ldm});
    for (int64_t i = 0; i < n_tiles; i++) put_tile(j, tile0 + i, m + i * s->ldm, s->m_step, column, columns);
}

static void run_all(job *j, const ito_queue *q, const void *const *in, void *workspace)
{
    const winograd *s = j->k->state;
    j->scratch = workspace;
    if (!(j->k->frozen & 2)) {
        float *packed = j->scratch + ITO_MAX(1, j->k->n_threads) * scratch_floats(s);
        pack(j->k, q, in, packed);
        j->packed = packed;
    }
    ito__parallel(q, s->n_tiles * s->n_columns, run_slice, j);
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    const ito_attr_conv *attr = k->attr;
    job j = {.k = k, .source = in[0], .packed = packed, .target = out[0], .act = attr->act};
    if (attr->has_bias) j.bias = in[2];
    if (attr->has_residual) j.residual = in[2 + attr->has_bias];
    run_all(&j, q, in, workspace);
}

static void run_grad(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                     const void *packed)
{
    job j = {.k = k, .source = in[0], .packed = packed, .target = out[0]};
    run_all(&j, q, in, workspace);
}

static const ito_kernel_def defs[] = {
    {.op = "conv2d", .name = "winograd4", .prepare = prepare, .pack = pack, .run = run},
    {.op = "conv2d_grad_input", .name = "winograd4", .prepare = prepare_grad, .pack = pack, .run = run_grad},
};

ITO_ISA_FAMILY(winograd, defs);

/* The same for any shape: listed behind the direct convolutions, so found only by name. */
static const ito_kernel_def by_name[] = {
    {.op = "conv2d", .name = "winograd4", .prepare = prepare_any, .pack = pack, .run = run},
    {.op = "conv2d_grad_input", .name = "winograd4", .prepare = prepare_any_grad, .pack = pack, .run = run_grad},
};

ITO_ISA_FAMILY(winograd_by_name, by_name);
