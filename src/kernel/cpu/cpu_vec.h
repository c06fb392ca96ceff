/* The closed set of per-sample functions (struct ito_vec of kernel.h) in plain C for host memory. */
#ifndef ITO_CPU_VEC_H
#define ITO_CPU_VEC_H

#include "kernel/kernel.h"

extern const ito_vec ito__cpu_vec;

#endif
