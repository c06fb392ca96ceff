/* The axis "sampler". */
#include <ito/sampler.h>

#include <stdio.h>

#include "base/base.h"

#define ITO_SAMPLER(name) extern const ito_sampler_def ito__sampler_##name;
#include "sampler/sampler_list.h"
#undef ITO_SAMPLER

static const ito_choice *const builtin[] = {
#define ITO_SAMPLER(name) &ito__sampler_##name.choice,
#include "sampler/sampler_list.h"
#undef ITO_SAMPLER
};

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_sampler_def *def = (const ito_sampler_def *)choice;
    int at = snprintf(text, size, "%s", def->is_stochastic ? "stochastic" : "deterministic");
    if (def->order) snprintf(text + at, size - (size_t)at, ", order %d", def->order);
    return text;
}

extern const ito_axis ito__axis_sampler;
const ito_axis ito__axis_sampler = {
    .name = "sampler",
    .question = "how is the reverse process integrated?",
    .n_builtin = ITO_COUNT(builtin),
    .builtin = builtin,
    .claims = claims,
};

ito_status ito_sampler_register(ito_ctx *ctx, const ito_sampler_def *def)
{
    if (!def->step) return ito__fail(ctx, ITO_USAGE, "a sampler to register needs its step function");
    return ito_choice_register(ctx, &ito__axis_sampler, &def->choice);
}

ito_status ito_sampler_find(ito_ctx *ctx, const char *name, const ito_sampler_def **out)
{
    const ito_choice *choice;
    ito_status st = ito_choice_find(ctx, &ito__axis_sampler, name, &choice);
    *out = (const ito_sampler_def *)choice;
    return st;
}
