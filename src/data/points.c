/* Generated point clouds. */
#include "data/points.h"

#include <ito/rng.h>

struct ito__points {
    ito_ctx *ctx;
    ito_arena *arena; /* names */
    ito__points_rule rule;
    uint64_t seed;
    uint32_t part;
    ito_field fields[2];
    const char **names;
};

const char *const ito__points_splits[] = {"train", "test", NULL};

static ito_status name_classes(ito__points *p)
{
    ITO_TRY(ito__arena_create(p->ctx, &p->arena));
    p->names = ito__arena_alloc(p->arena, (size_t)p->rule.n_classes * sizeof *p->names);
    for (int k = 0; p->names && k < p->rule.n_classes; k++)
        if (!(p->names[k] = ito__arena_printf(p->arena, "%s %d", p->rule.class_word, k))) return ITO_MEMORY;
    return p->names ? ITO_OK : ITO_MEMORY;
}

static void describe(ito__points *p, ito_dataset_info *info)
{
    p->fields[0] = (ito_field){"image", ITO_F32, ITO_SHAPE(1, 1, 2), -p->rule.most, p->rule.most};
    p->fields[1] = (ito_field){"label", ITO_I32, ITO_SCALAR, 0, p->rule.n_classes - 1};
    *info = (ito_dataset_info){.height = 1,
                               .width = 1,
                               .channels = 2,
                               .n_fields = p->rule.n_classes ? 2 : 1,
                               .fields = p->fields,
                               .n_classes = p->rule.n_classes,
                               .class_names = p->names};
}

ito_status ito__points_create(ito_ctx *ctx, const ito__points_rule *rule, const ito_opts *opts, ito_dataset_info *info,
                              void **state)
{
    ito__points *p = *state = ito__alloc(ctx, sizeof *p);
    if (!p) return ITO_MEMORY;
    p->ctx = ctx;
    p->rule = *rule;
    p->seed = (uint64_t)ito_opts_int(opts, "data_seed");
    p->part = (uint32_t)ito_opts_choice(opts, "split");
    if (rule->n_classes) ITO_TRY(name_classes(p));
    describe(p, info);
    return ITO_OK;
}

void ito__points_destroy(ito_ctx *ctx, void *state)
{
    ito__points *p = state;
    if (!p) return;
    ito__arena_destroy(p->arena);
    ito__free(ctx, p);
}

ito_status ito__points_get(const void *state, ito_ctx *ctx, int64_t index, void *const *out)
{
    (void)ctx; /* nothing can fail */
    const ito__points *p = state;
    ito__point point = {0};
    float z[2], *x = out[0];
    ito_rng_key key = {.seed = p->seed, .stream = ITO_STREAM_DATA, .step = 2 * p->part, .sample = (uint64_t)index};
    ito_rng_uniform(key, 0, ITO__POINTS_UNIFORM, point.u);
    key.step++; /* another sequence than u's */
    ito_rng_normal(key, 0, 2, z);
    for (int j = 0; j < 2; j++) point.z[j] = (double)z[j];
    p->rule.place(p->rule.setting, &point);
    for (int j = 0; x && j < 2; j++) x[j] = (float)point.x[j];
    if (p->rule.n_classes && out[1]) *(int32_t *)out[1] = point.label;
    return ITO_OK;
}
