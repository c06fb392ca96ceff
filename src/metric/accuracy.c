/* The share of conditional samples in which a classifier reads the class that was asked for. */
#include "metric/sets.h"

ito_status ito_accuracy(ito_ctx *ctx, int64_t n, const int32_t *asked, const int32_t *read,
                        const ito_resampling *resampling, ito_score *out)
{
    ito_resampling r;
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    if (n < 1)
        return ito__fail(ctx, ITO_USAGE, "accuracy needs at least 1 sample with a label, found %lld", (long long)n);
    double *right = ito__alloc_array(ctx, (size_t)n, sizeof *right);
    if (!right) return ITO_MEMORY;
    for (int64_t i = 0; i < n; i++) right[i] = asked[i] == read[i];
    ito_status st = ito__mean_score(ctx, &r, 0, n, right, out);
    ito__free(ctx, right);
    return st;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    (void)opts;
    *out = (ito_metric_result){.n = 1, .names = {"accuracy"}};
    return ito_accuracy(ctx, in->n_labels, in->asked, in->read, in->resampling, &out->scores[0]);
}

extern const ito_metric_def ito__metric_accuracy;
const ito_metric_def ito__metric_accuracy = {
    .choice = {.name = "accuracy",
               .summary = "share of samples in which the classifier reads the class that was asked for",
               .file = "src/metric/accuracy.c"},
    .needs = ITO_METRIC_LABELS,
    .compute = compute,
};
