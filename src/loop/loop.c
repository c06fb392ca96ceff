/* The training loop. It knows no network: a task makes steps; the loop counts them, sets the rate, logs, previews, saves.
 *
 *   out/ito.json, model_index.json, ...   the model, EMA weights          (each checkpoint)
 *   out/checkpoint/state.safetensors      everything to go on             (each checkpoint)
 *   out/log.jsonl                         one line per log_every steps
 *   out/previews/step-N.png
 *
 * What must agree for a resumed run to be the run that was stopped: recipe, data, batch, seed and what was compiled. The plan is
 * taken from the checkpoint, so that the run keeps its algorithms when the default ones change. */
#include <ito/plan.h>
#include <ito/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "loop/log.h"
#include "task/task.h"

#define CHECKPOINT_SECONDS 60.0
#define TEXT               64

typedef struct loop {
    ito_ctx *ctx;
    const ito_train_options *options;
    ito_dataset *data, *held_out;
    ito__recipe *recipe;
    ito__checkpoint *checkpoint;
    ito_loader *loader;
    ito__train_log *log;
    const ito_task_def *def;
    void *task;
    ito_plan *plan; /* what its programs compute with */
    char *state_path;
    /* settings */
    int64_t n_steps, warmup, checkpoint_every, sample_every, log_every;
    double budget; /* seconds; 0: steps decide */
    double rate;
    int batch;
    uint64_t seed;
    /* state, in the checkpoint */
    int64_t step;
    double elapsed; /* of all calls, at the last checkpoint or report */
    /* of this call */
    double start, elapsed_before, last_checkpoint, window_start;
    int64_t first_step, window_step;
    double window_loss, window_accuracy, tail_loss;
    int64_t tail_steps;
    int next_preview; /* quarter of the run */
    ito_train_progress progress;
} loop;

/* ---- opening ---- */

/* The same source's own test part, where it has one. */
static void open_held_out(loop *l)
{
    const char *settings[34] = {"split=test"};
    int n = 1;
    const ito_opt_def *defs = ito_dataset_get_def(l->data)->choice.options;
    bool has_split = false;
    for (const ito_opt_def *d = defs; d && d->type != ITO_OPT_END_TYPE; d++) has_split |= !strcmp(d->name, "split");
    if (!has_split) return;
    for (int i = 0; l->options->data_settings && l->options->data_settings[i] && n < 33; i++)
        if (strncmp(l->options->data_settings[i], "split=", 6)) settings[n++] = l->options->data_settings[i];
    if (ito_data_open(l->ctx, l->options->data, settings, &l->held_out) != ITO_OK) l->held_out = NULL;
}

static void read_settings(loop *l)
{
    const ito_opts *o = l->recipe->train;
    l->n_steps = ito_opts_int(o, "steps");
    l->budget = l->n_steps ? 0 : 60 * ito_opts_real(o, "minutes");
    l->warmup = ito_opts_int(o, "warmup");
    l->checkpoint_every = ito_opts_int(o, "checkpoint_every");
    l->sample_every = ito_opts_int(o, "sample_every");
    l->log_every = ito_opts_int(o, "log_every");
    l->rate = ito_opts_real(o, "rate");
    l->batch = (int)ito_opts_int(o, "batch");
    l->seed = (uint64_t)ito_opts_int(o, "seed");
}

/* The plan asked for: the checkpoint's when there is one to go on from. NULL: none. */
static ito_status open_plan(loop *l, ito_plan **out)
{
    char *text;
    *out = NULL;
    if (!l->options->resume) return l->options->plan ? ito_plan_read(l->ctx, l->options->plan, out) : ITO_OK;
    ITO_TRY(ito__checkpoint_text(l->ctx, l->state_path, "plan", &text));
    ito_status st = ito_plan_parse(l->ctx, l->state_path, text, out);
    ito__free(l->ctx, text);
    return st;
}

static ito_status create_task(loop *l, const ito_plan *plan)
{
    ito_task_env env = {.ctx = l->ctx,
                        .recipe = l->recipe,
                        .data = l->data,
                        .held_out = l->held_out,
                        .checkpoint = l->checkpoint,
                        .seed = l->seed,
                        .batch = l->batch,
                        .plan = plan,
                        .max_memory = l->options->max_memory};
    ITO_TRY(ito_plan_create(l->ctx, &l->plan));
    ITO_TRY(ito__task_find(l->ctx, l->recipe->task, &l->def));
    ito_status st = l->def->create(&env, &l->task);
    if (st == ITO_STATE && l->options->resume)
        return ito__fail(l->ctx, st, "%s cannot be resumed here: %s; or start anew in another directory", l->state_path,
                         ito_last_error(l->ctx));
    return st == ITO_OK ? l->def->plan(l->task, l->plan) : st;
}

