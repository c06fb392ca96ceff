/* The cpu backend: host memory, the fast kernels of the chosen instruction set, and behind them the reference kernels
 * for whatever no fast kernel takes (float64, unusual axes, ...). */
#include "kernel/cpu/cpu_vec.h"
#include "kernel/cpu/isa.h"
#include "kernel/cpu/optim.h"
#include "kernel/host.h"
#include "kernel/ref/ref.h"

static const char *variant(void)
{
    return ito__isa_name(ito__isa_best());
}

static ito_status prepare(ito_kernel *k, const char *op, const char *algorithm)
{
    const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS];
    int n = ito__isa_kernels(ito__isa_best(), defs);
    ito_status st = ito__kernel_choose(k, op, algorithm, n, defs);
    return st == ITO_UNSUPPORTED ? ito__backend_ref.prepare(k, op, algorithm) : st;
}

static int candidates(const char *op, const char *names[ITO_MAX_CANDIDATES])
{
    const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS];
    int n = ito__kernel_names(op, ito__isa_kernels(ito__isa_best(), defs), defs, 0, names);
    return ito__kernel_names(op, ito__ref_kernel_count, ito__ref_kernels, n, names);
}

const ito_backend ito__backend_cpu = {.name = "cpu",
                                      .summary = "SIMD kernels chosen for this processor when the program starts",
                                      .variant = variant,
                                      .host_memory = true,
                                      .alloc = ito__host_alloc,
                                      .free = ito__host_free,
                                      .upload = ito__host_copy,
                                      .download = ito__host_copy,
                                      .prepare = prepare,
                                      .candidates = candidates,
                                      .pack = ito__host_pack,
                                      .run = ito__host_run,
                                      .vec = &ito__cpu_vec,
                                      .optim = &ito__cpu_optim};
