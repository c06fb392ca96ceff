/* Runs one block of a product; packs B; cuts C into blocks. See gemm.h. */
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/vact.h"

/* One register tile on its way from the kernel to C. */
typedef struct tile {
    int64_t rows, columns, row0, column0;
    bool first, last; /* part of the reduction */
    const float *sum; /* [rows][GEMM_NR] */
} tile;

#define INLINE static inline __attribute__((always_inline))

/* n <= VF_WIDTH floats of C: adds this part of the reduction; the last part adds bias and the row's residual and applies
 * act. n and act are constants where it matters. */
INLINE void finish(const tile *t, int32_t act, vf x, const float *bias, const float *residual, float *c, int n)
{
    bool whole = n == VF_WIDTH;
    if (!t->first) x = (whole ? vload(c) : vload_n(c, n)) + x;
    if (t->last) {
        if (bias) x += whole ? vload(bias) : vload_n(bias, n);
        if (residual) x += whole ? vload(residual) : vload_n(residual, n);
        x = vact(act, x);
    }
    if (whole)
        vstore(c, x);
    else
        vstore_n(c, n, x);
}

/* The residual of a row that begins at c + at. */
static inline const float *residual_of(const gemm_block *g, int64_t row, int64_t at)
{
    if (!g->residual) return NULL;
    return g->residual + (g->residual_rows ? (g->first_row + row) / g->residual_rows * g->ldc : at);
}

INLINE void store_rows(const gemm_block *g, const tile *t, int32_t act)
{
    for (int64_t i = 0; i < t->rows; i++) {
        int64_t row = t->row0 + i, column = t->column0, j = 0;
        int64_t at = g->c_rows ? g->c_rows[row] : row * g->ldc;
        const float *residual = residual_of(g, row, at), *sum = t->sum + i * GEMM_NR;
        for (; j + VF_WIDTH <= t->columns; j += VF_WIDTH, column += VF_WIDTH)
            finish(t, act, vload(sum + j), g->bias ? g->bias + column : NULL, residual ? residual + column : NULL,
                   g->c + at + column, VF_WIDTH);
        if (j < t->columns)
            finish(t, act, vload(sum + j), g->bias ? g->bias + column : NULL, residual ? residual + column : NULL,
                   g->c + at + column, (int)(t->columns - j));
    }
}

static void store_tile(const gemm_block *g, const tile *t)
{
    if (g->act == ITO_UNARY_identity)
        store_rows(g, t, ITO_UNARY_identity);
    else
        store_rows(g, t, g->act);
}

static bool is_plain(const gemm_block *g)
{
    return !g->bias && !g->residual && !g->c_rows && g->act == ITO_UNARY_identity;
}

/* Where the tiles of A's part of the reduction are. */
typedef struct part {
    int64_t k0, k1;
    const float *a;
    int64_t step; /* from tile to tile */
    int64_t lda;  /* from row to row, column to column, or block to block */
    enum { ROWS, COLUMNS, BLOCKS } layout;
} part;

/* How the tiles of one panel and part are computed. */
typedef struct stripe {
    int64_t column, columns;
    bool few; /* so few columns that they have a kernel of their own */
    bool first, last;
    bool direct; /* the kernel writes whole rows of C by itself */
    gemm_kernel *const *kernels;
} stripe;

static stripe stripe_of(const gemm_block *g, const part *of, int64_t column)
{
    stripe p = {.column = column, .columns = ITO_MIN(GEMM_NR, g->n - column)};
    p.few = p.columns <= GEMM_NARROW && !g->wide_panels && !g->narrow;
    p.first = of->k0 == 0 && !g->accumulate;
    p.last = of->k1 == g->k;
    p.direct = !p.few && p.columns % VF_WIDTH == 0 && !g->c_rows && (!p.last || is_plain(g));
    bool wide = p.columns > VF_WIDTH, add = p.direct && !p.first;
    if (g->narrow)
        p.kernels = (of->layout == ROWS ? gemm_rows_narrow : gemm_blocks_narrow)[add][wide];
    else if (of->layout == ROWS)
        p.kernels = (add ? gemm_rows_add : gemm_rows)[wide];
    else
        p.kernels = (of->layout == COLUMNS ? gemm_columns : gemm_blocks)[add][wide];
    return p;
}