static ito_status open_task(loop *l)
{
    ito_plan *plan;
    ITO_TRY(ito__checkpoint_create(l->ctx, &l->checkpoint));
    ITO_TRY(ito__checkpoint_add_i64(l->checkpoint, "loop.step", &l->step));
    ITO_TRY(ito__checkpoint_add_f64(l->checkpoint, "loop.elapsed", &l->elapsed));
    ITO_TRY(open_plan(l, &plan));
    ito_status st = create_task(l, plan);
    ito_plan_destroy(plan);
    return st;
}

/* ---- checkpoints ---- */

/* The settings that fix what a run computes, as text, and the fingerprint of what was compiled. Where it ends is not among
 * them: a run may be made longer when its rate does not depend on the end. */
static ito_status agreement(loop *l, char fingerprint[TEXT], char **recipe, const char *texts[8])
{
    json_t *root = json_deep_copy(l->recipe->root), *train = json_object_get(root, "train");
    static const char *const free_settings[] = {"checkpoint_every", "sample_every", "log_every"};
    bool constant = ito_opts_choice(l->recipe->train, "schedule") == 1;
    for (int i = 0; i < ITO_COUNT(free_settings); i++) json_object_del(train, free_settings[i]);
    if (constant) {
        json_object_del(train, "steps");
        json_object_del(train, "minutes");
    }
    *recipe = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(root);
    if (!*recipe) return ito__fail_memory(l->ctx, 0);
    snprintf(fingerprint, TEXT, "%016llx", (unsigned long long)l->def->fingerprint(l->task));
    const char *pairs[] = {"recipe",      *recipe,     "data", ito_dataset_get_def(l->data)->choice.name,
                           "fingerprint", fingerprint, NULL};
    memcpy(texts, pairs, sizeof pairs);
    return ITO_OK;
}

/* The plan goes into the checkpoint too, but is not compared: a resumed run was compiled by it. */
static ito_status save_state(loop *l)
{
    char fingerprint[TEXT], *recipe;
    const char *texts[16] = {"plan", ito_plan_text(l->plan)};
    if (!texts[1]) return ITO_MEMORY;
    ITO_TRY(agreement(l, fingerprint, &recipe, texts + 2));
    ito_status st = ito__checkpoint_save(l->checkpoint, l->state_path, texts);
    free(recipe);
    return st;
}

static ito_status load_state(loop *l)
{
    char fingerprint[TEXT], *recipe;
    const char *texts[16];
    ITO_TRY(agreement(l, fingerprint, &recipe, texts));
    ito_status st = ito__checkpoint_load(l->checkpoint, l->state_path, texts);
    free(recipe);
    return st;
}

/* Of points: what makes their own units of what a network is trained on, and their names. */
static void record_units(const ito_dataset_info *info, json_t *data)
{
    json_t *offset = json_array(), *scale = json_array(), *names = json_array();
    for (int k = 0; k < info->channels; k++) {
        if (info->scale) json_array_append_new(offset, json_real(info->offset[k]));
        if (info->scale) json_array_append_new(scale, json_real(info->scale[k]));
        if (info->channel_names) json_array_append_new(names, json_string(info->channel_names[k]));
    }
    if (info->scale) json_object_set(data, "offset", offset);
    if (info->scale) json_object_set(data, "scale", scale);
    if (info->channel_names) json_object_set(data, "channel_names", names);
    json_decref(offset);
    json_decref(scale);
    json_decref(names);
}

static json_t *record_data(const loop *l)
{
    const ito_dataset_info *info = ito_dataset_get_info(l->data);
    json_t *settings = json_array();
    for (int i = 0; l->options->data_settings && l->options->data_settings[i]; i++)
        json_array_append_new(settings, json_string(l->options->data_settings[i]));
    json_t *data =
        json_pack("{s:s, s:s, s:o, s:I}", "source", l->options->data, "kind", ito_dataset_get_def(l->data)->choice.name,
                  "settings", settings, "n_samples", (json_int_t)info->n_samples);
    record_units(info, data);
    return data;
}

