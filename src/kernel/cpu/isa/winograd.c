/* Winograd convolution, forward and for the input gradient (the forward pass with the weights turned by 180 degrees and
 * their channels exchanged), in two orders of work that give the same bits:
 *
 *   winograd4         a slice is a block of tiles times a block of target channels: it transforms the patches of its
 *                     tiles and then, panel by panel of channels, multiplies 36 times (16) and transforms back; its buffers
 *                     stay in the second-level cache, the packed weights stream by once per block
 *   winograd4-stages  all slices transform, then multiply, then transform back, a chunk of tiles at a time, through
 *                     buffers in memory; the packed weights stream by once per chunk: for so many source channels that
 *                     a slice's transformed patches would not stay in the cache, or for few tiles
 */
#include "kernel/cpu/isa/winograd.h"
#include "kernel/cpu/conv_view.h"
#include "kernel/cpu/isa/mem.h"

#define SLICE_TILES 12  /* more of them leave the cache before the last panel: 24 take a tenth longer, 48 a quarter */
#define ENOUGH      8   /* slices */
#define PACK_ROWS   32  /* reduced channels transformed by one slice of pack() */
#define MOST_TILES  256 /* of a chunk of stages */
#define MOST_PANELS 4   /* of a slice of products in stages */
#define TURN        4   /* tiles that a slice of stages transforms */

typedef struct winograd {
    winograd_tiling source;
    winograd_target target;
    int64_t k, n; /* channels of source and target */
    winograd_weights weights;
    bool stages;
    int64_t tiles, n_tiles; /* of a slice or chunk, and how many */
    int64_t columns, n_columns;
    int64_t ldv;                    /* floats of GEMM_MR tiles of one element of the transformed source */
    int64_t ldm;                    /* row stride of the products */
    int64_t v_step, m_step, u_step; /* between the 36 matrices: source, products, one panel of the packed weights */
} winograd;

/* Floats of a thread, or of all in stages: transformed source [points][tiles in blocks], products [points][tiles][ldm], one pixel
 * of zeros. */
static int64_t scratch_floats(const winograd *s)
{
    return WINOGRAD_POINTS * (s->v_step + s->m_step) + div_up(s->k, 16) * 16;
}

/* Columns of a slice: all panels, unless slices would be few. */
static void cut_slices(winograd *s, int64_t total, int64_t panels)
{
    int64_t blocks = ITO_MAX(1, div_up(total, SLICE_TILES));
    int64_t parts = ITO_MIN(panels, div_up(ENOUGH, blocks));
    s->tiles = SLICE_TILES;
    s->columns = ITO_MAX(1, div_up(panels, parts)) * GEMM_NR;
    s->ldm = GEMM_NR;
}

static void cut(winograd *s)
{
    int64_t total = winograd_tiles(&s->source), panels = gemm_panels(s->n);
    if (s->stages) {
        s->tiles = MOST_TILES;
        s->columns = ITO_MIN(panels, MOST_PANELS) * GEMM_NR;
        s->ldm = panels * GEMM_NR + 16;
    } else {
        cut_slices(s, total, panels);
    }
    s->n_columns = div_up(panels * GEMM_NR, s->columns);
    s->tiles = ITO_MAX(1, div_up(total, ITO_MAX(1, div_up(total, s->tiles)))); /* even blocks */
    s->n_tiles = div_up(total, s->tiles);
    s->ldv = div_up(s->k, VF_WIDTH) * GEMM_BLOCK;
    s->v_step = winograd_step(gemm_tile_count(s->tiles) * s->ldv);
    s->m_step = winograd_step(s->tiles * s->ldm);
    s->u_step = winograd_step(s->k * GEMM_NR);
}

/* Panel by panel, the 36 matrices of each. */
static size_t packed_floats(const winograd *s)
{
    return (size_t)(gemm_panels(s->n) * WINOGRAD_POINTS * s->u_step);
}

static int64_t n_scratch(const ito_kernel *k)
{
    return ((const winograd *)k->state)->stages ? 1 : ITO_MAX(1, k->n_threads);
}

