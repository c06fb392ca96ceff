/* Training a classifier: cross-entropy on labelled images, each moved by up to two pixels. Its accuracy on held-out data is
 * measured with the moving average of the weights. */
#include <math.h>
#include <string.h>

#include "pipeline/model_dir.h"
#include "pipeline/net_denoiser.h"
#include "task/task_net.h"

#define SHIFT           2    /* pixels */
#define ENDLESS_SAMPLES 2000 /* held-out samples of a data set without end */

typedef struct state {
    ito_task_env env;
    const ito_dataset_info *data;
    ito_trained_net *net;
    ito_arch_inputs in;
    ito_value *label;
    float *images; /* a batch, shifted */
} state;

static void destroy(void *self)
{
    state *s = self;
    if (!s) return;
    ito__trained_net_destroy(s->net);
    ito__free(s->env.ctx, s->images);
    ito__free(s->env.ctx, s);
}

static int64_t image_size(const state *s)
{
    return (int64_t)s->data->height * s->data->width * s->data->channels;
}

/* Outputs: the mean loss, and the share of the batch that was read right. */
static ito_status build(state *s)
{
    ito_trained_net *t = s->net;
    ito_graph *g = t->g;
    s->in = ito__network_inputs(t->network, g, ITO_F32, s->env.batch, s->data->height, s->data->width);
    s->label = ito_graph_input(g, "label", ITO_I32, ITO_SHAPE(s->env.batch));
    ito_scope root = ito__net_scope(t->net);
    ito_value *logits = t->network->arch->build(&root, t->network->config, &s->in);
    ito_value *loss = ito_op_mean(g, ito_op_cross_entropy(g, logits, s->label), ITO_ALL_AXES, false);
    ito_value *read = ito_op_cast(g, ito_op_argmax(g, logits, 1), ITO_F32);
    ito_value *right = ito_op_eq(g, read, ito_op_cast(g, s->label, ITO_F32));
    ito_value *outputs[] = {loss, ito_op_mean(g, right, ITO_ALL_AXES, false)};
    return ito__trained_net_compile(t, ITO_COUNT(outputs), outputs);
}

static ito_status create(const ito_task_env *env, void **out)
{
    ito_status st;
    const ito_dataset_info *data = ito_dataset_get_info(env->data);
    *out = NULL;
    if (data->n_classes < 2)
        return ito__fail(env->ctx, ITO_USAGE,
                         "a classifier needs labelled data with two classes or more, found %d: put the images into "
                         "one sub-folder per class",
                         data->n_classes);
    state *s = ito__alloc(env->ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    *s = (state){.env = *env, .data = data};
    json_t *sizes = json_pack("{s:[i, i], s:i, s:i}", "sample_size", data->height, data->width, "in_channels",
                              data->channels, "num_classes", data->n_classes);
    ITO_GO(ito__task_net_create(env, "classifier", sizes, &s->net));
    ITO_GO(build(s));
    s->images = ito__alloc_array(env->ctx, (size_t)env->batch * (size_t)image_size(s), sizeof *s->images);
    if (!s->images) ITO_GO(ITO_MEMORY);
    *out = s;
    return ITO_OK;
done:
    destroy(s);
    return st;
}

/* Moves an image by (dy, dx); the edge pixels are repeated into what opens up. */
static void shift(const state *s, const float *from, float *to, int dy, int dx)
{
    int h = s->data->height, w = s->data->width, c = s->data->channels;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int sy = ITO_MIN(ITO_MAX(y - dy, 0), h - 1), sx = ITO_MIN(ITO_MAX(x - dx, 0), w - 1);
            memcpy(to + (ptrdiff_t)(y * w + x) * c, from + (ptrdiff_t)(sy * w + sx) * c, (size_t)c * sizeof *to);
        }
}

static int draw_shift(const state *s, uint64_t position, uint64_t index)
{
    ito_rng_key key = {.seed = s->env.seed, .stream = ITO_STREAM_AUGMENT, .step = 1, .sample = position};
    return (int)ito_rng_below(key, index, 2 * SHIFT + 1) - SHIFT;
}

