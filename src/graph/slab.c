/* Greedy placement of buffers by size. */
#include "graph/slab.h"

#include <stdlib.h>

/* Largest first; ties by birth and then by position, so that the order is total and the plan deterministic. */
static int by_size(const void *pa, const void *pb)
{
    const ito_slab_buffer *a = *(ito_slab_buffer *const *)pa, *b = *(ito_slab_buffer *const *)pb;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The lowest offset where b fits between the placed buffers that share a step with it; placed[] is sorted by offset. */
static size_t lowest_gap(const ito_slab_buffer *b, int n_placed, ito_slab_buffer *const *placed)
{
    size_t offset = 0;
    for (int i = 0; i < n_placed; i++) {
        const ito_slab_buffer *o = placed[i];
        if (o->last < b->first || b->last < o->first) continue;
        if (offset + b->bytes <= o->offset) break;
        offset = ITO_MAX(offset, ito__slab_aligned(o->offset + o->bytes));
    }
    return offset;
}

static void insert_by_offset(int n, ito_slab_buffer **placed, ito_slab_buffer *b)
{
    int at = n;
    while (at > 0 && placed[at - 1]->offset > b->offset) {
        placed[at] = placed[at - 1];
        at--;
    }
    placed[at] = b;
}

static ito_status most_live(ito_ctx *ctx, int n, const ito_slab_buffer *buffers, size_t *live)
{
    int last = 0;
    for (int i = 0; i < n; i++) last = ITO_MAX(last, buffers[i].last);
    size_t *change = ito__alloc_array(ctx, (size_t)last + 2, sizeof *change); /* differences modulo 2^64 */
    if (!change) return ITO_MEMORY;
    for (int i = 0; i < n; i++) {
        change[buffers[i].first] += ito__slab_aligned(buffers[i].bytes);
        change[buffers[i].last + 1] -= ito__slab_aligned(buffers[i].bytes);
    }
    size_t now = 0;
    for (int step = 0; step <= last; step++) {
        now += change[step];
        *live = ITO_MAX(*live, now);
    }
    ito__free(ctx, change);
    return ITO_OK;
}

ito_status ito__slab_offsets(ito_ctx *ctx, int n, ito_slab_buffer *buffers, size_t *total, size_t *live)
{
    *total = *live = 0;
    if (n == 0) return ITO_OK;
    ito_slab_buffer **order = ito__alloc_array(ctx, (size_t)n, 2 * sizeof *order);
    if (!order) return ITO_MEMORY;
    ito_slab_buffer **placed = order + n;
    for (int i = 0; i < n; i++) order[i] = &buffers[i];
    qsort(order, (size_t)n, sizeof *order, by_size);
    for (int i = 0; i < n; i++) {
        ito_slab_buffer *b = order[i];
        b->offset = lowest_gap(b, i, placed);
        insert_by_offset(i, placed, b);
        *total = ITO_MAX(*total, ito__slab_aligned(b->offset + b->bytes));
    }
    ito__free(ctx, order);
    return most_live(ctx, n, buffers, live);
}
