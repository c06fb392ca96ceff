/* Training a denoiser: Ho, Jain and Abbeel 2020, algorithm 1, along every axis of a recipe: process, prediction, times, weighting,
 * loss form, variance, objective. Labels are hidden from a share of the samples, so that the one network serves both halves of
 * classifier-free guidance (Ho and Salimans 2022). Everything random of a sample is keyed by its position in the run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <ito/model.h>
#include <ito/timedist.h>
#include <ito/variance.h>

#include "objective/extras.h"
#include "objective/objective.h"
#include "pipeline/generate.h"
#include "pipeline/model_dir.h"
#include "task/task_net.h"

typedef struct state {
    ito_task_env env;
    const ito_dataset_info *data;
    ito_process *process;
    ito_timedist *timedist;
    ito_denoise_setup setup;
    const ito_objective_def *objective;
    double label_dropout;
    bool stratified, immiscible;
    double offset, perturbation, self_conditioning;
    ito_trained_net *unet;
    ito_denoise inputs;
    ito_arch_inputs net_inputs;
    int64_t image_size;
    /* one batch of what is drawn */
    ito_rng_key *keys;
    float *eps, *noisier, *probe, *coef, *label_t, *losses; /* noisier, probe: NULL where unused */
    double *t, *observed;
    int32_t *labels;
} state;

static void destroy(void *self)
{
    state *s = self;
    if (!s) return;
    ito_ctx *ctx = s->env.ctx;
    void *arrays[] = {s->keys,    s->eps,    s->noisier, s->probe,    s->coef,
                      s->label_t, s->losses, s->t,       s->observed, s->labels};
    ito__trained_net_destroy(s->unet);
    ito_timedist_destroy(s->timedist);
    ito_process_destroy(s->process);
    for (int i = 0; i < ITO_COUNT(arrays); i++) ito__free(ctx, arrays[i]);
    ito__free(ctx, s);
}

/* What the data, the variance and self-conditioning decide of a diffusers config. */
static json_t *sizes(const ito_dataset_info *data, bool learns_variance, bool takes_x0)
{
    json_t *size =
        data->height == data->width ? json_integer(data->height) : json_pack("[i, i]", data->height, data->width);
    json_t *o = json_pack("{s:o, s:i, s:i}", "sample_size", size, "in_channels", data->channels * (1 + takes_x0),
                          "out_channels", data->channels * (1 + learns_variance));
    if (o && data->n_classes > 0) json_object_set_new(o, "num_class_embeds", json_integer(data->n_classes + 1));
    return o;
}

static ito_value *run_network(state *s, ito_value *x)
{
    const ito_network *network = s->unet->network;
    ito_scope root = ito__net_scope(s->unet->net);
    s->net_inputs.x = x;
    return network->arch->build(&root, network->config, &s->net_inputs);
}

static ito_value *image_channels(state *s, ito_value *output)
{
    return s->setup.variance->range ? ito_op_slice_axis(s->unet->g, output, 3, 0, s->data->channels) : output;
}

static ito_value *network_output(state *s)
{
    ito_graph *g = s->unet->g;
    bool is_point = s->data->height * s->data->width == 1;
    s->net_inputs.t = ito_graph_input(g, "t", ITO_F32, ITO_SHAPE(s->env.batch));
    if (s->unet->network->info.n_labels)
        s->net_inputs.label = ito_graph_input(g, "label", ITO_I32, ITO_SHAPE(s->env.batch));
    if (s->self_conditioning <= 0) return run_network(s, s->inputs.x_in);
    ito_value *first = run_network(s, ito__self_condition(g, &s->inputs, NULL, 0));
    /* Images are clipped to their range, as when they are sampled. */
    return run_network(s, ito__self_condition(g, &s->inputs, image_channels(s, first), is_point ? 0 : 1));
}

