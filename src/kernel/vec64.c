/* Vector functions of samplers in double. */
#include "kernel/vec64.h"

#include <math.h>

#include "base/base.h"

#define CHUNK 256

void ito__vec64_lincomb(int64_t n, int64_t size, int n_terms, const double *coef, const double *const *src, double *dst)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i * size; j < (i + 1) * size; j++) {
            double sum = 0;
            for (int k = 0; k < n_terms; k++) sum += coef[k * n + i] * src[k][j];
            dst[j] = sum;
        }
}

void ito__vec64_normal(int64_t n, int64_t size, const ito_rng_key *key, double *dst)
{
    float part[CHUNK];
    for (int64_t i = 0; i < n; i++)
        for (int64_t first = 0; first < size; first += CHUNK) {
            int64_t count = ITO_MIN(CHUNK, size - first);
            ito_rng_normal(key[i], (uint64_t)first, (size_t)count, part);
            for (int64_t j = 0; j < count; j++) *dst++ = (double)part[j];
        }
}

void ito__vec64_norm(int64_t n, int64_t size, const double *x, double *out)
{
    for (int64_t i = 0; i < n; i++) {
        double squares = 0;
        for (int64_t j = i * size; j < (i + 1) * size; j++) squares += x[j] * x[j];
        out[i] = sqrt(squares);
    }
}
