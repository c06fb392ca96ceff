/* Generation in batches: labels, guidance, defaults. Noise and labels of sample i of a seed are the same in any batch, its
 * image to 1e-4, or bit for bit when that is asked for. */
#include "pipeline/generate.h"

#include <string.h>

#include <ito/grid.h>
#include <ito/guidance.h>
#include <ito/image.h>
#include <ito/panels.h>

#define DEFAULT_BATCH  64
#define PREVIEW_STEPS  20
#define PREVIEW_ROWS   4
#define PREVIEW_POINTS 600

/* What was not said is filled in from the model's record, then from ito's defaults. */
static ito_status fill_defaults(const ito__generator *g, ito_generate_options *o)
{
    static const char where[] = "the model's sampling defaults";
    int64_t steps;
    double guidance;
    const char *sampler, *spacing, *clip;
    ITO_TRY(ito__json_int(g->ctx, where, g->sample, "steps", 50, &steps));
    ITO_TRY(ito__json_real(g->ctx, where, g->sample, "guidance", 1, &guidance));
    ITO_TRY(ito__json_text(g->ctx, where, g->sample, "sampler", "ddim", &sampler));
    ITO_TRY(ito__json_text(g->ctx, where, g->sample, "spacing", "trailing", &spacing));
    ITO_TRY(ito__json_text(g->ctx, where, g->sample, "clip", "static", &clip));
    if (o->n <= 0) o->n = 1;
    if (o->batch <= 0) o->batch = DEFAULT_BATCH;
    if (!o->sample.n_steps) o->sample.n_steps = (int)steps;
    if (!o->sample.sampler) o->sample.sampler = sampler;
    if (!o->sample.spacing) o->sample.spacing = spacing;
    if (!o->sample.clip) o->sample.clip = clip;
    if (!o->has_guidance && o->guidance == 0) o->guidance = g->n_classes && !g->no_null_label ? guidance : 1;
    return ITO_OK;
}

/* One option of the sampler as the record has it. */
static ito_status set_recorded(ito_opts *opts, const char *sampler, const char *name, const json_t *value)
{
    if (json_is_string(value)) return ito_opts_set(opts, sampler, name, json_string_value(value));
    if (json_is_boolean(value)) return ito_opts_set(opts, sampler, name, json_is_true(value) ? "true" : "false");
    return json_is_number(value) ? ito_opts_set_number(opts, sampler, name, json_number_value(value)) : ITO_OK;
}

/* The sampler's options, where the caller gives none: those that the model records beside its sampler's name; and its variance, where
 * it has a choice, as the model records it, or what it learned. */
static ito_status choose_options(const ito__generator *g, ito_sample_options *o, ito_opts **own)
{
    static const char where[] = "the model's sampling defaults";
    const ito_sampler_def *def;
    const char *variance, *recorded;
    bool learned = ito__runner_network(g->runner)->info.out_channels > g->channels;
    ITO_TRY(ito__json_text(g->ctx, where, g->sample, "variance", learned ? "learned_range" : "", &variance));
    ITO_TRY(ito__json_text(g->ctx, where, g->sample, "sampler", "ddim", &recorded));
    ITO_TRY(ito_sampler_find(g->ctx, o->sampler, &def));
    if (o->sampler_opts || !def->choice.options) return ITO_OK;
    ITO_TRY(ito_opts_create(g->ctx, def->choice.options, own));
    o->sampler_opts = *own;
    for (const ito_opt_def *option = def->choice.options; option->name && !strcmp(recorded, o->sampler); option++)
        ITO_TRY(set_recorded(*own, def->choice.name, option->name, json_object_get(g->sample, option->name)));
    if (!*variance || !ito_opts_has(*own, "variance")) return ITO_OK;
    return ito_opts_set(*own, def->choice.name, "variance", variance);
}

static ito_status check(const ito__generator *g, const ito_generate_options *o)
{
    if (o->labels && !g->n_classes)
        return ito__fail(g->ctx, ITO_USAGE, "this model was trained without labels; leave the label out");
    for (int i = 0; o->labels && i < o->n; i++)
        if (o->labels[i] < 0 || o->labels[i] > g->n_classes - g->no_null_label)
            return ito__fail(g->ctx, ITO_USAGE, "label %d is outside 0 .. %d", o->labels[i], g->n_classes - 1);
    if (o->guidance != 1 && g->n_classes && g->no_null_label)
        return ito__fail(g->ctx, ITO_USAGE, "this model has no null label: guidance %g is not possible, only 1",
                         o->guidance);
    return ITO_OK;
}

