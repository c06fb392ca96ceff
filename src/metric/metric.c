/* The axis "metric". */
#include <ito/metric.h>

#include <stdio.h>

#define ITO_CHOICE_LIST "metric/metric_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    unsigned needs = ((const ito_metric_def *)choice)->needs;
    snprintf(text, size, "of %s",
             needs & ITO_METRIC_FEATURES                         ? "a classifier's features"
             : needs & ITO_METRIC_SHAPES                         ? "samples of shapes"
             : needs & (ITO_METRIC_LABELS | ITO_METRIC_READINGS) ? "what a classifier reads"
             : needs & ITO_METRIC_POINTS                         ? "the samples themselves"
                                                                 : "a denoiser on data");
    return text;
}

ITO_AXIS_DEFINE(metric, .question = "how good is a model?", .claims = claims);

ito_status ito_metric_register(ito_ctx *ctx, const ito_metric_def *def)
{
    if (!def->compute) return ito__fail(ctx, ITO_USAGE, "a metric to register needs its compute function");
    return ito_choice_register(ctx, &ito__axis_metric, &def->choice);
}

ito_status ito_metric_find(ito_ctx *ctx, const char *name, const ito_metric_def **out)
{
    return ito__def_find(ctx, &ito__axis_metric, name, out);
}

ito_status ito_metric_compute(ito_ctx *ctx, const ito_metric_def *def, const ito_opts *opts, const ito_metric_input *in,
                              ito_metric_result *out)
{
    ito_opts *owned;
    const ito_opts *use;
    if (!def->compute)
        return ito__fail(ctx, ITO_STATE, "%s is a number of a denoiser on data: ito/likelihood.h has its function",
                         def->choice.name);
    ITO_TRY(ito_choice_opts(ctx, &def->choice, opts, &owned, &use));
    ito_status st = def->compute(ctx, use, in, out);
    ito_opts_destroy(owned);
    return st;
}
