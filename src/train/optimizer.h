/* AdamW (Loshchilov and Hutter 2019) with clipping by the global norm, and an exponential moving average of the weights with
 * warm-up. One optimizer per trained network; a task may have several. */
#ifndef ITO_OPTIMIZER_H
#define ITO_OPTIMIZER_H

#include <ito/params.h>

#include "kernel/kernel.h"
#include "train/checkpoint.h"

typedef struct ito_optimizer_config {
    double beta1, beta2, eps, weight_decay;
    double clip_norm; /* gradients are scaled so that their norm is at most this; 0: never */
    double ema_decay; /* 0: no moving average */
} ito_optimizer_config;

typedef struct ito_optimizer {
    ito_ctx *ctx;
    const ito_backend *backend; /* the context's */
    ito_optimizer_config config;
    const ito_param_list *list;
    ito_params *weights, *grads, *m, *v, *ema; /* ema is NULL without a moving average */
    int64_t step;
} ito_optimizer;

/* Weights drawn from the list's initial distributions; the moving average starts equal to them. */
ito_status ito__optimizer_create(ito_ctx *ctx, const ito_param_list *list, const ito_optimizer_config *config,
                                 uint64_t seed, ito_optimizer **out);
void ito__optimizer_destroy(ito_optimizer *o);
/* Registers weights, moments, average and step as NAME.weights, ... */
ito_status ito__optimizer_register(ito_optimizer *o, ito__checkpoint *checkpoint, const char *name);
/* One update from grads. *grad_norm is the norm before clipping; when it is not finite nothing is changed and the status is
 * ITO_NUMERIC. */
ito_status ito__optimizer_step(ito_optimizer *o, double rate, double *grad_norm);
/* The weights to sample with: the average, or the weights when there is none. */
ito_params *ito__optimizer_best(ito_optimizer *o);
size_t ito__optimizer_bytes(const ito_optimizer *o);

#endif
