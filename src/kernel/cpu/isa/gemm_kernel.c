/* The register kernel under every product: a tile of up to GEMM_MR rows and GEMM_NR columns of C = A B is held in
 * registers while the reduction runs over one block of k. Each k loads the GEMM_NR floats of B's packed row and
 * multiplies them by one broadcast element of A per row.
 *
 * One instance per number of rows, for A by rows (a[i * lda + p]) and by columns (a[p * lda + i]). Whatever the
 * instance, an element of C is the same chain of multiply-adds over p = 0 .. k - 1, so its bits do not depend on how
 * rows are grouped into tiles. */
#include "kernel/cpu/isa/gemm.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

static inline __attribute__((always_inline)) void tile(int rows, int64_t k, const float *a, int64_t row_step,
                                                       int64_t k_step, const float *b, float *c, int64_t ldc)
{
    vf sum[GEMM_MR][2];
    UNROLL for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (vf){0};
    for (int64_t p = 0; p < k; p++) {
        vf b0 = vload(b), b1 = vload(b + VF_WIDTH);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vf x = vset(a[i * row_step]);
            sum[i][0] += x * b0;
            sum[i][1] += x * b1;
        }
        a += k_step;
        b += GEMM_NR;
    }
    UNROLL for (int i = 0; i < rows; i++)
    {
        vstore(c + i * ldc, sum[i][0]);
        vstore(c + i * ldc + VF_WIDTH, sum[i][1]);
    }
}

#if GEMM_MR == 12
#define ROWS_MAP(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#define ROWS_MAP(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif

#define INSTANCE(n)                                                                                                    \
    static void rows_##n(int64_t k, const float *a, int64_t lda, const float *b, float *c, int64_t ldc)                \
    {                                                                                                                  \
        tile(n, k, a, lda, 1, b, c, ldc);                                                                              \
    }                                                                                                                  \
    static void cols_##n(int64_t k, const float *a, int64_t lda, const float *b, float *c, int64_t ldc)                \
    {                                                                                                                  \
        tile(n, k, a, 1, lda, b, c, ldc);                                                                              \
    }
ROWS_MAP(INSTANCE)

#define ROWS_ENTRY(n) rows_##n,
#define COLS_ENTRY(n) cols_##n,
gemm_kernel *const gemm_rows[GEMM_MR + 1] = {0, ROWS_MAP(ROWS_ENTRY)};
gemm_kernel *const gemm_cols[GEMM_MR + 1] = {0, ROWS_MAP(COLS_ENTRY)};
