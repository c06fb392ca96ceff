/* The axis "loss". */
#include <ito/loss.h>

#define ITO_CHOICE_LIST "loss/loss_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(loss, .question = "what is made of the error of an element?");

ito_status ito_loss_register(ito_ctx *ctx, const ito_loss_def *def)
{
    if (!def->build) return ito__fail(ctx, ITO_USAGE, "a loss form to register needs its build function");
    return ito_choice_register(ctx, &ito__axis_loss, &def->choice);
}

ito_status ito_loss_find(ito_ctx *ctx, const char *name, const ito_loss_def **out)
{
    return ito__def_find(ctx, &ito__axis_loss, name, out);
}
