/* Chooses the instruction set at run time and gathers its kernels. */
#include "kernel/cpu/isa.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define ITO_X(isa) #isa,
    ITO_ISA_MAP(ITO_X)
#undef ITO_X
};

/* Declarations of every family for every instruction set, then the table of their addresses. */
#define FAMILIES(isa)          ITO_ISA_FAMILY_MAP(FAMILY_##isa)
#define FAMILY_generic(family) extern const ito_isa_family ito__cpu_##family##_generic;
#define FAMILY_avx2(family)    extern const ito_isa_family ito__cpu_##family##_avx2;
#define FAMILY_avx512(family)  extern const ito_isa_family ito__cpu_##family##_avx512;
#define FAMILY_neon(family)    extern const ito_isa_family ito__cpu_##family##_neon;
ITO_ISA_MAP(FAMILIES)
#undef FAMILY_generic
#undef FAMILY_avx2
#undef FAMILY_avx512
#undef FAMILY_neon

#define FAMILY_generic(family)   &ito__cpu_##family##_generic,
#define FAMILY_avx2(family)      &ito__cpu_##family##_avx2,
#define FAMILY_avx512(family)    &ito__cpu_##family##_avx512,
#define FAMILY_neon(family)      &ito__cpu_##family##_neon,
#define FAMILY_COUNT_ONE(family) +1
#define FAMILY_COUNT             (0 ITO_ISA_FAMILY_MAP(FAMILY_COUNT_ONE))
#define ROW(isa)                 {FAMILIES(isa)},
static const ito_isa_family *const families[ITO_ISA_COUNT][FAMILY_COUNT] = {ITO_ISA_MAP(ROW)};

const char *ito__isa_name(ito_isa isa)
{
    return names[isa];
}

bool ito__isa_available(ito_isa isa)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    switch (isa) {
    case ITO_ISA_avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ITO_ISA_avx512:
        return ito__isa_available(ITO_ISA_avx2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    default: break;
    }
#elif defined(__aarch64__)
    if (isa == ITO_ISA_neon) return true; /* part of every 64-bit Arm processor that runs programs with floats */
#endif
    return isa == ITO_ISA_generic;
}

ito_isa ito__isa_best(void)
{
    const char *bound = getenv("ITO_ISA");
    ito_isa best = ITO_ISA_generic;
    for (int isa = 0; isa < ITO_ISA_COUNT; isa++) {
        if (ito__isa_available((ito_isa)isa)) best = (ito_isa)isa;
        if (bound && !strcmp(bound, names[isa])) break;
    }
    return best;
}

int ito__isa_kernels(ito_isa isa, const ito_kernel_def *defs[ITO_ISA_MAX_KERNELS])
{
    int n = 0;
    for (int f = 0; f < FAMILY_COUNT; f++)
        for (int i = 0; i < families[isa][f]->n; i++) {
            assert(n < ITO_ISA_MAX_KERNELS);
            defs[n++] = &families[isa][f]->defs[i];
        }
    return n;
}