static void choose_labels(const ito__generator *g, const ito_generate_options *o, int32_t *labels)
{
    for (int i = 0; i < o->n; i++)
        labels[i] = o->labels ? o->labels[i] : o->spread ? i % g->n_classes : g->n_classes - g->no_null_label;
}

/* ---- by a scheduler of diffusers ---- */

/* The one that was asked for, opened, or the model's own; NULL where neither is to be used. */
static ito_status choose_scheduler(const ito__generator *g, const ito_generate_options *o, ito_scheduler **opened,
                                   ito_scheduler **out)
{
    const ito_sample_options *s = &o->sample;
    bool is_free = !s->sampler && !s->spacing && !s->clip && !s->times && !s->levels;
    *opened = NULL;
    *out = is_free ? g->scheduler : NULL;
    if (!o->scheduler) return ITO_OK;
    ITO_TRY(ito_scheduler_open(g->ctx, o->scheduler, opened));
    *out = *opened;
    return ITO_OK;
}

/* The network means what the scheduler says, as in diffusers. */
static ito_status use_scheduler(ito__generator *g, ito_scheduler *scheduler, ito_generate_options *o)
{
    ito_scheduler_use use = {.n_steps = o->sample.n_steps, .n_tokens = g->height * g->width};
    g->use.process = ito_scheduler_process(scheduler);
    g->use.prediction = *ito_scheduler_prediction(scheduler);
    bool encodes = o->sample.encode;
    o->sample.encode = false;
    ITO_TRY(ito_scheduler_plan(scheduler, &use, &o->sample));
    if (encodes && !o->sample.encode)
        return ito__fail(g->ctx, ITO_USAGE,
                         "scheduler %s goes from noise to images only; DDIMInverseScheduler goes the other way",
                         ito_scheduler_class(scheduler));
    if (!o->sample.encode || o->sample.start) return ITO_OK;
    return ito__fail(g->ctx, ITO_USAGE,
                     "scheduler %s goes from images to their noise, so it needs images to start from: choose another",
                     ito_scheduler_class(scheduler));
}

/* Rows first .. first + n - 1. labels is NULL for a model without. */
static ito_status generate_batch(const ito__generator *g, const ito_generate_options *o, int first, int n,
                                 int32_t *labels, float *images)
{
    int64_t size = (int64_t)g->height * g->width * g->channels;
    ito_shape shape = ITO_SHAPE(n, g->height, g->width, g->channels);
    ito_tensor x = ito_tensor_view(ITO_F32, shape, images + first * size);
    ito_sample_options sample = o->sample;
    sample.first_sample += (uint64_t)first;
    if (sample.samples) sample.samples += first;
    if (sample.start) sample.start = (const float *)sample.start + first * size;
    int32_t null_label = g->n_classes;
    ito_condition given = {0}, none = {0};
    ito_denoiser plain = {0}, guided = {0};
    ito_status st;
    ITO_GO(ito__net_denoiser(g->ctx, g->runner, &g->use, o->exact, &plain));
    if (labels) {
        ITO_GO(ito_condition_add(g->ctx, &given, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(n), labels + first)));
        ITO_GO(ito_condition_add(g->ctx, &none, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(1), &null_label)));
        ITO_GO(ito_guidance_cfg(g->ctx, &plain, &none, o->guidance, &guided));
    }
    st = ito_sample(g->ctx, g->use.process, labels ? &guided : &plain, labels ? &given : NULL, &sample, &x);
done:
    ito_denoiser_clear(&guided);
    ito_denoiser_clear(&plain);
    return st;
}

ito_status ito__generate(const ito__generator *g, const ito_generate_options *options, float *images,
                         int32_t *labels_used)
{
    ito_generate_options o = *options;
    ito__generator by = *g;
    ito_scheduler *scheduler, *opened = NULL;
    int32_t *labels = NULL;
    ito_opts *sampler_opts = NULL;
    ito_status st;
    ITO_GO(choose_scheduler(g, &o, &opened, &scheduler));
    ITO_GO(fill_defaults(g, &o));
    if (scheduler)
        ITO_GO(use_scheduler(&by, scheduler, &o));
    else
        ITO_GO(choose_options(g, &o.sample, &sampler_opts));
    ITO_GO(check(g, &o));
    if (g->n_classes) {
        labels = ito__alloc_array(g->ctx, (size_t)o.n, sizeof *labels);
        if (!labels) ITO_GO(ITO_MEMORY);
        choose_labels(g, &o, labels);
    }
    for (int first = 0; first < o.n; first += o.batch)
        ITO_GO(generate_batch(&by, &o, first, ITO_MIN(o.batch, o.n - first), labels, images));
    for (int i = 0; labels_used && i < o.n; i++) labels_used[i] = labels && labels[i] < g->n_classes ? labels[i] : -1;
done:
    ito_scheduler_destroy(opened);
    ito_opts_destroy(sampler_opts);
    ito__free(g->ctx, labels);
    return st;
}

