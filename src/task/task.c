/* The axis "task". */
#include "task/task.h"

#define ITO_TASK(name) extern const ito_task_def ito__task_##name;
#include "task/task_list.h"
#undef ITO_TASK

static const ito_choice *const builtin[] = {
#define ITO_TASK(name) &ito__task_##name.choice,
#include "task/task_list.h"
#undef ITO_TASK
};

extern const ito_axis ito__axis_task;
const ito_axis ito__axis_task = {
    .name = "task",
    .question = "what does one training step do?",
    .n_builtin = ITO_COUNT(builtin),
    .builtin = builtin,
};

ito_status ito__task_find(ito_ctx *ctx, const char *name, const ito_task_def **out)
{
    const ito_choice *choice;
    ito_status st = ito_choice_find(ctx, &ito__axis_task, name, &choice);
    *out = (const ito_task_def *)choice;
    return st;
}
