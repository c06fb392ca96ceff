/* Noise sources: where a sampler's random numbers come from. The default is the counter-based generator of ito/rng.h,
 * keyed by (seed, stream, global sample index, step), so that sample i of a seed sees the same noise in any batch. A
 * program may give its own, for instance to replay the noise of another tool. */
#ifndef ITO_NOISE_H
#define ITO_NOISE_H

#include <ito/context.h>
#include <ito/rng.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_noise {
    void *self; /* handed to fill; belongs to the program */
    /* Fills dst [n, size] with standard normal numbers. stream is ITO_STREAM_PRIOR (step 0) or ITO_STREAM_STEP; step
     * grows by ITO_NOISE_DRAWS with every sampler step, the rest counts the draws within one. sample[i] is the global
     * index of row i. Samplers that follow a Brownian path ask for the draws of their steps in the same way. */
    ito_status (*fill)(void *self, ito_ctx *ctx, ito_stream stream, uint32_t step, int64_t n, const uint64_t *sample,
                       int64_t size, float *dst);
} ito_noise;

#define ITO_NOISE_DRAWS 1024

#ifdef __cplusplus
}
#endif
#endif
