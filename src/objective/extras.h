/* What some papers add to training, each off by default. What they do to the noise of a batch before it is used sees plain arrays: n
 * samples of `size` floats, keyed by the samples' own keys (of ITO_STREAM_NOISE), so that results depend on a sample's place in
 * the run and nothing else; immiscible noise alone also depends on the batch. */
#ifndef ITO_OBJECTIVE_EXTRAS_H
#define ITO_OBJECTIVE_EXTRAS_H

#include <ito/rng.h>

#include "base/base.h"
#include "objective/denoise.h"

typedef struct ito_noise_batch {
    int n;
    int64_t size; /* of a sample, channels last */
    int channels;
    const ito_rng_key *keys; /* [n] */
    float *eps;              /* [n, size] */
} ito_noise_batch;

/* eps += strength z, one z for all pixels of a channel (Guttenberg 2023): teaches overall brightness. */
void ito__offset_noise(const ito_noise_batch *batch, double strength);
/* noisier = eps + gamma xi (Ning et al. 2023): x_t is made with it, the target with eps, which prepares for the errors of
 * sampling. */
ito_status ito__input_perturbation(ito_ctx *ctx, const ito_noise_batch *batch, double gamma, float *noisier);
/* Gives the batch's eps to the batch's images [n, size] so that the sum of squared distances is least (Li et al. 2024). */
ito_status ito__immiscible_noise(ito_ctx *ctx, const ito_noise_batch *batch, const float *images);

/* Self-conditioning: what the network is to see, [N, H, W, 2 C], x_in and behind it an estimate of x_0. output: the network's own
 * for zeros instead of it, of C channels; gradients stop there. NULL: zeros for all samples. limit:
 * the estimate is clipped to -limit .. limit; 0: not. */
ito_value *ito__self_condition(ito_graph *g, const ito_denoise *d, ito_value *output, double limit);

#endif