static ito_status build(state *s)
{
    ito_graph *g = s->unet->g;
    const ito__recipe *r = s->env.recipe;
    int64_t c = s->data->channels;
    s->inputs = ito__denoise_begin(g, ITO_SHAPE(s->env.batch, s->data->height, s->data->width, c),
                                   s->setup.prediction.def->scale_in != NULL, s->perturbation > 0);
    if (s->objective->needs_probe)
        s->inputs.probe = ito_graph_input(g, "probe", ITO_F32, ito_value_shape(s->inputs.x0));
    ito_value *output = network_output(s);
    ito_objective_parts parts = {.g = g,
                                 .noised = &s->inputs,
                                 .output = image_channels(s, output),
                                 .extra = s->setup.variance->range ? ito_op_slice_axis(g, output, 3, c, 2 * c) : NULL,
                                 .loss_opts = r->loss.opts,
                                 .opts = r->objective.opts,
                                 .n_timesteps = ito_process_n_timesteps(s->process)};
    ITO_TRY(ito_loss_find(s->env.ctx, r->loss.name, &parts.loss));
    ito_value *losses = s->objective->build(&parts);
    return ito__trained_net_compile(s->unet, 2, (ito_value *[]){ito_op_mean(g, losses, ITO_ALL_AXES, false), losses});
}

static ito_status allocate(state *s)
{
    size_t n = (size_t)s->env.batch;
    ito_ctx *ctx = s->env.ctx;
    s->keys = ito__alloc_array(ctx, n, sizeof *s->keys);
    s->eps = ito__alloc_array(ctx, n * (size_t)s->image_size, sizeof *s->eps);
    s->coef = ito__alloc_array(ctx, n, ITO_DENOISE_COLUMNS * sizeof *s->coef);
    s->label_t = ito__alloc_array(ctx, n, sizeof *s->label_t);
    s->t = ito__alloc_array(ctx, n, sizeof *s->t);
    s->losses = ito__alloc_array(ctx, n, sizeof *s->losses);
    s->observed = ito__alloc_array(ctx, n, sizeof *s->observed);
    s->labels = ito__alloc_array(ctx, n, sizeof *s->labels);
    if (s->perturbation > 0) s->noisier = ito__alloc_array(ctx, n * (size_t)s->image_size, sizeof *s->noisier);
    if (s->objective->needs_probe) s->probe = ito__alloc_array(ctx, n * (size_t)s->image_size, sizeof *s->probe);
    if ((s->perturbation > 0 && !s->noisier) || (s->objective->needs_probe && !s->probe)) return ITO_MEMORY;
    bool all = s->keys && s->eps && s->coef && s->label_t && s->losses && s->t && s->observed && s->labels;
    return all ? ITO_OK : ITO_MEMORY;
}

/* Do the recipe's choices go together? */
static ito_status check(const state *s, bool learns_variance)
{
    const ito__recipe *r = s->env.recipe;
    ito_ctx *ctx = s->env.ctx;
    if (s->objective->needs_chain && !ito_process_n_timesteps(s->process))
        return ito__fail(ctx, ITO_USAGE,
                         "objective %s needs a discrete process, %s is continuous: choose another of either",
                         r->objective.name, r->process.name);
    if (s->objective->needs_variance != learns_variance)
        return ito__fail(
            ctx, ITO_USAGE,
            "objective %s and variance %s do not go together: hybrid and vlb train a learned variance, and "
            "nothing else does",
            r->objective.name, r->variance.name);
    return ITO_OK;
}

