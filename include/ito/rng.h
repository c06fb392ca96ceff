/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"). No state: a number is a function of (seed, stream, sample, step, index), so sample i of a seed is the same
 * in any batch, on any thread and after any resume. */
#ifndef ITO_RNG_H
#define ITO_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a stream of numbers is for; two purposes never share numbers. */
typedef enum ito_stream {
    ITO_STREAM_INIT = 1, /* parameter initialisation */
    ITO_STREAM_PRIOR,    /* x_T */
    ITO_STREAM_STEP,     /* noise that a sampler injects */
    ITO_STREAM_NOISE,    /* eps of a training example */
    ITO_STREAM_TIME,     /* timestep of a training example */
    ITO_STREAM_LABEL,    /* label dropout */
    ITO_STREAM_DROPOUT,
    ITO_STREAM_AUGMENT,
    ITO_STREAM_SHUFFLE,
    ITO_STREAM_DATA,     /* generated data sets */
    ITO_STREAM_ROUNDING, /* what the optimizer keeps in bf16 */
    ITO_STREAM_OFFSET,   /* offset noise */
    ITO_STREAM_PERTURB,  /* input perturbation */
    ITO_STREAM_PROBE,    /* directions of sliced score matching, and those that divergences are estimated with */
    ITO_STREAM_BOUND,    /* noise and timesteps of the variational bound */
    ITO_STREAM_DEQUANTISE,
    ITO_STREAM_BROWNIAN,   /* the paths of samplers that follow one */
    ITO_STREAM_SELF,       /* whose network sees its own estimate of x_0 in training */
    ITO_STREAM_RESAMPLE,   /* bootstrap */
    ITO_STREAM_SUBSET,     /* random subsets of a set */
    ITO_STREAM_PROJECTION, /* directions of sliced distances */
    ITO_STREAM_USER = 1024
} ito_stream;

typedef struct ito_rng_key {
    uint64_t seed;
    uint32_t stream; /* an ito_stream */
    uint32_t step;   /* sampler step, training step, layer, ...: whatever the stream counts */
    uint64_t sample; /* global index of the sample (below 2^32 per step) */
} ito_rng_key;

/* The raw block: four 32-bit words from a 128-bit counter and a 64-bit key. */
void ito_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Block `index` of the key's own sequence. ito_rng_block_words gives what it is made of, the counter (whose first two
 * words advance with the index) and the key words, to those who compute many blocks at once. */
void ito_rng_block(ito_rng_key key, uint64_t index, uint32_t out[4]);
void ito_rng_block_words(ito_rng_key key, uint64_t index, uint32_t counter[4], uint32_t words[2]);

/* Elements first .. first + n - 1 of the key's sequence. */
void ito_rng_uniform(ito_rng_key key, uint64_t first, size_t n, double *out); /* in [0, 1), 53 bits */
void ito_rng_normal(ito_rng_key key, uint64_t first, size_t n, float *out); /* standard normal, Box-Muller in double */
uint64_t ito_rng_below(ito_rng_key key, uint64_t index, uint64_t bound);    /* uniform in 0 .. bound - 1 */

#ifdef __cplusplus
}
#endif
#endif
