/* The axis "clip". */
#include <ito/clip.h>

#include "base/base.h"

#define ITO_CLIP(name) extern const ito_clip_def ito__clip_##name;
#include "sampler/clip_list.h"
#undef ITO_CLIP

static const ito_choice *const builtin[] = {
#define ITO_CLIP(name) &ito__clip_##name.choice,
#include "sampler/clip_list.h"
#undef ITO_CLIP
};

extern const ito_axis ito__axis_clip;
const ito_axis ito__axis_clip = {
    .name = "clip",
    .question = "how is the predicted x_0 kept in the range of the data?",
    .n_builtin = ITO_COUNT(builtin),
    .builtin = builtin,
};

ito_status ito_clip_register(ito_ctx *ctx, const ito_clip_def *def)
{
    return ito_choice_register(ctx, &ito__axis_clip, &def->choice);
}

ito_status ito_clip_find(ito_ctx *ctx, const char *name, const ito_clip_def **out)
{
    const ito_choice *choice;
    ito_status st = ito_choice_find(ctx, &ito__axis_clip, name, &choice);
    *out = (const ito_clip_def *)choice;
    return st;
}
