/* AdamW (Loshchilov and Hutter 2019) with clipping by the global norm, and an exponential moving average of the weights with
 * warm-up. One optimizer per trained network; a task may have several.
 *
 * In bf16 the weights stay float32. Gradients and moments are kept in bf16, and of the average its distance from the weights is,
 * which is small beside them, so that rounding it does little; 12 bytes a weight instead of 20. What AdamW writes in bf16 it
 * rounds by chance, keyed by seed and step (kernel/dither.h): exact on average, and the same on any number of threads. */
#ifndef ITO_OPTIMIZER_H
#define ITO_OPTIMIZER_H

#include <ito/params.h>

#include "kernel/kernel.h"
#include "train/checkpoint.h"

typedef struct ito_optimizer_config {
    double beta1, beta2, eps, weight_decay;
    double clip_norm; /* gradients are scaled so that their norm is at most this; 0: never */
    double ema_decay; /* 0: no moving average */
    ito_dtype kept;   /* what gradients, moments and average are kept in: ITO_F32 or ITO_BF16 */
} ito_optimizer_config;

typedef struct ito_optimizer {
    ito_ctx *ctx;
    const ito_backend *backend; /* the context's */
    ito_optimizer_config config;
    const ito_param_list *list;
    ito_params *weights, *grads, *m, *v,
        *ema;              /* ema is NULL without a moving average; in bf16 it is average - weights */
    ito_optim_span *spans; /* one per parameter */
    uint64_t seed;
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
/* The weights to sample with, in float32: the average, or the weights when there is none. In bf16 the average is put together
 * here, so it holds until the next step, and takes memory until it is given back. */
ito_status ito__optimizer_best(ito_optimizer *o, ito_params **out);
void ito__optimizer_give_back(ito_optimizer *o, ito_params *best); /* NULL does nothing */
size_t ito__optimizer_bytes(const ito_optimizer *o);

#endif
