/* The most this processor can do, measured: the roofs that kernels are held against. */
#ifndef ITO_PEAK_H
#define ITO_PEAK_H

#include "kernel/cpu/isa.h"

/* float32 operations a second of q's threads, two per multiply-add, without touching memory. */
double ito__peak_flops(const ito_queue *q, ito_isa isa);

/* Bytes a second of a += scale b, two streams in and one out, over arrays of n floats for each thread (a multiple of 64):
 * small enough they lie in a cache, large enough in memory. memory: two times q's threads times n floats. */
double ito__peak_stream(const ito_queue *q, ito_isa isa, int64_t n, float *memory);

/* One core's cache of level 2 or 3 in bytes; a usual size when the system does not say. */
size_t ito__peak_cache(int level);

#endif
