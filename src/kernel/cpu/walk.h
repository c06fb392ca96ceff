/* Walking strided arrays together, row by row: the bookkeeping of broadcasting, permuting, slicing and padding.
 * A walk has one shape and, for each operand, a stride per axis (0 repeats, as broadcasting does). walk_make() drops
 * axes of extent 1 and merges neighbours that every operand crosses evenly, so that [N, H, W, C] with a [C] operand
 * becomes [N H W, C], and equal shapes one long row. Rows are cut into segments and segments grouped into slices of
 * about WALK_CHUNK elements; all of it depends on shapes alone. */
#ifndef ITO_WALK_H
#define ITO_WALK_H

#include "kernel/kernel.h"

#define WALK_CHUNK    8192
#define WALK_OPERANDS 4

typedef struct walk {
    int n_dims, n_operands; /* n_dims >= 1 */
    int64_t d[ITO_MAX_DIMS];
    int64_t stride[WALK_OPERANDS][ITO_MAX_DIMS];
    int64_t offset[WALK_OPERANDS]; /* where each operand starts */
    int64_t row, segment;          /* elements of a row and of its segments (the last may be shorter) */
    int64_t per_row, n_segments, per_slice;
} walk;

/* A segment as its user sees it: where each operand stands and how many elements follow. */
typedef struct walk_span {
    int64_t at[WALK_OPERANDS];
    int64_t n;
} walk_span;

walk walk_make(ito_shape shape, int n_operands, const int64_t stride[][ITO_MAX_DIMS]);
int64_t walk_n_slices(const walk *w);

/* Strides of a dense tensor, and those with which it broadcasts to `to` (numpy's rule: axes align at the end). */
void walk_dense(ito_shape shape, int64_t stride[ITO_MAX_DIMS]);
void walk_broadcast(ito_shape from, ito_shape to, int64_t stride[ITO_MAX_DIMS]);

/* for (walk_cursor c = walk_start(w, slice); walk_next(&c, &span);) ... */
typedef struct walk_cursor {
    const walk *w;
    int64_t segment, end;
    int64_t index[ITO_MAX_DIMS]; /* of the current row; the last axis is not used */
} walk_cursor;

walk_cursor walk_start(const walk *w, int64_t slice);
bool walk_next(walk_cursor *c, walk_span *span);

/* The stride of operand i along a row. */
static inline int64_t walk_inner(const walk *w, int i)
{
    return w->stride[i][w->n_dims - 1];
}

#endif