/* Rows of the residual come from far away in short pieces: asked for before the products, they are there after them. */
static void ask_for_residual(const gemm_block *g, const stripe *p, int64_t row0, int64_t rows)
{
    for (int64_t i = row0; i < row0 + rows; i++) {
        const float *row = g->residual + (g->c_rows ? g->c_rows[i] : i * g->ldc) + p->column;
        for (int64_t j = 0; j < p->columns; j += 16) __builtin_prefetch(row + j);
    }
}

#define TILES_AHEAD 3 /* of rows that are read where they lie */

static void multiply(const part *of, const stripe *p, int64_t rows, const float *a, const void *b, float *c,
                     int64_t ldc)
{
    int64_t ahead = of->layout == ROWS ? TILES_AHEAD * rows * of->lda : of->lda;
    p->kernels[rows](of->k1 - of->k0, a, of->lda, ahead, b, GEMM_NR, c, ldc);
}

/* One tile of one panel, A's part of it being at a. */
static void run_tile(const gemm_block *g, const part *of, const stripe *p, int64_t row0, int64_t rows, const float *a)
{
    int64_t n_k = of->k1 - of->k0, row = p->few ? 1 : GEMM_NR;
    const void *b = (const char *)g->b + (p->column * g->k + of->k0 * row) * gemm_element(g->narrow);
    if (p->direct) {
        multiply(of, p, rows, a, b, g->c + row0 * g->ldc + p->column, g->ldc);
        return;
    }
    float sum[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
    if (p->last && g->residual && !g->residual_rows) ask_for_residual(g, p, row0, rows);
    if (p->few)
        gemm_dots(rows, p->columns, n_k, a, b, g->k, sum);
    else
        multiply(of, p, rows, a, b, sum, GEMM_NR);
    store_tile(g, &(tile){rows, p->columns, row0, p->column, p->first, p->last, sum});
}

/* One part of the reduction of one panel. */
static void run_panel(const gemm_block *g, const part *of, int64_t column)
{
    const stripe p = stripe_of(g, of, column);
    for (int64_t i = 0; i < gemm_tile_count(g->m); i++) {
        int64_t row0 = gemm_tile_row(g->m, i), rows = gemm_tile_row(g->m, i + 1) - row0;
        run_tile(g, of, &p, row0, rows, of->a + i * of->step);
    }
}

#define FEW_PANELS 8

/* Rows of A are read where they lie, or are made, when few columns wait for them: copying them into blocks would take a
 * twelfth of the time that a panel's products do. */
static bool reads_rows(const gemm_block *g)
{
    int64_t last = g->n % GEMM_NR;
    bool few = last && last <= GEMM_NARROW && !g->wide_panels && !g->narrow; /* gemm_dots() wants blocks */
    return g->layout == GEMM_BY_ROWS && g->n <= FEW_PANELS * GEMM_NR && !few;
}

/* One part of the reduction, tile by tile, all panels of a tile one after another. */
static void run_rows(const gemm_block *g, int64_t k0, int64_t k1)
{
    float *made = g->buffer + gemm_tiles_floats(g->m, g->k);
    const part of = {k0, k1, NULL, 0, g->fill ? GEMM_LDA : g->lda, ROWS};
    stripe panels[FEW_PANELS];
    int n_panels = 0;
    for (int64_t column = 0; column < g->n; column += GEMM_NR) panels[n_panels++] = stripe_of(g, &of, column);
    for (int64_t i = 0; i < gemm_tile_count(g->m); i++) {
        int64_t row0 = gemm_tile_row(g->m, i), rows = gemm_tile_row(g->m, i + 1) - row0;
        if (g->fill) g->fill(g->fill_arg, g->first_row + row0, rows, k0, k1, made, GEMM_LDA);
        const float *a = g->fill ? made : g->a + row0 * g->lda + k0;
        for (int p = 0; p < n_panels; p++) run_tile(g, &of, &panels[p], row0, rows, a);
    }
}

/* Columns k0 .. k1 - 1 of rows in memory, to one tile of blocks. */
static void pack_rows_tile(int64_t rows, int64_t n_k, const float *from, int64_t ld, float *to)
{
    for (int64_t p = 0; p < n_k; p += VF_WIDTH, to += GEMM_BLOCK) {
        int n = (int)ITO_MIN(VF_WIDTH, n_k - p);
        for (int64_t i = 0; i < rows; i++)
            vstore(to + i * VF_WIDTH, n == VF_WIDTH ? vload(from + i * ld + p) : vload_n(from + i * ld + p, n));
    }
}

/* Part k0 .. k1 - 1 of rows that lie in memory or are made now, as tiles of blocks. */
static void pack_blocks(const gemm_block *g, int64_t k0, int64_t k1, int64_t step)
{
    float *made = g->buffer + gemm_tiles_floats(g->m, g->k);
    for (int64_t i = 0; i < gemm_tile_count(g->m); i++) {
        int64_t row0 = gemm_tile_row(g->m, i), rows = gemm_tile_row(g->m, i + 1) - row0;
        if (g->fill) g->fill(g->fill_arg, g->first_row + row0, rows, k0, k1, made, GEMM_LDA);
        pack_rows_tile(rows, k1 - k0, g->fill ? made : g->a + row0 * g->lda + k0, g->fill ? GEMM_LDA : g->lda,
                       g->buffer + i * step);
    }
}

/* Copies rows p .. end - 1 of one tile of a matrix stored by columns; whole vectors run over into what the next row
 * brings, so the last row of the tile, k1 - 1, takes masks. */
static void pack_tile(const gemm_block *g, int64_t p, int64_t end, int64_t k1, int64_t row0, int64_t rows, float *to)
{
    const int64_t whole = g->lda < VF_WIDTH ? p : ITO_MIN(end, k1 - 1);
    const float *from = g->a + p * g->lda + row0;
    for (; p < end; p++, to += GEMM_MR, from += g->lda) {
        __builtin_prefetch(from + 16 * g->lda); /* short pieces far apart are not fetched ahead by themselves */
        for (int64_t j = 0; j < rows; j += VF_WIDTH) {
            int n = (int)ITO_MIN(VF_WIDTH, rows - j);
            if (p < whole)
                vstore(to + j, vload(from + j));
            else
                vstore_n(to + j, n, vload_n(from + j, n));
        }
    }
}

/* Part k0 .. k1 - 1 of a matrix stored by columns, as tiles [k1 - k0][GEMM_MR]; a few k at a time, so that they stay in
 * the first-level cache until all tiles have taken their share. */
static void pack_tiles(const gemm_block *g, int64_t k0, int64_t k1)
{
    const int64_t turn = 16;
    for (int64_t p = k0; p < k1; p += turn)
        for (int64_t i = 0; i < gemm_tile_count(g->m); i++) {
            int64_t row0 = gemm_tile_row(g->m, i), rows = gemm_tile_row(g->m, i + 1) - row0;
            pack_tile(g, p, ITO_MIN(k1, p + turn), k1, row0, rows, g->buffer + (i * (k1 - k0) + p - k0) * GEMM_MR);
        }
}

/* A's part k0 .. k1 - 1, made where it has to be. */
static part make_part(const gemm_block *g, int64_t k0, int64_t k1)
{
    if (g->layout == GEMM_BLOCKS) return (part){k0, k1, g->a + k0 / VF_WIDTH * GEMM_BLOCK, g->lda, GEMM_BLOCK, BLOCKS};
    if (g->layout == GEMM_BY_COLUMNS) {
        pack_tiles(g, k0, k1);
        return (part){k0, k1, g->buffer, (k1 - k0) * GEMM_MR, GEMM_MR, COLUMNS};
    }
    int64_t step = (k1 - k0 + VF_WIDTH - 1) / VF_WIDTH * GEMM_BLOCK;
    pack_blocks(g, k0, k1, step);
    return (part){k0, k1, g->buffer, step, GEMM_BLOCK, BLOCKS};
}

void gemm_run(const gemm_block *g)
{
    const bool rows = reads_rows(g);
    int64_t step = gemm_k_step(g->k), k0 = 0;
    do {
        int64_t k1 = ITO_MIN(g->k, k0 + step);
        if (rows) {
            run_rows(g, k0, k1);
        } else {
            const part p = make_part(g, k0, k1);
            for (int64_t column = 0; column < g->n; column += GEMM_NR) run_panel(g, &p, column);
        }
        k0 += step;
    } while (k0 < g->k);
}

size_t gemm_packed_bytes(int64_t k, int64_t n, bool narrow)
{
    return (size_t)(gemm_panels(n) * k * GEMM_NR * gemm_element(narrow));
}

/* [columns][k]: rows of the panel become columns. */
static void pack_narrow(const gemm_panel *p, int64_t k0, int64_t n_k, const float *b, float *panel)
{
    for (int64_t j = 0; j < p->columns; j++)
        for (int64_t i = 0; i < n_k; i++) panel[j * p->k + k0 + i] = b[i * p->k_stride + j * p->n_stride];
}

static void pack_rows(const gemm_panel *p, int64_t n_k, const float *b, float *to)
{
    for (int64_t i = 0; i < n_k; i++, to += GEMM_NR, b += p->k_stride)
        for (int64_t j = 0; j < p->columns; j += VF_WIDTH)
            vstore(to + j, vload_n(b + j, (int)ITO_MIN(VF_WIDTH, p->columns - j)));
}

static void pack_strided(const gemm_panel *p, int64_t n_k, const float *b, float *to)
{
    const int64_t turn = 64; /* so many rows of the panel stay in the first-level cache */
    for (int64_t i0 = 0; i0 < n_k; i0 += turn)
        for (int64_t j = 0; j < p->columns; j++) {
            const float *from = b + j * p->n_stride;
            int64_t end = ITO_MIN(n_k, i0 + turn);
            for (int64_t i = i0; i < end; i += 16) __builtin_prefetch(from + 4 * p->n_stride + i * p->k_stride);
            for (int64_t i = i0; i < end; i++) to[i * GEMM_NR + j] = from[i * p->k_stride];
        }
}

static void pack_wide(const gemm_panel *p, int64_t n_k, const float *b, float *to)
{
    if (p->columns < GEMM_NR) memset(to, 0, (size_t)(n_k * GEMM_NR) * sizeof *to);
    if (p->n_stride == 1)
        pack_rows(p, n_k, b, to);
    else
        pack_strided(p, n_k, b, to);
}

static void pack_half(const gemm_panel *p, int64_t n_k, const float *b, uint16_t *to)
{
    enum { TURN = 32 };
    float rows[TURN * GEMM_NR];
    for (int64_t i = 0; i < n_k; i += TURN) {
        int64_t n = ITO_MIN(TURN, n_k - i) * GEMM_NR;
        pack_wide(p, n / GEMM_NR, b + i * p->k_stride, rows);
        for (int64_t at = 0; at < n; at += VF_WIDTH) vh_store(to + i * GEMM_NR + at, vhalf(vload(rows + at)));
    }
}

void gemm_pack(const gemm_panel *p, int64_t k0, int64_t n_k, const float *b, void *panel)
{
    if (p->narrow)
        pack_half(p, n_k, b, (uint16_t *)panel + k0 * GEMM_NR);
    else if (p->columns <= GEMM_NARROW && !p->wide)
        pack_narrow(p, k0, n_k, b, panel);
    else
        pack_wide(p, n_k, b, (float *)panel + k0 * GEMM_NR);
}

gemm_grid gemm_grid_make(int n_threads, int64_t batch, int64_t m, int64_t n, int64_t k)
{
    const int64_t enough = 4 * ITO_MAX(1, n_threads);    /* blocks */
    const int64_t least_work = 256 * 1024;               /* multiply-adds of a block: a few microseconds */
    int64_t rows = GEMM_MC / 2, panels = gemm_panels(n); /* more leave less of the cache to B: 0.9 of the speed */
    while (rows > 2 * GEMM_MR && batch * ((m + rows - 1) / rows) < enough && rows / 2 * n * k >= least_work) rows /= 2;
    int64_t n_rows = ITO_MAX(1, (m + rows - 1) / rows);
    int64_t n_columns = ITO_MAX(1, ITO_MIN(panels, enough / ITO_MAX(1, batch * n_rows)));
    while (n_columns > 1 && ITO_MIN(m, rows) * (n / n_columns) * k < least_work) n_columns--;
    int64_t per_row = ITO_MAX(1, (m + n_rows - 1) / n_rows);
    int64_t per_column = ITO_MAX(1, (panels + n_columns - 1) / n_columns);
    return (gemm_grid){.rows = per_row,
                       .columns = per_column * GEMM_NR,
                       .n_rows = (m + per_row - 1) / per_row,
                       .n_columns = (panels + per_column - 1) / per_column};
}
