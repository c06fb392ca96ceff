/* Stochastic rounding to bf16, the same on every backend: up or down by chance, so that on average nothing is lost (Gupta et al.
 * 2015, "Deep learning with limited numerical precision"). The optimizer needs it: beta2 = 0.999 changes a second moment by less
 * than half a unit in bf16's last place, and rounded to nearest it would stand still.
 *
 * The chance is a hash of a key (seed and step, from the counter-based generator) and the element's index: no thread, slice or
 * resume changes it. */
#ifndef ITO_KERNEL_DITHER_H
#define ITO_KERNEL_DITHER_H

#include <stdint.h>
#include <string.h>

/* 32 bits for element x, an lvalue of uint32_t or a vector of them (the mixing is Wellons', "lowbias32", with the second key word
 * put in halfway). Its halves serve two numbers; ITO_DITHER_MORE makes bits for a third. */
#define ITO_DITHER(x, key)                                                                                             \
    do {                                                                                                               \
        (x) ^= (key)[0];                                                                                               \
        (x) ^= (x) >> 16;                                                                                              \
        (x) *= 0x7feb352du;                                                                                            \
        (x) ^= (x) >> 15 ^ (key)[1];                                                                                   \
        (x) *= 0x846ca68bu;                                                                                            \
        (x) ^= (x) >> 16;                                                                                              \
    } while (0)
#define ITO_DITHER_MORE(x) (((x)*0x9e3779b1u) >> 16)

/* x is not NaN; chance below 2^16. */
static inline uint16_t ito__bf16_dither(float x, uint32_t chance)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + chance) >> 16);
}

#endif
