/* Blocked matrix products C = act(A B + bias + residual), row-major, float32: the engine under matmul, convolution and
 * Winograd. Callers cut C into blocks and run each block on one thread; the engine neither allocates nor threads.
 *
 *   A  [m, k]: in tiles of up to GEMM_MR rows, tile i holding rows gemm_tile_row(m, i) and following, and inside a tile
 *      either by blocks [k / VF_WIDTH][GEMM_MR][VF_WIDTH] or by columns [k][GEMM_MR]. Copied into a buffer from rows or
 *      columns, or made there row by row (implicit im2col), or given in blocks; or read where its columns are, which is
 *      for short reductions whose columns are near one another
 *   B  [k, n], always packed: panels of GEMM_NR columns, panel j = [k][GEMM_NR], missing columns zero; a panel of at
 *      most GEMM_NARROW columns is [columns][k] instead where A is by blocks, unless wide_panels is set
 *      Or, to halve what is kept and read, in binary16: bf16 has 8 bits, and Winograd's transforms magnify what rounding does
 *      to them tenfold
 *   C  [m, n], any row stride, or rows at given offsets
 *
 * Invariant: the reduction is cut at gemm_k_step(k), a function of k alone. Each part is one chain of multiply-adds and
 * parts are added in order, so the bits of an element depend on its row of A, its column of B, on n and k, and on
 * nothing else (not on m, blocks or threads). */
#ifndef ITO_GEMM_H
#define ITO_GEMM_H

#include "kernel/cpu/isa/vec.h"
#include "kernel/kernel.h"

#define GEMM_NR (2 * VF_WIDTH)
#if VF_REGISTERS == 32
#define GEMM_MR 12
#else
#define GEMM_MR 6
#endif
#define GEMM_NARROW 4
#define GEMM_MC     96  /* most rows of a block: A's part of them stays in the second-level cache */
#define GEMM_KC     256 /* longest part of the reduction: a panel's part of it stays in the first-level cache */
#define GEMM_BLOCK  (GEMM_MR * VF_WIDTH) /* floats of VF_WIDTH columns of a tile */
#define GEMM_LDA    (GEMM_KC + 16) /* row stride of rows made by fill: no power of two, so that they fall in other sets */

/* Names across files carry the instruction set; these are their short forms. */
#define gemm_rows          ITO_ISA_FN(ito__gemm_rows)
#define gemm_rows_add      ITO_ISA_FN(ito__gemm_rows_add)
#define gemm_columns       ITO_ISA_FN(ito__gemm_columns)
#define gemm_blocks        ITO_ISA_FN(ito__gemm_blocks)
#define gemm_rows_narrow   ITO_ISA_FN(ito__gemm_rows_narrow)
#define gemm_blocks_narrow ITO_ISA_FN(ito__gemm_blocks_narrow)
#define gemm_dots          ITO_ISA_FN(ito__gemm_dots)
#define gemm_run           ITO_ISA_FN(ito__gemm_run)
#define gemm_pack          ITO_ISA_FN(ito__gemm_pack)
#define gemm_packed_bytes  ITO_ISA_FN(ito__gemm_packed_bytes)
#define gemm_grid_make     ITO_ISA_FN(ito__gemm_grid_make)

/* c[rows][vectors] = a[rows][k] b[k][GEMM_NR]; the tables are indexed by (add to what c holds,) vectors - 1 and rows. What lies
 * `ahead` floats behind a is fetched meanwhile. ldb is GEMM_NR but for A by columns. */
typedef void gemm_kernel(int64_t k, const float *a, int64_t lda, int64_t ahead, const void *b, int64_t ldb, float *c,
                         int64_t ldc);
extern gemm_kernel *const gemm_rows[2][GEMM_MR + 1]; /* a[i * lda + p] */
extern gemm_kernel *const gemm_rows_add[2][GEMM_MR + 1];
extern gemm_kernel *const gemm_columns[2][2][GEMM_MR + 1]; /* a[p * lda + i] */
extern gemm_kernel *const gemm_blocks[2][2][GEMM_MR + 1];  /* a[p / VF_WIDTH * lda + i * VF_WIDTH + p % VF_WIDTH] */

/* The same for b in binary16, indexed by add, vectors - 1 and rows. */
extern gemm_kernel *const gemm_rows_narrow[2][2][GEMM_MR + 1], *const gemm_blocks_narrow[2][2][GEMM_MR + 1];

/* c[rows][GEMM_NR], the first `columns` (at most GEMM_NARROW) of each row, = a[rows][k] b[columns][k]^T, A in blocks */
void gemm_dots(int64_t rows, int64_t columns, int64_t k, const float *a, const float *b, int64_t ldb, float *c);

