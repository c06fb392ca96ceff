/* The register kernels under every product: a tile of up to GEMM_MR rows and one or two vectors of C = A B is held in
 * registers while the reduction runs over one part of k. Each k loads the tile's floats of B's packed row and multiplies
 * them by one broadcast element of A per row.
 *
 * One instance per number of vectors and of rows, for A by rows (a[i * lda + p]), by columns (a[p * lda + i]) and in
 * blocks of VF_WIDTH steps (one stream of memory, and every row at a constant distance: 5 to 15 % faster than rows on some
 * processors, no faster on others), each also to go on from what C holds. Whatever the instance, an element of C is the same
 * chain of multiply-adds over p = 0 .. k - 1, so its bits do not depend on how rows are grouped into tiles.
 *
 * Where C has at most GEMM_NARROW columns, vectors run along k instead and are summed at the end. */
#include "kernel/cpu/isa/gemm.h"

#if !defined(__clang__)
#define UNROLL _Pragma("GCC unroll 16")
#elif __has_feature(address_sanitizer) /* whose checks, unrolled, take clang an hour */
#define UNROLL
#else
#define UNROLL _Pragma("clang loop unroll(full)")
#endif
#define INLINE static inline __attribute__((always_inline))

#define AHEAD 48 /* rows of the panel: packed weights are read once and come from far away */

/* n more steps of the reduction */
INLINE void multiply_add(int vectors, int rows, int64_t n, const float *a, int64_t row_step, int64_t k_step,
                         const float *ahead, const float *b, vf sum[GEMM_MR][2])
{
    for (int64_t p = 0; p < n; p++) {
        vf b0 = vload(b), b1 = vectors > 1 ? vload(b + VF_WIDTH) : b0;
        UNROLL for (int j = 0; j < vectors * VF_WIDTH; j += 16) __builtin_prefetch(b + AHEAD * GEMM_NR + j);
        if (ahead) __builtin_prefetch(ahead + p * VF_WIDTH);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vf x = vset(a[i * row_step]);
            sum[i][0] += x * b0;
            if (vectors > 1) sum[i][1] += x * b1;
        }
        a += k_step;
        b += GEMM_NR;
    }
}

typedef enum layout { ROWS, COLUMNS, BLOCKS } layout;

INLINE void tile(layout of, int vectors, int rows, bool add, int64_t k, const float *a, int64_t lda, const float *b,
                 float *c, int64_t ldc)
{
    vf sum[GEMM_MR][2];
    UNROLL for (int i = 0; i < rows; i++)
    {
        sum[i][0] = add ? vload(c + i * ldc) : (vf){0};
        sum[i][1] = add && vectors > 1 ? vload(c + i * ldc + VF_WIDTH) : (vf){0};
    }
    if (of == ROWS) multiply_add(vectors, rows, k, a, lda, 1, a + rows * lda, b, sum);
    if (of == COLUMNS) multiply_add(vectors, rows, k, a, 1, lda, NULL, b, sum);
    for (int64_t p = 0; of == BLOCKS && p < k; p += VF_WIDTH, a += lda, b += VF_WIDTH * GEMM_NR)
        multiply_add(vectors, rows, k - p < VF_WIDTH ? k - p : VF_WIDTH, a, VF_WIDTH, 1, a + lda, b, sum);
    UNROLL for (int i = 0; i < rows; i++)
    {
        vstore(c + i * ldc, sum[i][0]);
        if (vectors > 1) vstore(c + i * ldc + VF_WIDTH, sum[i][1]);
    }
}

#if GEMM_MR == 12
#define ROWS_MAP(X, v)                                                                                                 \
    X(v, 1) X(v, 2) X(v, 3) X(v, 4) X(v, 5) X(v, 6) X(v, 7) X(v, 8) X(v, 9) X(v, 10) X(v, 11) X(v, 12)
#else
#define ROWS_MAP(X, v) X(v, 1) X(v, 2) X(v, 3) X(v, 4) X(v, 5) X(v, 6)
#endif

#define ONE_INSTANCE(name, layout, add, v, n)                                                                          \
    static void name##_##v##_##n(int64_t k, const float *a, int64_t lda, const float *b, float *c, int64_t ldc)        \
    {                                                                                                                  \
        tile(layout, v, n, add, k, a, lda, b, c, ldc);                                                                 \
    }
