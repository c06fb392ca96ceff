/* Data set "checkerboard": uniform on every second square of a board that fills -1..1 in both directions. Square (0, 0), at
 * the lower left, is one of them. */
#include <math.h>

#include "data/points.h"

extern const ito_dataset_def ito__dataset_checkerboard;

enum { SQUARES, NOISE };

static void place(const double *setting, ito__point *p)
{
    /* With an odd side the columns have different numbers of filled squares, so they are counted column by column. */
    double n = setting[SQUARES], at = floor(ceil(n * n / 2) * p->u[0]), column = 0, filled;
    while (at >= (filled = ceil((n - fmod(column, 2)) / 2))) {
        at -= filled;
        column++;
    }
    double row = 2 * at + fmod(column, 2);
    p->x[0] = 2 * (column + p->u[1]) / n - 1 + setting[NOISE] * p->z[0];
    p->x[1] = 2 * (row + p->u[2]) / n - 1 + setting[NOISE] * p->z[1];
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    (void)source;
    ito__points_rule rule = {
        .place = place,
        .setting = {[SQUARES] = (double)ito_opts_int(opts, "squares"), [NOISE] = ito_opts_real(opts, "noise")}};
    rule.most = 1 + ITO__POINTS_NORMAL * rule.setting[NOISE];
    return ito__points_create(ctx, &rule, opts, info, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("squares", 4, 2, 64, "squares along a side"),
    ITO_OPT_REAL("noise", 0, 0, 10, "standard deviation added to the squares"),
    ITO__POINTS_OPTIONS,
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_checkerboard = {
    .choice = {.name = "checkerboard",
               .summary = "points on every second square of a board: sharp edges, many modes",
               .file = "src/data/data_checkerboard.c",
               .options = options},
    .create = create,
    .destroy = ito__points_destroy,
    .get = ito__points_get,
};
