/* The fields of a scheduler_config.json: their types, ranges, names and defaults, and which classes have them. A field that a class does
 * not have is passed over, as diffusers does: files are handed on between classes. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "scheduler/scheduler_impl.h"

static const char *const schedules[] = {"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace", "exp",
                                        NULL};
static const char *const predictions[] = {"epsilon",         "sample",          "v_prediction",
                                          "flow_prediction", "original_sample", NULL};
static const char *const spacings[] = {"linspace", "leading", "trailing", NULL};
static const char *const finals[] = {"zero", "sigma_min", NULL};
static const char *const interpolations[] = {"linear", "log_linear", NULL};
static const char *const timestep_types[] = {"discrete", "continuous", NULL};
static const char *const variances[] = {"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log",
                                        "learned",     "learned_range",   NULL};
static const char *const algorithms[] = {"dpmsolver++", "dpmsolver",       "sde-dpmsolver++",  "sde-dpmsolver",
                                         "deis",        "data_prediction", "noise_prediction", NULL};
static const char *const solvers[] = {"midpoint", "heun", "logrho", "bh1", "bh2", NULL};
static const char *const shift_types[] = {"exponential", "linear", NULL};
static const char *const sigma_schedules[] = {"karras", "exponential", NULL};

typedef enum type { WHOLE, REAL, YES_NO, NAME } type;

typedef struct field {
    unsigned of; /* the classes that have it: one bit of theirs */
    const char *key;
    type type;
    size_t at;
    double min, max;
    const char *const *names;
} field;

#define AT(name) offsetof(ito__their_options, name)
#define TINY     1e-9
#define HUGE     1e9

