/* Data set "swissroll": a spiral of three quarters to two and a quarter turns with noise, as in Sohl-Dickstein et al. 2015,
 * figure 1. The angle a is uniform in 1.5 pi .. 4.5 pi and the radius a / (4.5 pi): scaled so that the outer end is at 1. */
#include <math.h>

#include "data/points.h"

extern const ito_dataset_def ito__dataset_swissroll;

enum { NOISE };

static void place(const double *setting, ito__point *p)
{
    double angle = 1.5 * ITO__PI * (1 + 2 * p->u[0]), radius = angle / (4.5 * ITO__PI);
    p->x[0] = radius * cos(angle) + setting[NOISE] * p->z[0];
    p->x[1] = radius * sin(angle) + setting[NOISE] * p->z[1];
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)source;
    ito__points_rule rule = {.place = place, .setting = {[NOISE] = ito_opts_real(opts, "noise")}};
    rule.most = 1 + ITO__POINTS_NORMAL * rule.setting[NOISE];
    return ito__points_create(ctx, &rule, opts, info, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("noise", 0.02, 0, 10, "standard deviation around the spiral"),
    ITO__POINTS_OPTIONS,
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_swissroll = {
    .choice = {.name = "swissroll",
               .summary = "points on a spiral, the first figure of diffusion models",
               .file = "src/data/data_swissroll.c",
               .options = options},
    .create = create,
    .destroy = ito__points_destroy,
    .get = ito__points_get,
};
