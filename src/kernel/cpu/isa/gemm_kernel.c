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

INLINE const void *step_b(const void *b, int64_t n, bool narrow)
{
    return (const char *)b + n * gemm_element(narrow);
}

/* A row of B, which is of 16 bits when narrow (a constant). */
INLINE void load_b(const void *b, int vectors, bool narrow, vf row[2])
{
    for (int i = 0; i < vectors; i++)
        row[i] = narrow ? vunhalf(vh_load((const uint16_t *)b + i * VF_WIDTH)) : vload((const float *)b + i * VF_WIDTH);
}

typedef enum layout { ROWS, COLUMNS, BLOCKS } layout;

/* What an instance is made for: all constants. */
typedef struct kind {
    layout of;
    int vectors, rows;
    bool add, narrow;
} kind;

/* n more steps of the reduction: a[i * row_step + p * k_step]. What lies `ahead` floats on is wanted next, but where
 * A lies by columns. */
INLINE void multiply_add(kind t, int64_t n, const float *a, int64_t row_step, int64_t k_step, int64_t ahead,
                         const void *b, int64_t ldb, int64_t b_ahead, vf sum[GEMM_MR][2])
{
    const float *next = a + ahead;
    for (int64_t p = 0; p < n; p++) {
        vf row[2];
        load_b(b, t.vectors, t.narrow, row);
        UNROLL for (int j = 0; j < t.vectors * VF_WIDTH; j += t.narrow ? 32 : 16)
            __builtin_prefetch(step_b(b, b_ahead + j, t.narrow));
        if (t.of != COLUMNS) __builtin_prefetch(next + p * VF_WIDTH);
        UNROLL for (int i = 0; i < t.rows; i++)
        {
            vf x = vset(a[i * row_step]);
            sum[i][0] += x * row[0];
            if (t.vectors > 1) sum[i][1] += x * row[1];
        }
        a += k_step;
        b = step_b(b, ldb, t.narrow);
    }
}

/* Rows of B follow one another; or they lie among those of other products, of which the one beside them comes next. */
INLINE void reduce(kind t, int64_t k, const float *a, int64_t lda, int64_t ahead, const void *b, int64_t ldb,
                   vf sum[GEMM_MR][2])
{
    const int64_t b_ahead = AHEAD * GEMM_NR;
    if (t.of == ROWS) multiply_add(t, k, a, lda, 1, ahead, b, GEMM_NR, b_ahead, sum);
    if (t.of == COLUMNS) multiply_add(t, k, a, 1, lda, 0, b, ldb, ldb == GEMM_NR ? b_ahead : GEMM_NR, sum);
    for (int64_t p = 0; t.of == BLOCKS && p < k; p += VF_WIDTH, a += lda) {
        multiply_add(t, k - p < VF_WIDTH ? k - p : VF_WIDTH, a, VF_WIDTH, 1, ahead, b, GEMM_NR, b_ahead, sum);
        b = step_b(b, VF_WIDTH * GEMM_NR, t.narrow);
    }
}

INLINE void tile(kind t, int64_t k, const float *a, int64_t lda, int64_t ahead, const void *b, int64_t ldb, float *c,
                 int64_t ldc)
{
    vf sum[GEMM_MR][2];
    UNROLL for (int i = 0; i < t.rows; i++)
    {
        sum[i][0] = t.add ? vload(c + i * ldc) : (vf){0};
        sum[i][1] = t.add && t.vectors > 1 ? vload(c + i * ldc + VF_WIDTH) : (vf){0};
    }
    reduce(t, k, a, lda, ahead, b, ldb, sum);
    UNROLL for (int i = 0; i < t.rows; i++)
    {
        vstore(c + i * ldc, sum[i][0]);
        if (t.vectors > 1) vstore(c + i * ldc + VF_WIDTH, sum[i][1]);
    }
}

/* clang-format off */
#define SIX(X, ...)                                                                                                    \
    X(__VA_ARGS__, 1) X(__VA_ARGS__, 2) X(__VA_ARGS__, 3) X(__VA_ARGS__, 4) X(__VA_ARGS__, 5) X(__VA_ARGS__, 6)
#if GEMM_MR == 12
#define ROWS_MAP(X, ...)                                                                                               \
    SIX(X, __VA_ARGS__)                                                                                                \
    X(__VA_ARGS__, 7) X(__VA_ARGS__, 8) X(__VA_ARGS__, 9) X(__VA_ARGS__, 10) X(__VA_ARGS__, 11) X(__VA_ARGS__, 12)
#else
#define ROWS_MAP SIX
#endif
/* clang-format on */

#define INSTANCE(name, layout, add, narrow, v, n)                                                                      \
    static void name##_##v##_##n(int64_t k, const float *a, int64_t lda, int64_t ahead, const void *b, int64_t ldb,    \
                                 float *c, int64_t ldc)                                                                \
    {                                                                                                                  \
        tile((kind){layout, v, n, add, narrow}, k, a, lda, ahead, b, ldb, c, ldc);                                     \
    }
#define INSTANCES(name, layout, add, narrow)                                                                           \
    ROWS_MAP(INSTANCE, name, layout, add, narrow, 1) ROWS_MAP(INSTANCE, name, layout, add, narrow, 2)
INSTANCES(rows, ROWS, false, false)
INSTANCES(rows_add, ROWS, true, false)
INSTANCES(columns, COLUMNS, false, false)
INSTANCES(columns_add, COLUMNS, true, false)
INSTANCES(blocks, BLOCKS, false, false)
INSTANCES(blocks_add, BLOCKS, true, false)
INSTANCES(rows_narrow, ROWS, false, true)
INSTANCES(rows_add_narrow, ROWS, true, true)
INSTANCES(blocks_narrow, BLOCKS, false, true)
INSTANCES(blocks_add_narrow, BLOCKS, true, true)

#define ENTRY(name, v, n) name##_##v##_##n,
#define TABLE(name)                                                                                                    \
    {                                                                                                                  \
        {0, ROWS_MAP(ENTRY, name, 1)},                                                                                 \
        {                                                                                                              \
            0, ROWS_MAP(ENTRY, name, 2)                                                                                \
        }                                                                                                              \
    }
gemm_kernel *const gemm_rows[2][GEMM_MR + 1] = TABLE(rows);
gemm_kernel *const gemm_rows_add[2][GEMM_MR + 1] = TABLE(rows_add);
gemm_kernel *const gemm_columns[2][2][GEMM_MR + 1] = {TABLE(columns), TABLE(columns_add)};
gemm_kernel *const gemm_blocks[2][2][GEMM_MR + 1] = {TABLE(blocks), TABLE(blocks_add)};
gemm_kernel *const gemm_rows_narrow[2][2][GEMM_MR + 1] = {TABLE(rows_narrow), TABLE(rows_add_narrow)};
gemm_kernel *const gemm_blocks_narrow[2][2][GEMM_MR + 1] = {TABLE(blocks_narrow), TABLE(blocks_add_narrow)};

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