static const field fields[] = {
    {ITO__OF_TIMESTEPS, "num_train_timesteps", WHOLE, AT(T), 1, 1000000, NULL},
    {ITO__OF_BETAS, "beta_start", REAL, AT(beta_start), 0, 1, NULL},
    {ITO__OF_BETAS, "beta_end", REAL, AT(beta_end), 0, 1, NULL},
    {ITO__OF_BETAS, "beta_schedule", NAME, AT(schedule), 0, 0, schedules},
    {ITO__OF_PREDICTION, "prediction_type", NAME, AT(prediction), 0, 0, predictions},
    {ITO__OF_SPACING, "timestep_spacing", NAME, AT(spacing), 0, 0, spacings},
    {ITO__OF_SPACING, "steps_offset", WHOLE, AT(offset), 0, 1000000, NULL},
    {ITO__OF_SIGMAS, "use_karras_sigmas", YES_NO, AT(karras), 0, 0, NULL},
    {ITO__OF_SIGMAS, "use_exponential_sigmas", YES_NO, AT(exponential), 0, 0, NULL},
    {ITO__OF_SIGMAS, "use_beta_sigmas", YES_NO, AT(beta), 0, 0, NULL},
    {ITO__OF_RANGE, "sigma_min", REAL, AT(sigma_min), TINY, HUGE, NULL},
    {ITO__OF_RANGE, "sigma_max", REAL, AT(sigma_max), TINY, HUGE, NULL},
    {ITO__OF_FINAL, "final_sigmas_type", NAME, AT(final), 0, 0, finals},
    {ITO__OF_ZERO_SNR, "rescale_betas_zero_snr", YES_NO, AT(zero_snr), 0, 0, NULL},
    {ITO__OF_CLIP, "clip_sample", YES_NO, AT(clip), 0, 0, NULL},
    {ITO__OF_CLIP, "clip_sample_range", REAL, AT(clip_range), 1e-6, 1e6, NULL},
    {ITO__OF_THRESHOLD, "thresholding", YES_NO, AT(thresholding), 0, 0, NULL},
    {ITO__OF_THRESHOLD, "dynamic_thresholding_ratio", REAL, AT(threshold_ratio), 0, 1, NULL},
    {ITO__OF_THRESHOLD, "sample_max_value", REAL, AT(threshold_max), 1e-6, 1e6, NULL},
    {ITO__OF_ALPHA_ONE, "set_alpha_to_one", YES_NO, AT(alpha_one), 0, 0, NULL},
    {ITO__OF_PRK, "skip_prk_steps", YES_NO, AT(skip_prk), 0, 0, NULL},
    {ITO__OF_EULER, "interpolation_type", NAME, AT(interpolation), 0, 0, interpolations},
    {ITO__OF_EULER, "timestep_type", NAME, AT(timestep_type), 0, 0, timestep_types},
    {ITO__OF_VARIANCE, "variance_type", NAME, AT(variance), 0, 0, variances},
    {ITO__OF_SOLVER, "solver_order", WHOLE, AT(order), 1, 3, NULL},
    {ITO__OF_SOLVER, "solver_type", NAME, AT(solver), 0, 0, solvers},
    {ITO__OF_SOLVER | ITO__OF_SA, "lower_order_final", YES_NO, AT(lower_order_final), 0, 0, NULL},
    {ITO__OF_ALGORITHM, "algorithm_type", NAME, AT(algorithm), 0, 0, algorithms},
    {ITO__OF_EULER_END, "euler_at_final", YES_NO, AT(euler_at_final), 0, 0, NULL},
    {ITO__OF_FLOW, "use_flow_sigmas", YES_NO, AT(flow), 0, 0, NULL},
    {ITO__OF_FLOW, "flow_shift", REAL, AT(flow_shift), 1e-3, 1e3, NULL},
    {ITO__OF_DYNAMIC, "use_dynamic_shifting", YES_NO, AT(dynamic), 0, 0, NULL},
    {ITO__OF_DYNAMIC, "time_shift_type", NAME, AT(time_shift), 0, 0, shift_types},
    {ITO__OF_LAMBDA, "lambda_min_clipped", REAL, AT(lambda_min), -HUGE, HUGE, NULL},
    {ITO__OF_LU, "use_lu_lambdas", YES_NO, AT(lu), 0, 0, NULL},
    {ITO__OF_UNIPC, "predict_x0", YES_NO, AT(predict_x0), 0, 0, NULL},
    {ITO__OF_UNIPC | ITO__OF_MATCHING, "shift_terminal", REAL, AT(shift_terminal), 0, 0.999, NULL},
    {ITO__OF_SA, "predictor_order", WHOLE, AT(predictor_order), 1, 4, NULL},
    {ITO__OF_SA, "corrector_order", WHOLE, AT(corrector_order), 1, 4, NULL},
    {ITO__OF_EDM | ITO__OF_CONSISTENCY, "sigma_data", REAL, AT(sigma_data), 1e-6, 1e6, NULL},
    {ITO__OF_EDM | ITO__OF_CONSISTENCY, "rho", REAL, AT(rho), 0.1, 100, NULL},
    {ITO__OF_EDM, "sigma_schedule", NAME, AT(sigma_schedule), 0, 0, sigma_schedules},
    {ITO__OF_SCORE, "snr", REAL, AT(snr), 0, 100, NULL},
    {ITO__OF_SCORE, "sampling_eps", REAL, AT(sampling_eps), TINY, 0.999, NULL},
    {ITO__OF_SCORE, "correct_steps", WHOLE, AT(correct_steps), 0, 1000, NULL},
    {ITO__OF_CONSISTENCY, "s_noise", REAL, AT(s_noise), 0, 100, NULL},
    {ITO__OF_CONSISTENCY, "clip_denoised", YES_NO, AT(clip), 0, 0, NULL},
    {ITO__OF_LCM, "original_inference_steps", WHOLE, AT(original_steps), 1, 1000000, NULL},
    {ITO__OF_LCM, "timestep_scaling", REAL, AT(timestep_scaling), 0, 1e6, NULL},
    {ITO__OF_SHIFT, "shift", REAL, AT(shift), 1e-3, 1e3, NULL},
    {ITO__OF_MATCHING, "base_shift", REAL, AT(base_shift), -100, 100, NULL},
    {ITO__OF_MATCHING, "max_shift", REAL, AT(max_shift), -100, 100, NULL},
    {ITO__OF_MATCHING, "base_image_seq_len", WHOLE, AT(base_tokens), 1, 1e9, NULL},
    {ITO__OF_MATCHING, "max_image_seq_len", WHOLE, AT(max_tokens), 1, 1e9, NULL},
    {ITO__OF_MATCHING, "invert_sigmas", YES_NO, AT(invert), 0, 0, NULL},
    {ITO__OF_MATCHING, "stochastic_sampling", YES_NO, AT(stochastic), 0, 0, NULL},
};

