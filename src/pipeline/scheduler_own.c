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

ito_status ito__scheduler_own_write(ito_ctx *ctx, const char *process, const ito_opts *opts, const char *prediction,
                                    json_t **out)
{
    const ito_process_def *def;
    ITO_TRY(ito_process_find(ctx, process, &def));
    json_t *object = json_pack("{s:s}", "name", process);
    int failed = !object;
    for (const ito_opt_def *o = def->choice.options; o && o->name; o++)
        failed |= json_object_set_new(object, o->name, option_to_json(opts, o));
    *out = json_pack("{s:s, s:o, s:s}", "_class_name", ITO__SCHEDULER_CLASS, "process", object, "prediction_type",
                     prediction);
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

ito_status ito__scheduler_own_read(ito_ctx *ctx, const char *where, const json_t *config, const char **process,
                                   ito_opts **opts, const char **prediction)
{
    const char *name, *type, *key;
    const ito_process_def *def;
    ito_prediction kind;
    json_t *object, *value;
    ITO_TRY(ito__json_require(ctx, where, config, "process", JSON_OBJECT, &object));
    ITO_TRY(ito__json_text(ctx, where, object, "name", "", &name));
    ITO_TRY(ito__json_text(ctx, where, config, "prediction_type", "eps", &type));
    ITO_TRY(ito_process_find(ctx, name, &def));
    ITO_TRY(ito_prediction_find(ctx, type, &kind));
    *process = def->choice.name;
    *prediction = kind.def->choice.name;
    ITO_TRY(ito_opts_create(ctx, def->choice.options, opts));
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "name") != 0) ITO_TRY(set_option(ctx, where, *opts, key, value));
    }
    return ITO_OK;
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
