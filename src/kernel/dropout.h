/* Which elements dropout keeps, so that every backend draws the same. Element e of sample n uses word e % 4 of block
 * e / 4 of the sequence of the key
 *   { seed = keys[n][1] : keys[n][0], stream = ITO_STREAM_DROPOUT + 65536 layer, step = keys[n][3], sample = keys[n][2] }
 * (see ito_rng_block) and is kept when word >= p 2^32; what is kept is multiplied by 1 / (1 - p). */
#ifndef ITO_KERNEL_DROPOUT_H
#define ITO_KERNEL_DROPOUT_H

#include <ito/rng.h>

#include "kernel/attr.h"

static inline ito_rng_key ito__dropout_key(const ito_attr_dropout *attr, const int32_t keys[4])
{
    return (ito_rng_key){.seed = (uint64_t)(uint32_t)keys[1] << 32 | (uint32_t)keys[0],
                         .stream = ITO_STREAM_DROPOUT + ((uint32_t)attr->layer << 16),
                         .step = (uint32_t)keys[3],
                         .sample = (uint32_t)keys[2]};
}

/* Words below it are dropped: 0 drops nothing, 2^32 everything. */
static inline uint64_t ito__dropout_threshold(double p)
{
    return (uint64_t)(p * 0x1p32);
}

/* What a kept element is multiplied by. */
static inline double ito__dropout_scale(double p)
{
    return p < 1 ? 1 / (1 - p) : 0;
}

#endif