static const ito__their_options usual = {
    .T = 1000,
    .beta_start = 1e-4,
    .beta_end = 0.02,
    .spacing = ITO__LINSPACE,
    .sigma_min = (double)NAN,
    .sigma_max = (double)NAN,
    .clip_range = 1,
    .threshold_ratio = 0.995,
    .threshold_max = 1,
    .alpha_one = true,
    .variance = ITO__NO_VARIANCE,
    .order = 2,
    .lower_order_final = true,
    .flow_shift = 1,
    .lambda_min = -(double)INFINITY,
    .shift_terminal = (double)NAN,
    .predict_x0 = true,
    .predictor_order = 2,
    .corrector_order = 2,
    .sigma_data = 0.5,
    .rho = 7,
    .snr = 0.15,
    .sampling_eps = 1e-5,
    .correct_steps = 1,
    .s_noise = 1,
    .original_steps = 50,
    .timestep_scaling = 10,
    .shift = 1,
    .base_shift = 0.5,
    .max_shift = 1.15,
    .base_tokens = 256,
    .max_tokens = 4096,
};

/* Names with ", " between them into text. */
static const char *list_names(const char *const *names, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (; *names && used < size; names++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", *names);
    return text;
}

static ito_status read_name(ito_scheduler *s, const field *f, int *out)
{
    char text[256];
    const char *name;
    ITO_TRY(ito__json_text(s->ctx, s->where, s->config, f->key, f->names[0], &name));
    for (int i = 0; f->names[i]; i++)
        if (!strcmp(f->names[i], name)) {
            *out = i;
            return ITO_OK;
        }
    return ito__json_fail(s->ctx, s->where, f->key, list_names(f->names, text, sizeof text),
                          json_object_get(s->config, f->key));
}

static ito_status read_number(ito_scheduler *s, const field *f, double *out)
{
    ITO_TRY(ito__json_real(s->ctx, s->where, s->config, f->key, *out, out));
    if (*out >= f->min && *out <= f->max && (f->type == REAL || *out == floor(*out))) return ITO_OK;
    return ito__fail(s->ctx, ITO_FORMAT, "%s: %s is %g, expected %s from %g to %g", s->where, f->key, *out,
                     f->type == REAL ? "a number" : "a whole number", f->min, f->max);
}

static ito_status read_field(ito_scheduler *s, const field *f)
{
    void *to = (char *)&s->o + f->at;
    double number = 0;
    const json_t *value = json_object_get(s->config, f->key);
    if (!value || json_is_null(value)) return ITO_OK;
    switch (f->type) {
    case YES_NO: return ito__json_bool(s->ctx, s->where, s->config, f->key, false, to);
    case NAME: return read_name(s, f, to);
    case WHOLE:
        ITO_TRY(read_number(s, f, &number));
        *(int *)to = (int)number;
        return ITO_OK;
    default: return read_number(s, f, to);
    }
}

/* UniPC's list of steps after which nothing is corrected. */
static ito_status read_disabled(ito_scheduler *s)
{
    json_t *list = json_object_get(s->config, "disable_corrector"), *predictor = json_object_get(s->config, "solver_p");
    if (predictor && !json_is_null(predictor))
        return ito__fail(s->ctx, ITO_UNSUPPORTED,
                         "%s: solver_p, a predictor that is another scheduler, cannot be opened: give null", s->where);
    if (!list || json_is_null(list)) return ITO_OK;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *step = json_array_get(list, i);
        json_int_t at = json_is_integer(step) ? json_integer_value(step) : -1;
        if (at < 0 || at >= ITO__MOST_DISABLED)
            return ito__json_fail(s->ctx, s->where, "disable_corrector", "a list of steps from 0 to 999", step);
        s->o.disabled[at] = true;
    }
    if (json_is_array(list)) return ITO_OK;
    return ito__json_fail(s->ctx, s->where, "disable_corrector", "a list of steps from 0 to 999", list);
}