/* Writes columns k0 .. k1 - 1 of m rows of A, the first being row m0, to buffer[i * ld]. */
typedef void gemm_fill(const void *arg, int64_t m0, int64_t m, int64_t k0, int64_t k1, float *buffer, int64_t ld);

typedef struct gemm_block {
    int64_t m, n, k;
    const float *a; /* the block's first row, tile or column; unused with fill */
    int64_t lda;    /* floats from row to row, column to column, or blocked tile to tile */
    enum gemm_layout { GEMM_BY_ROWS, GEMM_BY_COLUMNS, GEMM_BLOCKS } layout;
    gemm_fill *fill; /* when set, makes rows of A */
    const void *fill_arg;
    int64_t first_row; /* number of the block's first row, for fill and residual_rows */
    float *buffer;     /* gemm_buffer_floats(m, k) floats where A is copied or made; then m is at most GEMM_MC */
    const void *b;     /* the block's first panel */
    bool narrow;       /* b is binary16, in wide panels; not with columns */
    bool wide_panels;  /* every panel is [k][GEMM_NR]; needed with columns */
    float *c;
    int64_t ldc;
    const int64_t *c_rows; /* when set, row i is at c + c_rows[i] */
    const float *bias;     /* [n] or NULL */
    const float *residual; /* laid out as c, or NULL */
    int64_t residual_rows; /* when set, so many rows of C share a row of residual, [.., ldc] */
    int32_t act;
    bool accumulate; /* add to what C holds */
} gemm_block;

void gemm_run(const gemm_block *g);

/* Bytes of one packed [k, n]. */
size_t gemm_packed_bytes(int64_t k, int64_t n, bool narrow);

/* Are the kernel's weights packed in binary16? */
static inline bool gemm_packs_narrow(const ito_kernel *k)
{
    return k->frozen & 2 && k->packs == ITO_BF16;
}

/* Bytes of an element of packed weights. */
static inline int64_t gemm_element(bool narrow)
{
    return narrow ? sizeof(uint16_t) : sizeof(float);
}

static inline int64_t gemm_panels(int64_t n)
{
    return (n + GEMM_NR - 1) / GEMM_NR;
}

/* Tiles of even height: 64 rows are tiles of 11 and 10 rows, not five of 12 and one of 4. */
static inline int64_t gemm_tile_count(int64_t m)
{
    return (m + GEMM_MR - 1) / GEMM_MR;
}

static inline int64_t gemm_tile_row(int64_t m, int64_t i)
{
    return i * m / gemm_tile_count(m);
}

/* The tile that holds a row. */
static inline int64_t gemm_tile_of(int64_t m, int64_t row)
{
    return ((row + 1) * gemm_tile_count(m) - 1) / m;
}

/* Length of the parts of the reduction, at least 1. */
static inline int64_t gemm_k_step(int64_t k)
{
    int64_t parts = (k + GEMM_KC - 1) / GEMM_KC;
    return parts > 1 ? ((k + parts - 1) / parts + 15) / 16 * 16 : (k ? k : 1);
}

/* Floats of a thread's buffer of A, for blocks of at most `rows` rows: its tiles, and rows of one on their way. */
static inline int64_t gemm_tiles_floats(int64_t rows, int64_t k)
{
    return gemm_tile_count(rows) * ((gemm_k_step(k) + VF_WIDTH - 1) / VF_WIDTH) * GEMM_BLOCK;
}

static inline int64_t gemm_buffer_floats(int64_t rows, int64_t k)
{
    return gemm_tiles_floats(rows, k) + GEMM_MR * GEMM_LDA;
}

/* Packs rows k0 .. k0 + n_k - 1 of a panel of k rows with `columns` columns (at most GEMM_NR); element (k0 + p, j) is
 * at b[p * k_stride + j * n_stride]. */
typedef struct gemm_panel {
    int64_t k, columns, k_stride, n_stride;
    bool wide;   /* for wide_panels */
    bool narrow; /* to binary16 */
} gemm_panel;
void gemm_pack(const gemm_panel *p, int64_t k0, int64_t n_k, const float *b, void *panel);

/* How C is cut into blocks that run in parallel: some for each thread, none too small to be worth a turn. No bit of C depends
 * on it. */
typedef struct gemm_grid {
    int64_t rows, columns;     /* of a block; columns is a multiple of GEMM_NR */
    int64_t n_rows, n_columns; /* how many blocks */
} gemm_grid;

gemm_grid gemm_grid_make(int n_threads, int64_t batch, int64_t m, int64_t n, int64_t k);

#endif
