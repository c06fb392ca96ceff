/* Philox4x32-10 and the two distributions everything else is made of.
 * Counter words: [index low, index high ^ sample high, sample low, step]; key words: seed halves mixed with the stream,
 * so that streams are independent keys rather than offsets of one sequence. */
#include <ito/rng.h>

#include <math.h>

#define ROUNDS 10

void ito_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The finaliser of MurmurHash3: a bijection that spreads the bits of (seed, stream) over the key. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xFF51AFD7ED558CCDull;
    x ^= x >> 33;
    x *= 0xC4CEB9FE1A85EC53ull;
    return x ^ (x >> 33);
}

void ito_rng_block_words(ito_rng_key key, uint64_t index, uint32_t counter[4], uint32_t words[2])
{
    uint64_t k = mix(key.seed + 0x9E3779B97F4A7C15ull * key.stream);
    counter[0] = (uint32_t)index;
    counter[1] = (uint32_t)(index >> 32) ^ (uint32_t)(key.sample >> 32);
    counter[2] = (uint32_t)key.sample;
    counter[3] = key.step;
    words[0] = (uint32_t)k;
    words[1] = (uint32_t)(k >> 32);
}

void ito_rng_block(ito_rng_key key, uint64_t index, uint32_t out[4])
{
    uint32_t counter[4], words[2];
    ito_rng_block_words(key, index, counter, words);
    ito_rng_philox(counter, words, out);
}

/* 53 random bits as a double in [0, 1). */
static double unit(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 21) ^ (low >> 11)) * 0x1p-53;
}

void ito_rng_uniform(ito_rng_key key, uint64_t first, size_t n, double *out)
{
    uint32_t words[4] = {0};
    for (size_t i = 0; i < n; i++) {
        uint64_t index = first + i;
        if (i == 0 || index % 2 == 0) ito_rng_block(key, index / 2, words);
        unsigned half = (unsigned)(index % 2) * 2;
        out[i] = unit(words[half], words[half + 1]);
    }
}

/* Elements 2j and 2j + 1 are the two results of one Box-Muller transform of block j. */
static void normal_pair(ito_rng_key key, uint64_t j, float pair[2])
{
    uint32_t words[4];
    ito_rng_block(key, j, words);
    double radius = sqrt(-2.0 * log1p(-unit(words[0], words[1]))); /* 1 - u is never 0 */
    double angle = 6.283185307179586476925286766559 * unit(words[2], words[3]);
    pair[0] = (float)(radius * cos(angle));
    pair[1] = (float)(radius * sin(angle));
}

void ito_rng_normal(ito_rng_key key, uint64_t first, size_t n, float *out)
{
    float pair[2] = {0};
    for (size_t i = 0; i < n; i++) {
        uint64_t index = first + i;
        if (i == 0 || index % 2 == 0) normal_pair(key, index / 2, pair);
        out[i] = pair[index % 2];
    }
}

uint64_t ito_rng_below(ito_rng_key key, uint64_t index, uint64_t bound)
{
    uint32_t words[4];
    ito_rng_block(key, index, words);
    uint64_t x = (uint64_t)words[0] << 32 | words[1];
    /* The high half of a 128-bit product: bias below bound / 2^64. */
    return (uint64_t)(((unsigned __int128)x * bound) >> 64);
}
