/* What attention and its gradient share: sizes, packing, tiles of scores. Tiles of QUERIES x KEYS scores are made by
 * the product engine's register kernels, so keys and values are packed into its panels first; the full Lq x Lk matrix
 * never exists. Where heads are enough for all threads, each thread takes a head at a time and packs it into a place of
 * its own, which stays in its caches. With few, all threads share a head's tiles, and heads are worked through in rounds,
 * so that the packed copies stay a few megabytes. Neither changes a result. */
#ifndef ITO_ATTENTION_H
#define ITO_ATTENTION_H

#include <math.h>

#include "kernel/cpu/isa/gemm.h"
#include "kernel/cpu/isa/mem.h"
#include "kernel/cpu/walk.h"

#define QUERIES     48 /* rows of a tile */
#define KEYS        128
#define TILE_LD     (KEYS + 16) /* from row to row of a tile: no power of two, so that its columns fall in other sets */
#define ROUND_BYTES (8 << 20)   /* packed heads, about */

typedef struct attention {
    int64_t n, heads, n_queries, n_keys, depth;
    int64_t padded_keys, padded_depth; /* to whole tiles and whole panels */
    int64_t width;                     /* depth in whole vectors: a row of a tile of outputs */
    int64_t query_tiles, key_tiles;
    int64_t row;      /* floats from one query or key to the next: heads * depth */
    int64_t per_head; /* floats of the packed copies of one head */
    int64_t round;    /* heads packed at a time */
    int64_t per_thread;
    double scale;
    bool causal;
    bool whole_heads;  /* a slice is a head and packs it for itself; in the gradient no score is made twice then */
    const float *bias; /* NULL: none */
    int64_t bias_stride[ITO_MAX_DIMS];
} attention;

static inline attention attention_of(const ito_kernel *k)
{
    const ito_attr_attention *attr = k->attr;
    const int64_t *q = k->in[0].shape.d;
    attention a = {.n = q[0], .n_queries = q[1], .heads = q[2], .depth = q[3], .n_keys = k->in[1].shape.d[1]};
    a.padded_keys = div_up(a.n_keys, KEYS) * KEYS;
    a.padded_depth = div_up(a.depth, GEMM_NR) * GEMM_NR;
    a.width = div_up(a.depth, VF_WIDTH) * VF_WIDTH;
    a.query_tiles = div_up(a.n_queries, QUERIES);
    a.key_tiles = div_up(a.n_keys, KEYS);
    a.row = a.heads * a.depth;
    a.scale = attr->scale;
    a.causal = attr->causal;
    if (attr->has_bias) {
        ito_shape scores = ITO_SHAPE(a.n, a.heads, a.n_queries, a.n_keys);
        walk_broadcast(k->in[3].shape, scores, a.bias_stride);
    }
    return a;
}

/* Are heads enough to give each thread whole ones? */
static inline bool heads_suffice(const ito_kernel *k, const attention *a)
{
    const int64_t threads = ITO_MAX(k->n_threads, 1), heads = a->n * a->heads;
    return heads % threads == 0 || heads >= 4 * threads;
}

/* Once per_head, per_thread and whole_heads are known. */
static inline void attention_plan(ito_kernel *k, attention *a)
{
    int64_t threads = ITO_MAX(k->n_threads, 1), enough = ROUND_BYTES / 4 / ITO_MAX(a->per_head, 1);
    a->round = a->whole_heads ? threads : ITO_MIN(a->n * a->heads, ITO_MAX(enough, 2 * threads));
    k->workspace_bytes = (size_t)(a->round * a->per_head + threads * a->per_thread) * sizeof(float);
}

/* --- packing ------------------------------------------------------------------------------------------------------ */

/* TURN rows of x, `row` floats apart, to as many columns of a panel: TURN x TURN elements at a time in registers. */
#if VF_WIDTH == 16
#define TURN 16

static inline void turn_rows(int64_t depth, int64_t row, const float *x, float *to)
{
    for (int64_t d = 0; d < depth; d += TURN, x += TURN, to += TURN * GEMM_NR) {
        vf square[TURN];
        for (int i = 0; i < TURN; i++) square[i] = vload(x + i * row);
        vturn(square);
        for (int i = 0; i < TURN; i++) vstore(to + i * GEMM_NR, square[i]);
    }
}
#else
#define TURN 4
typedef float turn_row __attribute__((vector_size(4 * TURN)));
typedef float turn_unaligned __attribute__((vector_size(4 * TURN), aligned(4), may_alias));

