/* Matrix products: the family's table. */
#include "kernel/cpu/isa.h"
#include "kernel/cpu/isa/vec.h"

extern const ito_isa_family ITO_ISA_FN(ito__cpu_matmul);
const ito_isa_family ITO_ISA_FN(ito__cpu_matmul) = {0};
