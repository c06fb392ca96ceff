/* diffusers' scheduler_config.json and ito's processes and predictions. What diffusers has a schedule for is written as its
 * DDPMScheduler; the rest, self-conditioning too, under a class name of ito's own (scheduler_own.c). */
#include <string.h>

#include "pipeline/model_dir.h"
#include "pipeline/scheduler_own.h"

static const struct {
    const char *ours, *theirs;
} predictions[] = {{"eps", "epsilon"}, {"x0", "sample"}, {"v", "v_prediction"}};

/* A list of betas ("trained_betas") goes before the schedule. */
static const struct {
    const char *process, *schedule;
} schedules[] = {{"vp-linear", "linear"},
                 {"vp-scaled-linear", "scaled_linear"},
                 {"vp-cosine", "squaredcos_cap_v2"},
                 {"vp-sigmoid-beta", "sigmoid"},
                 {"vp-laplace", "laplace"}};

/* What their schedules without parameters have fixed. */
static const struct {
    const char *process, *option;
    double value;
} fixed[] = {{"vp-cosine", "s", 0.008},
             {"vp-cosine", "max_beta", 0.999},
             {"vp-laplace", "mu", 0},
             {"vp-laplace", "b", 0.5},
             {"vp-laplace", "max_beta", 0.999}};

/* Schedulers whose noise is the discrete variance-preserving one. */
static const char *const classes[] = {"DDPMScheduler",
                                      "DDIMScheduler",
                                      "PNDMScheduler",
                                      "DPMSolverMultistepScheduler",
                                      "DPMSolverSinglestepScheduler",
                                      "UniPCMultistepScheduler",
                                      "DEISMultistepScheduler"};

static const char *schedule_of(const char *process, const ito_opts *opts)
{
    const char *schedule = NULL;
    for (int i = 0; i < ITO_COUNT(schedules); i++)
        if (!strcmp(schedules[i].process, process)) schedule = schedules[i].schedule;
    for (int i = 0; i < ITO_COUNT(fixed); i++)
        if (!strcmp(fixed[i].process, process) && ito_opts_real(opts, fixed[i].option) != fixed[i].value) return NULL;
    if (!strcmp(process, "vp-laplace") && strcmp(ito_opts_text(opts, "form"), "diffusers") != 0) return NULL;
    return schedule;
}

/* Numbers in double, which is what ito reads of its own files? */
static bool is_exact(const ito_opts *opts)
{
    return !ito_opts_has(opts, "tables") || !strcmp(ito_opts_text(opts, "tables"), "exact");
}

/* 0 unless both are done; stolen values included. */
static int set_new(json_t *config, const char *key, json_t *value)
{
    return config && value ? json_object_set_new(config, key, value) : -1;
}

/* betas: of a process that is a list of them, else NULL. */
static ito_status write_theirs(ito_ctx *ctx, const ito__scheduler *s, const char *schedule, json_t *betas,
                               const char *type, json_t **out)
{
    const ito_opts *opts = s->process_opts;
    bool has_range = ito_opts_has(opts, "beta_start");
    json_int_t n = betas ? (json_int_t)json_array_size(betas) : (json_int_t)ito_opts_int(opts, "T");
    *out = json_pack("{s:s, s:s, s:I, s:s, s:f, s:f, s:s, s:s, s:b, s:f, s:s, s:i}", "_class_name", "DDPMScheduler",
                     "_diffusers_version", "0.30.0", "num_train_timesteps", n, "beta_schedule", schedule, "beta_start",
                     has_range ? ito_opts_real(opts, "beta_start") : 1e-4, "beta_end",
                     has_range ? ito_opts_real(opts, "beta_end") : 0.02, "prediction_type", type, "variance_type",
                     s->learns_variance ? "learned_range" : "fixed_small", "clip_sample", 1, "clip_sample_range", 1.0,
                     "timestep_spacing", "trailing", "steps_offset", 0);
    int failed = !*out;
    if (betas) failed |= set_new(*out, "trained_betas", json_incref(betas));
    if (ito_opts_bool(opts, "zero_snr")) failed |= set_new(*out, "rescale_betas_zero_snr", json_true());
    if (!failed) return ITO_OK;
    json_decref(*out);
    *out = NULL;
    return ito__fail_memory(ctx, 0);
}

ito_status ito__scheduler_write(ito_ctx *ctx, const ito__scheduler *s, json_t **out)
{
    const char *type = NULL, *schedule = schedule_of(s->process, s->process_opts);
    json_t *betas = NULL;
    ito_status st = ITO_OK;
    for (int i = 0; i < ITO_COUNT(predictions); i++)
        if (!strcmp(predictions[i].ours, s->prediction)) type = predictions[i].theirs;
    bool is_list = !strcmp(s->process, "vp-betas");
    if (!type || !(schedule || is_list) || s->takes_x0 || !is_exact(s->process_opts))
        return ito__scheduler_own_write(ctx, s, out);
    *out = NULL;
    if (is_list) st = ito__betas_to_json(ctx, ito_opts_text(s->process_opts, "betas"), &betas);
    if (st == ITO_OK) st = write_theirs(ctx, s, schedule ? schedule : "linear", betas, type, out);
    json_decref(betas);
    return st;
}

bool ito__scheduler_is_theirs(const json_t *config)
{
    const char *name = json_string_value(json_object_get(config, "_class_name"));
    return name && strcmp(name, ITO__SCHEDULER_CLASS) != 0;
}

