/* A network with its optimizer and training program: what most tasks have one of, or several (a student and its teacher),
 * and what the bench of a training step times.
 *   create: network, optimizer, graph and net; the caller then builds its loss on `g` from `net`;
 *   compile: gradients of the loss, one program writing them into the optimizer's set;
 *   step: program and update. */
#ifndef ITO_TRAINED_NET_H
#define ITO_TRAINED_NET_H

#include <ito/plan.h>
#include <ito/train.h>

#include "arch/arch.h"
#include "train/optimizer.h"

#define ITO_TRAINED_OUTPUTS 4

typedef struct ito_trained_net_config {
    const char *where;          /* whose architecture it is, for errors */
    const json_t *architecture; /* a config.json object */
    int64_t height, width;      /* of the images; 0: not checked */
    ito_optimizer_config update;
    uint64_t seed; /* of the weights and of dropout */
    int batch;
    const ito_plan *plan; /* of the program; while it is compiled. NULL: the backend chooses */
    size_t max_memory;    /* of ito__trained_net_memory's planned_bytes (ito/program.h); 0: no limit */
    ito_dtype precision;  /* ITO_F32 or ITO_BF16 (ito/program.h) */
} ito_trained_net_config;

typedef struct ito_trained_net {
    ito_ctx *ctx;
    ito_network *network;
    ito_optimizer *optimizer;
    ito_graph *g;
    ito_net *net;
    ito_value *keys;   /* dropout keys, i32 [N, 4] */
    ito_value **grads; /* by parameter */
    ito_value *outputs[ITO_TRAINED_OUTPUTS];
    ito_program *program;
    const ito_plan *plan; /* until the program is compiled */
    size_t max_memory;
    ito_dtype precision;
    uint64_t seed;
    int batch;
    int32_t *key_data;
} ito_trained_net;

/* Of config only the plan is kept, until ito__trained_net_compile has used it. */
ito_status ito__trained_net_create(ito_ctx *ctx, const ito_trained_net_config *config, ito_trained_net **out);
void ito__trained_net_destroy(ito_trained_net *t);
/* loss: a scalar, first of the outputs that can be read after a run. */
ito_status ito__trained_net_compile(ito_trained_net *t, int n_outputs, ito_value *const *outputs);
/* One step on a batch whose samples have these positions in the run [batch]. Runs, reads the loss, and names the first
 * operation at fault when it is not finite; then updates. Inputs are written before. */
ito_status ito__trained_net_step(ito_trained_net *t, const int64_t *positions, double rate, double *loss,
                                 double *grad_norm);
/* What a step takes: slab, packed weights and constants; weights, gradients, moments, average. */
ito_train_memory ito__trained_net_memory(const ito_trained_net *t);

#endif
