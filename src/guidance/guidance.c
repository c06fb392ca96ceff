/* The axis "guidance". */
#include <ito/guidance.h>

#define ITO_CHOICE_LIST "guidance/guidance_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(guidance, .question = "what steers the samples?");

ito_status ito_guidance_register(ito_ctx *ctx, const ito_guidance_def *def)
{
    if (!def->wrap) return ito__fail(ctx, ITO_USAGE, "a guidance to register needs its wrap function");
    return ito_choice_register(ctx, &ito__axis_guidance, &def->choice);
}

ito_status ito_guidance_find(ito_ctx *ctx, const char *name, const ito_guidance_def **out)
{
    return ito__def_find(ctx, &ito__axis_guidance, name, out);
}
