/* Weight gradients of convolutions of any kind: dw = dy^T im2col(x), a product whose reduction runs over all pixels.
 *
 * The pixels are cut into `parts` and dw into blocks of rows (output channels) and columns (tap, channel); every (group,
 * part, block) is a slice that sums its pixels, CHUNK at a time, into a matrix of its own. Afterwards the parts are
 * added in order and turned into the state-dict layout. Parts and blocks depend on the shape alone, so the sums do not
 * depend on threads.
 *
 * A matrix product a^T b with a long reduction (the weight gradient of a linear layer) is the 1x1 case of the same. */
#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/conv_fill.h"

#define CHUNK       GEMM_KC /* pixels */
#define MOST_ROWS   128     /* of a block */
#define MOST_PANELS 8       /* columns of a block: CHUNK rows of them stay in the second-level cache */
#define TURN        32      /* pixels */
#define ENOUGH      24      /* slices */

typedef struct weight {
    conv_view view;
    int64_t groups, m, n; /* dw of one group is [m, n] */
    int64_t ld;           /* n rounded up */
    int64_t pixels, parts, part_pixels;
    gemm_grid grid;
    bool plain; /* rows of im2col are pixels of x */
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

/* Of a thread: tiles of dy, then panels of im2col. */
static int64_t tiles_floats(const weight *s)
{
    return gemm_buffer_floats(s->grid.rows, CHUNK);
}

static int64_t scratch_floats(const weight *s)
{
    return tiles_floats(s) + CHUNK * s->grid.columns;
}

static void cut(weight *s)
{
    s->grid.rows = even_share(s->m, MOST_ROWS);
    s->grid.n_rows = ceil_div(s->m, s->grid.rows);
    s->grid.columns = even_share(gemm_panels(s->n), MOST_PANELS) * GEMM_NR;
    s->grid.n_columns = ceil_div(s->n, s->grid.columns);
    int64_t chunks = ITO_MAX(1, ceil_div(s->pixels, CHUNK));
    int64_t blocks = ITO_MAX(1, s->groups * s->grid.n_rows * s->grid.n_columns);
    s->part_pixels = ceil_div(chunks, ITO_MIN(chunks, ceil_div(ENOUGH, blocks))) * CHUNK;
    s->parts = ITO_MAX(1, ceil_div(s->pixels, s->part_pixels));
}

/* After view and groups are set. */
static void plan(ito_kernel *k, weight *s, int64_t channels)
{
    s->m = channels / s->groups;
    s->n = conv_view_reduction(&s->view);
    s->plain = ito__conv_view_is_plain(&s->view);
    s->ld = gemm_panels(s->n) * GEMM_NR;
    s->pixels = conv_view_pixels(&s->view);
    cut(s);
    int64_t floats = ITO_MAX(1, k->n_threads) * scratch_floats(s) + s->parts * s->groups * s->m * s->ld;
    k->workspace_bytes = (size_t)floats * sizeof(float);
}

static ito_status prepare(ito_kernel *k)
{
    if (!ito__conv_fits_weight(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    ito_shape dy = k->in[1].shape;
    weight *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->view = (conv_view){.y = ito__conv_axis_forward(attr, 0, dy.d[1]),
                          .x = ito__conv_axis_forward(attr, 1, dy.d[2]),
                          .images = dy.d[0],
                          .channels = attr->x_shape.d[3],
                          .reduce = attr->w_shape.d[1]};
    s->groups = attr->groups;
    plan(k, s, dy.d[3]);
    return ITO_OK;
}

/* One a [K, M] and one b [K, N], nothing fused, K long. */
static bool is_long_product(const ito_kernel *k)
{
    const ito_attr_matmul *attr = k->attr;
    bool plain = attr->trans_a && !attr->trans_b && k->n_in == 2 && attr->act == ITO_UNARY_identity;
    bool floats = k->in[0].dtype == ITO_F32 && k->in[1].dtype == ITO_F32 && k->out[0].dtype == ITO_F32;
    ito_shape a = k->in[0].shape, b = k->in[1].shape;
    return plain && floats && a.n_dims == 2 && b.n_dims == 2 && a.d[0] >= 2 * CHUNK;
}

static ito_status prepare_matmul(ito_kernel *k)
{
    if (!is_long_product(k)) return ITO_UNSUPPORTED;
    ito_shape a = k->in[0].shape, b = k->in[1].shape;
    weight *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    const conv_axis one = {.taps = 1, .kernel_step = 1, .step = 1, .offset_step = 1, .source = 1, .grid = 1};
    s->view = (conv_view){.y = one, .x = one, .images = a.d[0], .channels = b.d[1], .reduce = b.d[1]};
    s->groups = 1;
    plan(k, s, a.d[1]);
    return ITO_OK;
}

typedef struct job {
    const weight *s;
    conv_source x;
    const float *dy;
    float *dw, *scratch, *sums; /* sums [part][group][m][ld] */
} job;

/* Columns column .. column + columns - 1 of n_pixels rows of im2col, as panels. A few pixels at a time, so that they stay
 * in the first-level cache until all panels have taken their share. */
static void fill_panels(const conv_source *source, int64_t pixel, int64_t n_pixels, int64_t column, int64_t columns,
                        float *panels)
{
    for (int64_t i = 0; i < n_pixels; i += TURN)
        for (int64_t at = 0; at < columns; at += GEMM_NR)
            conv_fill(source, pixel + i, ITO_MIN(TURN, n_pixels - i), column + at,
                      column + ITO_MIN(at + GEMM_NR, columns), panels + at * n_pixels + i * GEMM_NR, GEMM_NR);
}

/* The same where the rows of im2col are the pixels, in whole panels. */
static void copy_panels(const float *pixels, int64_t channels, int64_t n_pixels, int64_t columns, float *panels)
{
    for (int64_t i = 0; i < n_pixels; i++, pixels += channels, panels += GEMM_NR) {
        __builtin_prefetch(pixels + 8 * channels);
        for (int64_t at = 0; at < columns; at += GEMM_NR) {
            vstore(panels + at * n_pixels, vload(pixels + at));
            vstore(panels + at * n_pixels + VF_WIDTH, vload(pixels + at + VF_WIDTH));
        }
    }
}

static void sum_part(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const weight *s = j->s;
    int64_t column = slice % s->grid.n_columns * s->grid.columns;
    int64_t row = slice / s->grid.n_columns % s->grid.n_rows * s->grid.rows;
    int64_t part_group = slice / (s->grid.n_columns * s->grid.n_rows), group = part_group % s->groups;
    int64_t pixel = part_group / s->groups * s->part_pixels, end = ITO_MIN(s->pixels, pixel + s->part_pixels);
    int64_t columns = ITO_MIN(s->grid.columns, s->n - column), channels = s->groups * s->m;
    float *scratch = j->scratch + thread * scratch_floats(s), *panels = scratch + tiles_floats(s);
    conv_source source = conv_source_from(&j->x, group * s->view.reduce);
    gemm_block g = {.m = ITO_MIN(s->grid.rows, s->m - row),
                    .n = columns,
                    .lda = channels,
                    .layout = GEMM_BY_COLUMNS,
                    .wide_panels = true,
                    .buffer = scratch,
                    .b = panels,
                    .c = j->sums + (part_group * s->m + row) * s->ld + column,
                    .ldc = s->ld};
    do {
        g.k = ITO_MIN(CHUNK, end - pixel);
        g.a = j->dy + pixel * channels + group * s->m + row;
        if (s->plain && !source.narrow && columns % GEMM_NR == 0)
            copy_panels(source.data + pixel * s->view.channels + column, s->view.channels, g.k, columns, panels);
        else
            fill_panels(&source, pixel, g.k, column, columns, panels);
        gemm_run(&g);
        g.accumulate = true;
        pixel += CHUNK;
    } while (pixel < end);
}

/* Adds the parts of one row and writes it as dw[row][channel][tap]. */
static void gather(void *arg, int64_t row, int thread)
{
    (void)thread;
    const job *j = arg;
    const weight *s = j->s;
    int64_t taps = s->view.y.taps * s->view.x.taps, part_size = s->groups * s->m * s->ld, channel = 0, tap = 0;
    const float *sums = j->sums + row * s->ld;
    for (int64_t column = 0; column < s->n; column += VF_WIDTH) {
        vf total = vload(sums + column);
        for (int64_t part = 1; part < s->parts; part++) total += vload(sums + part * part_size + column);
        for (int64_t i = 0; i < ITO_MIN(VF_WIDTH, s->n - column); i++) {
            j->dw[row * s->n + channel * taps + tap] = total[i];
            if (++channel < s->view.reduce) continue;
            channel = 0;
            tap++;
        }
    }
}

/* x is input `which`. */
static void run_all(const ito_kernel *k, const ito_queue *q, int which, const void *const *in, float *dw,
                    float *workspace)
{
    const weight *s = k->state;
    conv_source x = conv_source_of(&s->view, k->in[which].dtype, in[which]);
    job j = {s, x, in[1 - which], dw, workspace, workspace + (int64_t)ITO_MAX(1, k->n_threads) * scratch_floats(s)};
    ito__parallel(q, s->groups * s->parts * s->grid.n_rows * s->grid.n_columns, sum_part, &j);
    ito__parallel(q, s->groups * s->m, gather, &j);
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    (void)packed;
    run_all(k, q, 0, in, out[0], workspace);
}

static void run_matmul(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out,
                       void *workspace, const void *packed)
{
    (void)packed;
    run_all(k, q, 1, in, out[0], workspace);
}

static const ito_kernel_def defs[] = {
    {.op = "conv2d_grad_weight", .name = "direct", .prepare = prepare, .run = run},
    {.op = "matmul", .name = "long", .prepare = prepare_matmul, .run = run_matmul},
};

ITO_ISA_FAMILY(conv_weight, defs);
