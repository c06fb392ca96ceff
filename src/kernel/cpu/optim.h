/* The optimizer functions of the cpu backend: one pass over flat arrays in host memory. */
#ifndef ITO_OPTIM_H
#define ITO_OPTIM_H

#include "kernel/kernel.h"

extern const ito_optim ito__cpu_optim;

#endif
