/* The axis "guidance". */
#include <ito/guidance.h>

#include "base/base.h"

#define ITO_GUIDANCE(name) extern const ito_guidance_def ito__guidance_##name;
#include "guidance/guidance_list.h"
#undef ITO_GUIDANCE

static const ito_choice *const builtin[] = {
#define ITO_GUIDANCE(name) &ito__guidance_##name.choice,
#include "guidance/guidance_list.h"
#undef ITO_GUIDANCE
};

extern const ito_axis ito__axis_guidance;
const ito_axis ito__axis_guidance = {
    .name = "guidance",
    .question = "what steers the samples?",
    .n_builtin = ITO_COUNT(builtin),
    .builtin = builtin,
};

ito_status ito_guidance_register(ito_ctx *ctx, const ito_guidance_def *def)
{
    if (!def->wrap) return ito__fail(ctx, ITO_USAGE, "a guidance to register needs its wrap function");
    return ito_choice_register(ctx, &ito__axis_guidance, &def->choice);
}

ito_status ito_guidance_find(ito_ctx *ctx, const char *name, const ito_guidance_def **out)
{
    const ito_choice *choice;
    ito_status st = ito_choice_find(ctx, &ito__axis_guidance, name, &choice);
    *out = (const ito_guidance_def *)choice;
    return st;
}
