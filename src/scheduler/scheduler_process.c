/* The process that a scheduler noises by, and what its networks predict. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "scheduler/scheduler_impl.h"

#define NUMBER 32 /* characters of a number with 17 digits, and a comma */

typedef struct setting {
    const char *name;
    double value;
} setting;

/* A process with some of its options set. */
static ito_status create(ito_scheduler *s, const char *name, int n, const setting *settings)
{
    const ito_process_def *def;
    ito_opts *opts = NULL;
    ito_status st;
    ITO_GO(ito_process_find(s->ctx, name, &def));
    ITO_GO(ito_opts_create(s->ctx, def->choice.options, &opts));
    for (int i = 0; i < n; i++) ITO_GO(ito_opts_set_number(opts, s->where, settings[i].name, settings[i].value));
    st = ito_process_create(s->ctx, name, opts, &s->process);
done:
    ito_opts_destroy(opts);
    return st;
}

static ito_status predict(ito_scheduler *s, const char *name, int n, const setting *settings)
{
    ITO_TRY(ito_prediction_find(s->ctx, name, &s->prediction));
    if (!n) return ITO_OK;
    ITO_TRY(ito_opts_create(s->ctx, s->prediction.def->choice.options, &s->prediction_opts));
    s->prediction.opts = s->prediction_opts;
    for (int i = 0; i < n; i++)
        ITO_TRY(ito_opts_set_number(s->prediction_opts, s->where, settings[i].name, settings[i].value));
    return ITO_OK;
}

/* ---- those with betas ---- */

/* The texts of trained_betas, or of n equal betas. */
static char *list_betas(ito_ctx *ctx, const json_t *list, double beta, size_t n)
{
    size_t used = 0, room = n * NUMBER + 1;
    char *text = ito__alloc(ctx, room);
    for (size_t i = 0; text && i < n; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%.17g", i ? "," : "",
                                 list ? json_number_value(json_array_get(list, i)) : beta);
    return text;
}

static ito_status check_list(ito_scheduler *s, const json_t *list)
{
    size_t n = json_array_size(list);
    if (!n) return ito__json_fail(s->ctx, s->where, "trained_betas", "a list of numbers", list);
    for (size_t i = 0; i < n; i++)
        if (!json_is_number(json_array_get(list, i)))
            return ito__json_fail(s->ctx, s->where, "trained_betas", "a list of numbers", json_array_get(list, i));
    if (n == (size_t)s->o.T) return ITO_OK;
    return ito__fail(s->ctx, ITO_FORMAT, "%s: trained_betas has %zu numbers, but num_train_timesteps is %d", s->where,
                     n, s->o.T);
}

static ito_status set_process(ito_scheduler *s, ito_opts *opts, const json_t *list)
{
    ITO_TRY(ito_opts_set(opts, s->where, "tables", "diffusers"));
    ITO_TRY(ito_opts_set_number(opts, s->where, "zero_snr", s->o.zero_snr));
    if (ito_opts_has(opts, "betas")) {
        double most = -expm1(-12.0 / s->o.T); /* "exp": alpha_bar falls like exp(-12 t / T) */
        char *text = list_betas(s->ctx, list, fmin(most, 0.999), (size_t)s->o.T);
        ito_status st = text ? ito_opts_set(opts, s->where, "betas", text) : ITO_MEMORY;
        ito__free(s->ctx, text);
        return st;
    }
    ITO_TRY(ito_opts_set_number(opts, s->where, "T", s->o.T));
    if (ito_opts_has(opts, "form")) ITO_TRY(ito_opts_set(opts, s->where, "form", "diffusers"));
    if (!ito_opts_has(opts, "beta_start")) return ITO_OK;
    ITO_TRY(ito_opts_set_number(opts, s->where, "beta_start", s->o.beta_start));
    return ito_opts_set_number(opts, s->where, "beta_end", s->o.beta_end);
}

static ito_status create_vp(ito_scheduler *s)
{
    static const char *const names[] = {"vp-linear",       "vp-scaled-linear", "vp-cosine",
                                        "vp-sigmoid-beta", "vp-laplace",       "vp-betas"};
    const json_t *list = json_object_get(s->config, "trained_betas");
    bool is_list = list && !json_is_null(list);
    const char *name = is_list ? "vp-betas" : names[s->o.schedule];
    const ito_process_def *def;
    ito_opts *opts = NULL;
    ito_status st;
    if (is_list) ITO_GO(check_list(s, list));
    ITO_GO(ito_process_find(s->ctx, name, &def));
    ITO_GO(ito_opts_create(s->ctx, def->choice.options, &opts));
    ITO_GO(set_process(s, opts, is_list ? list : NULL));
    st = ito_process_create(s->ctx, name, opts, &s->process);
done:
    ito_opts_destroy(opts);
    return st;
}

