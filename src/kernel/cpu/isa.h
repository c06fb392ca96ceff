/* The instruction sets of the cpu backend. Every file of isa/ is compiled once per set with -DITO_ISA=<set>, and its
 * names across files end in the set (ITO_ISA_FN in isa/vec.h). The set is chosen at run time: the best one that the
 * processor has, bounded from above by the environment variable ITO_ISA=generic|avx2|avx512|neon.
 *
 * A family is a table of kernels at the end of a file of isa/, handed out with ITO_ISA_FAMILY and named in
 * ITO_ISA_FAMILY_MAP; families and the kernels in them are listed best first. */
#ifndef ITO_ISA_H
#define ITO_ISA_H

#include "kernel/kernel.h"

/* clang-format off */
#define ITO_ISA_FAMILY_MAP(X)                                                                                          \
    X(winograd2) X(winograd) X(winograd_blocks) X(winograd_weight) X(conv) X(conv_weight) X(matmul)                                                    \
    X(unary) X(binary) X(move) X(transpose) X(gather) X(reduce) X(softmax) X(group_norm) X(row_norm)                   \
    X(attention) X(attention_grad) X(pool) X(dropout) X(winograd_by_name) X(winograd2_by_name) X(winograd_blocks_by_name) \
    X(winograd_weight_by_name)
/* clang-format on */

#if defined(__x86_64__)
#define ITO_ISA_MAP(X) X(generic) X(avx2) X(avx512)
#elif defined(__aarch64__)
#define ITO_ISA_MAP(X) X(generic) X(neon)
#else
#define ITO_ISA_MAP(X) X(generic)
#endif

typedef enum ito_isa {
#define ITO_X(isa) ITO_ISA_##isa,
    ITO_ISA_MAP(ITO_X)
#undef ITO_X
        ITO_ISA_COUNT
} ito_isa;

typedef struct ito_isa_family {
    int n;
    const ito_kernel_def *defs;
} ito_isa_family;

/* In a file of isa/: the family ito__cpu_NAME of the set that is being compiled. */
#define ITO_ISA_FAMILY(name, table)                                                                                    \
    extern const ito_isa_family ITO_ISA_FN(ito__cpu_##name);                                                           \
    const ito_isa_family ITO_ISA_FN(ito__cpu_##name) = {ITO_COUNT(table), table}

const char *ito__isa_name(ito_isa isa);
/* Does this processor have it? */
bool ito__isa_available(ito_isa isa);
/* The best available one that the environment allows. */
ito_isa ito__isa_best(void);

/* All kernels of one instruction set, best first, into defs; returns how many. For ito__kernel_choose(). */
#define ITO_ISA_MAX_KERNELS 256
int ito__isa_kernels(ito_isa isa, const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS]);

#endif
