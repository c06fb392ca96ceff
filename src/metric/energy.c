/* The energy distance (Szekely, Rizzo 2013): D^2 = 2 E|x - y| - E|x - x'| - E|y - y'|, estimated without bias. */
#include <ito/metric.h>

#include <math.h>

#include "base/base.h"

static double distance(const float *a, const float *b, int64_t d)
{
    double squares = 0;
    for (int64_t j = 0; j < d; j++) {
        double difference = (double)a[j] - (double)b[j];
        squares += difference * difference;
    }
    return sqrt(squares);
}

/* Mean distance of the pairs (x_i, y_k). */
static double between(const float *x, int64_t n, const float *y, int64_t m, int64_t d)
{
    double mean = 0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < m; k++) sum += distance(x + i * d, y + k * d, d);
        mean += sum / (double)m / (double)n;
    }
    return mean;
}

/* Mean distance of the pairs (x_i, x_k), i < k. */
static double within(const float *x, int64_t n, int64_t d)
{
    double mean = 0;
    for (int64_t i = 1; i < n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < i; k++) sum += distance(x + i * d, x + k * d, d);
        mean += 2 * sum / (double)n / (double)(n - 1);
    }
    return mean;
}

ito_status ito_energy_distance(ito_ctx *ctx, const float *x, int64_t n, const float *y, int64_t m, int64_t d,
                               double *out)
{
    if (n < 2 || m < 2 || d < 1)
        return ito__fail(
            ctx, ITO_USAGE,
            "the energy distance needs at least 2 points on either side, found %lld and %lld, of at least 1 "
            "dimension, found %lld",
            (long long)n, (long long)m, (long long)d);
    *out = 2 * between(x, n, y, m, d) - within(x, n, d) - within(y, m, d);
    if (isfinite(*out)) return ITO_OK;
    return ito__fail(ctx, ITO_NUMERIC, "the energy distance is not finite: a point of %s is not",
                     isfinite(within(x, n, d)) ? "the second set" : "the first set");
}