/* alphas_cumprod, and what solvers in sigma have in its place where no signal is left; their table of sigmas. */
static ito_status fill_tables(ito_scheduler *s)
{
    size_t n = (size_t)s->o.T;
    s->alpha_bar = ito__arena_alloc(s->arena, n * sizeof *s->alpha_bar);
    s->table = ito__arena_alloc(s->arena, n * sizeof *s->table);
    if (!s->alpha_bar || !s->table) return ITO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        float alpha_bar = (float)ito_process_alpha_bar(s->process, (double)(i + 1));
        if (s->o.zero_snr && s->class->has_sigmas && i == n - 1) alpha_bar = 0x1p-24f;
        s->alpha_bar[i] = alpha_bar;
        s->table[i] = sqrtf((1 - alpha_bar) / alpha_bar);
    }
    return ITO_OK;
}

static ito_status open_flow(ito_scheduler *s, double shift)
{
    const setting settings[] = {{"shift", shift}, {"label", s->o.T}};
    ITO_TRY(predict(s, "velocity", 0, NULL));
    return create(s, "flow", ITO_COUNT(settings), settings);
}

/* Solvers in sigma may be given those of a flow; then networks predict its velocity. */
static ito_status check_flow(const ito_scheduler *s)
{
    bool is_flow = s->o.prediction == ITO__THEIR_FLOW;
    if (s->o.flow == is_flow) return ITO_OK;
    return ito__fail(s->ctx, ITO_UNSUPPORTED,
                     "%s: use_flow_sigmas is %s and prediction_type is %s, but sigmas of a flow and flow_prediction go "
                     "together: give both or neither",
                     s->where, s->o.flow ? "true" : "false", is_flow ? "flow_prediction" : "another");
}

ito_status ito__their_vp(ito_scheduler *s)
{
    static const char *const names[] = {"eps", "x0", "v", "velocity", "x0"};
    ITO_TRY(check_flow(s));
    ITO_TRY(create_vp(s));
    ITO_TRY(fill_tables(s));
    if (s->o.timestep_type == 1 && s->o.prediction == ITO__THEIR_V) { /* Euler's other name for EDM's network */
        ito_process_destroy(s->process);
        s->process = NULL;
        return ito__their_edm(s);
    }
    if (!s->o.flow) return predict(s, names[s->o.prediction], 0, NULL);
    ito_process_destroy(s->process);
    s->process = NULL;
    return open_flow(s, 1);
}

/* ---- the others ---- */

ito_status ito__their_edm(ito_scheduler *s)
{
    bool is_euler = s->class->fields & ITO__OF_BETAS, negated = s->o.prediction == ITO__THEIR_V;
    double least = is_euler ? (double)s->table[0] : s->o.sigma_min,
           most = is_euler ? (double)s->table[s->o.T - 1] : s->o.sigma_max;
    const setting of_process[] = {{"sigma_min", least}, {"sigma_max", most}};
    const setting of_prediction[] = {{"sigma_data", is_euler ? 1 : s->o.sigma_data}, {"negated", negated}};
    ITO_TRY(create(s, "edm", ITO_COUNT(of_process), of_process));
    return predict(s, "edm", ITO_COUNT(of_prediction), of_prediction);
}

ito_status ito__their_consistency(ito_scheduler *s)
{
    const setting of_process[] = {{"sigma_min", s->o.sigma_min}, {"sigma_max", s->o.sigma_max}, {"label", 250}};
    const setting of_prediction[] = {{"sigma_data", s->o.sigma_data}, {"boundary", s->o.sigma_min}};
    ITO_TRY(create(s, "edm", ITO_COUNT(of_process), of_process));
    return predict(s, "edm", ITO_COUNT(of_prediction), of_prediction);
}

ito_status ito__their_turn(ito_scheduler *s)
{
    ITO_TRY(create(s, "vp-trig", 0, NULL));
    return predict(s, "v", 0, NULL);
}

ito_status ito__their_score(ito_scheduler *s)
{
    const setting settings[] = {{"sigma_min", s->o.sigma_min}, {"sigma_max", s->o.sigma_max}};
    ITO_TRY(create(s, "ve-sde", ITO_COUNT(settings), settings));
    return predict(s, "score", 0, NULL);
}

ito_status ito__their_flow(ito_scheduler *s)
{
    return open_flow(s, 1);
}
