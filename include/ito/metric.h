/* Distances between sets of points, of samples and of data for instance. Sums are in double. */
#ifndef ITO_METRIC_H
#define ITO_METRIC_H

#include <stdint.h>

#include <ito/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The squared energy distance 2 E|x - y| - E|x - x'| - E|y - y'| between the distributions of x [n, d] and y [m, d],
 * row-major, Euclidean norm; 0 only where they are the same. The unbiased U-statistic: pairs of a point with itself do
 * not count, so it may come out below 0. Takes n + m choose 2 distances. ITO_USAGE unless n and m are at least 2 and d
 * at least 1; ITO_NUMERIC when it is not finite. */
ito_status ito_energy_distance(ito_ctx *ctx, const float *x, int64_t n, const float *y, int64_t m, int64_t d,
                               double *out);

#ifdef __cplusplus
}
#endif
#endif