/* The recipe's choices along the axes that know no network. */
static ito_status choose(state *s)
{
    const ito__recipe *r = s->env.recipe;
    ito_ctx *ctx = s->env.ctx;
    ITO_TRY(ito_process_create(ctx, r->process.name, r->process.opts, &s->process));
    ITO_TRY(ito_timedist_create(ctx, r->timedist.name, r->timedist.opts, s->process, &s->timedist));
    s->setup.process = s->process;
    ITO_TRY(ito_prediction_find(ctx, r->prediction.name, &s->setup.prediction));
    s->setup.prediction.opts = r->prediction.opts;
    ITO_TRY(ito_prediction_check(ctx, &s->setup.prediction, s->process));
    ITO_TRY(ito_weighting_find(ctx, r->weighting.name, &s->setup.weighting.def));
    s->setup.weighting.opts = r->weighting.opts;
    ITO_TRY(ito_variance_find(ctx, r->variance.name, &s->setup.variance));
    ITO_TRY(ito__objective_find(ctx, r->objective.name, &s->objective));
    s->setup.needs_score = s->objective->needs_probe;
    size_t bytes;
    void *history = ito_timedist_history(s->timedist, &bytes);
    return history ? ito__checkpoint_add_bytes(s->env.checkpoint, "timedist", history, bytes) : ITO_OK;
}

static ito_status create(const ito_task_env *env, void **out)
{
    ito_status st;
    state *s = ito__alloc(env->ctx, sizeof *s);
    *out = NULL;
    if (!s) return ITO_MEMORY;
    *s = (state){.env = *env,
                 .data = ito_dataset_get_info(env->data),
                 .label_dropout = ito_opts_real(env->recipe->train, "label_dropout"),
                 .stratified = ito_opts_bool(env->recipe->train, "stratified"),
                 .immiscible = ito_opts_bool(env->recipe->train, "immiscible"),
                 .offset = ito_opts_real(env->recipe->train, "offset_noise"),
                 .perturbation = ito_opts_real(env->recipe->train, "input_perturbation"),
                 .self_conditioning = ito_opts_real(env->recipe->train, "self_conditioning")};
    s->image_size = (int64_t)s->data->height * s->data->width * s->data->channels;
    ITO_GO(choose(s));
    bool learns_variance = s->setup.variance->range != NULL;
    ITO_GO(check(s, learns_variance));
    ITO_GO(ito__task_net_create(env, "unet", sizes(s->data, learns_variance, s->self_conditioning > 0), &s->unet));
    ITO_GO(build(s));
    ITO_GO(allocate(s));
    *out = s;
    return ITO_OK;
done:
    destroy(s);
    return st;
}

/* The time of sample i of the batch, and what follows from it. Stratified: sample i of n takes its time from the i-th of n equal
 * shares of the distribution. */
static ito_status draw_time(state *s, int i, uint64_t position)
{
    ito_rng_key key = {.seed = s->env.seed, .stream = ITO_STREAM_TIME, .sample = position};
    double u, factor;
    ito_rng_uniform(key, 0, 1, &u);
    if (s->stratified) u = (i + u) / s->env.batch;
    s->t[i] = ito_timedist_quantile(s->timedist, u, &factor);
    s->label_t[i] = (float)ito_process_label(s->process, s->t[i]);
    float *row = s->coef + (ptrdiff_t)i * ITO_DENOISE_COLUMNS;
    ITO_TRY(ito__denoise_columns(s->env.ctx, &s->setup, s->t[i], factor, row));
    key.stream = ITO_STREAM_SELF;
    ito_rng_uniform(key, 0, 1, &u);
    row[ITO_DENOISE_SEES_X0] = u < s->self_conditioning;
    return ITO_OK;
}

static int32_t draw_label(const state *s, const ito_batch *batch, int i)
{
    ito_rng_key key = {.seed = s->env.seed, .stream = ITO_STREAM_LABEL, .sample = (uint64_t)batch->positions[i]};
    double u;
    ito_rng_uniform(key, 0, 1, &u);
    return !batch->labels || u < s->label_dropout ? s->data->n_classes : batch->labels[i];
}