static inline void turn_rows(int64_t depth, int64_t row, const float *x, float *to)
{
    for (int64_t i = 0; i < depth; i += TURN, x += TURN, to += TURN * GEMM_NR) {
        turn_row a = *(const turn_unaligned *)x, b = *(const turn_unaligned *)(x + row);
        turn_row c = *(const turn_unaligned *)(x + 2 * row), d = *(const turn_unaligned *)(x + 3 * row);
        turn_row low_ac = __builtin_shufflevector(a, c, 0, 4, 1, 5), low_bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
        turn_row high_ac = __builtin_shufflevector(a, c, 2, 6, 3, 7),
                 high_bd = __builtin_shufflevector(b, d, 2, 6, 3, 7);
        *(turn_unaligned *)to = __builtin_shufflevector(low_ac, low_bd, 0, 4, 1, 5);
        *(turn_unaligned *)(to + GEMM_NR) = __builtin_shufflevector(low_ac, low_bd, 2, 6, 3, 7);
        *(turn_unaligned *)(to + 2 * GEMM_NR) = __builtin_shufflevector(high_ac, high_bd, 0, 4, 1, 5);
        *(turn_unaligned *)(to + 3 * GEMM_NR) = __builtin_shufflevector(high_ac, high_bd, 2, 6, 3, 7);
    }
}
#endif

/* Panels over positions: element (d, j) of panel p is x[p GEMM_NR + j][d]; missing positions are zero. */
static inline void pack_turned(int64_t n, int64_t depth, int64_t row, const float *x, int64_t first_panel,
                               int64_t n_panels, float *packed)
{
    for (int64_t p = first_panel; p < first_panel + n_panels; p++) {
        float *panel = packed + p * depth * GEMM_NR;
        for (int64_t j = 0; j < GEMM_NR; j += TURN) {
            const int64_t at = p * GEMM_NR + j, whole = at + TURN <= n ? depth / TURN * TURN : 0;
            turn_rows(whole, row, x + at * row, panel + j);
            for (int64_t i = 0; i < TURN; i++)
                for (int64_t d = whole; d < depth; d++)
                    panel[d * GEMM_NR + j + i] = at + i < n ? x[(at + i) * row + d] : 0;
        }
    }
}

/* Panels over depth: element (j, c) of panel p is x[j][p GEMM_NR + c], for positions first .. end - 1 of panels of n;
 * missing columns are zero. */
static inline void pack_straight(int64_t n, int64_t depth, int64_t row, const float *x, int64_t first, int64_t end,
                                 float *packed)
{
    for (int64_t column = 0; column < depth; column += GEMM_NR) {
        int64_t width = ITO_MIN(GEMM_NR, depth - column);
        for (int64_t j = first; j < end; j++) {
            const float *from = x + j * row + column;
            float *to = packed + column * n + j * GEMM_NR;
            for (int64_t c = 0; c < GEMM_NR; c += VF_WIDTH) {
                const int64_t left = ITO_MAX(width - c, 0);
                vstore(to + c, left >= VF_WIDTH ? vload(from + c) : vload_n(from + c, (int)left));
            }
        }
    }
}

/* --- products ----------------------------------------------------------------------------------------------------- */

/* c[m][columns] = A B over a reduction of k; B's panels lie panel_step floats apart; columns are whole vectors. */
static inline void tile_product(int64_t m, int64_t columns, int64_t k, const float *a, int64_t lda, const float *b,
                                int64_t panel_step, float *c, int64_t ldc)
{
    for (int64_t column = 0; column < columns; column += GEMM_NR, b += panel_step) {
        gemm_kernel *const *kernels = gemm_rows[columns - column > VF_WIDTH];
        for (int64_t i = 0; i < m; i += GEMM_MR)
            kernels[ITO_MIN(GEMM_MR, m - i)](k, a + i * lda, lda, GEMM_MR * lda, b, GEMM_NR, c + i * ldc + column, ldc);
    }
}

/* sum = keep_i sum + product, row by row; keep NULL: 1. product's rows are GEMM_NR apart. */
static inline void add_tile_rows(int64_t rows, bool wide, const float *product, const float *keep, float *sum,
                                 int64_t ld)
{
    for (int64_t i = 0; i < rows; i++, product += GEMM_NR, sum += ld) {
        const vf factor = vset(keep ? keep[i] : 1);
        vstore(sum, vload(sum) * factor + vload(product));
        if (wide) vstore(sum + VF_WIDTH, vload(sum + VF_WIDTH) * factor + vload(product + VF_WIDTH));
    }
}

