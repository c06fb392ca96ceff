/* Winograd weight gradient (see winograd_weight.c) in blocks, for few channels or few tiles.
 *
 * A slice makes a block of outputs times a block of inputs, over one part of the tiles, without leaving the second-level
 * cache: chunk by chunk it transforms tiles and adds their products to its 36 sums. Blocks transform again what others
 * have transformed; that costs less than handing it on through memory.
 *
 * Where blocks are few, the tiles are cut into parts, each a gradient of its own, added in order at the end. Blocks, parts
 * and chunks depend on the shape alone. */
#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/isa/winograd.h"

#define MOST_COLUMNS  96     /* inputs of a block, whose outputs are at most WINOGRAD_ROWS */
#define CACHE_FLOATS  200000 /* wanted size of a slice's sums and transformed tiles */
#define MOST_TILES    32     /* of a chunk */
#define MOST_CHANNELS 128    /* of more, transforming again costs more */
#define LEAST_TILES   16
#define ENOUGH        8 /* slices */
#define TAPS          9

typedef struct weight {
    winograd_tiling x, dy;
    int64_t m, n;          /* dw is [m outputs][n inputs][3][3] */
    int64_t rows, columns; /* of a block, and how many blocks */
    int64_t n_rows, n_columns;
    int64_t parts, part, chunk; /* tiles of a part and of a chunk of it */
    int64_t ldz, ldv;           /* floats from tile to tile of transformed dy and x */
    int64_t z_floats, v_floats; /* of a chunk */
    int64_t sum_step;           /* between the matrices of one element */
} weight;

/* n things in as few even shares of at most `most` as possible: the size of a share, a multiple of `unit`. */
static int64_t even_share(int64_t n, int64_t most, int64_t unit)
{
    return div_up(div_up(n, div_up(n, most)), unit) * unit;
}

static void cut(weight *s)
{
    int64_t tiles = winograd_tiles(&s->x);
    s->rows = even_share(s->m, WINOGRAD_ROWS, 1);
    s->columns = even_share(s->n, MOST_COLUMNS, GEMM_NR);
    s->n_rows = div_up(s->m, s->rows);
    s->n_columns = div_up(s->n, s->columns);
    int64_t fitting = (CACHE_FLOATS / WINOGRAD_POINTS - s->rows * s->columns) / (s->rows + s->columns);
    int64_t most = ITO_MAX(LEAST_TILES, ITO_MIN(MOST_TILES, fitting));
    int64_t blocks = s->n_rows * s->n_columns;
    s->parts = ITO_MAX(1, ITO_MIN(div_up(ENOUGH, blocks), tiles / (2 * most)));
    s->part = ITO_MAX(1, div_up(tiles, s->parts));
    s->parts = ITO_MAX(1, div_up(tiles, s->part));
    s->chunk = even_share(s->part, most, 1);
    s->ldz = winograd_step(WINOGRAD_POINTS * WINOGRAD_ROWS);
    s->ldv = winograd_step(WINOGRAD_POINTS * GEMM_NR);
    s->z_floats = s->ldz * s->chunk;
    s->v_floats = gemm_panels(s->columns) * s->ldv * s->chunk;
    s->sum_step = winograd_step(s->rows * s->columns);
}

/* The workspace: of each thread transformed dy [chunk][points][WINOGRAD_ROWS] and transformed x
 * [panel][chunk][points][GEMM_NR], tiles a cache line apart, sums [points][rows][columns] and a pixel of zeros; then, of each
 * part when there are several, its gradient. */
static int64_t zeros_floats(const weight *s)
{
    return div_up(ITO_MAX(s->m, s->n), 16) * 16;
}

static int64_t thread_floats(const weight *s)
{
    return s->z_floats + s->v_floats + WINOGRAD_POINTS * s->sum_step + zeros_floats(s);
}

static int64_t part_floats(const weight *s)
{
    return s->m * s->n * TAPS;
}

