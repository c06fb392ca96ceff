/* The cpu backend: host memory, the fast kernels of the chosen instruction set, and behind them the reference kernels
 * for whatever no fast kernel takes (float64, unusual axes, ...). */
#include <string.h>

#include "kernel/cpu/cpu_vec.h"
#include "kernel/cpu/isa.h"

static void *host_alloc(ito_ctx *ctx, size_t bytes)
{
    return ito__alloc(ctx, bytes);
}

static void host_free(ito_ctx *ctx, void *memory, size_t bytes)
{
    (void)bytes;
    ito__free(ctx, memory);
}

static void host_copy(void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
}

static ito_status prepare(ito_kernel *k, const char *op, const char *algorithm)
{
    const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS];
    int n = ito__isa_kernels(ito__isa_best(), defs);
    ito_status st = ito__kernel_choose(k, op, algorithm, n, defs);
    return st == ITO_UNSUPPORTED ? ito__backend_ref.prepare(k, op, algorithm) : st;
}

static void pack(const ito_kernel *k, const ito_queue *q, const void *const *in, void *packed)
{
    if (k->def->pack) k->def->pack(k, q, in, packed);
}

static void run(const ito_kernel *k, const ito_queue *q, const void *const *in, void *const *out, void *workspace,
                const void *packed)
{
    k->def->run(k, q, in, out, workspace, packed);
}

const ito_backend ito__backend_cpu = {.name = "cpu",
                                      .summary = "SIMD kernels chosen for this processor when the program starts",
                                      .host_memory = true,
                                      .alloc = host_alloc,
                                      .free = host_free,
                                      .upload = host_copy,
                                      .download = host_copy,
                                      .prepare = prepare,
                                      .pack = pack,
                                      .run = run,
                                      .vec = &ito__cpu_vec};
