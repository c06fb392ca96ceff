/* scheduler_config.json for processes and predictions that diffusers has no scheduler for: ito's names and options as they
 * are, under a class name that nobody mistakes for one of diffusers'. */
#include "pipeline/scheduler_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ito/prediction.h>

#define NUMBER 32 /* characters of a number with 17 digits, and a comma */

static json_t *option_to_json(const ito_opts *opts, const ito_opt_def *def)
{
    switch (def->type) {
    case ITO_OPT_INT_TYPE: return json_integer((json_int_t)ito_opts_int(opts, def->name));
    case ITO_OPT_BOOL_TYPE: return json_boolean(ito_opts_bool(opts, def->name));
    case ITO_OPT_REAL_TYPE: return json_real(ito_opts_real(opts, def->name));
    default: return json_string(ito_opts_text(opts, def->name));
    }
}

/* Every option of a choice into an object. */
static int options_to_json(const ito_opt_def *defs, const ito_opts *opts, json_t *object)
{
    int failed = !object;
    for (const ito_opt_def *o = defs; opts && o && o->name; o++)
        failed |= json_object_set_new(object, o->name, option_to_json(opts, o));
    return failed;
}

ito_status ito__scheduler_own_write(ito_ctx *ctx, const ito__scheduler *s, json_t **out)
{
    const ito_process_def *process;
    ito_prediction prediction;
    *out = NULL;
    ITO_TRY(ito_process_find(ctx, s->process, &process));
    ITO_TRY(ito_prediction_find(ctx, s->prediction, &prediction));
    json_t *of_process = json_pack("{s:s}", "name", s->process), *of_prediction = json_object();
    int failed = options_to_json(process->choice.options, s->process_opts, of_process);
    failed |= options_to_json(prediction.def->choice.options, s->prediction_opts, of_prediction);
    *out = json_pack("{s:s, s:o, s:s, s:o, s:s, s:b}", "_class_name", ITO__SCHEDULER_CLASS, "process", of_process,
                     "prediction_type", s->prediction, "prediction", of_prediction, "variance_type",
                     s->learns_variance ? "learned_range" : "fixed_small", "self_conditioning", s->takes_x0);
    if (*out && !failed) return ITO_OK;
    json_decref(*out);
    *out = NULL;
    return ito__fail_memory(ctx, 0);
}

static ito_status set_option(ito_ctx *ctx, const char *where, ito_opts *opts, const char *key, const json_t *value)
{
    if (json_is_string(value)) return ito_opts_set(opts, where, key, json_string_value(value));
    if (json_is_boolean(value)) return ito_opts_set(opts, where, key, json_is_true(value) ? "true" : "false");
    if (json_is_number(value)) return ito_opts_set_number(opts, where, key, json_number_value(value));
    return ito__json_fail(ctx, where, key, "a number, a text, true or false", value);
}

/* The options of a choice from an object that may also have its name. */
static ito_status read_options(ito_ctx *ctx, const char *where, const ito_opt_def *defs, json_t *object, ito_opts **out)
{
    const char *key;
    json_t *value;
    ITO_TRY(ito_opts_create(ctx, defs, out));
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "name") != 0) ITO_TRY(set_option(ctx, where, *out, key, value));
    }
    return ITO_OK;
}

ito_status ito__scheduler_own_read(ito_ctx *ctx, const char *where, const json_t *config, ito__scheduler *out)
{
    const char *name, *type;
    const ito_process_def *process;
    ito_prediction prediction;
    json_t *object;
    ITO_TRY(ito__json_require(ctx, where, config, "process", JSON_OBJECT, &object));
    ITO_TRY(ito__json_text(ctx, where, object, "name", "", &name));
    ITO_TRY(ito__json_text(ctx, where, config, "prediction_type", "eps", &type));
    ITO_TRY(ito_process_find(ctx, name, &process));
    ITO_TRY(ito_prediction_find(ctx, type, &prediction));
    out->process = process->choice.name;
    out->prediction = prediction.def->choice.name;
    ITO_TRY(ito__json_bool(ctx, where, config, "self_conditioning", false, &out->takes_x0));
    ITO_TRY(read_options(ctx, where, process->choice.options, object, &out->process_opts));
    if (!prediction.def->choice.options) return ITO_OK;
    json_t *of_prediction = json_object_get(config, "prediction");
    return read_options(ctx, where, prediction.def->choice.options, of_prediction, &out->prediction_opts);
}

ito_status ito__betas_to_json(ito_ctx *ctx, const char *text, json_t **out)
{
    json_t *list = *out = json_array();
    int failed = !list;
    for (const char *at = text; *at && !failed; at += *at == ',') {
        char *end;
        double beta = strtod(at, &end);
        if (end == at) return ito__fail(ctx, ITO_USAGE, "betas: '%.20s' is not a number", at);
        while (*end == ' ') end++;
        failed = json_array_append_new(list, json_real(beta));
        at = end;
    }
    return failed ? ito__fail_memory(ctx, 0) : ITO_OK;
}

ito_status ito__betas_to_text(ito_ctx *ctx, const char *where, const char *field, const json_t *list, char **out)
{
    size_t n = json_array_size(list), used = 0, room = n * NUMBER + 1;
    *out = NULL;
    if (!n) return ito__json_fail(ctx, where, field, "a list of numbers", list);
    char *text = *out = ito__alloc(ctx, room);
    if (!text) return ITO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const json_t *beta = json_array_get(list, i);
        if (!json_is_number(beta)) return ito__json_fail(ctx, where, field, "a list of numbers", beta);
        used += (size_t)snprintf(text + used, room - used, "%s%.17g", i ? "," : "", json_number_value(beta));
    }
    return ITO_OK;
}
