/* A Feistel network over the smallest even number of bits that holds n, with Philox as its round function, walked along
 * its cycle until it is back below n (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). The domain is
 * less than four times n, so a walk takes fewer than four steps on average. */
#include "data/order.h"

#include <ito/rng.h>

#define ROUNDS 6

static uint64_t round_value(uint64_t seed, uint64_t epoch, uint32_t round, uint32_t half)
{
    /* The stream in the counter keeps these numbers apart from the draws of other streams under the same seed. */
    uint32_t counter[4] = {half, round | (uint32_t)ITO_STREAM_SHUFFLE << 16, (uint32_t)epoch, (uint32_t)(epoch >> 32)};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, out[4];
    ito_rng_philox(counter, key, out);
    return out[0];
}

uint64_t ito__order_permute(uint64_t seed, uint64_t epoch, uint64_t n, uint64_t i)
{
    int half_bits = 1;
    while (half_bits < 32 && ((uint64_t)1 << (2 * half_bits)) < n) half_bits++;
    uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    do {
        uint64_t left = i >> half_bits, right = i & mask;
        for (uint32_t r = 0; r < ROUNDS; r++) {
            uint64_t next = left ^ (round_value(seed, epoch, r, (uint32_t)right) & mask);
            left = right;
            right = next;
        }
        i = left << half_bits | right;
    } while (i >= n);
    return i;
}