#define INSTANCE(v, n)                                                                                                 \
    ONE_INSTANCE(rows, ROWS, false, v, n)                                                                              \
    ONE_INSTANCE(rows_add, ROWS, true, v, n)                                                                           \
    ONE_INSTANCE(columns, COLUMNS, false, v, n)                                                                        \
    ONE_INSTANCE(columns_add, COLUMNS, true, v, n)                                                                     \
    ONE_INSTANCE(blocks, BLOCKS, false, v, n)                                                                          \
    ONE_INSTANCE(blocks_add, BLOCKS, true, v, n)
ROWS_MAP(INSTANCE, 1)
ROWS_MAP(INSTANCE, 2)

#define ROWS_ENTRY(v, n)        rows_##v##_##n,
#define ROWS_ADD_ENTRY(v, n)    rows_add_##v##_##n,
#define COLUMNS_ENTRY(v, n)     columns_##v##_##n,
#define COLUMNS_ADD_ENTRY(v, n) columns_add_##v##_##n,
#define BLOCKS_ENTRY(v, n)      blocks_##v##_##n,
#define BLOCKS_ADD_ENTRY(v, n)  blocks_add_##v##_##n,
#define TABLE(entry)                                                                                                   \
    {                                                                                                                  \
        {0, ROWS_MAP(entry, 1)},                                                                                       \
        {                                                                                                              \
            0, ROWS_MAP(entry, 2)                                                                                      \
        }                                                                                                              \
    }
gemm_kernel *const gemm_rows[2][GEMM_MR + 1] = TABLE(ROWS_ENTRY);
gemm_kernel *const gemm_rows_add[2][GEMM_MR + 1] = TABLE(ROWS_ADD_ENTRY);
gemm_kernel *const gemm_columns[2][2][GEMM_MR + 1] = {TABLE(COLUMNS_ENTRY), TABLE(COLUMNS_ADD_ENTRY)};
gemm_kernel *const gemm_blocks[2][2][GEMM_MR + 1] = {TABLE(BLOCKS_ENTRY), TABLE(BLOCKS_ADD_ENTRY)};

/* c[rows][columns] = a[rows][k] b[columns][k]^T, A in blocks, sums kept per lane */
INLINE void dots(int rows, int columns, int64_t k, const float *a, const float *b, int64_t ldb, float *c)
{
    vf sum[4][GEMM_NARROW];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < columns; j++) sum[i][j] = (vf){0};
    for (int64_t p = 0; p < k; p += VF_WIDTH, a += GEMM_BLOCK) {
        int n = k - p < VF_WIDTH ? (int)(k - p) : VF_WIDTH;
        vf y[GEMM_NARROW];
        UNROLL for (int j = 0; j < columns; j++) y[j] = vload_n(b + j * ldb + p, n);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vf x = vload_n(a + i * VF_WIDTH, n);
            UNROLL for (int j = 0; j < columns; j++) sum[i][j] += x * y[j];
        }
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < columns; j++) c[i * GEMM_NR + j] = vsum(sum[i][j]);
}

#define DOT_ROWS (VF_REGISTERS == 32 ? 4 : 2) /* rows at a time, as registers allow */

INLINE void dots_of_rows(int columns, int64_t rows, int64_t k, const float *a, const float *b, int64_t ldb, float *c)
{
    int64_t i = 0;
    for (; i + DOT_ROWS <= rows; i += DOT_ROWS) dots(DOT_ROWS, columns, k, a + i * VF_WIDTH, b, ldb, c + i * GEMM_NR);
    for (; i < rows; i++) dots(1, columns, k, a + i * VF_WIDTH, b, ldb, c + i * GEMM_NR);
}

void gemm_dots(int64_t rows, int64_t columns, int64_t k, const float *a, const float *b, int64_t ldb, float *c)
{
    switch (columns) {
    case 1: dots_of_rows(1, rows, k, a, b, ldb, c); break;
    case 2: dots_of_rows(2, rows, k, a, b, ldb, c); break;
    case 3: dots_of_rows(3, rows, k, a, b, ldb, c); break;
    default: dots_of_rows(4, rows, k, a, b, ldb, c);
    }
}
