/* Data set "mixture": Gaussians of one deviation, evenly around a circle; the label is the component. The data are an
 * ito_mixture, so that their density, score and denoiser are known in closed form (ito_dataset_mixture). */
#include <math.h>

#include <ito/mixture.h>

#include "data/points.h"

extern const ito_dataset_def ito__dataset_mixture;

#define MOST_MODES 64 /* of an ito_mixture */

enum { MODES, RADIUS, SD };

typedef struct state {
    ito_mixture *mixture;
    void *points;
} state;

/* Where component k lies: the first on the right, then counterclockwise. */
static void mean_of(const double *setting, int k, double mean[2])
{
    double angle = 2 * ITO__PI * k / setting[MODES];
    mean[0] = setting[RADIUS] * cos(angle);
    mean[1] = setting[RADIUS] * sin(angle);
}

static void place(const double *setting, ito__point *p)
{
    double mean[2];
    p->label = (int)floor(setting[MODES] * p->u[0]);
    mean_of(setting, p->label, mean);
    for (int j = 0; j < 2; j++) p->x[j] = mean[j] + setting[SD] * p->z[j];
}

static ito_status make_mixture(ito_ctx *ctx, const double *setting, ito_mixture **out)
{
    double mean[2 * MOST_MODES], sd[2 * MOST_MODES];
    int label[MOST_MODES], n = (int)setting[MODES];
    for (int k = 0; k < n; k++) {
        mean_of(setting, k, mean + 2 * (ptrdiff_t)k);
        sd[2 * k] = sd[2 * k + 1] = setting[SD];
        label[k] = k;
    }
    return ito_mixture_create(
        ctx, &(ito_mixture_options){.dim = 2, .n_components = n, .mean = mean, .sd = sd, .label = label}, out);
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **out)
{
    (void)source;
    state *s = *out = ito__alloc(ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    ito__points_rule rule = {.place = place,
                             .setting = {[MODES] = (double)ito_opts_int(opts, "modes"),
                                         [RADIUS] = ito_opts_real(opts, "radius"),
                                         [SD] = ito_opts_real(opts, "sd")},
                             .n_classes = (int)ito_opts_int(opts, "modes"),
                             .class_word = "mode"};
    rule.most = rule.setting[RADIUS] + ITO__POINTS_NORMAL * rule.setting[SD];
    ITO_TRY(make_mixture(ctx, rule.setting, &s->mixture));
    return ito__points_create(ctx, &rule, opts, info, &s->points);
}

static void destroy(ito_ctx *ctx, void *self)
{
    state *s = self;
    if (!s) return;
    ito_mixture_destroy(s->mixture);
    ito__points_destroy(ctx, s->points);
    ito__free(ctx, s);
}

static ito_status get(const void *self, ito_ctx *ctx, int64_t index, void *const *out)
{
    return ito__points_get(((const state *)self)->points, ctx, index, out);
}

static const ito_mixture *mixture(const void *self)
{
    return ((const state *)self)->mixture;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("modes", 8, 1, MOST_MODES, "components, evenly around the circle"),
    ITO_OPT_REAL("radius", 0.75, 0, 100, "of the circle"),
    ITO_OPT_REAL("sd", 0.08, 1e-6, 100, "standard deviation of each component"),
    ITO__POINTS_OPTIONS,
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_mixture = {
    .choice = {.name = "mixture",
               .summary = "Gaussians around a circle, with labels: everything is known in closed form",
               .file = "src/data/data_mixture.c",
               .options = options},
    .create = create,
    .destroy = destroy,
    .get = get,
    .mixture = mixture,
};
