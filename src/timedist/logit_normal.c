/* Logit-normal times (Esser et al. 2024, section 3.1): the logit of the share of the range of times is normal, so that
 * middle times, where rectified flow is hardest, are seen most and the ends least. A larger mean is more noise. Of
 * discrete processes t is 1 + floor(share T). */
#include <ito/timedist.h>

#include <math.h>

#include "base/base.h"
#include "timedist/normal_quantile.h"
#include "timedist/span.h"

typedef struct logit_normal {
    ito__span span;
    double mean, scale;
} logit_normal;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    logit_normal *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (logit_normal){ito__span_of(process), ito_opts_real(opts, "mean"), ito_opts_real(opts, "scale")};
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

static double quantile(const void *state, double u, double *factor)
{
    const logit_normal *d = state;
    (void)factor;
    /* EQ[esser24:19]  t = sigmoid(z), z ~ N(mean, scale^2) */
    double z = d->mean + d->scale * ito__normal_quantile(u);
    return ito__span_time(&d->span, 1 / (1 + exp(-z)));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("mean", 0, -20, 20, "of the logit; above 0 is more noise"),
    ITO_OPT_REAL("scale", 1, 1e-3, 20, "standard deviation of the logit"),
    ITO_OPT_END,
};

const ito_timedist_def ito__timedist_logit_normal = {
    .choice = {.name = "logit-normal",
               .summary = "middle times most, the ends least (SD3)",
               .formula = "t = sigmoid(z), z ~ N(mean, scale^2), as a share of the range of times",
               .paper = "esser24",
               .eq = "esser24:19",
               .file = "src/timedist/logit_normal.c",
               .options = options},
    .create = create,
    .destroy = destroy,
    .quantile = quantile,
};