static ito_status step(void *self, ito_task_step *step)
{
    state *s = self;
    const ito_batch *batch = step->batch;
    float accuracy;
    for (int i = 0; i < batch->n; i++) {
        uint64_t position = (uint64_t)batch->positions[i];
        ptrdiff_t at = i * image_size(s);
        shift(s, batch->images + at, s->images + at, draw_shift(s, position, 0), draw_shift(s, position, 1));
    }
    ITO_TRY(ito_program_write(s->net->program, s->in.x, s->images));
    ITO_TRY(ito_program_write(s->net->program, s->label, batch->labels));
    ITO_TRY(ito__task_net_step(s->net, step));
    ITO_TRY(ito_program_read(s->net->program, s->net->outputs[1], &accuracy));
    step->accuracy = (double)accuracy;
    return ITO_OK;
}

/* How many rows of a batch have their largest logit at the label. */
static int64_t count_right(const ito_batch *batch, const float *logits, int n_classes)
{
    int64_t right = 0;
    for (int i = 0; i < batch->n; i++) {
        const float *row = logits + (ptrdiff_t)i * n_classes;
        int best = 0;
        for (int k = 1; k < n_classes; k++)
            if (row[k] > row[best]) best = k;
        right += best == batch->labels[i];
    }
    return right;
}

static ito_status measure(state *s, ito__runner *runner, ito_loader *loader, float *logits, double *accuracy)
{
    int64_t n = 0, right = 0, all = ito_dataset_get_info(s->env.held_out)->n_samples;
    ito_batch batch;
    while (all || n < ENDLESS_SAMPLES) {
        ITO_TRY(ito_loader_next(loader, &batch));
        if (batch.n == 0) break;
        ITO_TRY(ito__runner_run(
            runner, &(ito__runner_batch){
                        .n = batch.n, .h = s->data->height, .w = s->data->width, .x = batch.images, .out = logits}));
        right += count_right(&batch, logits, s->data->n_classes);
        n += batch.n;
    }
    *accuracy = n ? (double)right / (double)n : (double)NAN;
    return ITO_OK;
}

static ito_status evaluate(void *self, double *accuracy)
{
    state *s = self;
    ito_ctx *ctx = s->env.ctx;
    ito__runner *runner = NULL;
    ito_params *best = NULL;
    ito_loader *loader = NULL;
    float *logits = NULL;
    ito_status st = ITO_OK;
    *accuracy = NAN;
    if (!s->env.held_out) return ITO_OK;
    ITO_GO(ito__optimizer_best(s->net->optimizer, &best));
    ITO_GO(ito__runner_create(ctx, s->net->network, best, &runner));
    bool ends = ito_dataset_get_info(s->env.held_out)->n_samples > 0;
    ITO_GO(ito_loader_create(ctx, s->env.held_out,
                             &(ito_loader_options){.batch = s->env.batch, .in_order = true, .once = ends}, &loader));
    logits = ito__alloc_array(ctx, (size_t)s->env.batch * (size_t)s->data->n_classes, sizeof *logits);
    if (!logits) ITO_GO(ITO_MEMORY);
    ITO_GO(measure(s, runner, loader, logits, accuracy));
done:
    ito__free(ctx, logits);
    ito_loader_destroy(loader);
    ito__runner_destroy(runner);
    ito__optimizer_give_back(s->net->optimizer, best);
    return st;
}

static ito_status save(void *self, const char *dir, json_t *record)
{
    state *s = self;
    ito__model_parts parts = {.task = "classifier", .network = s->net->network, .record = record};
    ITO_TRY(ito__optimizer_best(s->net->optimizer, &parts.params));
    ito_status st = ito__model_write(s->env.ctx, dir, &parts);
    ito__optimizer_give_back(s->net->optimizer, parts.params);
    return st;
}

static ito_train_memory memory(const void *self)
{
    return ito__trained_net_memory(((const state *)self)->net);
}

static uint64_t fingerprint(const void *self)
{
    return ito_program_fingerprint(((const state *)self)->net->program);
}

static ito_status plan(const void *self, ito_plan *plan)
{
    return ito_program_plan(((const state *)self)->net->program, plan);
}

extern const ito_task_def ito__task_classifier;
const ito_task_def ito__task_classifier = {
    .choice = {.name = "classifier", .summary = "read an image's label", .file = "src/task/task_classifier.c"},
    .create = create,
    .destroy = destroy,
    .step = step,
    .evaluate = evaluate,
    .save = save,
    .memory = memory,
    .fingerprint = fingerprint,
    .plan = plan,
};