/* sum[m][columns] = keep_i sum + A B, else as tile_product(). Each tile is added while it lies in the nearest cache. */
static inline void tile_product_add(int64_t m, int64_t columns, int64_t k, const float *a, int64_t lda, const float *b,
                                    int64_t panel_step, const float *keep, float *sum, int64_t ld)
{
    _Alignas(64) float product[GEMM_MR * GEMM_NR];
    for (int64_t column = 0; column < columns; column += GEMM_NR, b += panel_step) {
        const bool wide = columns - column > VF_WIDTH;
        for (int64_t i = 0; i < m; i += GEMM_MR) {
            const int64_t rows = ITO_MIN(GEMM_MR, m - i);
            gemm_rows[wide][rows](k, a + i * lda, lda, GEMM_MR * lda, b, GEMM_NR, product, GEMM_NR);
            add_tile_rows(rows, wide, product, keep ? keep + i : NULL, sum + i * ld + column, ld);
        }
    }
}

/* sum [+]= A B with A stored by columns, element (i, p) at a[p * lda + i]. */
static inline void tile_product_turned(bool add, int64_t m, int64_t columns, int64_t k, const float *a, int64_t lda,
                                       const float *b, int64_t panel_step, float *sum, int64_t ld)
{
    for (int64_t column = 0; column < columns; column += GEMM_NR, b += panel_step) {
        gemm_kernel *const *kernels = gemm_columns[add][columns - column > VF_WIDTH];
        for (int64_t i = 0; i < m; i += GEMM_MR)
            kernels[ITO_MIN(GEMM_MR, m - i)](k, a + i, lda, 0, b, GEMM_NR, sum + i * ld + column, ld);
    }
}

/* --- scores ------------------------------------------------------------------------------------------------------- */

/* A query's scores against one tile of keys. */
typedef struct score_row {
    int visible;       /* the first so many keys of the tile are seen */
    const float *bias; /* of the tile's first key, or NULL */
    int64_t bias_step; /* 0 or 1 */
} score_row;

static inline score_row score_row_of(const attention *a, int64_t head, int64_t query, int64_t first_key)
{
    int64_t end = a->causal ? ITO_MIN(a->n_keys, query + a->n_keys - a->n_queries + 1) : a->n_keys;
    score_row s = {.visible = (int)ITO_MAX(ITO_MIN(end - first_key, KEYS), 0)};
    const int64_t *stride = a->bias_stride;
    if (a->bias)
        s.bias = a->bias + head / a->heads * stride[0] + head % a->heads * stride[1] + query * stride[2] +
                 first_key * stride[3];
    s.bias_step = stride[3];
    return s;
}

/* Lanes of the vector at key j of the tile that are seen. */
static inline int seen_lanes(const score_row *s, int j)
{
    return ITO_MAX(ITO_MIN(s->visible - j, VF_WIDTH), 0);
}

/* scale * product + bias; only the first `lanes` mean anything. */
static inline vf score_vector(const score_row *s, vf product, float scale, int j, int lanes)
{
    vf score = product * scale;
    if (!s->bias) return score;
    return score + (s->bias_step ? vload_n(s->bias + j, lanes) : vset(*s->bias));
}

/* Does some query of the tile see some key of the other? */
static inline bool tile_visible(const attention *a, int64_t query_tile, int64_t key_tile)
{
    int64_t last = ITO_MIN((query_tile + 1) * QUERIES, a->n_queries) - 1;
    return !a->causal || key_tile * KEYS <= last + a->n_keys - a->n_queries;
}

static inline int64_t queries_of(const attention *a, int64_t tile)
{
    return ITO_MIN(QUERIES, a->n_queries - tile * QUERIES);
}

static inline int64_t keys_of(const attention *a, int64_t tile)
{
    return ITO_MIN(KEYS, a->n_keys - tile * KEYS);
}

/* Columns of a tile that hold keys, in whole vectors; the scores behind them are never touched. */
static inline int columns_of(const attention *a, int64_t tile)
{
    return (int)(div_up(keys_of(a, tile), VF_WIDTH) * VF_WIDTH);
}

/* Where position `at` of a head begins in [N, L, H, D] (head counts n * heads + h). */
static inline int64_t position(const attention *a, int64_t head, int64_t length, int64_t at)
{
    return (head / a->heads * length + at) * a->row + head % a->heads * a->depth;
}

#endif
