/* Winograd convolution, forward and for the input gradient (the forward pass with the weights turned by 180 degrees and
 * their channels exchanged), in two orders of work that give the same bits:
 *
 *   winograd4         a slice is a dozen tiles times a block of target channels: it transforms the patches of its
 *                     tiles and then, panel by panel of channels, multiplies 36 times (16) and transforms back; its buffers
 *                     stay in the second-level cache, the packed weights stream by once per slice
 *   winograd4-stages  first all patches of a chunk of tiles are transformed, into memory; then a slice is one panel of
 *                     target channels and a group of tiles: the packed weights stream by once per group. For so many source
 *                     channels that a slice's transformed patches would not stay in the cache, or for few tiles. Where one
 *                     chunk holds all tiles and weights are not packed beforehand, a slice takes all groups and packs its
 *                     panel itself, so that packed weights never leave the cache
 */
#include "kernel/cpu/isa/winograd.h"
#include "kernel/cpu/conv_view.h"
#include "kernel/cpu/isa/mem.h"

#define SLICE_TILES  12  /* more of them leave the cache before the last panel: 24 take a tenth longer, 48 a quarter */
#define ENOUGH       8   /* slices */
#define PACK_ROWS    32  /* reduced channels transformed by one slice of pack() */
#define MOST_TILES   256 /* of a chunk of stages */
#define GROUP_BLOCKS (48 / GEMM_MR)
#define TURN         4 /* tiles that a slice of stages transforms */
#define FAR          4 /* blocks that stages fetch ahead: theirs come from beyond the second-level cache */

typedef struct winograd {
    winograd_tiling source;
    winograd_target target;
    int64_t k, n; /* channels of source and target */
    winograd_weights weights;
    bool stages, packs;     /* packs: a slice of stages packs its panel */
    int64_t tiles, n_tiles; /* of a slice or chunk, and how many */
    int64_t columns, n_columns;
    int64_t
        block_step; /* floats of a block of GEMM_MR transformed patches, [k / VF_WIDTH][points][GEMM_MR][VF_WIDTH] */
    int64_t u_step; /* between the 36 matrices of one panel of the packed weights */
} winograd;

/* The workspace: packed weights unless they are frozen or packed by slices; in stages the transformed patches of a chunk; then
 * of each thread transformed patches unless in stages, products [tiles][points][GEMM_NR], a pixel of zeros, a packed panel. */
static int64_t patches_floats(const winograd *s)
{
    return gemm_tile_count(s->tiles) * s->block_step;
}

static int64_t products_floats(const winograd *s)
{
    int64_t tiles = s->stages ? ITO_MIN(s->tiles, GROUP_BLOCKS * GEMM_MR) : s->tiles;
    return tiles * WINOGRAD_POINTS * GEMM_NR;
}

static int64_t zeros_floats(const winograd *s)
{
    return div_up(s->k, 16) * 16;
}

/* Of a packed panel. */
static int64_t panel_elements(const winograd *s)
{
    return WINOGRAD_POINTS * s->u_step;
}

static int64_t thread_floats(const winograd *s)
{
    return (s->stages ? 0 : patches_floats(s)) + products_floats(s) + zeros_floats(s) +
           (s->packs ? panel_elements(s) : 0);
}

/* Columns of a slice: all panels, unless slices would be few. */
static void cut(winograd *s)
{
    int64_t total = winograd_tiles(&s->source), panels = gemm_panels(s->n);
    int64_t most = s->stages ? MOST_TILES : SLICE_TILES;
    int64_t blocks = ITO_MAX(1, div_up(total, most));
    int64_t parts = s->stages ? panels : ITO_MIN(panels, div_up(ENOUGH, blocks));
    s->columns = ITO_MAX(1, div_up(panels, parts)) * GEMM_NR;
    s->n_columns = div_up(panels * GEMM_NR, s->columns);
    s->tiles = ITO_MAX(1, div_up(total, blocks)); /* even blocks */
    s->n_tiles = div_up(total, s->tiles);
    s->block_step = div_up(s->k, VF_WIDTH) * WINOGRAD_POINTS * GEMM_BLOCK;
    s->u_step = s->weights.narrow ? 2 * winograd_step(s->k * GEMM_NR / 2) : winograd_step(s->k * GEMM_NR);
}

/* Panel by panel, the 36 matrices of each. */
static size_t packed_bytes(const winograd *s)
{
    return (size_t)(gemm_panels(s->n) * panel_elements(s) * gemm_element(s->weights.narrow));
}

static void *packed_panel(const winograd *s, const void *packed, int64_t panel)
{
    return (char *)packed + panel * panel_elements(s) * gemm_element(s->weights.narrow);
}

