/* What happens when memory runs out: oom_check(body, arg) runs body again and again, and lets the first, second, third,
 * ... allocation through the context fail, until a run needs no more. Every failing run must return ITO_MEMORY, leave a
 * sentence in the context and give back all that it took; the last one must succeed.
 *
 *     static ito_status body(ito_ctx *ctx, void *arg) { create; use; destroy; return the status; }
 *     static void test(void **state) { oom_check(body, NULL); }
 *
 * Memory is handed out with a band of bytes behind it that must be untouched when it is freed, and is filled with
 * rubbish first, so that nobody relies on zeros that the hook did not promise. Threads may allocate. */
#ifndef OOM_H
#define OOM_H

#include "testing.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OOM_ALIGN 64
#define OOM_BAND  64

/* An allocator that counts, and fails its fail_at-th call (0: never). */
typedef struct oom_heap {
    atomic_long calls, live;
    long fail_at;
} oom_heap;

static inline size_t oom_padded(size_t bytes)
{
    return (bytes + OOM_ALIGN - 1) / OOM_ALIGN * OOM_ALIGN;
}

/* [size | pad] [bytes ...] [band], each part a multiple of 64 bytes */
static inline void *oom_alloc(void *user, size_t bytes)
{
    oom_heap *heap = user;
    if (atomic_fetch_add(&heap->calls, 1) + 1 == heap->fail_at) return NULL;
    char *block = aligned_alloc(OOM_ALIGN, OOM_ALIGN + oom_padded(bytes) + OOM_BAND);
    if (!block) return NULL;
    memset(block, 0xA5, OOM_ALIGN + oom_padded(bytes) + OOM_BAND);
    memcpy(block, &bytes, sizeof bytes);
    atomic_fetch_add(&heap->live, 1);
    return block + OOM_ALIGN;
}

static inline void oom_free(void *user, void *memory)
{
    oom_heap *heap = user;
    size_t bytes;
    memcpy(&bytes, (char *)memory - OOM_ALIGN, sizeof bytes);
    for (size_t i = bytes; i < oom_padded(bytes) + OOM_BAND; i++)
        if (((unsigned char *)memory)[i] != 0xA5) fail_msg("byte %zu of %zu was written", i, bytes);
    free((char *)memory - OOM_ALIGN);
    atomic_fetch_sub(&heap->live, 1);
}

static inline ito_ctx *oom_ctx(oom_heap *heap, int n_threads)
{
    ito_ctx_options options = {.alloc = oom_alloc, .free = oom_free, .user = heap, .n_threads = n_threads};
    ito_ctx *ctx = NULL;
    assert_int_equal(ito_ctx_create(&options, &ctx), ITO_OK);
    return ctx;
}

/* Returns how many allocations a successful run makes. */
static inline long oom_check(ito_status (*body)(ito_ctx *ctx, void *arg), void *arg)
{
    for (long k = 1;; k++) {
        oom_heap heap = {0};
        ito_ctx *ctx = oom_ctx(&heap, 2);
        atomic_store(&heap.calls, 0);
        heap.fail_at = k;
        ito_status status = body(ctx, arg);
        long calls = atomic_load(&heap.calls);
        int said_why = ito_last_error(ctx)[0] != 0;
        ito_ctx_destroy(ctx);
        if (atomic_load(&heap.live))
            fail_msg("allocation %ld failed and %ld blocks leaked", k, atomic_load(&heap.live));
        if (calls < k) {
            assert_int_equal(status, ITO_OK);
            return calls;
        }
        if (status != ITO_MEMORY) fail_msg("allocation %ld failed and the status was %s", k, ito_status_name(status));
        if (!said_why) fail_msg("allocation %ld failed without a message", k);
    }
}

#endif
