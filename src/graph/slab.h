/* Where every buffer lies. A pure function of sizes and lifetimes; it knows no graph. */
#ifndef ITO_SLAB_H
#define ITO_SLAB_H

#include "base/base.h"

#define ITO_SLAB_ALIGN ((size_t)64)

static inline size_t ito__slab_aligned(size_t bytes)
{
    return (bytes + ITO_SLAB_ALIGN - 1) / ITO_SLAB_ALIGN * ITO_SLAB_ALIGN;
}

typedef struct ito_slab_buffer {
    size_t bytes;
    int first, last; /* alive from step first to step last, both included; first >= 0 */
    size_t offset;   /* the answer, a multiple of ITO_SLAB_ALIGN */
} ito_slab_buffer;

/* Sets the offsets so that no two buffers alive at the same step overlap; *total is the slab's size, *live the most bytes
 * alive at one step, a lower bound of it. Greedy by size, lowest free offset first (Pisarchyk and Lee 2020, "Efficient
 * memory management for deep neural net inference"). */
ito_status ito__slab_offsets(ito_ctx *ctx, int n, ito_slab_buffer *buffers, size_t *total, size_t *live);

#endif
