/* Training a denoiser: Ho, Jain and Abbeel 2020, algorithm 1, for any process and linear prediction; labels are hidden from a
 * share of the samples, so that the one network serves both halves of classifier-free guidance (Ho and Salimans 2022).
 * Everything random of a sample is keyed by its position in the run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <ito/model.h>
#include <ito/prediction.h>
#include <ito/process.h>

#include "objective/denoise.h"
#include "pipeline/generate.h"
#include "pipeline/model_dir.h"
#include "task/task_net.h"

typedef struct state {
    ito_task_env env;
    const ito_dataset_info *data;
    ito_process *process;
    ito_prediction prediction;
    double label_dropout;
    ito_trained_net *unet;
    ito_denoise inputs;
    ito_arch_inputs net_inputs;
    int64_t image_size;
    /* one batch of what is drawn */
    ito_rng_key *keys;
    float *eps, *coef, *t;
    int32_t *labels;
} state;

static void destroy(void *self)
{
    state *s = self;
    if (!s) return;
    ito_ctx *ctx = s->env.ctx;
    void *arrays[] = {s->keys, s->eps, s->coef, s->t, s->labels};
    ito__trained_net_destroy(s->unet);
    ito_process_destroy(s->process);
    for (int i = 0; i < ITO_COUNT(arrays); i++) ito__free(ctx, arrays[i]);
    ito__free(ctx, s);
}

/* What the data decides of a diffusers config. */
static json_t *sizes(const ito_dataset_info *data)
{
    json_t *size =
        data->height == data->width ? json_integer(data->height) : json_pack("[i, i]", data->height, data->width);
    json_t *o = json_pack("{s:o, s:i, s:i}", "sample_size", size, "in_channels", data->channels, "out_channels",
                          data->channels);
    if (o && data->n_classes > 0) json_object_set_new(o, "num_class_embeds", json_integer(data->n_classes + 1));
    return o;
}

static ito_status build(state *s)
{
    ito_trained_net *u = s->unet;
    ito_graph *g = u->g;
    s->inputs = ito__denoise_begin(g, ITO_SHAPE(s->env.batch, s->data->height, s->data->width, s->data->channels));
    s->net_inputs.x = s->inputs.x_t;
    s->net_inputs.t = ito_graph_input(g, "t", ITO_F32, ITO_SHAPE(s->env.batch));
    if (u->network->info.n_labels) s->net_inputs.label = ito_graph_input(g, "label", ITO_I32, ITO_SHAPE(s->env.batch));
    ito_scope root = ito__net_scope(u->net);
    ito_value *output = u->network->arch->build(&root, u->network->config, &s->net_inputs);
    ito_value *losses = ito__denoise_loss(g, &s->inputs, output);
    ito_value *loss = ito_op_mean(g, losses, ITO_ALL_AXES, false);
    return ito__trained_net_compile(u, 1, &loss);
}

static ito_status allocate(state *s)
{
    size_t n = (size_t)s->env.batch;
    ito_ctx *ctx = s->env.ctx;
    s->keys = ito__alloc_array(ctx, n, sizeof *s->keys);
    s->eps = ito__alloc_array(ctx, n * (size_t)s->image_size, sizeof *s->eps);
    s->coef = ito__alloc_array(ctx, n, ITO_DENOISE_COLUMNS * sizeof *s->coef);
    s->t = ito__alloc_array(ctx, n, sizeof *s->t);
    s->labels = ito__alloc_array(ctx, n, sizeof *s->labels);
    return s->keys && s->eps && s->coef && s->t && s->labels ? ITO_OK : ITO_MEMORY;
}

static ito_status create(const ito_task_env *env, void **out)
{
    ito_status st;
    state *s = ito__alloc(env->ctx, sizeof *s);
    *out = NULL;
    if (!s) return ITO_MEMORY;
    *s = (state){.env = *env,
                 .data = ito_dataset_get_info(env->data),
                 .label_dropout = ito_opts_real(env->recipe->train, "label_dropout")};
    s->image_size = (int64_t)s->data->height * s->data->width * s->data->channels;
    ITO_GO(ito_process_create(env->ctx, env->recipe->process, env->recipe->process_opts, &s->process));
    ITO_GO(ito_prediction_find(env->ctx, env->recipe->prediction, &s->prediction));
    ITO_GO(ito__task_net_create(env, "unet", sizes(s->data), &s->unet));
    ITO_GO(build(s));
    ITO_GO(allocate(s));
    *out = s;
    return ITO_OK;
done:
    destroy(s);
    return st;
}

