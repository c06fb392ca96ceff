/* Distances between sets of points, of samples and of data for instance, and errors of denoisers. Sums are in double. */
#ifndef ITO_METRIC_H
#define ITO_METRIC_H

#include <stdint.h>

#include <ito/denoiser.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The squared energy distance 2 E|x - y| - E|x - x'| - E|y - y'| between the distributions of x [n, d] and y [m, d],
 * row-major, Euclidean norm; 0 only where they are the same. The unbiased U-statistic: pairs of a point with itself do
 * not count, so it may come out below 0. Takes n + m choose 2 distances. ITO_USAGE unless n and m are at least 2 and d
 * at least 1; ITO_NUMERIC when it is not finite. */
ito_status ito_energy_distance(ito_ctx *ctx, const float *x, int64_t n, const float *y, int64_t m, int64_t d,
                               double *out);

/* All fields may be zero. */
typedef struct ito_denoising_options {
    int n_times; /* levels per sample, one from each of as many equal shares of the process's times; 0: 16 */
    const uint64_t *samples; /* global index of each row, the key of its noise; NULL: 0 .. n - 1 */
    uint64_t seed;
} ito_denoising_options;

/* Mean |output - target|^2 over elements and uniform times, the loss with weights of 1 (Ho, Jain, Abbeel 2020, equation 14), for each
 * sample of x f32 [n, ...] into error [n]. A sample's number does not depend on its batch. condition and options may be NULL.
 * ITO_NUMERIC when it is not finite. */
ito_status ito_denoising_error(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                               const ito_tensor *x, const ito_condition *condition,
                               const ito_denoising_options *options, double *error);

#ifdef __cplusplus
}
#endif
#endif
