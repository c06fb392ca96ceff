/* Members of ito_backend for a backend whose memory is the host's. */
#include "kernel/host.h"

#include <string.h>

void *ito__host_alloc(ito_ctx *ctx, size_t bytes)
{
    return ito__alloc(ctx, bytes);
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