/* t ~ uniform on 1..T, then the coefficients of noising and of the target at t. */
static void draw_time(state *s, int i, uint64_t position)
{
    ito_rng_key key = {.seed = s->env.seed, .stream = ITO_STREAM_TIME, .sample = position};
    uint64_t T = (uint64_t)ito_process_n_timesteps(s->process);
    double t = 1 + (double)ito_rng_below(key, 0, T);
    ito_level level = ito_process_level(s->process, t);
    ito_prediction_map map = ito_prediction_map_at(&s->prediction, &level);
    float *coef = s->coef + (ptrdiff_t)i * ITO_DENOISE_COLUMNS;
    coef[ITO_DENOISE_SIGNAL] = (float)level.signal;
    coef[ITO_DENOISE_SIGMA] = (float)level.sigma;
    coef[ITO_DENOISE_OUT_X0] = (float)map.out_x0;
    coef[ITO_DENOISE_OUT_EPS] = (float)map.out_eps;
    s->t[i] = (float)(t - 1); /* files count timesteps from 0 */
}

static int32_t draw_label(const state *s, const ito_batch *batch, int i)
{
    ito_rng_key key = {.seed = s->env.seed, .stream = ITO_STREAM_LABEL, .sample = (uint64_t)batch->positions[i]};
    double u;
    ito_rng_uniform(key, 0, 1, &u);
    return !batch->labels || u < s->label_dropout ? s->data->n_classes : batch->labels[i];
}

static ito_status write_inputs(state *s, const ito_batch *batch)
{
    ito_program *p = s->unet->program;
    for (int i = 0; i < batch->n; i++) {
        uint64_t position = (uint64_t)batch->positions[i];
        s->keys[i] = (ito_rng_key){.seed = s->env.seed, .stream = ITO_STREAM_NOISE, .sample = position};
        draw_time(s, i, position);
        s->labels[i] = draw_label(s, batch, i);
    }
    ito_queue q = {ito_ctx_n_threads(s->env.ctx)};
    s->unet->optimizer->backend->vec->normal(&q, batch->n, s->image_size, s->keys, s->eps);
    ITO_TRY(ito_program_write(p, s->inputs.x0, batch->images));
    ITO_TRY(ito_program_write(p, s->inputs.eps, s->eps));
    ITO_TRY(ito_program_write(p, s->inputs.coef, s->coef));
    ITO_TRY(ito_program_write(p, s->net_inputs.t, s->t));
    return s->net_inputs.label ? ito_program_write(p, s->net_inputs.label, s->labels) : ITO_OK;
}

static ito_status step(void *self, ito_task_step *step)
{
    state *s = self;
    ITO_TRY(write_inputs(s, step->batch));
    step->accuracy = NAN;
    return ito__task_net_step(s->unet, step);
}

/* What a preview needs beside training's own memory is there while it is made and no longer. */
static ito_status preview(void *self, const char *path)
{
    state *s = self;
    ito_params *best = NULL;
    ito__runner *runner = NULL;
    ito_status st;
    ITO_GO(ito__optimizer_best(s->unet->optimizer, &best));
    ITO_GO(ito__runner_create(s->env.ctx, s->unet->network, best, &runner));
    ito__generator generator = {.ctx = s->env.ctx,
                                .runner = runner,
                                .process = s->process,
                                .prediction = s->prediction,
                                .height = s->data->height,
                                .width = s->data->width,
                                .channels = s->data->channels,
                                .n_classes = s->data->n_classes,
                                .class_names = s->data->class_names,
                                .sample = s->env.recipe->sample};
    ITO_GO(ito__generate_preview(&generator, s->env.seed, path));
done:
    ito__runner_destroy(runner);
    ito__optimizer_give_back(s->unet->optimizer, best);
    return st;
}

static ito_status save(void *self, const char *dir, json_t *record)
{
    state *s = self;
    ito__model_parts parts = {.task = "denoiser",
                              .network = s->unet->network,
                              .process = s->env.recipe->process,
                              .process_opts = s->env.recipe->process_opts,
                              .prediction = s->env.recipe->prediction,
                              .record = record};
    ITO_TRY(ito__optimizer_best(s->unet->optimizer, &parts.params));
    ito_status st = ito__model_write(s->env.ctx, dir, &parts);
    ito__optimizer_give_back(s->unet->optimizer, parts.params);
    return st;
}

static ito_train_memory memory(const void *self)
{
    return ito__trained_net_memory(((const state *)self)->unet);
}

static uint64_t fingerprint(const void *self)
{
    return ito_program_fingerprint(((const state *)self)->unet->program);
}

static ito_status plan(const void *self, ito_plan *plan)
{
    return ito_program_plan(((const state *)self)->unet->program, plan);
}

extern const ito_task_def ito__task_denoiser;
const ito_task_def ito__task_denoiser = {
    .choice = {.name = "denoiser",
               .summary = "predict the noise, the image or v from a noised image",
               .formula = "loss = mean |f(x_t, t, y) - target|^2, x_t = signal x0 + sigma eps, t ~ U{1..T}",
               .paper = "ddpm",
               .eq = "ddpm:14",
               .file = "src/objective/denoise.c"},
    .create = create,
    .destroy = destroy,
    .step = step,
    .preview = preview,
    .save = save,
    .memory = memory,
    .fingerprint = fingerprint,
    .plan = plan,
};