static void plan(ito_kernel *k, winograd *s)
{
    s->k = s->source.channels;
    const int64_t *d = k->out[0].shape.d;
    s->n = d[3];
    s->target = (winograd_target){
        .height = d[1], .width = d[2], .channels = d[3], .tiles_y = s->source.tiles_y, .tiles_x = s->source.tiles_x};
    cut(s);
    k->workspace_bytes = (size_t)n_scratch(k) * (size_t)scratch_floats(s) * sizeof(float);
    *(k->frozen & 2 ? &k->packed_bytes : &k->workspace_bytes) += packed_floats(s) * sizeof(float);
}

static ito_status make(ito_kernel *k, bool grad, bool stages)
{
    if (!winograd_fits(k)) return ITO_UNSUPPORTED;
    const ito_attr_conv *attr = k->attr;
    int64_t flip = grad ? 2 : 0, to = grad ? -1 : 1;
    winograd *s = k->state = ito__alloc(k->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->stages = stages;
    const int64_t pad[] = {flip + to * attr->pad_before[0], flip + to * attr->pad_before[1]};
    s->source = winograd_tiling_of(k->in[0].shape, pad, k->out[0].shape);
    plan(k, s);
    int64_t row = attr->w_shape.d[1] * 9;
    s->weights = (winograd_weights){.n = s->n, .k_stride = grad ? row : 9, .n_stride = grad ? 9 : row, .turned = grad};
    return ITO_OK;
}

/* Several candidates of one computation: whether any shape is taken or only those where it pays. */
#define PREPARE(name, fits, grad, stages)                                                                              \
    static ito_status name(ito_kernel *k)                                                                              \
    {                                                                                                                  \
        return fits ? make(k, grad, stages) : ITO_UNSUPPORTED;                                                         \
    }

#if WINOGRAD_TILE == 4

static bool pays(const ito_kernel *k)
{
    return winograd_pays(k->in[0].shape.d[3], k->out[0].shape);
}

/* Does a slice's transformed source leave the second-level cache, to be read again for every panel of many? Or are tiles so
 * few that slices would be blocks of columns, each transforming them again? */
static bool stages_pay(const ito_kernel *k)
{
    const int64_t *y = k->out[0].shape.d, source = k->in[0].shape.d[3];
    bool few = y[0] * div_up(y[1], 4) * div_up(y[2], 4) <= 64 && source * y[3] >= 192 * 192;
    return pays(k) && (few || (source > 288 && y[3] >= 192));
}

#else

/* Tiles in all, when most of them are full and weights many; else 0. */
static int64_t few_tiles(const ito_kernel *k, int64_t wide)
{
    const int64_t *y = k->out[0].shape.d, tiles = div_up(y[1], WINOGRAD_TILE) * div_up(y[2], WINOGRAD_TILE);
    return y[1] * y[2] >= 3 * tiles && k->in[0].shape.d[3] * y[3] >= wide * wide ? y[0] * tiles : 0;
}

/* Weights transformed at every step: not so many tiles that products take longer than that. */
static bool pays(const ito_kernel *k)
{
    int64_t tiles = few_tiles(k, 128);
    return !(k->frozen & 2) && tiles > 0 && tiles <= 64;
}

/* Weights packed beforehand, and read at every step: the same, with fewer tiles. */
static bool stages_pay(const ito_kernel *k)
{
    int64_t tiles = few_tiles(k, 192);
    return k->frozen & 2 && tiles >= 8 && tiles <= 16;
}

#endif

PREPARE(prepare, pays(k), false, false)
PREPARE(prepare_grad, pays(k), true, false)
PREPARE(prepare_stages, stages_pay(k), false, true)
PREPARE(prepare_grad_stages, stages_pay(k), true, true)
PREPARE(prepare_any, true, false, false)
PREPARE(prepare_any_grad, true, true, false)
PREPARE(prepare_any_stages, true, false, true)
PREPARE(prepare_any_grad_stages, true, true, true)

typedef struct job {
    const ito_kernel *k;
    winograd_target target;
    const float *source, *w, *packed;
    float *to_pack, *scratch;
    int64_t chunk; /* of stages */
} job;

static void pack_rows(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const winograd *s = j->k->state;
    int64_t panel = slice % gemm_panels(s->n), row = slice / gemm_panels(s->n) * PACK_ROWS;
    winograd_pack(&s->weights, j->w, panel, row, ITO_MIN(s->k, row + PACK_ROWS),
                  j->to_pack + panel * WINOGRAD_POINTS * s->u_step, s->u_step);
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    const winograd *s = k->state;
    job j = {.k = k, .w = in[1], .to_pack = packed};
    ito__parallel(q, gemm_panels(s->n) * div_up(s->k, PACK_ROWS), pack_rows, &j);
}

/* Where a thread, or a stage, keeps its numbers. */
typedef struct scratch {
    float *v, *m, *zeros;
} scratch;

static scratch scratch_of(const job *j, int thread)
{
    const winograd *s = j->k->state;
    scratch own = {.v = j->scratch + (s->stages ? 0 : thread) * scratch_floats(s)};
    own.m = own.v + WINOGRAD_POINTS * s->v_step;
    own.zeros = own.m + WINOGRAD_POINTS * s->m_step;
    return own;
}

/* Products of element `point` for n_tiles tiles and the columns of one panel. */
static void multiply(const job *j, const scratch *own, int64_t point, int64_t n_tiles, int64_t column, float *m)
{
    const winograd *s = j->k->state;
    int64_t columns = ITO_MIN(GEMM_NR, s->n - column);
    gemm_run(&(gemm_block){.m = n_tiles,
                           .n = div_up(columns, VF_WIDTH) * VF_WIDTH, /* the panels hold zeros there */
                           .k = s->k,
                           .a = own->v + point * s->v_step,
                           .lda = s->ldv,
                           .layout = GEMM_BLOCKS,
                           .b = j->packed + (column / GEMM_NR * WINOGRAD_POINTS + point) * s->u_step,
                           .wide_panels = true,
                           .c = m + point * s->m_step,
                           .ldc = s->ldm});
}

/* Tiles first .. end - 1 of n_tiles, the first of which is tile0, to their places in the blocks of v. */
static void transform_tiles(const job *j, const scratch *own, int64_t tile0, int64_t first, int64_t end,
                            int64_t n_tiles)
{
    const winograd *s = j->k->state;
    for (int64_t i = first; i < end; i++) {
        int64_t row = i, t = gemm_tile_of(n_tiles, i);
        row -= gemm_tile_row(n_tiles, t);
        winograd_source(&s->source, j->source, tile0 + i, own->zeros, 0, s->k, own->v + t * s->ldv + row * VF_WIDTH,
                        s->v_step, VF_WIDTH, GEMM_BLOCK);
    }
}

static void run_slice(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    int64_t tile0 = slice / s->n_columns * s->tiles, column = slice % s->n_columns * s->columns;
    int64_t n_tiles = ITO_MIN(s->tiles, winograd_tiles(&s->source) - tile0);
    int64_t end = ITO_MIN(s->n, column + s->columns);
    memset(own.zeros, 0, (size_t)s->k * sizeof *own.zeros);
    transform_tiles(j, &own, tile0, 0, n_tiles, n_tiles);
    for (; column < end; column += GEMM_NR) {
        for (int64_t p = 0; p < WINOGRAD_POINTS; p++) multiply(j, &own, p, n_tiles, column, own.m);
        for (int64_t i = 0; i < n_tiles; i++)
            winograd_put(&j->target, tile0 + i, own.m + i * s->ldm, s->m_step, column, ITO_MIN(GEMM_NR, end - column));
    }
}

static int64_t chunk_tiles(const job *j)
{
    const winograd *s = j->k->state;
    return ITO_MIN(s->tiles, winograd_tiles(&s->source) - j->chunk * s->tiles);
}

static void transform_stage(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    int64_t end = ITO_MIN(chunk_tiles(j), (slice + 1) * TURN);
    transform_tiles(j, &own, j->chunk * s->tiles, slice * TURN, end, chunk_tiles(j));
}

static void multiply_stage(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    int64_t column = slice % s->n_columns * s->columns;
    int64_t end = ITO_MIN(s->n, column + s->columns);
    for (; column < end; column += GEMM_NR)
        multiply(j, &own, slice / s->n_columns, chunk_tiles(j), column, own.m + column);
}

static void put_stage(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    int64_t end = ITO_MIN(chunk_tiles(j), (slice + 1) * TURN);
    for (int64_t i = slice * TURN; i < end; i++)
        winograd_put(&j->target, j->chunk * s->tiles + i, own.m + i * s->ldm, s->m_step, 0, s->n);
}

static void run_stages(job *j, const ito_queue *q)
{
    const winograd *s = j->k->state;
    memset(scratch_of(j, 0).zeros, 0, (size_t)s->k * sizeof(float));
    for (j->chunk = 0; j->chunk < s->n_tiles; j->chunk++) {
        int64_t turns = div_up(chunk_tiles(j), TURN);
        ito__parallel(q, turns, transform_stage, j);
        ito__parallel(q, WINOGRAD_POINTS * s->n_columns, multiply_stage, j);
        ito__parallel(q, turns, put_stage, j);
    }
}

static void run_all(job *j, const ito_queue *q, const void *const *in, void *workspace)
{
    const winograd *s = j->k->state;
    j->scratch = workspace;
    if (!(j->k->frozen & 2)) {
        float *packed = j->scratch + n_scratch(j->k) * scratch_floats(s);
        pack(j->k, q, in, packed);
        j->packed = packed;
    }
    if (s->stages)
        run_stages(j, q);
    else
        ito__parallel(q, s->n_tiles * s->n_columns, run_slice, j);
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    const ito_attr_conv *attr = k->attr;
    job j = {.k = k, .target = ((const winograd *)k->state)->target, .source = in[0], .packed = packed};
    j.target.data = out[0];
    j.target.act = attr->act;
    if (attr->has_bias) j.target.bias = in[2];
    if (attr->has_residual) j.target.residual = in[2 + attr->has_bias];
    j.target.per_image = ito__conv_residual_per_image(k);
    run_all(&j, q, in, workspace);
}

static void run_grad(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                     const void *packed)
{
    job j = {.k = k, .target = ((const winograd *)k->state)->target, .source = in[0], .packed = packed};
    j.target.data = out[0];
    if (((const ito_attr_conv *)k->attr)->has_residual) j.target.residual = in[2];
    run_all(&j, q, in, workspace);
}

#if WINOGRAD_TILE == 2
#define NAME                  "winograd2"
#define FAMILY(suffix, table) ITO_ISA_FAMILY(winograd2##suffix, table)
#else
#define NAME                  "winograd4"
#define FAMILY(suffix, table) ITO_ISA_FAMILY(winograd##suffix, table)
#endif

#define FORWARD(text, fit)                                                                                             \
    {                                                                                                                  \
        .op = "conv2d", .name = text, .prepare = fit, .pack = pack, .run = run                                         \
    }
#define BACKWARD(text, fit)                                                                                            \
    {                                                                                                                  \
        .op = "conv2d_grad_input", .name = text, .prepare = fit, .pack = pack, .run = run_grad                         \
    }
static const ito_kernel_def defs[] = {
    FORWARD(NAME "-stages", prepare_stages),
    FORWARD(NAME, prepare),
    BACKWARD(NAME "-stages", prepare_grad_stages),
    BACKWARD(NAME, prepare_grad),
};

FAMILY(, defs);

/* The same for any shape: listed behind the direct convolutions, so found only by name. */
static const ito_kernel_def by_name[] = {
    FORWARD(NAME, prepare_any),
    FORWARD(NAME "-stages", prepare_any_stages),
    BACKWARD(NAME, prepare_any_grad),
    BACKWARD(NAME "-stages", prepare_any_grad_stages),
};

FAMILY(_by_name, by_name);
