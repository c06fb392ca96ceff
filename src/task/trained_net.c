/* Network, optimizer and program of one trained network. */
#include "task/trained_net.h"

#include <math.h>
#include <string.h>

static ito_optimizer_config optimizer_config(const ito_opts *o)
{
    return (ito_optimizer_config){.beta1 = ito_opts_real(o, "beta1"),
                                  .beta2 = ito_opts_real(o, "beta2"),
                                  .eps = ito_opts_real(o, "adam_eps"),
                                  .weight_decay = ito_opts_real(o, "weight_decay"),
                                  .clip_norm = ito_opts_real(o, "clip_norm"),
                                  .ema_decay = ito_opts_real(o, "ema_decay")};
}

static ito_status open_network(const ito_task_env *env, json_t *sizes, ito_network **out)
{
    json_t *config = json_deep_copy(env->recipe->architecture);
    ito_status st = ITO_MEMORY;
    if (config && !json_object_update(config, sizes))
        st = ito__network_create(env->ctx, env->recipe->name, config, out);
    json_decref(config);
    json_decref(sizes);
    return st;
}

ito_status ito__trained_net_create(const ito_task_env *env, const char *name, json_t *sizes, ito_trained_net **out)
{
    ito_ctx *ctx = env->ctx;
    const ito_dataset_info *data = ito_dataset_get_info(env->data);
    ito_optimizer_config config = optimizer_config(env->recipe->train);
    ito_status st;
    ito_trained_net *t = ito__alloc(ctx, sizeof *t);
    *out = NULL;
    if (!t) return ITO_MEMORY;
    *t = (ito_trained_net){.ctx = ctx, .batch = env->batch};
    ITO_GO(open_network(env, sizes, &t->network));
    ITO_GO(t->network->arch->check_size(ctx, t->network->config, data->height, data->width));
    ITO_GO(ito__optimizer_create(ctx, t->network->params, &config, env->seed, &t->optimizer));
    ITO_GO(ito__optimizer_register(t->optimizer, env->checkpoint, name));
    ITO_GO(ito_graph_create(ctx, &t->g));
    ITO_GO(ito__net_create(t->g, t->network->params, ITO_F32, false, &t->net));
    t->keys = ito_graph_input(t->g, "dropout keys", ITO_I32, ITO_SHAPE(env->batch, 4));
    t->net->training = true;
    t->net->keys = t->keys;
    t->key_data = ito__alloc_array(ctx, (size_t)env->batch * 4, sizeof *t->key_data);
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
    ito_program_options options = {.n_bound = n};
    ito_value **all = ito__alloc_array(t->ctx, (size_t)(n + n_outputs), sizeof *all);
    t->grads = ito__alloc_array(t->ctx, (size_t)n, sizeof *t->grads);
    ito_status st = ITO_MEMORY;
    if (!all || !t->grads) goto done;
    ITO_GO(ito_graph_status(t->g));
    ITO_GO(ito__net_grad(t->net, outputs[0], t->grads));
    memcpy(all, t->grads, (size_t)n * sizeof *all);
    memcpy(all + n, outputs, (size_t)n_outputs * sizeof *all);
    memcpy(t->outputs, outputs, (size_t)n_outputs * sizeof *outputs);
    ITO_GO(ito_program_create(t->g, n + n_outputs, all, &options, &t->program));
    ITO_GO(ito__net_bind(t->net, t->program, t->optimizer->weights));
    for (int i = 0; i < n; i++)
        ITO_GO(ito_program_bind(t->program, t->grads[i], ito_params_data(t->optimizer->grads, i)));
done:
    ito__free(t->ctx, all);
    return st;
}

/* Dropout draws by (seed, position of the sample in the run): the same whatever batch the sample is in. */
static ito_status write_keys(ito_trained_net *t, const ito_task_env *env, const ito_batch *batch)
{
    for (int i = 0; i < batch->n; i++) {
        int32_t key[4] = {(int32_t)(uint32_t)env->seed, (int32_t)(uint32_t)(env->seed >> 32),
                          (int32_t)(uint32_t)batch->positions[i], (int32_t)(uint32_t)(batch->positions[i] >> 32)};
        memcpy(t->key_data + 4 * i, key, sizeof key);
    }
    return ito_program_write(t->program, t->keys, t->key_data);
}

ito_status ito__trained_net_step(ito_trained_net *t, const ito_task_env *env, ito_task_step *step)
{
    float loss;
    ITO_TRY(write_keys(t, env, step->batch));
    ITO_TRY(ito_program_run(t->program));
    ITO_TRY(ito_program_read(t->program, t->outputs[0], &loss));
    step->loss = (double)loss;
    if (!isfinite(step->loss)) {
        ITO_TRY(ito_program_find_nonfinite(t->program));
        return ito__fail(t->ctx, ITO_NUMERIC, "the loss is not finite");
    }
    return ito__optimizer_step(t->optimizer, step->rate, &step->grad_norm);
}

size_t ito__trained_net_bytes(const ito_trained_net *t)
{
    ito_program_memory_info m = ito_program_memory(t->program);
    return m.slab_bytes + m.packed_bytes + m.const_bytes + ito__optimizer_bytes(t->optimizer);
}