/* A choice that the class does not have, though others do. */
static ito_status check_choice(const ito_scheduler *s, const char *key, unsigned allowed, int chosen,
                               const char *const *names)
{
    if (allowed & 1u << chosen) return ITO_OK;
    return ito__fail(s->ctx, ITO_FORMAT, "%s: %s has no %s \"%s\"", s->where, s->class->name, key, names[chosen]);
}

/* Of eps all is lost at sigma = 0. */
static bool needs_noise_at_end(const ito_scheduler *s)
{
    bool of_eps = s->o.algorithm == ITO__DPM || s->o.algorithm == ITO__SDE_DPM || s->o.algorithm == ITO__DEIS;
    return s->class->fields & ITO__OF_ALGORITHM && s->class->fields & ITO__OF_FINAL && of_eps &&
           s->o.final == ITO__FINAL_ZERO;
}

static ito_status check_pairs(const ito_scheduler *s)
{
    const ito__their_options *o = &s->o;
    if (o->karras + o->exponential + o->beta > 1)
        return ito__fail(s->ctx, ITO_FORMAT,
                         "%s: only one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas may be true",
                         s->where);
    if (isfinite(o->sigma_min) && isfinite(o->sigma_max) && !(o->sigma_min < o->sigma_max))
        return ito__fail(s->ctx, ITO_FORMAT, "%s: sigma_min is %g and sigma_max %g, expected less and more", s->where,
                         o->sigma_min, o->sigma_max);
    if (needs_noise_at_end(s))
        return ito__fail(s->ctx, ITO_FORMAT,
                         "%s: final_sigmas_type \"zero\" cannot be used with algorithm_type \"%s\": give \"sigma_min\"",
                         s->where, algorithms[o->algorithm]);
    if (s->class->fields & ITO__OF_MATCHING && o->max_tokens <= o->base_tokens)
        return ito__fail(s->ctx, ITO_FORMAT, "%s: max_image_seq_len is %d, expected more than base_image_seq_len, %d",
                         s->where, o->max_tokens, o->base_tokens);
    return ITO_OK;
}

ito_status ito__their_options_read(ito_scheduler *s)
{
    const ito__scheduler_class *class = s->class;
    s->o = usual;
    if (class->defaults) class->defaults(&s->o);
    for (int i = 0; i < ITO_COUNT(fields); i++)
        if (fields[i].of & class->fields) ITO_TRY(read_field(s, &fields[i]));
    if (class->fields & ITO__OF_UNIPC) ITO_TRY(read_disabled(s));
    if (class->fields & ITO__OF_PREDICTION)
        ITO_TRY(check_choice(s, "prediction_type", class->predictions, s->o.prediction, predictions));
    if (class->fields & ITO__OF_BETAS)
        ITO_TRY(check_choice(s, "beta_schedule", class->schedules, s->o.schedule, schedules));
    if (class->fields & ITO__OF_ALGORITHM)
        ITO_TRY(check_choice(s, "algorithm_type", class->algorithms, s->o.algorithm, algorithms));
    return check_pairs(s);
}