/* ito.json: how the model came to be, and how to sample it. */
static json_t *make_record(const loop *l)
{
    const ito_dataset_info *info = ito_dataset_get_info(l->data);
    json_t *names = json_array();
    const char *text = ito_plan_text(l->plan);
    json_t *plan = text ? json_loads(text, 0, NULL) : NULL; /* last, as it is long */
    for (int i = 0; i < info->n_classes; i++) json_array_append_new(names, json_string(info->class_names[i]));
    return json_pack("{s:s, s:O, s:o, s:o, s:O, s:{s:I, s:I, s:f, s:I, s:f}, s:o}", "task", l->recipe->task, "recipe",
                     l->recipe->root, "data", record_data(l), "class_names", names, "sample", l->recipe->sample,
                     "training", "steps", (json_int_t)l->step, "images", (json_int_t)l->step * l->batch, "seconds",
                     l->elapsed, "seed", (json_int_t)l->seed, "loss", l->progress.loss, "plan", plan);
}

static double elapsed(const loop *l)
{
    return l->elapsed_before + ito__now() - l->start;
}

static ito_status checkpoint(loop *l)
{
    l->elapsed = elapsed(l);
    json_t *record = make_record(l);
    if (!record) return ito__fail_memory(l->ctx, 0);
    ito_status st = save_state(l);
    if (st == ITO_OK) st = l->def->save(l->task, l->options->out, record);
    json_decref(record);
    l->last_checkpoint = ito__now();
    return st;
}

static ito_status open_out(loop *l)
{
    char *folder = ito__path_join(l->ctx, l->options->out, "checkpoint"),
         *log = ito__path_join(l->ctx, l->options->out, "log.jsonl");
    ito_status st = folder && log ? ito__dir_make(l->ctx, folder) : ITO_MEMORY;
    if (st == ITO_OK && l->options->resume) st = load_state(l);
    if (st == ITO_OK) st = ito__train_log_open(l->ctx, log, l->step, &l->log);
    ito__free(l->ctx, folder);
    ito__free(l->ctx, log);
    return st;
}

/* ---- one step ---- */

/* The share of the run that is over, 0 .. 1. */
static double done_share(const loop *l)
{
    double share = l->n_steps ? (double)l->step / (double)l->n_steps : elapsed(l) / l->budget;
    return fmin(fmax(share, 0), 1);
}

/* Linear warm-up, then constant or half a cosine down to 0 (Loshchilov and Hutter 2017). */
static double rate_now(const loop *l)
{
    double warm = l->warmup > 0 ? fmin(1, (double)(l->step + 1) / (double)l->warmup) : 1;
    bool constant = ito_opts_choice(l->recipe->train, "schedule") == 1;
    return l->rate * warm * (constant ? 1 : 0.5 * (1 + cos(3.14159265358979323846 * done_share(l))));
}

static bool is_over(const loop *l)
{
    return l->n_steps ? l->step >= l->n_steps : elapsed(l) >= l->budget;
}

static void update_progress(loop *l, const ito_task_step *s)
{
    int64_t n = l->step - l->window_step;
    double now = ito__now(), seconds = now - l->window_start, spent = elapsed(l);
    ito_train_progress *p = &l->progress;
    p->step = l->step;
    p->n_steps = l->n_steps;
    p->n_images = l->step * l->batch;
    p->loss = l->window_loss / (double)n;
    p->accuracy = l->window_accuracy / (double)n;
    p->rate = s->rate;
    p->grad_norm = s->grad_norm;
    p->images_per_second = seconds > 0 ? (double)(n * l->batch) / seconds : 0;
    p->seconds = spent;
    p->seconds_left = !l->n_steps ? fmax(0, l->budget - spent) : (double)(l->n_steps - l->step) * seconds / (double)n;
    l->window_step = l->step;
    l->window_start = now;
    l->window_loss = l->window_accuracy = 0;
}

static void accumulate(loop *l, const ito_task_step *s)
{
    l->window_loss += s->loss;
    l->window_accuracy += s->accuracy;
    if (done_share(l) >= 0.9) {
        l->tail_loss += s->loss;
        l->tail_steps++;
    }
}

static ito_status preview(loop *l)
{
    if (!l->def->preview) return ITO_OK;
    char name[64];
    char *folder = ito__path_join(l->ctx, l->options->out, "previews"), *path = NULL;
    snprintf(name, sizeof name, "step-%08lld.png", (long long)l->step);
    ito_status st = folder ? ito__dir_make(l->ctx, folder) : ITO_MEMORY;
    if (st == ITO_OK) path = ito__path_join(l->ctx, folder, name);
    if (st == ITO_OK) st = path ? l->def->preview(l->task, path) : ITO_MEMORY;
    ito__free(l->ctx, path);
    ito__free(l->ctx, folder);
    return st;
}

