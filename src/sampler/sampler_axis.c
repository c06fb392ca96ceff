/* The axis "sampler". */
#include <ito/sampler.h>

#include <stdio.h>

#define ITO_CHOICE_LIST "sampler/sampler_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_sampler_def *def = (const ito_sampler_def *)choice;
    int at = snprintf(text, size, "%s", def->is_stochastic ? "stochastic" : "deterministic");
    if (def->order) at += snprintf(text + at, size - (size_t)at, ", order %d", def->order);
    if (def->run_order) snprintf(text + at, size - (size_t)at, " (%d in a run)", def->run_order);
    return text;
}

ITO_AXIS_DEFINE(sampler, .question = "how is the reverse process integrated?", .claims = claims);

ito_status ito_sampler_register(ito_ctx *ctx, const ito_sampler_def *def)
{
    if (!def->step) return ito__fail(ctx, ITO_USAGE, "a sampler to register needs its step function");
    return ito_choice_register(ctx, &ito__axis_sampler, &def->choice);
}

ito_status ito_sampler_find(ito_ctx *ctx, const char *name, const ito_sampler_def **out)
{
    return ito__def_find(ctx, &ito__axis_sampler, name, out);
}
