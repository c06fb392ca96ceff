/* Sampling: options, defaults from the model's record, progress. */
#include "sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "scatter.h"

#define MOST_IMAGES 1000000

/* ---- what was asked for ---- */

/* What the record calls NAME in its "sample" object; fallback where it says nothing. */
static double recorded_number(const json_t *sample, const char *name, double fallback)
{
    const json_t *value = json_object_get(sample, name);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

static char *option_or_recorded(const args *a, const json_t *sample, const char *name, const char *fallback)
{
    const char *recorded = json_string_value(json_object_get(sample, name));
    return cli_format("%s", args_text(a, name, recorded ? recorded : fallback));
}

static int read_choices(sampling *s, const args *a, const json_t *sample)
{
    static const char *const axes[] = {"sampler", "spacing", "clip"}, *const usual[] = {"ddim", "trailing", "static"};
    const char *command = s->command;
    for (int i = 0; i < CLI_COUNT(axes); i++) {
        s->names[i] = option_or_recorded(a, sample, axes[i], usual[i]);
        int status = cli_check_choice(s->app, command, axes[i], s->names[i]);
        if (status != CLI_DONE) return status;
    }
    s->sampler = s->options.sample.sampler = s->names[0];
    s->options.sample.spacing = s->names[1];
    s->options.sample.clip = s->names[2];
    return CLI_DONE;
}

/* The options of a choice from KEY=VALUE words, which are cleared, and the words' text. */
static int use_words(const sampling *s, cli_words *set, const ito_choice *choice, ito_opts **opts, char **text)
{
    int status = cli_choice_opts(s->app, choice, (const char *const *)set->items, opts);
    *text = cli_format("%s", "");
    for (int i = 0; i < set->n; i++) {
        char *longer = cli_format("%s%s%s", *text, i ? " " : "", set->items[i]);
        free(*text);
        *text = longer;
    }
    cli_words_clear(set);
    return status;
}

int sampling_read_settings(const sampling *s, const args *a, const char *option, const ito_choice *choice,
                           ito_opts **opts, char **text)
{
    cli_words set = {0};
    cli_words_from(&set, a, option);
    return use_words(s, &set, choice, opts, text);
}

/* What the record says of the sampler's own options, if the sampler is the record's, as KEY=VALUE. */
static void add_recorded(cli_words *set, const json_t *sample, const ito_sampler_def *def)
{
    const char *recorded = json_string_value(json_object_get(sample, "sampler"));
    if (!recorded || strcmp(recorded, def->choice.name) != 0) return;
    for (const ito_opt_def *option = def->choice.options; option && option->name; option++) {
        const json_t *value = json_object_get(sample, option->name);
        if (json_is_string(value)) cli_words_add(set, "%s=%s", option->name, json_string_value(value));
        if (json_is_boolean(value)) cli_words_add(set, "%s=%s", option->name, json_is_true(value) ? "true" : "false");
        if (json_is_number(value)) cli_words_add(set, "%s=%.17g", option->name, json_number_value(value));
    }
}

/* The sampler's own options: the record's, then those of --set. */
static int read_settings(sampling *s, const args *a, const json_t *sample)
{
    const ito_sampler_def *def;
    ito_status st = ito_sampler_find(s->app->ctx, s->names[0], &def);
    if (st != ITO_OK) return cli_fail(s->app, st);
    cli_words set = {0};
    add_recorded(&set, sample, def);
    cli_words_from(&set, a, "set");
    int status = use_words(s, &set, &def->choice, &s->sampler_opts, &s->settings_text);
    s->options.sample.sampler_opts = s->sampler_opts;
    return status;
}

static int default_count(const ito_model_info *info)
{
    if (points_are(info->height, info->width)) return 1000;
    return info->n_classes >= 2 && info->n_classes <= 16 ? 4 * info->n_classes : 16;
}

static int read_numbers(sampling *s, const args *a, const json_t *sample, int default_n)
{
    ito_generate_options *o = &s->options;
    int64_t n = args_int(a, "n", default_n ? default_n : default_count(s->info));
    int64_t batch = args_int(a, "batch", points_are(s->info->height, s->info->width) ? 1024 : 64),
            seed = args_int(a, "seed", 0), first = args_int(a, "first", 0);
    const char *command = s->command;
    if (n < 1 || n > MOST_IMAGES) return cli_usage(command, "-n is %lld, expected 1 to %d", (long long)n, MOST_IMAGES);
    if (batch < 1 || batch > 65536) return cli_usage(command, "--batch is %lld, expected 1 or more", (long long)batch);
    if (seed < 0 || first < 0) return cli_usage(command, "--seed and --first are 0 or more");
    o->n = (int)n;
    o->batch = (int)batch;
    o->sample.seed = (uint64_t)seed;
    o->sample.first_sample = (uint64_t)first;
    o->has_guidance = true;
    o->exact = args_has(a, "exact");
    bool can_guide = s->info->n_classes > 0 && s->info->has_null_label;
    o->guidance = args_real(a, "guidance", can_guide ? recorded_number(sample, "guidance", 1) : 1);
    return CLI_DONE;
}

static int read_options(sampling *s, const args *a, const json_t *record, int default_n)
{
    const json_t *sample = json_object_get(record, "sample");
    int status = sampling_read_scheduler(s, a, (int64_t)recorded_number(sample, "steps", 50));
    if (status == CLI_DONE && !s->by_scheduler) status = read_choices(s, a, sample);
    if (status == CLI_DONE && !s->by_scheduler) status = read_settings(s, a, sample);
    if (status == CLI_DONE && !s->by_scheduler)
        status = sampling_read_times(s, a, (int64_t)recorded_number(sample, "steps", 50));
    if (status == CLI_DONE) status = read_numbers(s, a, sample, default_n);
    if (status != CLI_DONE) return status;
    s->labels = cli_alloc((size_t)s->options.n * sizeof *s->labels);
    s->images = cli_alloc((size_t)s->options.n * sampling_image_size(s) * sizeof *s->images);
    s->training_text = json_dumps(json_object_get(record, "training"), JSON_COMPACT);
    return sampling_read_labels(s, args_text(a, "label", NULL));
}

int sampling_open(sampling *s, cli *app, const args *a, const char *path, int default_n)
{
    *s = (sampling){.app = app, .command = a->command->name, .path = path};
    ito_status st = ito_model_open(app->ctx, path, &s->model);
    if (st != ITO_OK) return cli_fail(app, st);
    s->info = ito_model_get_info(s->model);
    s->plan_path = args_text(a, "plan", NULL);
    int status = plan_open(app, a, &s->plan);
    if (status != CLI_DONE) return status;
    ito_model_use_plan(s->model, s->plan);
    status = precision_read(app, a, s->model, &s->precision);
    if (status != CLI_DONE) return status;
    if (strcmp(s->info->task, "denoiser") != 0)
        return cli_complain("%s is a %s; only denoisers can be sampled", path, s->info->task);
    json_t *record = json_loads(s->info->record, 0, NULL);
    status = read_options(s, a, record, default_n);
    json_decref(record);
    return status;
}

void sampling_close(sampling *s)
{
    ito_opts_destroy(s->sampler_opts);
    ito_opts_destroy(s->spacing_opts);
    ito_model_destroy(s->model);
    ito_plan_destroy(s->plan);
    for (int i = 0; i < CLI_COUNT(s->names); i++) free(s->names[i]);
    free(s->scheduler_class);
    free(s->settings_text);
    free(s->spacing_text);
    free(s->times_text);
    free(s->times);
    free(s->training_text);
    free(s->labels);
    free(s->images);
    free(s->start);
    free(s->samples);
    *s = (sampling){0};
}

/* ---- running ---- */

static bool on_progress(void *user, const ito_progress *p)
{
    sampling *s = user;
    char left[CLI_TEXT];
    double share = ((double)s->n_done + (double)p->n * (p->index + 1) / p->n_steps) / s->options.n;
    double seconds = cli_now() - s->progress.started;
    bool is_last = share >= 1;
    if (cli_progress_wants_line(&s->progress, false))
        cli_progress_line(&s->progress, "step %d/%d of images %lld..%lld of %d  %s left", p->index + 1, p->n_steps,
                          (long long)s->n_done + 1, (long long)s->n_done + (long long)p->n, s->options.n,
                          cli_duration(seconds * (1 - share) / share, left));
    if (!is_last && cli_progress_wants_json(&s->progress, false)) {
        json_out *j = &s->app->json;
        emit_object(j, NULL);
        emit_text(j, "event", "progress");
        emit_rounded(j, "share", share, 6);
        emit_rounded(j, "seconds", seconds, 6);
        emit_end(j);
        cli_progress_json_done(&s->progress);
    }
    if (p->index + 1 == p->n_steps) {
        s->n_done += p->n;
        s->total_evals += p->mean_evals * (double)p->n;
        s->most_evals = p->n_evals > s->most_evals ? p->n_evals : s->most_evals;
    }
    return !cli_interrupted();
}

int sampling_run(sampling *s, const ito_hook *hooks, int n_hooks)
{
    s->options.sample.hooks = hooks;
    s->options.sample.n_hooks = n_hooks;
    s->options.sample.progress = on_progress;
    s->options.sample.user = s;
    cli_interrupt_catch();
    cli_progress_begin(&s->progress, s->app);
    ito_status st = ito_generate(s->model, &s->options, s->images, s->labels);
    cli_progress_end(&s->progress);
    s->seconds = cli_now() - s->progress.started;
    if (st == ITO_CANCELLED) return cli_complain("stopped before the images were finished; nothing is written");
    return st == ITO_OK ? plan_check_used(s->app, s->plan, s->model) : cli_fail(s->app, st);
}

const char *sampling_label_name(const sampling *s, int i)
{
    return s->labels[i] >= 0 && s->labels[i] < s->info->n_classes ? s->info->class_names[s->labels[i]] : "";
}

size_t sampling_image_size(const sampling *s)
{
    return (size_t)s->info->height * (size_t)s->info->width * (size_t)s->info->channels;
}
