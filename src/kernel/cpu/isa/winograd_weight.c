/* Winograd weight gradient: dw = G^T [sum over tiles of (A dy A^T) . (B^T d B)] G, the sums being 36 products
 * [outputs, tiles] x [tiles, inputs]. Chunk by chunk, all threads first transform tiles of x and dy; then blocks of the 36
 * products are slices that add to their piece of the only sums. Chunks follow one another in order, so no sum crosses
 * threads in an order of its own. winograd_blocks.c is the other order of work. */
#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/isa/winograd.h"

#define MOST_TILES  GEMM_KC /* of a chunk: as long as one part of a reduction */
#define TURN        4       /* tiles that a slice transforms */
#define MOST_PANELS 8       /* of a block's columns */

typedef struct weight {
    winograd_tiling x, dy;
    int64_t m, n;                     /* dw is [m outputs][n inputs][3][3] */
    int64_t chunk;                    /* tiles */
    int64_t lds;                      /* row stride of the sums: n rounded up */
    int64_t ldz;                      /* floats from tile to tile of transformed dy */
    int64_t z_step, v_step, sum_step; /* between the 36 matrices */
    int64_t columns, n_columns;       /* blocks */
} weight;

/* n things in as few even shares of at most `most` as possible: the size of a share. */
static int64_t even_share(int64_t n, int64_t most)
{
    return ITO_MAX(1, div_up(n, ITO_MAX(1, div_up(n, most))));
}

/* The workspace: a pixel of zeros; transformed dy [36][chunk][ldz]; transformed x [36][panel][chunk][GEMM_NR];
 * sums [36][m][lds]. */
static int64_t zeros_floats(const weight *s)
{
    return div_up(ITO_MAX(s->m, s->n), 16) * 16;
}

static void cut(weight *s)
{
    s->lds = gemm_panels(s->n) * GEMM_NR;
    s->columns = even_share(gemm_panels(s->n), MOST_PANELS) * GEMM_NR;
    s->n_columns = div_up(s->n, s->columns);
    s->chunk = even_share(winograd_tiles(&s->x), MOST_TILES);
    s->ldz = winograd_step(s->m);
    s->z_step = winograd_step(s->chunk * s->ldz);
    s->v_step = winograd_step(s->chunk * s->lds);
    s->sum_step = winograd_step(s->m * s->lds);
}

static ito_status prepare_any(ito_kernel *k)
{
    if (!winograd_fits_weight(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    ito_shape dy = k->in[1].shape;
    weight *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->x = winograd_tiling_of(attr->x_shape, attr->pad_before, dy);
    s->x.narrow = k->in[0].dtype == ITO_BF16;
    s->dy = winograd_tiling_of(dy, (const int64_t[]){0, 0}, dy);
    s->m = dy.d[3];
    s->n = attr->x_shape.d[3];
    cut(s);
    int64_t floats = zeros_floats(s) + WINOGRAD_POINTS * (s->z_step + s->v_step + s->sum_step) +
                     ITO_MAX(1, k->n_threads) * gemm_tiles_floats(s->m, s->chunk);
    k->workspace_bytes = (size_t)floats * sizeof(float);
    return ITO_OK;
}

static ito_status prepare(ito_kernel *k)
{
    return winograd_pays(k->in[0].shape.d[3], k->in[1].shape) ? prepare_any(k) : ITO_UNSUPPORTED;
}

typedef struct job {
    const weight *s;
    const void *x;
    const float *dy;
    float *dw, *zeros, *z, *v, *sums, *buffers;
    int64_t tile0, n_tiles; /* the chunk */
} job;

static void transform(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const weight *s = j->s;
    int64_t end = ITO_MIN(j->n_tiles, (slice + 1) * TURN);
    for (int64_t i = slice * TURN; i < end; i++) {
        winograd_source(&s->x, j->x, j->tile0 + i, j->zeros, 0, s->n, j->v + i * GEMM_NR, s->v_step,
                        j->n_tiles * GEMM_NR);
        winograd_gradient(&s->dy, j->dy, j->tile0 + i, j->zeros, 0, s->m, j->z + i * s->ldz, s->z_step);
    }
}

static void multiply(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const weight *s = j->s;
    int64_t point = slice / s->n_columns, column = slice % s->n_columns * s->columns;
    gemm_run(&(gemm_block){.m = s->m,
                           .n = ITO_MIN(s->columns, s->lds - column),
                           .k = j->n_tiles,
                           .a = j->z + point * s->z_step,
                           .lda = s->ldz,
                           .layout = GEMM_BY_COLUMNS,
                           .buffer = j->buffers + thread * gemm_tiles_floats(s->m, s->chunk),
                           .wide_panels = true,
                           .b = j->v + point * s->v_step + column * j->n_tiles,
                           .c = j->sums + point * s->sum_step + column,
                           .ldc = s->lds,
                           .accumulate = j->tile0 > 0});
}

/* G^T u G for all inputs of one output. */
static void finish(void *arg, int64_t row, int thread)
{
    (void)thread;
    const job *j = arg;
    const weight *s = j->s;
    for (int64_t c = 0; c < s->n; c += VF_WIDTH) {
        vf taps[9];
        winograd_taps(j->sums + row * s->lds + c, s->sum_step, taps);
        winograd_put_taps(taps, (int)ITO_MIN(VF_WIDTH, s->n - c), j->dw + (row * s->n + c) * 9);
    }
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    (void)packed;
    const weight *s = k->state;
    int64_t tiles = winograd_tiles(&s->x);
    job j = {.s = s, .x = in[0], .dy = in[1], .dw = out[0], .zeros = workspace};
    j.z = j.zeros + zeros_floats(s);
    j.v = j.z + WINOGRAD_POINTS * s->z_step;
    j.sums = j.v + WINOGRAD_POINTS * s->v_step;
    j.buffers = j.sums + WINOGRAD_POINTS * s->sum_step;
    memset(j.zeros, 0, (size_t)zeros_floats(s) * sizeof *j.zeros);
    for (; j.tile0 < tiles; j.tile0 += s->chunk) {
        j.n_tiles = ITO_MIN(s->chunk, tiles - j.tile0);
        ito__parallel(q, div_up(j.n_tiles, TURN), transform, &j);
        ito__parallel(q, WINOGRAD_POINTS * s->n_columns, multiply, &j);
    }
    ito__parallel(q, s->m, finish, &j);
}

#define WEIGHT(fit)                                                                                                    \
    {                                                                                                                  \
        .op = "conv2d_grad_weight", .name = "winograd4", .prepare = fit, .run = run                                    \
    }
static const ito_kernel_def defs[] = {WEIGHT(prepare)};

ITO_ISA_FAMILY(winograd_weight, defs);

/* The same for any shape, found only by name. */
static const ito_kernel_def by_name[] = {WEIGHT(prepare_any)};

ITO_ISA_FAMILY(winograd_weight_by_name, by_name);
