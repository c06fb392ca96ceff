/* The cosine map of Stable Diffusion 3 (Esser et al. 2024, section 3.1): times of rectified flow at which its log-SNR
 * is distributed as a cosine schedule's at uniform times, 2 log((1 - t) / t) = 2 log(cos(pi u / 2) / sin(pi u / 2)).
 * The density 2 / (pi - 2 pi t + 2 pi t^2) is highest in the middle, twice that of the ends. Of other processes t is
 * the share of the range of times; of discrete ones 1 + floor(share T). */
#include <ito/timedist.h>

#include <math.h>

#include "base/base.h"
#include "timedist/span.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    (void)opts;
    ito__span *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = ito__span_of(process);
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

static double quantile(const void *state, double u, double *factor)
{
    double angle = u * 1.5707963267948966, sine = sin(angle);
    (void)factor;
    /* EQ[esser24:s3.1]  1 - 1 / (tan(pi u / 2) + 1) */
    return ito__span_time(state, sine / (sine + cos(angle)));
}

const ito_timedist_def ito__timedist_cosine = {
    .choice = {.name = "cosine",
               .summary = "the noise levels of a cosine schedule, in rectified flow (SD3's CosMap)",
               .formula = "t = 1 - 1 / (tan(pi u / 2) + 1), density 2 / (pi - 2 pi t + 2 pi t^2)",
               .paper = "esser24",
               .eq = "esser24:s3.1",
               .file = "src/timedist/time_cosine.c"},
    .create = create,
    .destroy = destroy,
    .quantile = quantile,
};
