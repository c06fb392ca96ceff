/* The trained network of a task, as its recipe describes it. */
#ifndef ITO_TASK_NET_H
#define ITO_TASK_NET_H

#include "task/task.h"
#include "train/trained_net.h"

/* The recipe's architecture with `sizes` (an object, stolen) laid over it, updated as the recipe says. Registered in the
 * checkpoint as NAME ("unet"). */
ito_status ito__task_net_create(const ito_task_env *env, const char *name, json_t *sizes, ito_trained_net **out);
/* One step of it; the loss and the norm of the gradient go into *step. */
ito_status ito__task_net_step(ito_trained_net *net, ito_task_step *step);

#endif