static ito_status read_prediction(ito_ctx *ctx, const char *where, const json_t *config, const char **prediction)
{
    const char *type;
    ITO_TRY(ito__json_text(ctx, where, config, "prediction_type", "epsilon", &type));
    for (int i = 0; i < ITO_COUNT(predictions); i++)
        if (!strcmp(predictions[i].theirs, type)) {
            *prediction = predictions[i].ours;
            return ITO_OK;
        }
    return ito__json_fail(ctx, where, "prediction_type", "epsilon, sample or v_prediction",
                          json_object_get(config, "prediction_type"));
}

/* "trained_betas": every beta, one by one. */
static ito_status read_list(ito_ctx *ctx, const char *where, const json_t *config, const json_t *list, ito_opts *opts)
{
    char *text;
    int64_t n, length = (int64_t)json_array_size(list);
    ito_status st = ito__betas_to_text(ctx, where, "trained_betas", list, &text);
    if (st == ITO_OK) st = ito_opts_set(opts, where, "betas", text);
    ito__free(ctx, text);
    if (st != ITO_OK) return st;
    ITO_TRY(ito__json_int(ctx, where, config, "num_train_timesteps", length, &n));
    if (n == length) return ITO_OK;
    return ito__fail(ctx, ITO_FORMAT, "%s: trained_betas has %lld numbers, but num_train_timesteps is %lld", where,
                     (long long)length, (long long)n);
}

static ito_status read_range(ito_ctx *ctx, const char *where, const json_t *config, ito_opts *opts)
{
    double start, end;
    ITO_TRY(ito__json_real(ctx, where, config, "beta_start", 1e-4, &start));
    ITO_TRY(ito__json_real(ctx, where, config, "beta_end", 0.02, &end));
    ITO_TRY(ito_opts_set_number(opts, where, "beta_start", start));
    return ito_opts_set_number(opts, where, "beta_end", end);
}

static ito_status read_schedule(ito_ctx *ctx, const char *where, const json_t *config, ito_opts *opts)
{
    int64_t n;
    ITO_TRY(ito__json_int(ctx, where, config, "num_train_timesteps", 1000, &n));
    ITO_TRY(ito_opts_set_number(opts, where, "T", (double)n));
    if (ito_opts_has(opts, "form")) ITO_TRY(ito_opts_set(opts, where, "form", "diffusers"));
    return ito_opts_has(opts, "beta_start") ? read_range(ctx, where, config, opts) : ITO_OK;
}

static ito_status read_process(ito_ctx *ctx, const char *where, const json_t *config, const char **process,
                               ito_opts **opts)
{
    const char *schedule;
    const ito_process_def *def;
    bool zero_snr;
    const json_t *list = json_object_get(config, "trained_betas");
    bool is_list = list && !json_is_null(list);
    *process = is_list ? "vp-betas" : NULL;
    ITO_TRY(ito__json_text(ctx, where, config, "beta_schedule", "linear", &schedule));
    for (int i = 0; i < ITO_COUNT(schedules) && !is_list; i++)
        if (!strcmp(schedules[i].schedule, schedule)) *process = schedules[i].process;
    if (!*process)
        return ito__json_fail(ctx, where, "beta_schedule",
                              "linear, scaled_linear, squaredcos_cap_v2, sigmoid or laplace",
                              json_object_get(config, "beta_schedule"));
    ITO_TRY(ito__json_bool(ctx, where, config, "rescale_betas_zero_snr", false, &zero_snr));
    ITO_TRY(ito_process_find(ctx, *process, &def));
    ITO_TRY(ito_opts_create(ctx, def->choice.options, opts));
    ITO_TRY(ito_opts_set_number(*opts, where, "zero_snr", zero_snr));
    return is_list ? read_list(ctx, where, config, list, *opts) : read_schedule(ctx, where, config, *opts);
}

void ito__scheduler_clear(ito__scheduler *scheduler)
{
    ito_opts_destroy(scheduler->process_opts);
    ito_opts_destroy(scheduler->prediction_opts);
    *scheduler = (ito__scheduler){0};
}

static ito_status read_theirs(ito_ctx *ctx, const char *where, const json_t *config, ito__scheduler *out)
{
    ITO_TRY(read_prediction(ctx, where, config, &out->prediction));
    return read_process(ctx, where, config, &out->process, &out->process_opts);
}

ito_status ito__scheduler_read(ito_ctx *ctx, const char *where, const json_t *config, ito__scheduler *out)
{
    const char *name;
    bool known = false;
    *out = (ito__scheduler){0};
    ITO_TRY(ito__json_text(ctx, where, config, "_class_name", "DDPMScheduler", &name));
    bool is_own = !strcmp(name, ITO__SCHEDULER_CLASS);
    for (int i = 0; i < ITO_COUNT(classes); i++) known |= !strcmp(classes[i], name);
    if (!known && !is_own)
        return ito__json_fail(ctx, where, "_class_name",
                              "a scheduler of the discrete VP process (DDPMScheduler, ...) or " ITO__SCHEDULER_CLASS,
                              json_object_get(config, "_class_name"));
    ito_status st = is_own ? ito__scheduler_own_read(ctx, where, config, out) : read_theirs(ctx, where, config, out);
    if (st != ITO_OK) ito__scheduler_clear(out);
    return st;
}
