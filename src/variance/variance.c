/* The axis "variance". */
#include <ito/variance.h>

#include "base/base.h"

#define ITO_VARIANCE(name) extern const ito_variance_def ito__variance_##name;
#include "variance/variance_list.h"
#undef ITO_VARIANCE

static const ito_choice *const builtin[] = {
#define ITO_VARIANCE(name) &ito__variance_##name.choice,
#include "variance/variance_list.h"
#undef ITO_VARIANCE
};

extern const ito_axis ito__axis_variance;
const ito_axis ito__axis_variance = {
    .name = "variance",
    .question = "what is the variance of p(x_s | x_t)?",
    .n_builtin = ITO_COUNT(builtin),
    .builtin = builtin,
};

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def)
{
    if (!def->fixed) return ito__fail(ctx, ITO_USAGE, "a variance to register needs its function");
    return ito_choice_register(ctx, &ito__axis_variance, &def->choice);
}

ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out)
{
    const ito_choice *choice;
    ito_status st = ito_choice_find(ctx, &ito__axis_variance, name, &choice);
    *out = (const ito_variance_def *)choice;
    return st;
}