static void plan(ito_kernel *k, winograd *s)
{
    s->k = s->source.channels;
    const int64_t *d = k->out[0].shape.d;
    s->n = d[3];
    s->target = (winograd_target){
        .height = d[1], .width = d[2], .channels = d[3], .tiles_y = s->source.tiles_y, .tiles_x = s->source.tiles_x};
    cut(s);
    bool frozen = k->frozen & 2;
    s->packs = s->stages && !frozen && s->n_tiles == 1 && s->n_columns >= ENOUGH;
    int64_t floats = ITO_MAX(1, k->n_threads) * thread_floats(s) + (s->stages ? patches_floats(s) : 0);
    k->workspace_bytes = (size_t)floats * sizeof(float);
    if (!s->packs) *(frozen ? &k->packed_bytes : &k->workspace_bytes) += packed_bytes(s);
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
    int64_t row = attr->w_shape.d[1] * 9;
    s->weights = (winograd_weights){
        .n = k->out[0].shape.d[3], .k_stride = grad ? row : 9, .n_stride = grad ? 9 : row, .turned = grad};
    s->weights.narrow = gemm_packs_narrow(k);
    plan(k, s);
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

/* Weights packed beforehand, and read at every step: the same, with fewer tiles; and with as many of images of 4 x 4 where bf16
 * is asked for, as that is asked for memory's sake. */
static bool stages_pay(const ito_kernel *k)
{
    int64_t tiles = few_tiles(k, 192), area = k->out[0].shape.d[1] * k->out[0].shape.d[2];
    int64_t most = k->packs == ITO_BF16 && area <= 16 ? 64 : 16;
    return k->frozen & 2 && tiles >= 8 && tiles <= most;
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
    const float *source, *w;
    const void *packed;
    void *to_pack;
    float *patches, *scratch;
    int64_t chunk; /* of stages */
} job;

/* Rows row .. end - 1 of a panel's 36 matrices. */
static void pack_panel(const job *j, int64_t panel, int64_t row, int64_t end, void *u)
{
    const winograd *s = j->k->state;
    winograd_pack(&s->weights, j->w, panel, row, end, u, s->u_step);
}

static void pack_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    const job *j = arg;
    const winograd *s = j->k->state;
    int64_t panel = slice % gemm_panels(s->n), row = slice / gemm_panels(s->n) * PACK_ROWS;
    pack_panel(j, panel, row, ITO_MIN(s->k, row + PACK_ROWS), packed_panel(s, j->to_pack, panel));
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    const winograd *s = k->state;
    job j = {.k = k, .w = in[1], .to_pack = packed};
    ito__parallel(q, gemm_panels(s->n) * div_up(s->k, PACK_ROWS), pack_slice, &j);
}

/* What a thread works with. */
typedef struct scratch {
    float *patches, *products, *zeros, *panel;
} scratch;

static scratch scratch_of(const job *j, int thread)
{
    const winograd *s = j->k->state;
    float *own = j->scratch + thread * thread_floats(s);
    scratch t = {.patches = s->stages ? j->patches : own, .products = own + (s->stages ? 0 : patches_floats(s))};
    t.zeros = t.products + products_floats(s);
    t.panel = t.zeros + zeros_floats(s);
    memset(t.zeros, 0, (size_t)s->k * sizeof *t.zeros);
    return t;
}

/* Blocks of GEMM_MR tiles, of the n_tiles that begin with tile0. */
typedef struct blocks {
    int64_t tile0, n_tiles;
    int64_t first, end;
} blocks;

static int64_t first_row(const blocks *b)
{
    return gemm_tile_row(b->n_tiles, b->first);
}

static int64_t end_row(const blocks *b)
{
    return gemm_tile_row(b->n_tiles, b->end);
}

/* Tiles first .. end - 1 of those that begin with tile0, to their rows of the blocks. */
static void transform(const job *j, const scratch *own, int64_t tile0, int64_t n_tiles, int64_t first, int64_t end)
{
    const winograd *s = j->k->state;
    for (int64_t i = first; i < end; i++) {
        int64_t block = gemm_tile_of(n_tiles, i), row = i - gemm_tile_row(n_tiles, block);
        winograd_source_block(&s->source, j->source, tile0 + i, own->zeros,
                              own->patches + block * s->block_step + row * VF_WIDTH);
    }
}

/* The products of one panel of `columns` columns, u being its 36 matrices. */
static void multiply(const winograd *s, const float *patches, const blocks *b, const void *u, int64_t columns,
                     float *products)
{
    const int64_t part = gemm_k_step(s->k), row_step = WINOGRAD_POINTS * GEMM_NR, first = first_row(b);
    const int64_t step = WINOGRAD_POINTS * GEMM_BLOCK, ahead = s->stages ? FAR * step : step;
    for (int64_t point = 0; point < WINOGRAD_POINTS; point++)
        for (int64_t k = 0; k < s->k; k += part) {
            gemm_kernel *const *kernels =
                (s->weights.narrow ? gemm_blocks_narrow : gemm_blocks)[k > 0][columns > VF_WIDTH];
            const void *weights = (const char *)u + (point * s->u_step + k * GEMM_NR) * gemm_element(s->weights.narrow);
            const float *from = patches + (k / VF_WIDTH * WINOGRAD_POINTS + point) * GEMM_BLOCK;
            for (int64_t block = b->first; block < b->end; block++) {
                int64_t row = gemm_tile_row(b->n_tiles, block), rows = gemm_tile_row(b->n_tiles, block + 1) - row;
                kernels[rows](ITO_MIN(part, s->k - k), from + block * s->block_step, step, ahead, weights, GEMM_NR,
                              products + (row - first) * row_step + point * GEMM_NR, row_step);
            }
        }
}

