/* What backends on the host share: its memory, copies within it, and kernels that are called where they stand. */
#ifndef ITO_KERNEL_HOST_H
#define ITO_KERNEL_HOST_H

#include "kernel/kernel.h"

void *ito__host_alloc(ito_ctx *ctx, size_t bytes);
void ito__host_free(ito_ctx *ctx, void *memory, size_t bytes);
void ito__host_copy(void *to, const void *from, size_t bytes);
void ito__host_pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed);
void ito__host_run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                   const void *packed);

#endif
