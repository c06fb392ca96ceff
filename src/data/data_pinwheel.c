/* Data set "pinwheel": Gaussian arms that are turned the more the farther out they reach; the label is the arm. A point is
 * drawn at (1 + radial z_0, tangential z_1), turned by 2 pi label / arms + swirl exp(radial z_0), and halved, so that the arms
 * lie around radius 0.5. */
#include <math.h>

#include "data/points.h"

extern const ito_dataset_def ito__dataset_pinwheel;

enum { ARMS, RADIAL, TANGENTIAL, SWIRL };

static void place(const double *setting, ito__point *p)
{
    double arm = floor(setting[ARMS] * p->u[0]), along = setting[RADIAL] * p->z[0];
    double angle = 2 * ITO__PI * arm / setting[ARMS] + setting[SWIRL] * exp(along);
    double out = 1 + along, across = setting[TANGENTIAL] * p->z[1];
    p->label = (int)arm;
    p->x[0] = 0.5 * (out * cos(angle) - across * sin(angle));
    p->x[1] = 0.5 * (out * sin(angle) + across * cos(angle));
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)source;
    int n = (int)ito_opts_int(opts, "arms");
    ito__points_rule rule = {.place = place,
                             .setting = {[ARMS] = n,
                                         [RADIAL] = ito_opts_real(opts, "radial"),
                                         [TANGENTIAL] = ito_opts_real(opts, "noise"),
                                         [SWIRL] = ito_opts_real(opts, "swirl")},
                             .n_classes = n,
                             .class_word = "arm"};
    rule.most = 0.5 * (1 + ITO__POINTS_NORMAL * (rule.setting[RADIAL] + rule.setting[TANGENTIAL]));
    return ito__points_create(ctx, &rule, opts, info, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("arms", 5, 1, 64, "how many arms"),
    ITO_OPT_REAL("radial", 0.3, 0, 1, "standard deviation along an arm, before halving"),
    ITO_OPT_REAL("noise", 0.06, 0, 1, "standard deviation across an arm, before halving"),
    ITO_OPT_REAL("swirl", 0.5, -10, 10, "radians that an arm is turned at radius 0.5"),
    ITO__POINTS_OPTIONS,
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_pinwheel = {
    .choice = {.name = "pinwheel",
               .summary = "points on the swirling arms of a wheel, with labels",
               .file = "src/data/data_pinwheel.c",
               .options = options},
    .create = create,
    .destroy = ito__points_destroy,
    .get = ito__points_get,
};
