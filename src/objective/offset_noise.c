/* Offset noise. */
#include "objective/extras.h"

#define MOST_CHANNELS 64 /* at a time */

void ito__offset_noise(const ito_noise_batch *batch, double strength)
{
    int64_t pixels = batch->size / batch->channels;
    float z[MOST_CHANNELS];
    for (int i = 0; i < batch->n; i++) {
        ito_rng_key key = batch->keys[i];
        key.stream = ITO_STREAM_OFFSET;
        for (int first = 0; first < batch->channels; first += MOST_CHANNELS) {
            int n = ITO_MIN(MOST_CHANNELS, batch->channels - first);
            float *eps = batch->eps + i * batch->size + first;
            ito_rng_normal(key, (uint64_t)first, (size_t)n, z);
            /* EQ[guttenberg23:1]  eps' = eps + strength z, z one number for each channel */
            for (int64_t p = 0; p < pixels; p++)
                for (int c = 0; c < n; c++) eps[p * batch->channels + c] += (float)strength * z[c];
        }
    }
}
