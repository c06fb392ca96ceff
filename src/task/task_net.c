/* From a recipe to a trained network. */
#include "task/task_net.h"

static ito_optimizer_config optimizer_config(const ito_opts *o)
{
    return (ito_optimizer_config){.beta1 = ito_opts_real(o, "beta1"),
                                  .beta2 = ito_opts_real(o, "beta2"),
                                  .eps = ito_opts_real(o, "adam_eps"),
                                  .weight_decay = ito_opts_real(o, "weight_decay"),
                                  .clip_norm = ito_opts_real(o, "clip_norm"),
                                  .ema_decay = ito_opts_real(o, "ema_decay")};
}

ito_status ito__task_net_create(const ito_task_env *env, const char *name, json_t *sizes, ito_trained_net **out)
{
    const ito_dataset_info *data = ito_dataset_get_info(env->data);
    json_t *architecture = json_deep_copy(env->recipe->architecture);
    ito_trained_net_config config = {.where = env->recipe->name,
                                     .architecture = architecture,
                                     .height = data->height,
                                     .width = data->width,
                                     .update = optimizer_config(env->recipe->train),
                                     .seed = env->seed,
                                     .batch = env->batch,
                                     .plan = env->plan,
                                     .max_memory = env->max_memory,
                                     .precision = ito__recipe_precision(env->recipe)};
    ito_status st;
    *out = NULL;
    if (!architecture || json_object_update(architecture, sizes)) ITO_GO(ito__fail_memory(env->ctx, 0));
    ITO_GO(ito__trained_net_create(env->ctx, &config, out));
    ITO_GO(ito__optimizer_register((*out)->optimizer, env->checkpoint, name));
done:
    json_decref(architecture);
    json_decref(sizes);
    if (st == ITO_OK) return st;
    ito__trained_net_destroy(*out);
    *out = NULL;
    return st;
}

ito_status ito__task_net_step(ito_trained_net *net, ito_task_step *step)
{
    return ito__trained_net_step(net, step->batch->positions, step->rate, &step->loss, &step->grad_norm);
}
