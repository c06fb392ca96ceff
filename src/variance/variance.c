/* The axis "variance". */
#include <ito/variance.h>

#define ITO_CHOICE_LIST "variance/variance_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(variance, .question = "what is the variance of p(x_s | x_t)?");

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def)
{
    if (!def->fixed) return ito__fail(ctx, ITO_USAGE, "a variance to register needs its function");
    return ito_choice_register(ctx, &ito__axis_variance, &def->choice);
}

ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out)
{
    return ito__def_find(ctx, &ito__axis_variance, name, out);
}
