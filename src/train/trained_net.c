/* Network, optimizer and program of one trained network. */
#include "train/trained_net.h"

#include <math.h>
#include <string.h>

#include "graph/graph_impl.h"

/* What is recomputed even without a limit: so little is not to be seen in the time of a step, and it saves a seventh of its memory
 * (docs/performance.md). */
#define FREE_SHARE 0.012
/* In bf16 the casts take some of a step's time already. */
#define FREE_SHARE_BF16 0.005

static ito_status open_network(ito_trained_net *t, const ito_trained_net_config *c)
{
    ITO_TRY(ito__network_create(t->ctx, c->where, c->architecture, &t->network));
    if (!c->height && !c->width) return ITO_OK;
    return t->network->arch->check_size(t->ctx, t->network->config, c->height, c->width);
}

ito_status ito__trained_net_create(ito_ctx *ctx, const ito_trained_net_config *config, ito_trained_net **out)
{
    ito_status st;
    ito_trained_net *t = ito__alloc(ctx, sizeof *t);
    *out = NULL;
    if (!t) return ITO_MEMORY;
    *t = (ito_trained_net){.ctx = ctx,
                           .seed = config->seed,
                           .batch = config->batch,
                           .plan = config->plan,
                           .max_memory = config->max_memory,
                           .precision = config->precision};
    ITO_GO(open_network(t, config));
    ito_optimizer_config update = config->update;
    update.kept = config->precision;
    ITO_GO(ito__optimizer_create(ctx, t->network->params, &update, config->seed, &t->optimizer));
    ITO_GO(ito_graph_create(ctx, &t->g));
    ITO_GO(ito__net_create(t->g, t->network->params, ITO_F32, false, &t->net));
    t->keys = ito_graph_input(t->g, "dropout keys", ITO_I32, ITO_SHAPE(t->batch, 4));
    t->net->training = true;
    t->net->keys = t->keys;
    t->key_data = ito__alloc_array(ctx, (size_t)t->batch * 4, sizeof *t->key_data);
    st = t->key_data ? ITO_OK : ITO_MEMORY;
done:
    if (st != ITO_OK)
        ito__trained_net_destroy(t);
    else
        *out = t;
    return st;
}

void ito__trained_net_destroy(ito_trained_net *t)
{
    if (!t) return;
    ito_program_destroy(t->program);
    ito__net_destroy(t->net);
    ito_graph_destroy(t->g);
    ito__optimizer_destroy(t->optimizer);
    ito__network_destroy(t->network);
    ito__free(t->ctx, t->grads);
    ito__free(t->ctx, t->key_data);
    ito__free(t->ctx, t);
}

ito_status ito__trained_net_compile(ito_trained_net *t, int n_outputs, ito_value *const *outputs)
{
    int n = ito_param_list_count(t->network->params);
    ito_program_options options = {.n_bound = n,
                                   .plan = t->plan,
                                   .max_memory = t->max_memory,
                                   .precision = t->precision,
                                   .held_bytes = ito__optimizer_bytes(t->optimizer),
                                   .free_share = t->precision == ITO_F32 ? FREE_SHARE : FREE_SHARE_BF16};
    ito_value **all = ito__alloc_array(t->ctx, (size_t)n + (size_t)n_outputs, sizeof *all);
    t->grads = ito__alloc_array(t->ctx, (size_t)n, sizeof *t->grads);
    ito_status st = ITO_MEMORY;
    if (!all || !t->grads) goto done;
    ITO_GO(ito_graph_status(t->g));
    ITO_GO(ito__net_grad(t->net, outputs[0], t->grads));
    if (t->precision != ITO_F32) ito__graph_narrow_gradients(t->g, n, t->grads);
    memcpy(all, t->grads, (size_t)n * sizeof *all);
    memcpy(all + n, outputs, (size_t)n_outputs * sizeof *all);
    memcpy(t->outputs, outputs, (size_t)n_outputs * sizeof *outputs);
    ITO_GO(ito_program_create(t->g, n + n_outputs, all, &options, &t->program));
    t->plan = NULL;
    ITO_GO(ito__net_bind(t->net, t->program, t->optimizer->weights));
    for (int i = 0; i < n; i++)
        ITO_GO(ito_program_bind(t->program, t->grads[i], ito_params_data(t->optimizer->grads, i)));
done:
    ito__free(t->ctx, all);
    return st;
}

/* Dropout draws by (seed, position of the sample in the run): the same whatever batch the sample is in. */
static ito_status write_keys(ito_trained_net *t, const int64_t *positions)
{
    for (int i = 0; i < t->batch; i++) {
        int32_t key[4] = {(int32_t)(uint32_t)t->seed, (int32_t)(uint32_t)(t->seed >> 32),
                          (int32_t)(uint32_t)positions[i], (int32_t)(uint32_t)(positions[i] >> 32)};
        memcpy(t->key_data + 4 * i, key, sizeof key);
    }
    return ito_program_write(t->program, t->keys, t->key_data);
}

ito_status ito__trained_net_step(ito_trained_net *t, const int64_t *positions, double rate, double *loss,
                                 double *grad_norm)
{
    float value;
    ITO_TRY(write_keys(t, positions));
    ITO_TRY(ito_program_run(t->program));
    ITO_TRY(ito_program_read(t->program, t->outputs[0], &value));
    *loss = (double)value;
    if (!isfinite(*loss)) {
        ITO_TRY(ito_program_find_nonfinite(t->program));
        return ito__fail(t->ctx, ITO_NUMERIC, "the loss is not finite");
    }
    return ito__optimizer_step(t->optimizer, rate, grad_norm);
}

ito_train_memory ito__trained_net_memory(const ito_trained_net *t)
{
    ito_program_memory_info m = ito_program_memory(t->program);
    size_t rest = m.packed_bytes + m.const_bytes + ito__optimizer_bytes(t->optimizer);
    return (ito_train_memory){.planned_bytes = rest + m.slab_bytes,
                              .unlimited_bytes = rest + m.unlimited_bytes,
                              .n_recomputed = m.n_recomputed,
                              .recomputed_share = m.recomputed_share};
}
