/* Data sets as objects: a descriptor, the state its create() built, and what it said about itself. */
#include <ito/data.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ITO_CHOICE_LIST "data/dataset_list.h"
#include "base/axis.h"
#include "base/file.h"

struct ito_dataset {
    ito_ctx *ctx;
    const ito_dataset_def *def;
    ito_dataset_info info;
    void *state;
};

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_dataset_def *def = (const ito_dataset_def *)choice;
    snprintf(text, size, "%s", def->fits ? "read from a path" : "generated");
    return text;
}

ITO_AXIS_DEFINE(dataset, .question = "what is learned?", .claims = claims);

ito_status ito_dataset_register(ito_ctx *ctx, const ito_dataset_def *def)
{
    if (!def->create || !def->get)
        return ito__fail(ctx, ITO_USAGE, "dataset %s lacks create or get",
                         def->choice.name ? def->choice.name : "(unnamed)");
    return ito_choice_register(ctx, &ito__axis_dataset, &def->choice);
}

ito_status ito_dataset_find(ito_ctx *ctx, const char *name, const ito_dataset_def **out)
{
    return ito__def_find(ctx, &ito__axis_dataset, name, out);
}

/* Nothing fits: one sentence that lists what would. */
static ito_status fail_detect(ito_ctx *ctx, const char *source)
{
    char kinds[400] = "";
    const char *names[32];
    int n = 0;
    const ito_choice *choice;
    for (int i = 0; n < ITO_COUNT(names) && (choice = ito_choice_get(ctx, &ito__axis_dataset, i)); i++) {
        if (((const ito_dataset_def *)choice)->fits) continue;
        size_t used = strlen(kinds);
        snprintf(kinds + used, sizeof kinds - used, "%s%s", n ? ", " : "", choice->name);
        names[n++] = choice->name;
    }
    if (ito__path_exists(source))
        return ito__fail(
            ctx, ITO_FORMAT,
            "%s: not data that ito knows; expected a folder of PNG or JPEG, IDX files, a table as .csv, or one of: %s",
            source, kinds);
    const char *nearest = ito__nearest(source, n, names);
    return ito__fail(ctx, ITO_NOT_FOUND, "%s: no such file or folder, and no built-in data set; built in: %s%s%s%s",
                     source, kinds, nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

ito_status ito_dataset_detect(ito_ctx *ctx, const char *source, const ito_dataset_def **out)
{
    const ito_choice *choice;
    for (int i = 0; (choice = ito_choice_get(ctx, &ito__axis_dataset, i)); i++) {
        *out = (const ito_dataset_def *)choice;
        if ((*out)->fits ? (*out)->fits(source) : !strcmp(choice->name, source)) return ITO_OK;
    }
    *out = NULL;
    return fail_detect(ctx, source);
}

/* A descriptor from outside is held to its word. */
static ito_status check_info(ito_ctx *ctx, const ito_dataset *data)
{
    const ito_dataset_info *info = &data->info;
    const char *name = data->def->choice.name;
    int image = ito_dataset_field(data, "image");
    if (info->n_samples < 0 || info->n_fields < 1 || info->n_classes < 0)
        return ito__fail(ctx, ITO_USAGE, "dataset %s: %lld samples of %d fields in %d classes", name,
                         (long long)info->n_samples, info->n_fields, info->n_classes);
    if (image >= 0 && !ito_shape_equal(info->fields[image].shape, ITO_SHAPE(info->height, info->width, info->channels)))
        return ito__fail(ctx, ITO_USAGE, "dataset %s: field image is not [height, width, channels]", name);
    for (int k = 0; k < info->n_fields; k++)
        if (ito_shape_count(info->fields[k].shape) < 1)
            return ito__fail(ctx, ITO_USAGE, "dataset %s: field %s is empty", name, info->fields[k].name);
    return ITO_OK;
}

ito_status ito_dataset_create(ito_ctx *ctx, const ito_dataset_def *def, const char *source, const ito_opts *opts,
                              ito_dataset **out)
{
    ito_opts *defaults = NULL;
    *out = NULL;
    ITO_TRY(ito_choice_opts(ctx, &def->choice, opts, &defaults, &opts));
    ito_dataset *data = ito__alloc(ctx, sizeof *data);
    ito_status st = data ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) {
        *data = (ito_dataset){.ctx = ctx, .def = def};
        st = def->create(ctx, source, opts, &data->info, &data->state);
    }
    if (st == ITO_OK) st = check_info(ctx, data);
    if (st == ITO_OK)
        *out = data;
    else
        ito_dataset_destroy(data);
    ito_opts_destroy(defaults);
    return st;
}

static ito_status set_one(ito_ctx *ctx, ito_opts *opts, const char *what, const char *setting)
{
    char name[64];
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting || equals - setting >= (ptrdiff_t)sizeof name)
        return ito__fail(ctx, ITO_USAGE, "%s: setting '%s', expected name=value", what, setting);
    memcpy(name, setting, (size_t)(equals - setting));
    name[equals - setting] = 0;
    return ito_opts_set(opts, what, name, equals + 1);
}

ito_status ito_data_open(ito_ctx *ctx, const char *source, const char *const *settings, ito_dataset **out)
{
    const ito_dataset_def *def;
    ito_opts *opts;
    *out = NULL;
    ITO_TRY(ito_dataset_detect(ctx, source, &def));
    assert(def);
    ITO_TRY(ito_opts_create(ctx, def->choice.options, &opts));
    ito_status st = ITO_OK;
    for (int i = 0; st == ITO_OK && settings && settings[i]; i++)
        st = set_one(ctx, opts, def->choice.name, settings[i]);
    if (st == ITO_OK) st = ito_dataset_create(ctx, def, source, opts, out);
    ito_opts_destroy(opts);
    return st;
}

void ito_dataset_destroy(ito_dataset *data)
{
    if (!data) return;
    if (data->def->destroy) data->def->destroy(data->ctx, data->state);
    ito__free(data->ctx, data);
}

const ito_dataset_def *ito_dataset_get_def(const ito_dataset *data)
{
    return data->def;
}

const ito_dataset_info *ito_dataset_get_info(const ito_dataset *data)
{
    return &data->info;
}

int ito_dataset_field(const ito_dataset *data, const char *name)
{
    for (int k = 0; k < data->info.n_fields; k++)
        if (!strcmp(data->info.fields[k].name, name)) return k;
    return -1;
}

const struct ito_mixture *ito_dataset_mixture(const ito_dataset *data)
{
    return data->def->mixture ? data->def->mixture(data->state) : NULL;
}

ito_status ito_dataset_get(const ito_dataset *data, ito_ctx *ctx, int64_t index, void *const *out)
{
    if (index < 0 || (data->info.n_samples > 0 && index >= data->info.n_samples))
        return ito__fail(ctx, ITO_USAGE, "dataset %s: sample %lld, expected 0 to %lld", data->def->choice.name,
                         (long long)index, (long long)data->info.n_samples - 1);
    return data->def->get(data->state, ctx, index, out);
}
