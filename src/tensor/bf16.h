/* bfloat16: the upper half of a binary32, so the same range with 8 bits of precision. A type to keep numbers in, not one to
 * compute with. */
#ifndef ITO_BF16_H
#define ITO_BF16_H

#include <stdint.h>
#include <string.h>

#define ITO_BF16_QUIET 0x40u /* the bit that makes a NaN a quiet one */

static inline float ito__bf16_widen(uint16_t b)
{
    uint32_t bits = (uint32_t)b << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest, of two equally near ones the even; beyond the largest finite one that is infinity. A NaN keeps its sign and becomes
 * quiet. */
static inline uint16_t ito__bf16_narrow(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (uint16_t)(bits >> 16 | ITO_BF16_QUIET);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Rounded once: the float32 in between is cut off and its last bit says whether anything was lost. */
static inline uint16_t ito__bf16_narrow_double(double x)
{
    float f = (float)x;
    uint32_t bits;
    if ((double)f == x || x != x) return ito__bf16_narrow(f);
    memcpy(&bits, &f, sizeof bits);
    bits -= __builtin_fabs((double)f) > __builtin_fabs(x);
    bits |= 1;
    memcpy(&f, &bits, sizeof f);
    return ito__bf16_narrow(f);
}

#endif
