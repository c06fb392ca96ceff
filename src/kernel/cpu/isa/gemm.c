/* Runs one block of a product; packs B; cuts C into blocks. See gemm.h. */
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/vact.h"

/* One register tile on its way from the kernel to C. */
typedef struct tile {
    int64_t rows, columns, row0, column0;
    bool first, last; /* part of the reduction */
    const float *sum; /* [rows][GEMM_NR] */
} tile;

/* n <= VF_WIDTH floats of C: adds this part of the reduction; the last part adds bias and the row's residual and applies
 * act. */
static inline void finish(const gemm_block *g, const tile *t, vf x, const float *residual, int64_t at, int64_t column,
                          int n)
{
    if (!t->first) x = vload_n(g->c + at, n) + x;
    if (t->last) {
        if (g->bias) x += vload_n(g->bias + column, n);
        if (residual) x += vload_n(residual + column, n);
        x = vact(g->act, x);
    }
    vstore_n(g->c + at, n, x);
}

/* The residual of a row that begins at c + at. */
static inline const float *residual_of(const gemm_block *g, int64_t row, int64_t at)
{
    if (!g->residual) return NULL;
    return g->residual + (g->residual_rows ? (g->first_row + row) / g->residual_rows * g->ldc : at);
}

static void store_tile(const gemm_block *g, const tile *t)
{
    for (int64_t i = 0; i < t->rows; i++) {
        int64_t row = t->row0 + i;
        int64_t at = g->c_rows ? g->c_rows[row] : row * g->ldc;
        const float *residual = residual_of(g, row, at);
        for (int64_t j = 0; j < t->columns; j += VF_WIDTH)
            finish(g, t, vload(t->sum + i * GEMM_NR + j), residual, at + t->column0 + j, t->column0 + j,
                   (int)ITO_MIN(VF_WIDTH, t->columns - j));
    }
}

static bool is_plain(const gemm_block *g)
{
    return !g->bias && !g->residual && !g->c_rows && g->act == ITO_UNARY_identity;
}

/* Where the tiles of A's part of the reduction are. */
typedef struct part {
    int64_t k0, k1;
    const float *a;
    int64_t step; /* from tile to tile; 0: rows follow one another, in place */
    int64_t lda;  /* from column to column; 0: in blocks */
} part;

/* One part of the reduction of one panel. */
static void run_panel(const gemm_block *g, const part *of, int64_t column)
{
    int64_t k0 = of->k0, k1 = of->k1;
    const float *b = g->b + column * g->k;
    int64_t columns = ITO_MIN(GEMM_NR, g->n - column), n_tiles = gemm_tile_count(g->m);
    bool narrow = columns <= GEMM_NARROW && !g->wide_panels, wide = columns > VF_WIDTH;
    bool first = k0 == 0 && !g->accumulate, last = k1 == g->k;
    bool direct = !narrow && columns % VF_WIDTH == 0 && !g->c_rows && (!last || is_plain(g));
    gemm_kernel *const *kernels = (of->lda ? gemm_columns : gemm_blocks)[direct && !first][wide];
    float sum[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n_tiles; i++) {
        int64_t row0 = gemm_tile_row(g->m, i), rows = gemm_tile_row(g->m, i + 1) - row0;
        const float *a = of->a + (of->step ? i * of->step : row0);
        if (direct) {
            kernels[rows](k1 - k0, a, of->lda, b + k0 * GEMM_NR, g->c + row0 * g->ldc + column, g->ldc);
            continue;
        }
        if (narrow)
            gemm_dots(rows, columns, k1 - k0, a, b + k0, g->k, sum);
        else
            kernels[rows](k1 - k0, a, of->lda, b + k0 * GEMM_NR, sum, GEMM_NR);
        store_tile(g, &(tile){rows, columns, row0, column, first, last, sum});
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

/* Copies rows p .. end - 1 of one tile of a matrix stored by columns. */
static void pack_tile(const gemm_block *g, int64_t p, int64_t end, int64_t row0, int64_t rows, float *to)
{
    for (; p < end; p++, to += GEMM_MR) {
        const float *from = g->a + p * g->lda + row0;
        __builtin_prefetch(from + 16 * g->lda); /* short pieces far apart are not fetched ahead by themselves */
        for (int64_t j = 0; j < rows; j += VF_WIDTH) {
            int n = (int)ITO_MIN(VF_WIDTH, rows - j);
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
            pack_tile(g, p, ITO_MIN(k1, p + turn), row0, rows, g->buffer + (i * (k1 - k0) + p - k0) * GEMM_MR);
        }
}

/* A's part k0 .. k1 - 1, made where it has to be. */
static part make_part(const gemm_block *g, int64_t k0, int64_t k1)
{
    if (g->layout == GEMM_COLUMNS_IN_PLACE) return (part){k0, k1, g->a + k0 * g->lda, 0, g->lda};
    if (g->layout == GEMM_BLOCKS) return (part){k0, k1, g->a + k0 / VF_WIDTH * GEMM_BLOCK, g->lda, 0};
    if (g->layout == GEMM_BY_COLUMNS) {
        pack_tiles(g, k0, k1);
        return (part){k0, k1, g->buffer, (k1 - k0) * GEMM_MR, GEMM_MR};
    }
    int64_t step = (k1 - k0 + VF_WIDTH - 1) / VF_WIDTH * GEMM_BLOCK;
    pack_blocks(g, k0, k1, step);
    return (part){k0, k1, g->buffer, step, 0};
}

void gemm_run(const gemm_block *g)
{
    int64_t step = gemm_k_step(g->k), k0 = 0;
    do {
        const part p = make_part(g, k0, ITO_MIN(g->k, k0 + step));
        for (int64_t column = 0; column < g->n; column += GEMM_NR) run_panel(g, &p, column);
        k0 += step;
    } while (k0 < g->k);
}

size_t gemm_packed_bytes(int64_t k, int64_t n)
{
    return (size_t)(gemm_panels(n) * k * GEMM_NR) * sizeof(float);
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

void gemm_pack(const gemm_panel *p, int64_t k0, int64_t n_k, const float *b, float *panel)
{
    if (p->columns <= GEMM_NARROW && !p->wide) {
        pack_narrow(p, k0, n_k, b, panel);
        return;
    }
    float *to = panel + k0 * GEMM_NR;
    if (p->columns < GEMM_NR) memset(to, 0, (size_t)(n_k * GEMM_NR) * sizeof *to);
    if (p->n_stride == 1)
        pack_rows(p, n_k, b, to);
    else
        pack_strided(p, n_k, b, to);
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
