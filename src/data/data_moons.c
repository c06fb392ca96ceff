/* Data set "moons": two half circles that reach into each other; the label says which. The usual ones, of radius 1 around
 * (0, 0) and (1, 0.5), moved by (-0.5, -0.25) and divided by 1.5: x in -1..1, y in -0.5..0.5, before noise. */
#include <math.h>

#include "data/points.h"

extern const ito_dataset_def ito__dataset_moons;

enum { NOISE };

static void place(const double *setting, ito__point *p)
{
    double angle = ITO__PI * p->u[1], side;
    p->label = p->u[0] < 0.5 ? 0 : 1;
    side = p->label ? -1 : 1; /* the lower moon is the upper one turned around the middle of both */
    p->x[0] = side * (cos(angle) - 0.5) / 1.5 + setting[NOISE] * p->z[0];
    p->x[1] = side * (sin(angle) - 0.25) / 1.5 + setting[NOISE] * p->z[1];
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)source;
    ito__points_rule rule = {
        .place = place, .setting = {[NOISE] = ito_opts_real(opts, "noise")}, .n_classes = 2, .class_word = "moon"};
    rule.most = 1 + ITO__POINTS_NORMAL * rule.setting[NOISE];
    return ito__points_create(ctx, &rule, opts, info, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("noise", 0.04, 0, 10, "standard deviation around the half circles"),
    ITO__POINTS_OPTIONS,
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_moons = {
    .choice = {.name = "moons",
               .summary = "points on two half circles that reach into each other, with labels",
               .file = "src/data/data_moons.c",
               .options = options},
    .create = create,
    .destroy = ito__points_destroy,
    .get = ito__points_get,
};