/* Multiplies and transforms back: the columns of one panel. */
static void run_panel(const job *j, const scratch *own, const blocks *b, const winograd_spot *spots, const void *u,
                      int64_t column)
{
    const winograd *s = j->k->state;
    int64_t columns = ITO_MIN(GEMM_NR, s->n - column), n = end_row(b) - first_row(b);
    multiply(s, own->patches, b, u, columns, own->products);
    for (int64_t i = 0; i < n; i++)
        winograd_put(&j->target, &spots[i], own->products + i * WINOGRAD_POINTS * GEMM_NR, column, columns);
}

static void find_spots(const job *j, const blocks *b, winograd_spot *spots)
{
    const int64_t first = first_row(b);
    for (int64_t i = first; i < end_row(b); i++) spots[i - first] = winograd_spot_of(&j->target, b->tile0 + i);
}

static void run_slice(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    blocks b = {.tile0 = slice / s->n_columns * s->tiles};
    b.n_tiles = ITO_MIN(s->tiles, winograd_tiles(&s->source) - b.tile0);
    b.end = gemm_tile_count(b.n_tiles);
    int64_t column = slice % s->n_columns * s->columns, end = ITO_MIN(s->n, column + s->columns);
    winograd_spot spots[SLICE_TILES];
    find_spots(j, &b, spots);
    transform(j, &own, b.tile0, b.n_tiles, 0, b.n_tiles);
    for (; column < end; column += GEMM_NR)
        run_panel(j, &own, &b, spots, packed_panel(s, j->packed, column / GEMM_NR), column);
}

/* Those of a chunk of stages. */
static blocks chunk_blocks(const job *j)
{
    const winograd *s = j->k->state;
    blocks b = {.tile0 = j->chunk * s->tiles};
    b.n_tiles = ITO_MIN(s->tiles, winograd_tiles(&s->source) - b.tile0);
    b.end = gemm_tile_count(b.n_tiles);
    return b;
}

static void transform_stage(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const scratch own = scratch_of(j, thread);
    const blocks b = chunk_blocks(j);
    transform(j, &own, b.tile0, b.n_tiles, slice * TURN, ITO_MIN(b.n_tiles, (slice + 1) * TURN));
}

static void run_group(const job *j, const scratch *own, int64_t group, int64_t panel, const void *u)
{
    blocks b = chunk_blocks(j);
    winograd_spot spots[GROUP_BLOCKS * GEMM_MR];
    b.first = group * GROUP_BLOCKS;
    b.end = ITO_MIN(b.end, b.first + GROUP_BLOCKS);
    find_spots(j, &b, spots);
    run_panel(j, own, &b, spots, u, panel * GEMM_NR);
}

static void group_stage(void *arg, int64_t slice, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    int64_t panel = slice % s->n_columns;
    run_group(j, &own, slice / s->n_columns, panel, packed_panel(s, j->packed, panel));
}

static void panel_stage(void *arg, int64_t panel, int thread)
{
    const job *j = arg;
    const winograd *s = j->k->state;
    const scratch own = scratch_of(j, thread);
    pack_panel(j, panel, 0, s->k, own.panel);
    for (int64_t group = 0; group < div_up(gemm_tile_count(s->tiles), GROUP_BLOCKS); group++)
        run_group(j, &own, group, panel, own.panel);
}

static void run_stages(job *j, const ito_queue *q)
{
    const winograd *s = j->k->state;
    for (j->chunk = 0; j->chunk < s->n_tiles; j->chunk++) {
        const blocks b = chunk_blocks(j);
        ito__parallel(q, div_up(b.n_tiles, TURN), transform_stage, j);
        if (s->packs)
            ito__parallel(q, s->n_columns, panel_stage, j);
        else
            ito__parallel(q, s->n_columns * div_up(b.end, GROUP_BLOCKS), group_stage, j);
    }
}

static void run_all(job *j, const ito_queue *q, const void *const *in, void *workspace)
{
    const winograd *s = j->k->state;
    float *free = workspace;
    j->w = in[1];
    if (!(j->k->frozen & 2) && !s->packs) {
        pack(j->k, q, in, free);
        j->packed = free;
        free += packed_bytes(s) / sizeof(float);
    }
    j->patches = free;
    j->scratch = free + (s->stages ? patches_floats(s) : 0);
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
