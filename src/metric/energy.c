/* The energy distance (Szekely, Rizzo 2013), estimated without bias: a discrepancy whose kernel is -|x - y|. */
#include <math.h>

#include "metric/pairs.h"

/* EQ[energy:s2]  2 E|x - y| - E|x - x'| - E|y - y'| */
static void minus_distance(const void *arg, int n, double *numbers)
{
    (void)arg;
    for (int i = 0; i < n; i++) numbers[i] = -sqrt(numbers[i]);
}

ito_status ito_energy_score(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *resampling, ito_score *out)
{
    ito_resampling r;
    ITO_TRY(ito__sets_check(ctx, "the energy distance", sets, 2));
    ITO_TRY(ito__resampling_read(ctx, resampling, &r));
    return ito__pair_discrepancy(ctx, sets, &(ito__pair_kernel){true, minus_distance, NULL}, &r, out);
}

ito_status ito_energy_distance(ito_ctx *ctx, const float *x, int64_t n, const float *y, int64_t m, int64_t d,
                               double *out)
{
    ito_score score = {.value = NAN};
    ito_status st = ito_energy_score(ctx, &(ito_sets){.x = x, .y = y, .n = n, .m = m, .d = d}, NULL, &score);
    *out = score.value;
    return st;
}

static ito_status compute(ito_ctx *ctx, const ito_opts *opts, const ito_metric_input *in, ito_metric_result *out)
{
    (void)opts;
    *out = (ito_metric_result){.n = 1, .names = {"energy"}};
    return ito_energy_score(ctx, &in->points, in->resampling, &out->scores[0]);
}

extern const ito_metric_def ito__metric_energy;
const ito_metric_def ito__metric_energy = {
    .choice = {.name = "energy",
               .summary = "squared energy distance, without bias",
               .formula = "2 E|x - y| - E|x - x'| - E|y - y'|",
               .paper = "energy",
               .eq = "energy:s2",
               .file = "src/metric/energy.c"},
    .needs = ITO_METRIC_POINTS,
    .compute = compute,
};
