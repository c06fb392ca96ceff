/* A network with its optimizer and training program: what most tasks have one of, or several (a student and its teacher).
 *   create: network, optimizer, graph and net; the task then builds its loss on `g` from `net`;
 *   compile: gradients of the loss, one program writing them into the optimizer's set. */
#ifndef ITO_TRAINED_NET_H
#define ITO_TRAINED_NET_H

#include "arch/arch.h"
#include "task/task.h"
#include "train/optimizer.h"

#define ITO_TRAINED_OUTPUTS 4

typedef struct ito_trained_net {
    ito_ctx *ctx;
    ito_network *network;
    ito_optimizer *optimizer;
    ito_graph *g;
    ito_net *net;
    ito_value *keys;   /* dropout keys, i32 [N, 4]; see ito__trained_net_keys */
    ito_value **grads; /* by parameter */
    ito_value *outputs[ITO_TRAINED_OUTPUTS];
    ito_program *program;
    int batch;
    int32_t *key_data;
} ito_trained_net;

/* The recipe's architecture with `sizes` (an object, stolen) laid over it. name: in the checkpoint ("unet"). */
ito_status ito__trained_net_create(const ito_task_env *env, const char *name, json_t *sizes, ito_trained_net **out);
void ito__trained_net_destroy(ito_trained_net *t);
/* loss: a scalar, first of the outputs that can be read after a run. */
ito_status ito__trained_net_compile(ito_trained_net *t, int n_outputs, ito_value *const *outputs);
/* Runs, reads the loss, and names the first operation at fault when it is not finite; then updates. Inputs are written
 * before. */
ito_status ito__trained_net_step(ito_trained_net *t, const ito_task_env *env, ito_task_step *step);
size_t ito__trained_net_bytes(const ito_trained_net *t);

#endif
