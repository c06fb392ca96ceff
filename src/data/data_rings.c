/* Data set "rings": circles around the origin with radii 1/n, 2/n, ..., 1, as many points on each; the label counts them
 * from the inside. */
#include <math.h>

#include "data/points.h"

extern const ito_dataset_def ito__dataset_rings;

enum { RINGS, NOISE };

static void place(const double *setting, ito__point *p)
{
    double ring = floor(setting[RINGS] * p->u[0]), angle = 2 * ITO__PI * p->u[1];
    double radius = (ring + 1) / setting[RINGS];
    p->label = (int)ring;
    p->x[0] = radius * cos(angle) + setting[NOISE] * p->z[0];
    p->x[1] = radius * sin(angle) + setting[NOISE] * p->z[1];
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)source;
    int n = (int)ito_opts_int(opts, "rings");
    ito__points_rule rule = {.place = place,
                             .setting = {[RINGS] = n, [NOISE] = ito_opts_real(opts, "noise")},
                             .n_classes = n,
                             .class_word = "ring"};
    rule.most = 1 + ITO__POINTS_NORMAL * rule.setting[NOISE];
    return ito__points_create(ctx, &rule, opts, info, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("rings", 3, 1, 64, "how many circles"),
    ITO_OPT_REAL("noise", 0.03, 0, 10, "standard deviation around the circles"),
    ITO__POINTS_OPTIONS,
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_rings = {
    .choice = {.name = "rings",
               .summary = "points on circles around one centre, with labels",
               .file = "src/data/data_rings.c",
               .options = options},
    .create = create,
    .destroy = ito__points_destroy,
    .get = ito__points_get,
};
