/* Members of ito_backend for a backend whose memory is the host's. */
#include "kernel/host.h"

#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

/* Asks for huge pages where whole ones fit: kernels that walk dozens of streams at once (Winograd) miss the small pages'
 * translations at every step. A wish; that it is not granted is no error. */
static void wish_huge_pages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t begin = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (begin < end) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)memory, (void)bytes;
#endif
}

void *ito__host_alloc(ito_ctx *ctx, size_t bytes)
{
    void *memory = ito__alloc(ctx, bytes);
    if (memory) wish_huge_pages(memory, bytes);
    return memory;
}

void ito__host_free(ito_ctx *ctx, void *memory, size_t bytes)
{
    (void)bytes;
    ito__free(ctx, memory);
}

void ito__host_copy(void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
}

void ito__host_pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    if (k->def->pack) k->def->pack(k, q, in, packed);
}

void ito__host_run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                   const void *packed)
{
    k->def->run(k, q, in, out, workspace, packed);
}
