/* The axis "objective". */
#include "objective/objective.h"

#define ITO_CHOICE_LIST "objective/objective_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(objective, .question = "what does training minimise?");

ito_status ito__objective_find(ito_ctx *ctx, const char *name, const ito_objective_def **out)
{
    return ito__def_find(ctx, &ito__axis_objective, name, out);
}