/* ---- previews ---- */

static ito_status write_grid(const ito__generator *g, const float *images, int n, int columns, const int32_t *labels,
                             const char *path)
{
    ito_image picture;
    const char **names = ito__alloc_array(g->ctx, (size_t)n, sizeof *names);
    if (!names) return ITO_MEMORY;
    for (int i = 0; i < n; i++) names[i] = labels[i] >= 0 && g->class_names ? g->class_names[labels[i]] : "";
    ito_grid_options options = {.columns = columns, .labels = g->n_classes ? names : NULL};
    ito_status st = ito_grid_render(g->ctx, images, n, g->height, g->width, g->channels, &options, &picture);
    if (st == ITO_OK) {
        st = ito_image_write_png(g->ctx, path, &picture, NULL);
        ito_image_clear(g->ctx, &picture);
    }
    ito__free(g->ctx, names);
    return st;
}

/* Points of each class, or of none (behind the classes), become dots of one colour. */
static void fill_marks(const ito__generator *g, const float *points, int n, const int32_t *labels, double *xy,
                       ito_marks *marks)
{
    for (int k = 0; k <= g->n_classes; k++) {
        marks[k] = (ito_marks){.kind = ITO_MARK_DOTS, .colour = k, .opacity = 0.6, .xy = xy};
        for (int i = 0; i < n; i++) {
            int label = labels[i] >= 0 ? labels[i] : g->n_classes;
            const float *point = points + (ptrdiff_t)i * g->channels;
            if (label != k) continue;
            xy[0] = (double)point[0];
            xy[1] = g->channels > 1 ? (double)point[1] : 2 * (i + 0.5) / n - 1; /* by its place in the list */
            xy += 2;
            marks[k].n++;
        }
    }
}

static ito_status write_scatter(const ito__generator *g, const float *points, int n, const int32_t *labels,
                                const char *path)
{
    ito_image picture = {0};
    double *xy = ito__alloc_array(g->ctx, (size_t)n, 2 * sizeof *xy);
    ito_marks *marks = ito__alloc_array(g->ctx, (size_t)g->n_classes + 1, sizeof *marks);
    ito_status st = xy && marks ? ITO_OK : ITO_MEMORY;
    if (st == ITO_OK) {
        fill_marks(g, points, n, labels, xy, marks);
        ito_panel panel = {.n_marks = g->n_classes + 1, .marks = marks};
        st = ito_panels_render(g->ctx, &panel, 1, &(ito_panels_options){.side = 320}, &picture);
    }
    if (st == ITO_OK) st = ito_image_write_png(g->ctx, path, &picture, NULL);
    ito_image_clear(g->ctx, &picture);
    ito__free(g->ctx, marks);
    ito__free(g->ctx, xy);
    return st;
}

/* By DDIM, whatever the model samples with: a preview is a glance, and some samplers evaluate a hundred times in a step. */
ito_status ito__generate_preview(const ito__generator *g, uint64_t seed, const char *path)
{
    int columns = g->n_classes ? ITO_MIN(g->n_classes, 10) : 8, n = columns * PREVIEW_ROWS;
    bool are_points = g->height == 1 && g->width == 1;
    if (are_points) n = PREVIEW_POINTS;
    size_t size = (size_t)g->height * (size_t)g->width * (size_t)g->channels;
    int most = ito_process_n_timesteps(g->use.process);
    ito_generate_options o = {
        .n = n,
        .batch = are_points ? n : 0,
        .spread = g->n_classes > 0,
        .sample = {.sampler = "ddim", .seed = seed, .n_steps = most ? ITO_MIN(most, PREVIEW_STEPS) : PREVIEW_STEPS}};
    float *images = ito__alloc_array(g->ctx, (size_t)n * size, sizeof *images);
    int32_t *labels = ito__alloc_array(g->ctx, (size_t)n, sizeof *labels);
    ito_status st = images && labels ? ito__generate(g, &o, images, labels) : ITO_MEMORY;
    if (st == ITO_OK)
        st = are_points ? write_scatter(g, images, n, labels, path) : write_grid(g, images, n, columns, labels, path);
    ito__free(g->ctx, images);
    ito__free(g->ctx, labels);
    return st;
}