/* eps by the samples' keys, and what the settings make of it. */
static ito_status draw_noise(state *s, const ito_batch *batch)
{
    ito_queue q = {ito_ctx_n_threads(s->env.ctx)};
    ito_noise_batch noise = {batch->n, s->image_size, s->data->channels, s->keys, s->eps};
    s->unet->optimizer->backend->vec->normal(&q, batch->n, s->image_size, s->keys, s->eps);
    if (s->offset > 0) ito__offset_noise(&noise, s->offset);
    if (s->immiscible) ITO_TRY(ito__immiscible_noise(s->env.ctx, &noise, batch->images));
    return s->noisier ? ito__input_perturbation(s->env.ctx, &noise, s->perturbation, s->noisier) : ITO_OK;
}

/* Directions of normal numbers. */
static ito_status write_probe(state *s, const ito_batch *batch)
{
    ito_queue q = {ito_ctx_n_threads(s->env.ctx)};
    for (int i = 0; i < batch->n; i++) s->keys[i].stream = ITO_STREAM_PROBE;
    s->unet->optimizer->backend->vec->normal(&q, batch->n, s->image_size, s->keys, s->probe);
    return ito_program_write(s->unet->program, s->inputs.probe, s->probe);
}

static ito_status write_inputs(state *s, const ito_batch *batch)
{
    ito_program *p = s->unet->program;
    for (int i = 0; i < batch->n; i++) {
        uint64_t position = (uint64_t)batch->positions[i];
        s->keys[i] = (ito_rng_key){.seed = s->env.seed, .stream = ITO_STREAM_NOISE, .sample = position};
        ITO_TRY(draw_time(s, i, position));
        s->labels[i] = draw_label(s, batch, i);
    }
    ITO_TRY(draw_noise(s, batch));
    ITO_TRY(ito_program_write(p, s->inputs.x0, batch->images));
    ITO_TRY(ito_program_write(p, s->inputs.eps, s->eps));
    if (s->noisier) ITO_TRY(ito_program_write(p, s->inputs.eps_in, s->noisier));
    if (s->probe) ITO_TRY(write_probe(s, batch));
    ITO_TRY(ito_program_write(p, s->inputs.coef, s->coef));
    ITO_TRY(ito_program_write(p, s->net_inputs.t, s->label_t));
    return s->net_inputs.label ? ito_program_write(p, s->net_inputs.label, s->labels) : ITO_OK;
}

/* Tells the time distribution what each sample's loss was without its factor. */
static ito_status observe(state *s)
{
    if (!ito_timedist_get_def(s->timedist)->observe) return ITO_OK;
    ITO_TRY(ito_program_read(s->unet->program, s->unet->outputs[1], s->losses));
    for (int i = 0; i < s->env.batch; i++) {
        float factor = s->coef[(ptrdiff_t)i * ITO_DENOISE_COLUMNS + ITO_DENOISE_FACTOR];
        s->observed[i] = (double)s->losses[i] / (double)factor;
    }
    ito_timedist_observe(s->timedist, s->env.batch, s->t, s->observed);
    return ITO_OK;
}

static ito_status step(void *self, ito_task_step *step)
{
    state *s = self;
    ITO_TRY(write_inputs(s, step->batch));
    step->accuracy = NAN;
    ITO_TRY(ito__task_net_step(s->unet, step));
    return observe(s);
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
                                .use = {s->process, s->setup.prediction, s->self_conditioning > 0},
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
                              .scheduler = {.process = s->env.recipe->process.name,
                                            .process_opts = s->env.recipe->process.opts,
                                            .prediction = s->env.recipe->prediction.name,
                                            .prediction_opts = s->env.recipe->prediction.opts,
                                            .learns_variance = s->setup.variance->range != NULL,
                                            .takes_x0 = s->self_conditioning > 0},
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
               .summary = "predict the noise, the image, the score, ... from a noised image",
               .formula = "loss = mean w(t) l(f(x_t, t, y) - target), x_t = signal x0 + sigma eps, t ~ p(t)",
               .paper = "ddpm",
               .eq = "ddpm:14",
               .file = "src/objective/error.c"},
    .create = create,
    .destroy = destroy,
    .step = step,
    .preview = preview,
    .save = save,
    .memory = memory,
    .fingerprint = fingerprint,
    .plan = plan,
};