static ito_status prepare_any(ito_kernel *k)
{
    if (!winograd_fits_weight(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    ito_shape dy = k->in[1].shape;
    weight *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    *s = (weight){.x = winograd_tiling_of(attr->x_shape, attr->pad_before, dy),
                  .dy = winograd_tiling_of(dy, (const int64_t[]){0, 0}, dy),
                  .m = dy.d[3],
                  .n = attr->x_shape.d[3]};
    s->x.narrow = k->in[0].dtype == ITO_BF16;
    cut(s);
    int64_t floats = ITO_MAX(1, k->n_threads) * thread_floats(s) + (s->parts > 1 ? s->parts * part_floats(s) : 0);
    k->workspace_bytes = (size_t)floats * sizeof(float);
    return ITO_OK;
}

/* Many blocks read large images again and again: then they had better be transformed once (winograd_weight.c). */
static bool blocks_pay(const ito_attr_conv *attr, ito_shape dy)
{
    int64_t tiles = dy.d[0] * div_up(dy.d[1], 4) * div_up(dy.d[2], 4);
    return winograd_pays(attr->x_shape.d[3], dy) &&
           (tiles <= 32 || attr->w_shape.d[0] * attr->w_shape.d[1] <= MOST_CHANNELS * MOST_CHANNELS);
}

static ito_status prepare(ito_kernel *k)
{
    return blocks_pay(k->attr, k->in[1].shape) ? prepare_any(k) : ITO_UNSUPPORTED;
}

typedef struct job {
    const weight *s;
    const void *x;
    const float *dy;
    float *dw, *scratch, *partial;
} job;

/* A slice at work. */
typedef struct block {
    const job *j;
    int64_t row, rows, column, columns; /* outputs and inputs of this one */
    int64_t tile0, n_tiles;             /* the chunk */
    float *z, *v, *sums, *zeros;
} block;

static void transform_chunk(const block *b)
{
    const weight *s = b->j->s;
    for (int64_t i = 0; i < b->n_tiles; i++) {
        winograd_source_near(&s->x, b->j->x, b->tile0 + i, b->zeros, b->column, b->columns, b->v + i * s->ldv,
                             b->n_tiles * s->ldv);
        winograd_gradient_near(&s->dy, b->j->dy, b->tile0 + i, b->zeros, b->row, b->rows, b->z + i * s->ldz);
    }
}

/* sums [+]= z^T v of one element. */
static void multiply_point(const block *b, const float *z, const float *v, bool accumulate, float *sums)
{
    const weight *s = b->j->s;
    for (int64_t column = 0; column < b->columns; column += GEMM_NR, v += b->n_tiles * s->ldv) {
        gemm_kernel *const *kernels = gemm_columns[accumulate][b->columns - column > VF_WIDTH];
        for (int64_t i = 0; i < gemm_tile_count(b->rows); i++) {
            int64_t row = gemm_tile_row(b->rows, i), rows = gemm_tile_row(b->rows, i + 1) - row;
            kernels[rows](b->n_tiles, z + row, s->ldz, 0, v, s->ldv, sums + row * s->columns + column, s->columns);
        }
    }
}

static void multiply_chunk(const block *b, bool accumulate)
{
    const weight *s = b->j->s;
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++)
        multiply_point(b, b->z + point * WINOGRAD_ROWS, b->v + point * GEMM_NR, accumulate,
                       b->sums + point * s->sum_step);
}

/* G^T u G to its place, [output][input][tap]. */
static void deliver(const block *b, float *dw)
{
    const weight *s = b->j->s;
    for (int64_t row = 0; row < b->rows; row++)
        for (int64_t c = 0; c < b->columns; c += VF_WIDTH) {
            vf taps[TAPS];
            winograd_taps(b->sums + row * s->columns + c, s->sum_step, taps);
            winograd_put_taps(taps, (int)ITO_MIN(VF_WIDTH, b->columns - c),
                              dw + ((b->row + row) * s->n + b->column + c) * TAPS);
        }
}

static block block_of(const job *j, int64_t slice, int thread)
{
    const weight *s = j->s;
    block b = {.j = j,
               .row = slice / s->n_columns % s->n_rows * s->rows,
               .column = slice % s->n_columns * s->columns,
               .z = j->scratch + thread * thread_floats(s)};
    b.rows = ITO_MIN(s->rows, s->m - b.row);
    b.columns = ITO_MIN(s->columns, s->n - b.column);
    b.v = b.z + s->z_floats;
    b.sums = b.v + s->v_floats;
    b.zeros = b.sums + WINOGRAD_POINTS * s->sum_step;
    return b;
}

static void run_slice(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const weight *s = j->s;
    block b = block_of(j, slice, thread);
    int64_t part = slice / (s->n_rows * s->n_columns), first = part * s->part;
    int64_t end = ITO_MIN(first + s->part, winograd_tiles(&s->x));
    memset(b.zeros, 0, (size_t)zeros_floats(s) * sizeof *b.zeros);
    for (b.tile0 = first; b.tile0 < end; b.tile0 += s->chunk) {
        b.n_tiles = ITO_MIN(s->chunk, end - b.tile0);
        transform_chunk(&b);
        multiply_chunk(&b, b.tile0 > first);
    }
    deliver(&b, s->parts > 1 ? j->partial + part * part_floats(s) : j->dw);
}

/* The parts in order. */
static void add_parts(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    int64_t n = part_floats(j->s), end = chunk_end(n, slice);
    for (int64_t i = slice * CHUNK; i < end; i += VF_WIDTH) {
        int lanes = (int)ITO_MIN(VF_WIDTH, end - i);
        vf sum = vload_n(j->partial + i, lanes);
        for (int64_t part = 1; part < j->s->parts; part++) sum += vload_n(j->partial + part * n + i, lanes);
        vstore_n(j->dw + i, lanes, sum);
    }
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    (void)packed;
    const weight *s = k->state;
    job j = {.s = s, .x = in[0], .dy = in[1], .dw = out[0], .scratch = workspace};
    j.partial = j.scratch + ITO_MAX(1, k->n_threads) * thread_floats(s);
    ito__parallel(q, s->parts * s->n_rows * s->n_columns, run_slice, &j);
    if (s->parts > 1) ito__parallel(q, div_up(part_floats(s), CHUNK), add_parts, &j);
}

#define WEIGHT(fit)                                                                                                    \
    {                                                                                                                  \
        .op = "conv2d_grad_weight", .name = "winograd4-blocks", .prepare = fit, .run = run                             \
    }
static const ito_kernel_def defs[] = {WEIGHT(prepare)};

ITO_ISA_FAMILY(winograd_blocks, defs);

/* The same for any shape, found only by name. */
static const ito_kernel_def by_name[] = {WEIGHT(prepare_any)};

ITO_ISA_FAMILY(winograd_blocks_by_name, by_name);
