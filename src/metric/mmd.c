/* Maximum mean discrepancy with Gaussian kernels (Gretton, Borgwardt, Rasch, Schoelkopf, Smola 2012). */
#include <math.h>
#include <stdlib.h>

#include "metric/pairs.h"

#define MEDIAN_ROWS 500 /* of either set */

typedef struct gaussians {
    int n;
    const double *bandwidths;
} gaussians;

/* EQ[mmd:s8]  k(x, y) = exp(-|x - y|^2 / (2 h^2)), the mean over bandwidths h */
static void gaussian(const void *arg, int n, double *numbers)
{
    const gaussians *g = arg;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int b = 0; b < g->n; b++) sum += exp(-numbers[i] / (2 * g->bandwidths[b] * g->bandwidths[b]));
        numbers[i] = sum / g->n;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Row i of the first rows of both sets together. */
static const float *pooled(const ito_sets *s, int64_t n, int64_t i)
{
    return i < n ? s->x + i * s->d : s->y + (i - n) * s->d;
}

static double distance(const float *a, const float *b, int64_t d)
{
    double squares = 0;
    for (int64_t k = 0; k < d; k++) squares += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
    return sqrt(squares);
}

ito_status ito_median_distance(ito_ctx *ctx, const ito_sets *sets, double *out)
{
    int64_t n = ITO_MIN(sets->n, MEDIAN_ROWS), all = n + ITO_MIN(sets->m, MEDIAN_ROWS), n_pairs = 0;
    ITO_TRY(ito__sets_check(ctx, "the median distance", sets, 1));
    double *distances = ito__alloc_array(ctx, (size_t)(all * (all - 1) / 2), sizeof *distances);
    if (!distances) return ITO_MEMORY;
    for (int64_t i = 1; i < all; i++)
        for (int64_t k = 0; k < i; k++)
            distances[n_pairs++] = distance(pooled(sets, n, i), pooled(sets, n, k), sets->d);
    qsort(distances, (size_t)n_pairs, sizeof *distances, ascending);
    *out = (distances[(n_pairs - 1) / 2] + distances[n_pairs / 2]) / 2;
    ito__free(ctx, distances);
    return ITO_OK;
}

static ito_status check_bandwidths(ito_ctx *ctx, const gaussians *g)
{
    for (int i = 0; i < g->n; i++)
        if (!(g->bandwidths[i] > 0 && isfinite(g->bandwidths[i])))
            return ito__fail(ctx, ITO_USAGE,
                             "the maximum mean discrepancy: bandwidth %d is %g, expected more than 0; where the median "
                             "distance is 0 give one",
                             i, g->bandwidths[i]);
    return ITO_OK;
}

ito_status ito_mmd(ito_ctx *ctx, const ito_sets *sets, int n_bandwidths, const double *bandwidths,
                   const ito_resampling *resampling, ito_score *out)
{
    double median;
    gaussians g = {n_bandwidths, bandwidths};
    ito_resampling r;
    ITO_TRY(ito__sets_check(ctx, "the maximum mean discrepancy", sets, 2));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    if (n_bandwidths <= 0) {
        ITO_TRY(ito_median_distance(ctx, sets, &median));
        g = (gaussians){1, &median};
    }
    ITO_TRY(check_bandwidths(ctx, &g));
    return ito__pair_discrepancy(ctx, sets, &(ito__pair_kernel){true, gaussian, &g}, &r, out);
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    double bandwidth = ito_opts_real(opts, "bandwidth");
    *out = (ito_metric_result){.n = 1, .names = {"mmd"}};
    return ito_mmd(ctx, &in->points, bandwidth > 0, &bandwidth, in->resampling, &out->scores[0]);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("bandwidth", 0, 0, 1e12, "h of the Gaussian kernel; 0: the median distance"),
    ITO_OPT_END,
};

extern const ito_metric_def ito__metric_mmd;
const ito_metric_def ito__metric_mmd = {
    .choice = {.name = "mmd",
               .summary = "squared maximum mean discrepancy with a Gaussian kernel, without bias",
               .formula = "E k(x, x') + E k(y, y') - 2 E k(x, y), k(x, y) = exp(-|x - y|^2 / (2 h^2))",
               .paper = "mmd",
               .eq = "mmd:s8",
               .file = "src/metric/mmd.c",
               .options = options},
    .needs = ITO_METRIC_POINTS,
    .compute = compute,
};
