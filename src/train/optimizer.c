/* The update of one parameter set. The arithmetic is the backend's, one pass over all arrays. */
#include "train/optimizer.h"

#include <math.h>
#include <stdio.h>

#define EMA_WARMUP 10.0

ito_status ito__optimizer_create(ito_ctx *ctx, const ito_param_list *list, const ito_optimizer_config *config,
                                 uint64_t seed, ito_optimizer **out)
{
    ito_status st;
    ito_optimizer *o = ito__alloc(ctx, sizeof *o);
    *out = NULL;
    if (!o) return ITO_MEMORY;
    *o = (ito_optimizer){.ctx = ctx, .config = *config, .list = list};
    ITO_GO(ito__backend_open(ctx, NULL, &o->backend));
    ito_params **sets[] = {&o->weights, &o->grads, &o->m, &o->v, &o->ema};
    for (int i = 0; i < (config->ema_decay > 0 ? 5 : 4); i++) ITO_GO(ito_params_create(ctx, list, ITO_F32, sets[i]));
    ito_params_init(o->weights, seed);
    if (o->ema) ITO_GO(ito_params_copy(o->ema, o->weights));
    *out = o;
    return ITO_OK;
done:
    ito__optimizer_destroy(o);
    return st;
}

void ito__optimizer_destroy(ito_optimizer *o)
{
    if (!o) return;
    ito_params *sets[] = {o->weights, o->grads, o->m, o->v, o->ema};
    for (int i = 0; i < ITO_COUNT(sets); i++) ito_params_destroy(sets[i]);
    ito__free(o->ctx, o);
}

ito_status ito__optimizer_register(ito_optimizer *o, ito__checkpoint *checkpoint, const char *name)
{
    const struct {
        const char *what;
        ito_params *set;
    } sets[] = {{"weights", o->weights}, {"m", o->m}, {"v", o->v}, {"ema", o->ema}};
    char full[128];
    for (int i = 0; i < ITO_COUNT(sets); i++) {
        if (!sets[i].set) continue;
        snprintf(full, sizeof full, "%s.%s", name, sets[i].what);
        ITO_TRY(ito__checkpoint_add_params(checkpoint, full, sets[i].set));
    }
    snprintf(full, sizeof full, "%s.step", name);
    return ito__checkpoint_add_i64(checkpoint, full, &o->step);
}

/* The average follows the weights closely at first: decay (1 + step) / (10 + step) until that exceeds ema_decay. */
static double ema_decay(const ito_optimizer *o)
{
    double warm = (1 + (double)o->step) / (EMA_WARMUP + (double)o->step);
    return fmin(o->config.ema_decay, warm);
}

static void update(ito_optimizer *o, const ito_queue *q, double rate, double grad_scale)
{
    const ito_optimizer_config *c = &o->config;
    ito_adamw step = {.lr = rate,
                      .beta1 = c->beta1,
                      .beta2 = c->beta2,
                      .eps = c->eps,
                      .correction1 = 1 - pow(c->beta1, (double)o->step),
                      .correction2 = 1 - pow(c->beta2, (double)o->step),
                      .grad_scale = grad_scale,
                      .ema_decay = ema_decay(o)};
    for (int i = 0; i < ito_param_list_count(o->list); i++) {
        const ito_param *p = ito_param_list_get(o->list, i);
        step.weight_decay = p->decay ? c->weight_decay : 0;
        o->backend->optim->adamw(q, p->count, &step, ito_params_data(o->weights, i), ito_params_data(o->grads, i),
                                 ito_params_data(o->m, i), ito_params_data(o->v, i),
                                 o->ema ? ito_params_data(o->ema, i) : NULL);
    }
}

ito_status ito__optimizer_step(ito_optimizer *o, double rate, double *grad_norm)
{
    ito_queue q = {ito_ctx_n_threads(o->ctx)};
    *grad_norm = sqrt(o->backend->optim->sum_squares(&q, ito_param_list_size(o->list), ito_params_flat(o->grads)));
    if (!isfinite(*grad_norm)) return ito__fail(o->ctx, ITO_NUMERIC, "the gradient is not finite");
    double clip = o->config.clip_norm, scale = clip > 0 && *grad_norm > clip ? clip / *grad_norm : 1;
    o->step++;
    update(o, &q, rate, scale);
    return ITO_OK;
}

ito_params *ito__optimizer_best(ito_optimizer *o)
{
    return o->ema ? o->ema : o->weights;
}

size_t ito__optimizer_bytes(const ito_optimizer *o)
{
    return (size_t)ito_param_list_size(o->list) * sizeof(float) * (o->ema ? 5 : 4);
}
