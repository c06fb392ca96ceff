/* Input perturbation. */
#include "objective/extras.h"

ito_status ito__input_perturbation(ito_ctx *ctx, const ito_noise_batch *batch, double gamma, float *noisier)
{
    float *xi = ito__alloc_array(ctx, (size_t)batch->size, sizeof *xi);
    if (!xi) return ITO_MEMORY;
    for (int i = 0; i < batch->n; i++) {
        ito_rng_key key = batch->keys[i];
        int64_t first = i * batch->size;
        key.stream = ITO_STREAM_PERTURB;
        ito_rng_normal(key, 0, (size_t)batch->size, xi);
        /* EQ[ning23:a1]  x_t = signal x_0 + sigma (eps + gamma xi), the target stays that of eps */
        for (int64_t k = 0; k < batch->size; k++) noisier[first + k] = batch->eps[first + k] + (float)gamma * xi[k];
    }
    ito__free(ctx, xi);
    return ITO_OK;
}