static bool preview_is_due(loop *l)
{
    if (l->sample_every) return l->step % l->sample_every == 0;
    int quarter = (int)(4 * done_share(l));
    bool due = quarter > l->next_preview && quarter < 4; /* the end is previewed by the samples of the finished model */
    l->next_preview = ITO_MAX(l->next_preview, quarter);
    return due;
}

static ito_status one_step(loop *l, bool *stop)
{
    ito_batch batch;
    ITO_TRY(ito_loader_next(l->loader, &batch));
    ito_task_step s = {.step = l->step, .rate = rate_now(l), .batch = &batch};
    ito_status st = l->def->step(l->task, &s);
    if (st != ITO_OK)
        return ito__fail(l->ctx, st,
                         "step %lld: %s; the last good checkpoint is in %s: a lower rate often helps (--set rate=...)",
                         (long long)l->step, ito_last_error(l->ctx), l->state_path);
    l->step++;
    accumulate(l, &s);
    if (l->step % l->log_every == 0 || is_over(l)) {
        update_progress(l, &s);
        ITO_TRY(ito__train_log_write(l->log, &l->progress));
        *stop = l->options->progress && !l->options->progress(l->options->user, &l->progress);
    }
    if (preview_is_due(l)) ITO_TRY(preview(l));
    bool due = l->checkpoint_every ? l->step % l->checkpoint_every == 0
                                   : ito__now() - l->last_checkpoint >= CHECKPOINT_SECONDS;
    return due && !*stop && !is_over(l) ? checkpoint(l) : ITO_OK;
}

static ito_status run(loop *l, ito_train_result *result)
{
    bool stop = false;
    l->start = l->last_checkpoint = l->window_start = ito__now();
    l->elapsed_before = l->elapsed;
    l->first_step = l->window_step = l->step;
    l->next_preview = (int)(4 * done_share(l));
    /* The analyzer does not know that ito__fail never returns ITO_OK. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    l->progress.memory = l->def->memory(l->task);
    if (l->options->progress && !is_over(l)) stop = !l->options->progress(l->options->user, &l->progress);
    while (!stop && !is_over(l)) ITO_TRY(one_step(l, &stop));
    ITO_TRY(checkpoint(l));
    *result = (ito_train_result){.step = l->step,
                                 .n_images = l->step * l->batch,
                                 .accuracy = NAN,
                                 .seconds = ito__now() - l->start,
                                 .loss = l->tail_steps ? l->tail_loss / (double)l->tail_steps : l->progress.loss,
                                 .memory = l->progress.memory,
                                 .finished = is_over(l)};
    return result->finished && l->def->evaluate ? l->def->evaluate(l->task, &result->accuracy) : ITO_OK;
}

/* ---- the whole ---- */

static ito_status open_loop(loop *l)
{
    const ito_train_options *o = l->options;
    ITO_TRY(ito_data_open(l->ctx, o->data, o->data_settings, &l->data));
    open_held_out(l);
    ITO_TRY(ito__recipe_open(l->ctx, o->recipe, o->task, l->data, o->settings, &l->recipe));
    read_settings(l);
    l->state_path = ito__path_join(l->ctx, o->out, "checkpoint/state.safetensors");
    if (!l->state_path) return ITO_MEMORY;
    ITO_TRY(open_task(l));
    ITO_TRY(open_out(l));
    bool flip = ito_opts_bool(l->recipe->train, "flip");
    return ito_loader_create(
        l->ctx, l->data, &(ito_loader_options){.batch = l->batch, .seed = l->seed, .first_step = l->step, .flip = flip},
        &l->loader);
}

static void close_loop(loop *l)
{
    ito_loader_destroy(l->loader);
    ito__train_log_close(l->log);
    if (l->def) l->def->destroy(l->task);
    ito_plan_destroy(l->plan);
    ito__checkpoint_destroy(l->checkpoint);
    ito__recipe_destroy(l->recipe);
    ito_dataset_destroy(l->held_out);
    ito_dataset_destroy(l->data);
    ito__free(l->ctx, l->state_path);
}

ito_status ito_train(ito_ctx *ctx, const ito_train_options *options, ito_train_result *result)
{
    loop l = {.ctx = ctx, .options = options};
    *result = (ito_train_result){.accuracy = NAN};
    if (!options->data || !options->out)
        return ito__fail(ctx, ITO_USAGE, "training needs data and a directory for the model");
    ito_status st = open_loop(&l);
    if (st == ITO_OK) st = run(&l, result);
    close_loop(&l);
    return st;
}
