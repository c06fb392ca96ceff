/* diffusers' scheduler_config.json and ito's processes and predictions. */
#include <string.h>

#include "pipeline/model_dir.h"

static const struct {
    const char *ours, *theirs;
} predictions[] = {{"eps", "epsilon"}, {"x0", "sample"}, {"v", "v_prediction"}};

static const struct {
    const char *process, *schedule;
} schedules[] = {{"vp-linear", "linear"}, {"vp-cosine", "squaredcos_cap_v2"}};

/* Schedulers whose noise is the discrete variance-preserving one. */
static const char *const classes[] = {"DDPMScheduler",
                                      "DDIMScheduler",
                                      "PNDMScheduler",
                                      "DPMSolverMultistepScheduler",
                                      "DPMSolverSinglestepScheduler",
                                      "UniPCMultistepScheduler",
                                      "DEISMultistepScheduler"};

/* diffusers' cosine has no parameters: s = 0.008 and betas up to 0.999. */
static ito_status check_cosine(ito_ctx *ctx, const ito_opts *opts)
{
    if (ito_opts_real(opts, "s") == 0.008 && ito_opts_real(opts, "max_beta") == 0.999) return ITO_OK;
    return ito__fail(ctx, ITO_UNSUPPORTED,
                     "vp-cosine with other options than s = 0.008 and max_beta = 0.999 cannot be saved: "
                     "scheduler_config.json has no fields for them");
}

ito_status ito__scheduler_write(ito_ctx *ctx, const char *process, const ito_opts *opts, const char *prediction,
                                json_t **out)
{
    const char *type = NULL, *schedule = NULL;
    for (int i = 0; i < ITO_COUNT(predictions); i++)
        if (!strcmp(predictions[i].ours, prediction)) type = predictions[i].theirs;
    for (int i = 0; i < ITO_COUNT(schedules); i++)
        if (!strcmp(schedules[i].process, process)) schedule = schedules[i].schedule;
    if (!type || !schedule)
        return ito__fail(ctx, ITO_UNSUPPORTED, "a model with process '%s' and prediction '%s' cannot be saved yet",
                         process, prediction);
    bool linear = !strcmp(schedule, "linear");
    if (!linear) ITO_TRY(check_cosine(ctx, opts));
    *out = json_pack("{s:s, s:s, s:I, s:s, s:f, s:f, s:s, s:s, s:b, s:f, s:s, s:i}", "_class_name", "DDPMScheduler",
                     "_diffusers_version", "0.30.0", "num_train_timesteps", (json_int_t)ito_opts_int(opts, "T"),
                     "beta_schedule", schedule, "beta_start", linear ? ito_opts_real(opts, "beta_start") : 1e-4,
                     "beta_end", linear ? ito_opts_real(opts, "beta_end") : 0.02, "prediction_type", type,
                     "variance_type", "fixed_small", "clip_sample", 1, "clip_sample_range", 1.0, "timestep_spacing",
                     "trailing", "steps_offset", 0);
    return *out ? ITO_OK : ito__fail_memory(ctx, 0);
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

static ito_status read_process(ito_ctx *ctx, const char *where, const json_t *config, const char **process,
                               ito_opts **opts)
{
    const char *schedule;
    const ito_process_def *def;
    int64_t n;
    double start, end;
    *process = NULL;
    ITO_TRY(ito__json_text(ctx, where, config, "beta_schedule", "linear", &schedule));
    for (int i = 0; i < ITO_COUNT(schedules); i++)
        if (!strcmp(schedules[i].schedule, schedule)) *process = schedules[i].process;
    if (!*process)
        return ito__json_fail(ctx, where, "beta_schedule", "linear or squaredcos_cap_v2",
                              json_object_get(config, "beta_schedule"));
    ITO_TRY(ito__json_int(ctx, where, config, "num_train_timesteps", 1000, &n));
    ITO_TRY(ito__json_real(ctx, where, config, "beta_start", 1e-4, &start));
    ITO_TRY(ito__json_real(ctx, where, config, "beta_end", 0.02, &end));
    ITO_TRY(ito_process_find(ctx, *process, &def));
    ITO_TRY(ito_opts_create(ctx, def->choice.options, opts));
    ITO_TRY(ito_opts_set_number(*opts, where, "T", (double)n));
    if (strcmp(*process, "vp-linear")) return ITO_OK;
    ITO_TRY(ito_opts_set_number(*opts, where, "beta_start", start));
    return ito_opts_set_number(*opts, where, "beta_end", end);
}

ito_status ito__scheduler_read(ito_ctx *ctx, const char *where, const json_t *config, const char **process,
                               ito_opts **opts, const char **prediction)
{
    const char *name;
    bool known = false;
    *opts = NULL;
    ITO_TRY(ito__json_text(ctx, where, config, "_class_name", "DDPMScheduler", &name));
    for (int i = 0; i < ITO_COUNT(classes); i++) known |= !strcmp(classes[i], name);
    if (!known)
        return ito__json_fail(ctx, where, "_class_name", "a scheduler of the discrete VP process (DDPMScheduler, ...)",
                              json_object_get(config, "_class_name"));
    ITO_TRY(read_prediction(ctx, where, config, prediction));
    ito_status st = read_process(ctx, where, config, process, opts);
    if (st != ITO_OK) {
        ito_opts_destroy(*opts);
        *opts = NULL;
    }
    return st;
}
