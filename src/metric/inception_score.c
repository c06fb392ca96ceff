/* The Inception score (Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen 2016): how sure a classifier is of each sample, and how many
 * classes it sees in all. It looks at no data. */
#include <math.h>

#include "metric/sets.h"

#define SPLITS 10

/* EQ[improvedgan:s4]  exp(mean over x of KL(p(y | x) || p(y))), p(y) the mean of p(y | x); w [n] counts rows, mean [n_classes] is
 * scratch. With h(x) = sum_y p(y | x) log p(y | x) it is exp(mean h - sum_y p(y) log p(y)). */
static double score(const float *p, const double *h, int64_t n, int n_classes, const double *w, double *mean)
{
    double total = 0, sum = 0;
    for (int k = 0; k < n_classes; k++) mean[k] = 0;
    for (int64_t i = 0; i < n; i++) {
        total += w[i];
        sum += w[i] * h[i];
        for (int k = 0; w[i] != 0 && k < n_classes; k++) mean[k] += w[i] * (double)p[i * n_classes + k];
    }
    sum /= total;
    for (int k = 0; k < n_classes; k++)
        if (mean[k] > 0) sum -= mean[k] / total * log(mean[k] / total);
    return exp(sum);
}

static ito_status check(ito_ctx *ctx, int64_t n, int n_classes, const float *p)
{
    if (n < 1 || n_classes < 1)
        return ito__fail(ctx, ITO_USAGE, "the Inception score needs at least 1 sample and 1 class, found %lld and %d",
                         (long long)n, n_classes);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < n_classes; k++)
            sum += p[i * n_classes + k] >= 0 ? (double)p[i * n_classes + k] : (double)NAN;
        if (!(fabs(sum - 1) < 1e-3))
            return ito__fail(ctx, ITO_NUMERIC, "the Inception score: the probabilities of sample %lld add up to %g",
                             (long long)i, sum);
    }
    return ITO_OK;
}

static void entropies(const float *p, int64_t n, int n_classes, double *h)
{
    for (int64_t i = 0; i < n; i++) {
        h[i] = 0;
        for (int k = 0; k < n_classes; k++) {
            double q = (double)p[i * n_classes + k];
            if (q > 0) h[i] += q * log(q);
        }
    }
}

/* Mean and deviation over equal parts in order, the rest left out; NAN where a part would be empty. */
static void score_splits(const float *p, const double *h, int64_t n, int n_classes, const double *ones, double *mean,
                         ito_inception_score_result *out)
{
    int64_t size = n / SPLITS;
    double sum = 0, squares = 0;
    out->split_mean = out->split_sd = (double)NAN;
    for (int s = 0; size && s < SPLITS; s++) {
        double value = score(p + s * size * n_classes, h + s * size, size, n_classes, ones, mean);
        sum += value / SPLITS;
        squares += value * value / SPLITS;
    }
    if (!size) return;
    out->split_mean = sum;
    out->split_sd = sqrt(fmax(squares - sum * sum, 0));
}

ito_status ito_inception_score(ito_ctx *ctx, int64_t n, int n_classes, const float *probabilities,
                               const ito_resampling *resampling, ito_inception_score_result *out)
{
    ito_resampling r;
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    ITO_TRY(check(ctx, n, n_classes, probabilities));
    double *weights = ito__resample(ctx, &r, 0, n), *h = ito__alloc_array(ctx, (size_t)n, sizeof *h);
    double *mean = ito__alloc_array(ctx, (size_t)n_classes, sizeof *mean);
    double *values = ito__alloc_array(ctx, (size_t)r.n + 1, sizeof *values);
    ito_status st = weights && h && mean && values ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) {
        entropies(probabilities, n, n_classes, h);
        for (int b = 0; b <= r.n; b++) values[b] = score(probabilities, h, n, n_classes, weights + b * n, mean);
        score_splits(probabilities, h, n, n_classes, weights, mean, out);
        out->whole = ito__score(&r, values);
    }
    void *parts[] = {weights, h, mean, values};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    return st;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    (void)opts;
    ito_inception_score_result r;
    ITO_TRY(ito_inception_score(ctx, in->n_labels, in->n_classes, in->probabilities, in->resampling, &r));
    *out = (ito_metric_result){.n = 2, .names = {"is", "is_splits"}, .scores = {r.whole}};
    out->scores[1] = (ito_score){.value = r.split_mean, .sd = r.split_sd, .low = NAN, .high = NAN};
    return ITO_OK;
}

extern const ito_metric_def ito__metric_is;
const ito_metric_def ito__metric_is = {
    .choice = {.name = "is",
               .summary = "Inception score: a classifier is sure of each sample, and sees many classes",
               .formula = "exp(E_x KL(p(y | x) || p(y)))",
               .paper = "improvedgan",
               .eq = "improvedgan:s4",
               .file = "src/metric/inception_score.c"},
    .needs = ITO_METRIC_READINGS,
    .compute = compute,
};
