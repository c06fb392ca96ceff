/* The axis "variance". */
#include <ito/variance.h>

#include <stdio.h>

#define ITO_CHOICE_LIST "variance/variance_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_variance_def *def = (const ito_variance_def *)choice;
    snprintf(text, size, "%s", def->range ? "learned: an extra output channel for each channel of x" : "");
    return text;
}

ITO_AXIS_DEFINE(variance, .question = "what is the variance of p(x_s | x_t)?", .claims = claims);

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def)
{
    if (!def->fixed == !def->range)
        return ito__fail(ctx, ITO_USAGE, "a variance to register needs its function, fixed or range");
    return ito_choice_register(ctx, &ito__axis_variance, &def->choice);
}

ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out)
{
    return ito__def_find(ctx, &ito__axis_variance, name, out);
}

ito_log_variance ito_variance_learned(const ito_variance_def *def, const ito_process *process, const ito_level *t,
                                      const ito_level *s)
{
    double ends[2];
    def->range(process, t, s, ends);
    return (ito_log_variance){0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0])};
}
