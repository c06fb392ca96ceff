/* The share of conditional samples in which a classifier reads the class that was asked for. */
#include "metric/sets.h"

ito_status ito_accuracy(ito_ctx *ctx, int64_t n, const int32_t *asked, const int32_t *read,
                        const ito_resampling *resampling, ito_score *out)
{
    ito_resampling r;
    int64_t n_asked = 0;
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    double *right = ito__alloc_array(ctx, (size_t)ITO_MAX(n, 0), sizeof *right);
    if (!right) return ITO_MEMORY;
    for (int64_t i = 0; i < n; i++)
        if (asked[i] >= 0) right[n_asked++] = asked[i] == read[i];
    ito_status st = n_asked
                        ? ito__mean_score(ctx, &r, 0, n_asked, right, out)
                        : ito__fail(ctx, ITO_USAGE, "accuracy needs at least 1 sample with a label, found 0 among %lld",
                                    (long long)n);
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
