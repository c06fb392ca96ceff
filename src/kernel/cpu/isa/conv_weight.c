/* Weight gradients of convolutions of any kind: dw = im2col(x)^T dy, a product whose reduction runs over all pixels.
 *
 * The pixels are cut into `parts` and the rows of dw (tap, channel) into blocks; every (group, part, block) is a slice
 * that sums its pixels, CHUNK at a time, into a matrix of its own. Afterwards the parts are added in order and turned
 * into the state-dict layout. Parts and blocks depend on the shape alone, so the sums do not depend on threads. */
#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/conv_fill.h"

#define CHUNK     256 /* pixels: a packed panel of dy stays in the first-level cache */
#define MOST_ROWS 192 /* of dw in a block: CHUNK rows of them stay in the second-level cache */
#define ENOUGH    24  /* slices */

typedef struct weight {
    conv_view view;
    int64_t groups, k, n; /* dw of one group is [k, n] */
    int64_t ld;           /* n rounded up */
    int64_t pixels, parts, part_pixels;
    int64_t blocks, block_rows;
    int64_t buffer_ld; /* of the im2col buffer [CHUNK][block_rows] */
    bool plain;
} weight;

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Floats of one thread: the im2col buffer and a panel of dy. */
static int64_t scratch_floats(const weight *s)
{
    return CHUNK * (s->buffer_ld + GEMM_NR);
}

static ito_status prepare(ito_kernel *k)
{
    if (!ito__conv_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    ito_shape dy = k->in[1].shape;
    weight *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->view = (conv_view){.y = ito__conv_axis_forward(attr, 0, dy.d[1]),
                          .x = ito__conv_axis_forward(attr, 1, dy.d[2]),
                          .images = dy.d[0],
                          .channels = attr->x_shape.d[3],
                          .reduce = attr->w_shape.d[1]};
    s->plain = ito__conv_view_is_plain(&s->view);
    s->groups = attr->groups;
    s->k = conv_view_reduction(&s->view);
    s->n = dy.d[3] / attr->groups;
    s->ld = gemm_panels(s->n) * GEMM_NR;
    s->pixels = conv_view_pixels(&s->view);
    s->block_rows = ITO_MAX(1, ceil_div(s->k, ITO_MAX(1, ceil_div(s->k, MOST_ROWS))));
    s->blocks = ceil_div(s->k, s->block_rows);
    s->buffer_ld = s->block_rows + 16;
    int64_t chunks = ITO_MAX(1, ceil_div(s->pixels, CHUNK));
    s->parts = ITO_MIN(chunks, ceil_div(ENOUGH, ITO_MAX(1, s->groups * s->blocks)));
    s->part_pixels = ceil_div(chunks, s->parts) * CHUNK;
    s->parts = ITO_MAX(1, ceil_div(s->pixels, s->part_pixels));
    int64_t floats = ITO_MAX(1, k->n_threads) * scratch_floats(s) + s->parts * s->groups * s->k * s->ld;
    k->workspace_bytes = (size_t)floats * sizeof(float);
    return ITO_OK;
}

typedef struct job {
    const weight *s;
    const float *x, *dy;
    float *dw, *scratch, *sums; /* sums [part][group][k][ld] */
} job;

static void sum_chunk(const job *j, float *scratch, int64_t group, int64_t row, int64_t pixel, int64_t n_pixels,
                      bool first, float *sum)
{
    const weight *s = j->s;
    int64_t rows = ITO_MIN(s->block_rows, s->k - row), channels = s->groups * s->n;
    float *panel = scratch + CHUNK * s->buffer_ld;
    conv_source source = {&s->view, j->x + group * s->view.reduce};
    gemm_block g = {.m = rows, .k = n_pixels, .by_columns = true, .b = panel, .ldc = s->ld, .accumulate = !first};
    g.a = s->plain ? source.data + pixel * s->view.channels + row : scratch;
    g.lda = s->plain ? s->view.channels : s->buffer_ld;
    if (!s->plain) conv_fill(&source, pixel, n_pixels, row, row + rows, scratch, s->buffer_ld);
    for (int64_t column = 0; column < s->n; column += GEMM_NR) {
        gemm_pack(n_pixels, ITO_MIN(GEMM_NR, s->n - column), j->dy + pixel * channels + group * s->n + column, channels,
                  1, panel);
        g.n = GEMM_NR; /* missing columns are zero in the panel and have room in the sum */
        g.c = sum + column;
        gemm_run(&g);
    }
}

static void sum_part(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const weight *s = j->s;
    int64_t row = slice % s->blocks * s->block_rows, part_group = slice / s->blocks;
    int64_t first = part_group / s->groups * s->part_pixels, last = ITO_MIN(s->pixels, first + s->part_pixels);
    float *sum = j->sums + (part_group * s->k + row) * s->ld;
    float *scratch = j->scratch + thread * scratch_floats(s);
    int64_t pixel = first;
    do {
        int64_t n = ITO_MIN(CHUNK, last - pixel);
        sum_chunk(j, scratch, part_group % s->groups, row, pixel, n, pixel == first, sum);
        pixel += CHUNK;
    } while (pixel < last);
}

/* Adds the parts of VF_WIDTH columns of one group and writes them as dw[column][channel][tap]. */
static void gather(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const weight *s = j->s;
    int64_t vectors = ceil_div(s->n, VF_WIDTH), group = slice / vectors, column = slice % vectors * VF_WIDTH;
    int64_t n = ITO_MIN(VF_WIDTH, s->n - column), taps = s->view.y.taps * s->view.x.taps;
    float *dw = j->dw + (group * s->n + column) * s->k;
    for (int64_t row = 0; row < s->k; row++) {
        const float *sum = j->sums + (group * s->k + row) * s->ld + column;
        vf total = vload(sum);
        for (int64_t part = 1; part < s->parts; part++) total += vload(sum + part * s->groups * s->k * s->ld);
        int64_t at = row % s->view.reduce * taps + row / s->view.reduce;
        for (int64_t i = 0; i < n; i++) dw[i * s->k + at] = total[i];
    }
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    (void)packed;
    const weight *s = k->state;
    float *scratch = workspace;
    job j = {s, in[0], in[1], out[0], scratch, scratch + ITO_MAX(1, k->n_threads) * scratch_floats(s)};
    ito__parallel(q, s->groups * s->parts * s->blocks, sum_part, &j);
    ito__parallel(q, s->groups * ceil_div(s->n, VF_WIDTH), gather, &j);
}

static const ito_kernel_def defs[] = {
    {.op = "conv2d_grad_weight", .name = "direct", .prepare = prepare, .run = run},
};

extern const ito_isa_family ITO_ISA_FN(ito__cpu_conv_weight);
const ito_isa_family ITO_ISA_FN(ito__cpu_conv_weight) = {ITO_COUNT(defs), defs};
