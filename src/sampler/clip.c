/* The axis "clip". */
#include <ito/clip.h>

#define ITO_CHOICE_LIST "sampler/clip_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(clip, .question = "how is the predicted x_0 kept in the range of the data?");

ito_status ito_clip_register(ito_ctx *ctx, const ito_clip_def *def)
{
    return ito_choice_register(ctx, &ito__axis_clip, &def->choice);
}

ito_status ito_clip_find(ito_ctx *ctx, const char *name, const ito_clip_def **out)
{
    return ito__def_find(ctx, &ito__axis_clip, name, out);
}
