/* Blocked matrix products C = act(A B + bias + residual), row-major, float32: the engine under matmul, convolution and
 * Winograd. Callers cut C into blocks and run each block on one thread; the engine neither allocates nor threads.
 *
 *   A  [m, k], read where it lies by rows or by columns, or made row by row into a buffer (implicit im2col)
 *   B  [k, n], always packed: panels of GEMM_NR columns, panel j = [k][GEMM_NR], missing columns zero
 *   C  [m, n], any row stride, or rows at given offsets
 *
 * Invariant: the reduction is cut at gemm_k_step(k), a function of k alone. Each part is one chain of multiply-adds and
 * parts are added in order, so the bits of an element depend on its row of A, its column of B and k, and on nothing
 * else (not on m, n, blocks or threads). */
#ifndef ITO_GEMM_H
#define ITO_GEMM_H

#include "kernel/cpu/isa/vec.h"
#include "kernel/kernel.h"

#define GEMM_NR (2 * VF_WIDTH)
#if VF_WIDTH == 16
#define GEMM_MR 12
#else
#define GEMM_MR 6
#endif
#define GEMM_MC  96             /* most rows of a block: A's part of them stays in the second-level cache */
#define GEMM_KC  384            /* longest part of the reduction: a panel's part of it stays in the first-level cache */
#define GEMM_LDA (GEMM_KC + 16) /* row stride of a buffer of A: not a power of two, so that rows fall in other sets */

/* Names across files carry the instruction set; these are their short forms. */
#define gemm_rows         ITO_ISA_FN(ito__gemm_rows)
#define gemm_cols         ITO_ISA_FN(ito__gemm_cols)
#define gemm_run          ITO_ISA_FN(ito__gemm_run)
#define gemm_pack         ITO_ISA_FN(ito__gemm_pack)
#define gemm_packed_bytes ITO_ISA_FN(ito__gemm_packed_bytes)
#define gemm_grid_make    ITO_ISA_FN(ito__gemm_grid_make)

/* c[rows][GEMM_NR] = a[rows][k] b[k][GEMM_NR], the number of rows being the index into the table. */
typedef void gemm_kernel(int64_t k, const float *a, int64_t lda, const float *b, float *c, int64_t ldc);
extern gemm_kernel *const gemm_rows[GEMM_MR + 1]; /* a[i * lda + p] */
extern gemm_kernel *const gemm_cols[GEMM_MR + 1]; /* a[p * lda + i] */

/* Writes columns k0 .. k1 - 1 of m rows of A, the first being row m0, to buffer[i * ld]. */
typedef void gemm_fill(const void *arg, int64_t m0, int64_t m, int64_t k0, int64_t k1, float *buffer, int64_t ld);

typedef struct gemm_block {
    int64_t m, n, k;
    const float *a; /* first row of the block, or the buffer when fill is set */
    int64_t lda;
    bool by_columns; /* A is stored transposed: element (i, p) at a[p * lda + i] */
    gemm_fill *fill; /* may be NULL */
    const void *fill_arg;
    int64_t fill_row; /* row number of the block's first row, for fill */
    const float *b;   /* the block's first panel */
    float *c;
    int64_t ldc;
    const int64_t *c_rows; /* when set, row i is at c + c_rows[i] */
    const float *bias;     /* [n] or NULL */
    const float *residual; /* laid out as c, or NULL */
    int32_t act;
    bool accumulate; /* add to what C holds */
} gemm_block;

void gemm_run(const gemm_block *g);

/* Bytes of one packed [k, n]. */
size_t gemm_packed_bytes(int64_t k, int64_t n);

static inline int64_t gemm_panels(int64_t n)
{
    return (n + GEMM_NR - 1) / GEMM_NR;
}

/* Packs one panel: columns 0 .. columns - 1 (at most GEMM_NR), element (p, j) at b[p * k_stride + j * n_stride]. */
void gemm_pack(int64_t k, int64_t columns, const float *b, int64_t k_stride, int64_t n_stride, float *panel);

/* How C is cut into blocks that run in parallel: enough of them for many threads, none too small to be worth a turn.
 * Depends on the shape alone. */
typedef struct gemm_grid {
    int64_t rows, columns;     /* of a block; columns is a multiple of GEMM_NR */
    int64_t n_rows, n_columns; /* how many blocks */
} gemm_grid;

gemm_grid gemm_grid_make(int64_t batch, int64_t m, int64_t n, int64_t k);

/* Length of the parts of the reduction, at least 1. */
static inline int64_t gemm_k_step(int64_t k)
{
    int64_t parts = (k + GEMM_KC - 1) / GEMM_KC;
    return parts > 1 ? ((k + parts - 1) / parts + 15) / 16 * 16 : (k ? k : 1);
}

#endif
