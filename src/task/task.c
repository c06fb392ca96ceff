/* The axis "task". */
#include "task/task.h"

#define ITO_CHOICE_LIST "task/task_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(task, .question = "what does one training step do?");

ito_status ito__task_find(ito_ctx *ctx, const char *name, const ito_task_def **out)
{
    return ito__def_find(ctx, &ito__axis_task, name, out);
}
