/* Checks of two sets of points, and the bootstrap (Efron 1979): how a score varies when its sets are drawn again from
 * themselves. A drawn set is a number of copies of each row, so that whatever is a sum over rows or pairs becomes a weighted one
 * and nothing is copied. */
#include "metric/sets.h"

#include <ito/rng.h>

#include <math.h>
#include <stdlib.h>

#define RESAMPLES 200
#define LEVEL     0.95

static ito_status check_finite(ito_ctx *ctx, const char *what, const float *rows, int64_t n, int64_t d,
                               const char *which)
{
    for (int64_t i = 0; i < n * d; i++)
        if (!isfinite(rows[i]))
            return ito__fail(ctx, ITO_NUMERIC, "%s is not finite: number %lld of row %lld of the %s set is %g", what,
                             (long long)(i % d), (long long)(i / d), which, (double)rows[i]);
    return ITO_OK;
}

ito_status ito__sets_check(ito_ctx *ctx, const char *what, const ito_sets *sets, int64_t least)
{
    if (sets->n < least || sets->m < least || sets->d < 1)
        return ito__fail(
            ctx, ITO_USAGE,
            "%s needs at least %lld points on either side, found %lld and %lld, of at least 1 dimension, found %lld",
            what, (long long)least, (long long)sets->n, (long long)sets->m, (long long)sets->d);
    ITO_TRY(check_finite(ctx, what, sets->x, sets->n, sets->d, "first"));
    return check_finite(ctx, what, sets->y, sets->m, sets->d, "second");
}

ito_status ito__resampling_read(ito_ctx *ctx, const ito_resampling *in, ito_resampling *out)
{
    *out = in ? *in : (ito_resampling){0};
    if (in && !in->n) out->n = RESAMPLES;
    if (out->level == 0) out->level = LEVEL;
    if (out->n < 0 || !(out->level > 0 && out->level < 1))
        return ito__fail(ctx, ITO_USAGE, "resampling: n is %d and level %g, expected 0 or more and between 0 and 1",
                         out->n, out->level);
    return ITO_OK;
}

double *ito__resample(ito_ctx *ctx, const ito_resampling *r, int side, int64_t n)
{
    double *weights = ito__alloc_array(ctx, (size_t)n, ((size_t)r->n + 1) * sizeof *weights);
    if (!weights) return NULL;
    for (int64_t i = 0; i < n; i++) weights[i] = 1;
    for (int b = 0; b < r->n; b++) {
        double *row = weights + (b + 1) * n;
        ito_rng_key key = {r->seed, ITO_STREAM_RESAMPLE, (uint32_t)b, (uint64_t)side};
        for (int64_t i = 0; i < n; i++) row[ito_rng_below(key, (uint64_t)i, (uint64_t)n)]++;
    }
    return weights;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The quantile of n sorted numbers, interpolated. */
static double quantile(const double *sorted, int n, double u)
{
    double at = u * (n - 1);
    int below = (int)at;
    int above = ITO_MIN(below + 1, n - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

ito_score ito__score(const ito_resampling *r, double *values)
{
    ito_score s = {.value = values[0], .sd = NAN, .low = NAN, .high = NAN};
    double *drawn = values + 1, mean = 0, squares = 0;
    if (r->n < 2) return s;
    for (int b = 0; b < r->n; b++) mean += drawn[b] / r->n;
    for (int b = 0; b < r->n; b++) squares += (drawn[b] - mean) * (drawn[b] - mean);
    qsort(drawn, (size_t)r->n, sizeof *drawn, ascending);
    s.sd = sqrt(squares / (r->n - 1));
    s.low = s.value - mean + quantile(drawn, r->n, (1 - r->level) / 2);
    s.high = s.value - mean + quantile(drawn, r->n, (1 + r->level) / 2);
    return s;
}

ito_status ito__mean_score(ito_ctx *ctx, const ito_resampling *r, int side, int64_t n, const double *values,
                           ito_score *out)
{
    double *weights = ito__resample(ctx, r, side, n);
    double *means = ito__alloc_array(ctx, (size_t)r->n + 1, sizeof *means);
    ito_status st = weights && means ? ITO_OK : ITO_MEMORY;
    for (int b = 0; st == ITO_OK && b <= r->n; b++) {
        for (int64_t i = 0; i < n; i++) means[b] += weights[b * n + i] * values[i];
        means[b] /= (double)n;
    }
    if (st == ITO_OK) *out = ito__score(r, means);
    ito__free(ctx, means);
    ito__free(ctx, weights);
    return st;
}
