/* A permutation of 0 .. n - 1 without state. Internal to data/. */
#ifndef ITO_DATA_ORDER_H
#define ITO_DATA_ORDER_H

#include <stdint.h>

/* Where index i < n goes in the permutation of (seed, epoch). */
uint64_t ito__order_permute(uint64_t seed, uint64_t epoch, uint64_t n, uint64_t i);

#endif
