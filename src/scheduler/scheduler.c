/* Schedulers: opened from a file or a text, planned for a number of steps. */
#include <string.h>

#include "base/base.h"
#include "base/file.h"
#include "scheduler/scheduler_impl.h"
#include "scheduler/scheduler_json.h"

#define DEFAULT_STEPS 50
#define MOST_STEPS    1000000
#define MOST_BYTES    ((size_t)16 << 20)

void ito_scheduler_destroy(ito_scheduler *s)
{
    if (!s) return;
    ito__free(s->ctx, s->levels);
    ito__free(s->ctx, s->times);
    ito__free(s->ctx, s->sigmas);
    ito_opts_destroy(s->sampler_opts);
    ito_opts_destroy(s->clip_opts);
    ito_opts_destroy(s->prediction_opts);
    ito_process_destroy(s->process);
    json_decref(s->config);
    ito__arena_destroy(s->arena);
    ito__free(s->ctx, s);
}

/* ---- opening ---- */

static ito_status find_class(ito_scheduler *s)
{
    const char *name;
    ITO_TRY(ito__json_text(s->ctx, s->where, s->config, "_class_name", "", &name));
    for (int i = 0; (s->class = ito__scheduler_class_get(i)) != NULL; i++)
        if (!strcmp(s->class->name, name)) return ITO_OK;
    if (!*name)
        return ito__fail(s->ctx, ITO_FORMAT,
                         "%s: _class_name is missing, expected a scheduler's, such as DDIMScheduler", s->where);
    return ito__fail(
        s->ctx, ITO_UNSUPPORTED,
        "%s: scheduler %s is not one that ito can open (docs/formats.md lists them): choose a sampler by name, or "
        "give the file of another scheduler",
        s->where, name);
}

static ito_status build(ito_scheduler *s, const char *where, const char *json, size_t n)
{
    ITO_TRY(ito__arena_create(s->ctx, &s->arena));
    s->where = ito__arena_strdup(s->arena, where);
    if (!s->where) return ITO_MEMORY;
    ITO_TRY(ito__their_json_parse(s->ctx, where, json, n, &s->config));
    if (!json_is_object(s->config)) return ito__fail(s->ctx, ITO_FORMAT, "%s: expected a JSON object", where);
    ITO_TRY(find_class(s));
    ITO_TRY(ito__their_options_read(s));
    return s->class->open(s);
}

ito_status ito_scheduler_parse(ito_ctx *ctx, const char *where, const char *json, size_t n_bytes, ito_scheduler **out)
{
    ito_scheduler *s = ito__alloc(ctx, sizeof *s);
    *out = NULL;
    if (!s) return ITO_MEMORY;
    s->ctx = ctx;
    ito_status st = build(s, where, json, n_bytes);
    if (st == ITO_OK)
        *out = s;
    else
        ito_scheduler_destroy(s);
    return st;
}

ito_status ito_scheduler_open(ito_ctx *ctx, const char *path, ito_scheduler **out)
{
    unsigned char *bytes;
    size_t n;
    *out = NULL;
    ITO_TRY(ito__file_read(ctx, path, MOST_BYTES, &bytes, &n));
    ito_status st = ito_scheduler_parse(ctx, path, (const char *)bytes, n, out);
    ito__free(ctx, bytes);
    return st;
}

const char *ito_scheduler_class(const ito_scheduler *scheduler)
{
    return scheduler->class->name;
}

const ito_process *ito_scheduler_process(const ito_scheduler *scheduler)
{
    return scheduler->process;
}

const ito_prediction *ito_scheduler_prediction(const ito_scheduler *scheduler)
{
    return &scheduler->prediction;
}

bool ito_scheduler_learns_variance(const ito_scheduler *scheduler)
{
    return scheduler->o.variance == ITO__LEARNED || scheduler->o.variance == ITO__LEARNED_RANGE;
}

/* ---- planning ---- */

static ito_status use_clip(ito_scheduler *s, ito_sample_options *options)
{
    const ito__their_options *o = &s->o;
    const ito_clip_def *def;
    bool thresholds = o->thresholding && o->predict_x0; /* UniPC's of eps has none */
    options->clip = thresholds ? "dynamic" : o->clip ? "static" : "none";
    ITO_TRY(ito_clip_find(s->ctx, options->clip, &def));
    ITO_TRY(ito_opts_create(s->ctx, def->choice.options, &s->clip_opts));
    options->clip_opts = s->clip_opts;
    if (thresholds) {
        ITO_TRY(ito_opts_set_number(s->clip_opts, s->where, "quantile", o->threshold_ratio));
        return ito_opts_set_number(s->clip_opts, s->where, "max", o->threshold_max);
    }
    return o->clip ? ito_opts_set_number(s->clip_opts, s->where, "range", o->clip_range) : ITO_OK;
}

ito_status ito_scheduler_plan(ito_scheduler *s, const ito_scheduler_use *use, ito_sample_options *options)
{
    ito_scheduler_use u = use ? *use : (ito_scheduler_use){0};
    if (!u.n_steps) u.n_steps = DEFAULT_STEPS;
    if (u.n_steps < 1 || u.n_steps > MOST_STEPS)
        return ito__fail(s->ctx, ITO_USAGE, "%s: %d steps asked for, expected 1 to %d", s->where, u.n_steps,
                         MOST_STEPS);
    ito_opts_destroy(s->sampler_opts);
    ito_opts_destroy(s->clip_opts);
    s->sampler_opts = s->clip_opts = NULL;
    ITO_TRY(s->class->fill(s, &u));
    ITO_TRY(s->class->choose ? s->class->choose(s, options) : ito__scheduler_use_sampler(s, s->class->sampler));
    ITO_TRY(use_clip(s, options));
    options->sampler = s->sampler;
    options->sampler_opts = s->sampler_opts;
    options->n_steps = s->n;
    options->levels = s->levels;
    options->prior_sd = s->prior_sd;
    return ITO_OK;
}
