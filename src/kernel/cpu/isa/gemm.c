/* Runs one block of a product; packs B; cuts C into blocks. See gemm.h. */
#include "kernel/cpu/isa/gemm.h"

#include "kernel/cpu/isa/vact.h"

/* One register tile on its way from the kernel to C. */
typedef struct tile {
    int64_t rows, columns, row0, column0;
    bool first, last; /* part of the reduction */
    const float *sum; /* [rows][GEMM_NR] */
} tile;

/* n <= VF_WIDTH floats of C: adds this part of the reduction; the last part adds bias and residual and applies act. */
static inline void finish(const gemm_block *g, const tile *t, vf x, int64_t at, int64_t column, int n)
{
    if (!t->first) x = vload_n(g->c + at, n) + x;
    if (t->last) {
        if (g->bias) x += vload_n(g->bias + column, n);
        if (g->residual) x += vload_n(g->residual + at, n);
        x = vact(g->act, x);
    }
    vstore_n(g->c + at, n, x);
}

static void store_tile(const gemm_block *g, const tile *t)
{
    for (int64_t i = 0; i < t->rows; i++) {
        int64_t row = t->row0 + i;
        int64_t at = (g->c_rows ? g->c_rows[row] : row * g->ldc) + t->column0;
        for (int64_t j = 0; j < t->columns; j += VF_WIDTH)
            finish(g, t, vload(t->sum + i * GEMM_NR + j), at + j, t->column0 + j,
                   (int)ITO_MIN(VF_WIDTH, t->columns - j));
    }
}

static bool is_plain(const gemm_block *g)
{
    return !g->bias && !g->residual && !g->c_rows && !g->accumulate && g->act == ITO_UNARY_identity;
}

/* One part k0 .. k1 - 1 of the reduction; a points at its first column. */
static void run_part(const gemm_block *g, int64_t k0, int64_t k1, const float *a, int64_t lda)
{
    gemm_kernel *const *kernels = g->by_columns ? gemm_cols : gemm_rows;
    int64_t n_tiles = (g->m + GEMM_MR - 1) / GEMM_MR, row_step = g->by_columns ? 1 : lda;
    bool direct = is_plain(g) && k0 == 0 && k1 == g->k;
    float sum[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
    for (int64_t j = 0; j < g->n; j += GEMM_NR) {
        const float *b = g->b + j * g->k + k0 * GEMM_NR;
        int64_t columns = ITO_MIN(GEMM_NR, g->n - j);
        for (int64_t i = 0; i < n_tiles; i++) { /* tiles of even height: 64 rows are 5 x 11 + 9, not 5 x 12 + 4 */
            int64_t row0 = i * g->m / n_tiles, rows = (i + 1) * g->m / n_tiles - row0;
            if (direct && columns == GEMM_NR) {
                kernels[rows](k1 - k0, a + row0 * row_step, lda, b, g->c + row0 * g->ldc + j, g->ldc);
                continue;
            }
            kernels[rows](k1 - k0, a + row0 * row_step, lda, b, sum, GEMM_NR);
            store_tile(g, &(tile){rows, columns, row0, j, k0 == 0 && !g->accumulate, k1 == g->k, sum});
        }
    }
}

void gemm_run(const gemm_block *g)
{
    int64_t step = gemm_k_step(g->k), k0 = 0;
    do {
        int64_t k1 = ITO_MIN(g->k, k0 + step);
        if (g->fill) {
            float *buffer = (float *)g->a;
            g->fill(g->fill_arg, g->fill_row, g->m, k0, k1, buffer, GEMM_LDA);
            run_part(g, k0, k1, buffer, GEMM_LDA);
        } else {
            run_part(g, k0, k1, g->a + k0 * (g->by_columns ? g->lda : 1), g->lda);
        }
        k0 = k1;
    } while (k0 < g->k);
}

size_t gemm_packed_bytes(int64_t k, int64_t n)
{
    return (size_t)(gemm_panels(n) * k * GEMM_NR) * sizeof(float);
}

void gemm_pack(int64_t k, int64_t columns, const float *b, int64_t k_stride, int64_t n_stride, float *panel)
{
    if (columns < GEMM_NR) memset(panel, 0, (size_t)(k * GEMM_NR) * sizeof *panel);
    if (n_stride == 1) {
        for (int64_t p = 0; p < k; p++)
            for (int64_t j = 0; j < columns; j += VF_WIDTH) {
                int n = (int)ITO_MIN(VF_WIDTH, columns - j);
                vstore(panel + p * GEMM_NR + j, vload_n(b + p * k_stride + j, n));
            }
        return;
    }
    for (int64_t p0 = 0; p0 < k; p0 += 16) /* 16 rows of the panel stay in the first-level cache */
        for (int64_t j = 0; j < columns; j++)
            for (int64_t p = p0; p < ITO_MIN(k, p0 + 16); p++) panel[p * GEMM_NR + j] = b[p * k_stride + j * n_stride];
}

gemm_grid gemm_grid_make(int64_t batch, int64_t m, int64_t n, int64_t k)
{
    const int64_t enough = 32;             /* blocks: some for each of many threads */
    const int64_t least_work = 256 * 1024; /* multiply-adds of a block: a few microseconds */
    int64_t rows = GEMM_MC, panels = gemm_panels(n);
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
