/* The loops of peak.c, compiled per instruction set. */
#ifndef ITO_PEAK_LOOPS_H
#define ITO_PEAK_LOOPS_H

#include <stdint.h>

typedef struct ito_peak_loops {
    int64_t round_flops; /* of one round of multiply_add: two per multiply-add */
    float (*multiply_add)(int64_t rounds, float scale, float shift);
    void (*stream)(int64_t n, float scale, const float *b, float *a); /* a += scale b */
} ito_peak_loops;

#endif
