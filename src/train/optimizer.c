/* The update of one parameter set. The arithmetic is the backend's, one pass over all arrays. */
#include "train/optimizer.h"

#include <math.h>
#include <stdio.h>

#define EMA_WARMUP 10.0

static ito_status check_kept(ito_ctx *ctx, ito_dtype kept)
{
    if (kept == ITO_F32 || kept == ITO_BF16) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "an optimizer was asked to keep its state in %s, expected f32 or bf16",
                     ito_dtype_name(kept));
}

static ito_status create_sets(ito_optimizer *o)
{
    ito_params **kept[] = {&o->grads, &o->m, &o->v, &o->ema};
    ITO_TRY(ito_params_create(o->ctx, o->list, ITO_F32, &o->weights));
    for (int i = 0; i < (o->config.ema_decay > 0 ? 4 : 3); i++)
        ITO_TRY(ito_params_create(o->ctx, o->list, o->config.kept, kept[i]));
    ito_params_init(o->weights, o->seed);
    return o->ema && o->config.kept == ITO_F32 ? ito_params_copy(o->ema, o->weights) : ITO_OK;
}

static ito_status create_spans(ito_optimizer *o)
{
    int n = ito_param_list_count(o->list);
    o->spans = ito__alloc_array(o->ctx, (size_t)n, sizeof *o->spans);
    if (!o->spans) return ITO_MEMORY;
    for (int i = 0; i < n; i++) {
        const ito_param *p = ito_param_list_get(o->list, i);
        o->spans[i] = (ito_optim_span){p->offset, p->count, p->decay ? o->config.weight_decay : 0};
    }
    return ITO_OK;
}

ito_status ito__optimizer_create(ito_ctx *ctx, const ito_param_list *list, const ito_optimizer_config *config,
                                 uint64_t seed, ito_optimizer **out)
{
    ito_status st;
    *out = NULL;
    ITO_TRY(check_kept(ctx, config->kept));
    ito_optimizer *o = ito__alloc(ctx, sizeof *o);
    if (!o) return ITO_MEMORY;
    *o = (ito_optimizer){.ctx = ctx, .config = *config, .list = list, .seed = seed};
    ITO_GO(ito__backend_open(ctx, NULL, &o->backend));
    ITO_GO(create_sets(o));
    ITO_GO(create_spans(o));
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
    ito__free(o->ctx, o->spans);
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

static void set_dither(const ito_optimizer *o, uint32_t key[2])
{
    uint32_t block[4];
    ito_rng_key of_step = {.seed = o->seed, .stream = ITO_STREAM_ROUNDING, .sample = (uint64_t)o->step};
    ito_rng_block(of_step, 0, block);
    key[0] = block[0];
    key[1] = block[1];
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
    const ito_optim_arrays arrays = {c->kept,
                                     ito_params_flat(o->weights),
                                     ito_params_flat(o->grads),
                                     ito_params_flat(o->m),
                                     ito_params_flat(o->v),
                                     o->ema ? ito_params_flat(o->ema) : NULL};
    set_dither(o, step.dither);
    o->backend->optim->adamw(q, &step, ito_param_list_count(o->list), o->spans, &arrays);
}

ito_status ito__optimizer_step(ito_optimizer *o, double rate, double *grad_norm)
{
    ito_queue q = {ito_ctx_n_threads(o->ctx)};
    *grad_norm = sqrt(
        o->backend->optim->sum_squares(&q, ito_param_list_size(o->list), o->config.kept, ito_params_flat(o->grads)));
    if (!isfinite(*grad_norm)) return ito__fail(o->ctx, ITO_NUMERIC, "the gradient is not finite");
    double clip = o->config.clip_norm, scale = clip > 0 && *grad_norm > clip ? clip / *grad_norm : 1;
    o->step++;
    update(o, &q, rate, scale);
    return ITO_OK;
}

ito_status ito__optimizer_best(ito_optimizer *o, ito_params **out)
{
    *out = o->ema ? o->ema : o->weights;
    if (!o->ema || o->config.kept == ITO_F32) return ITO_OK;
    ITO_TRY(ito_params_create(o->ctx, o->list, ITO_F32, out));
    float *average = ito_params_flat(*out);
    const float *weights = ito_params_flat(o->weights);
    ito_params_read(o->ema, average);
    for (int64_t i = 0; i < ito_param_list_size(o->list); i++) average[i] += weights[i];
    return ITO_OK;
}

void ito__optimizer_give_back(ito_optimizer *o, ito_params *best)
{
    if (best != o->ema && best != o->weights) ito_params_destroy(best);
}

size_t ito__optimizer_bytes(const ito_optimizer *o)
{
    size_t kept = ito_dtype_size(o->config.kept) * (o->ema ? 4 : 3);
    return (size_t)ito_param_list_size(o->list) * (sizeof(float) + kept);
}
