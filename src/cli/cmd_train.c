/* ito train: a recipe on a data set, into a model directory. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ito/train.h>

#include "planning.h"
#include "progress.h"

typedef struct training {
    cli *app;
    const char *data, *out;
    bool is_resumed, is_limited;
    bool has_run; /* false at the end: there was nothing left to do */
    cli_progress progress;
} training;

/* ---- progress ---- */

static void report_line(training *t, const ito_train_progress *p)
{
    char left[CLI_TEXT], memory[CLI_TEXT], done[CLI_TEXT], accuracy[CLI_TEXT] = "";
    if (p->n_steps)
        snprintf(done, sizeof done, "step %lld/%lld", (long long)p->step, (long long)p->n_steps);
    else
        snprintf(done, sizeof done, "step %lld", (long long)p->step);
    if (!isnan(p->accuracy)) snprintf(accuracy, sizeof accuracy, "  accuracy %.4f", p->accuracy);
    cli_progress_line(&t->progress, "%s  loss %.4f%s  rate %.2g  %.0f images/s  %s planned  %s left", done, p->loss,
                      accuracy, p->rate, p->images_per_second, cli_bytes((double)p->memory.planned_bytes, memory),
                      cli_duration(p->seconds_left, left));
}

static void emit_memory(json_out *j, const ito_train_memory *m)
{
    emit_int(j, "planned_bytes", (int64_t)m->planned_bytes);
    if (!m->n_recomputed) return;
    emit_int(j, "unlimited_bytes", (int64_t)m->unlimited_bytes);
    emit_int(j, "n_recomputed", m->n_recomputed);
    emit_rounded(j, "recomputed_share", m->recomputed_share, 3);
}

static void report_json(training *t, const ito_train_progress *p)
{
    json_out *j = &t->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "progress");
    emit_int(j, "step", p->step);
    emit_int(j, "n_steps", p->n_steps);
    emit_int(j, "images", p->n_images);
    emit_real(j, "loss", p->loss);
    emit_real(j, "rate", p->rate);
    emit_real(j, "grad_norm", p->grad_norm);
    if (!isnan(p->accuracy)) emit_real(j, "accuracy", p->accuracy);
    emit_rounded(j, "images_per_s", p->images_per_second, 6);
    emit_rounded(j, "seconds", p->seconds, 6);
    emit_rounded(j, "seconds_left", p->seconds_left, 6);
    emit_memory(j, &p->memory);
    emit_end(j);
    cli_progress_json_done(&t->progress);
}

static bool on_progress(void *user, const ito_train_progress *p)
{
    training *t = user;
    char memory[CLI_MEMORY_TEXT];
    t->has_run = true;
    if (p->step == 0 || p->n_images == 0) { /* before the first step */
        cli_note(t->app, "training %s on %s: %s, %d threads", t->out, t->data, cli_memory(&p->memory, memory),
                 ito_ctx_n_threads(t->app->ctx));
        return !cli_interrupted();
    }
    bool is_last = p->n_steps ? p->step >= p->n_steps : p->seconds_left <= 0;
    if (cli_progress_wants_line(&t->progress, is_last)) report_line(t, p);
    if (cli_progress_wants_json(&t->progress, is_last)) report_json(t, p);
    return !cli_interrupted();
}

/* ---- the end ---- */

static void result_to_json(training *t, const ito_train_result *r)
{
    json_out *j = &t->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "out", t->out);
    emit_bool(j, "finished", r->finished);
    emit_int(j, "step", r->step);
    emit_int(j, "images", r->n_images);
    emit_real(j, "loss", t->has_run ? r->loss : (double)NAN);
    if (!isnan(r->accuracy)) emit_real(j, "accuracy", r->accuracy);
    emit_rounded(j, "seconds", r->seconds, 6);
    emit_memory(j, &r->memory);
    emit_end(j);
}

static void say_what_next(const training *t, bool is_classifier)
{
    printf("Next:\n");
    if (is_classifier) {
        printf("  ito eval %s %s\n", t->out, t->data);
    } else {
        printf("  ito sample %s --out samples.png\n", t->out);
        printf("  ito info %s\n", t->out);
    }
    printf("  ito plot loss %s --out loss.svg\n", t->out);
}

static bool exists(const char *folder, const char *name)
{
    char *path = cli_format("%s/%s", folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void print_result(const training *t, const ito_train_result *r)
{
    char seconds[CLI_TEXT], memory[CLI_MEMORY_TEXT];
    bool is_classifier = !isnan(r->accuracy);
    printf("%s: %lld steps, %lld images", t->out, (long long)r->step, (long long)r->n_images);
    if (t->has_run)
        printf(", loss %.4f", r->loss);
    else
        printf(", finished before this call");
    if (is_classifier) printf(", accuracy %.4f on held-out data", r->accuracy);
    printf("; %s in this call\n", cli_duration(r->seconds, seconds));
    if (t->is_limited) printf("  --max-memory: %s\n", cli_memory(&r->memory, memory));
    printf("  %s/          the model, averaged weights\n", t->out);
    printf("  %s/log.jsonl what was measured\n", t->out);
    if (exists(t->out, "previews")) printf("  %s/previews  samples on the way\n", t->out);
    say_what_next(t, is_classifier);
}

/* ---- the beginning ---- */

/* out/NAME after the data; a classifier does not take the place of a denoiser. The caller frees. */
static char *default_out(const char *data, const char *task)
{
    size_t n = strlen(data);
    while (n > 1 && data[n - 1] == '/') n--;
    size_t start = n;
    while (start > 0 && data[start - 1] != '/') start--;
    bool is_other = task && strcmp(task, "denoiser") != 0;
    return cli_format("out/%.*s%s%s", (int)(n - start), data + start, is_other ? "-" : "", is_other ? task : "");
}

/* A finished model is not overwritten by accident. */
static int check_out(const args *a, const char *out)
{
    bool has_model = exists(out, "model_index.json"), has_state = exists(out, "checkpoint/state.safetensors");
    if (args_has(a, "resume") && args_has(a, "overwrite"))
        return cli_usage("train", "--resume and --overwrite exclude each other");
    if (args_has(a, "resume") && !has_state)
        return cli_complain("%s has no checkpoint to go on from; leave --resume out to start one", out);
    if (args_has(a, "resume") || args_has(a, "overwrite") || (!has_model && !has_state)) return CLI_DONE;
    return cli_complain("%s holds a model already: --resume goes on with it, --overwrite starts anew, --out DIR "
                        "writes elsewhere",
                        out);
}

static int check_recipe(const char *name)
{
    const char *names[64];
    int n = 0;
    if (!name || access(name, R_OK) == 0) return CLI_DONE;
    for (; n < CLI_COUNT(names) && ito_recipe_get(n); n++) {
        names[n] = ito_recipe_get(n)->name;
        if (!strcmp(names[n], name)) return CLI_DONE;
    }
    const char *nearest = ito_name_nearest(name, n, names);
    return cli_usage("train", "there is no recipe or file '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

static void collect_settings(const args *a, cli_words *settings, cli_words *data_settings)
{
    static const char *const direct[] = {"steps", "minutes", "batch", "seed", "precision"};
    cli_words_from(settings, a, "set");
    cli_data_settings(data_settings, a, "data");
    for (int i = 0; i < CLI_COUNT(direct); i++)
        if (args_has(a, direct[i])) cli_words_add(settings, "%s=%s", direct[i], args_text(a, direct[i], ""));
}

static int finish(training *t, ito_status st, const ito_train_result *result)
{
    if (st != ITO_OK) return cli_fail(t->app, st);
    if (t->app->is_json) result_to_json(t, result);
    if (!result->finished) {
        return cli_complain("stopped after step %lld, checkpoint written; to go on:\n  %s%s", (long long)result->step,
                            t->app->command_line, t->is_resumed ? "" : " --resume");
    }
    if (!t->app->is_json) print_result(t, result);
    return CLI_DONE;
}

static int train(cli *app, const args *a, const char *out)
{
    training t = {.app = app,
                  .data = a->operands[0],
                  .out = out,
                  .is_resumed = args_has(a, "resume"),
                  .is_limited = args_has(a, "max-memory")};
    cli_words settings = {0}, data_settings = {0};
    ito_train_result result;
    collect_settings(a, &settings, &data_settings);
    cli_progress_begin(&t.progress, app);
    cli_interrupt_catch();
    ito_status st = ito_train(app->ctx,
                              &(ito_train_options){.data = t.data,
                                                   .data_settings = (const char *const *)data_settings.items,
                                                   .out = out,
                                                   .recipe = args_text(a, "recipe", NULL),
                                                   .task = args_text(a, "task", NULL),
                                                   .settings = (const char *const *)settings.items,
                                                   .plan = args_text(a, "plan", NULL),
                                                   .resume = args_has(a, "resume"),
                                                   .max_memory = args_size(a, "max-memory", 0),
                                                   .progress = on_progress,
                                                   .user = &t},
                              &result);
    cli_progress_end(&t.progress);
    cli_words_clear(&settings);
    cli_words_clear(&data_settings);
    return finish(&t, st, &result);
}

static int check_length(const args *a)
{
    if (args_has(a, "steps") && args_has(a, "minutes"))
        return cli_usage("train", "--steps and --minutes exclude each other");
    if (args_int(a, "steps", 1) < 1 || args_real(a, "minutes", 1) <= 0)
        return cli_usage("train", "--steps is at least 1 and --minutes more than 0; without either the recipe decides");
    return CLI_DONE;
}

static int run(cli *app, const args *a)
{
    int status = check_length(a);
    if (status != CLI_DONE) return status;
    char *out = default_out(a->operands[0], args_text(a, "task", NULL));
    const char *dir = args_text(a, "out", out);
    status = check_recipe(args_text(a, "recipe", NULL));
    if (status == CLI_DONE) status = check_out(a, dir);
    if (status == CLI_DONE) status = train(app, a, dir);
    free(out);
    return status;
}

static const arg_def options[] = {
    {"recipe", ARG_TEXT, "NAME|FILE", "what to train: ito list recipe [chosen from the data]"},
    {"task", ARG_TEXT, "NAME", "denoiser or classifier [the recipe's]"},
    {"out", ARG_TEXT, "DIR", "the model directory [out/NAME after the data]"},
    {"steps", ARG_INT, "N", "training steps [the recipe's]"},
    {"minutes", ARG_REAL, "M", "train for so long instead [the recipe's]"},
    {"batch", ARG_INT, "B", "images in a step [the recipe's]"},
    {"size", ARG_INT, "S", "height and width of the images [the data set's]"},
    {"seed", ARG_INT, "S", "of everything random in the run [0]"},
    {"max-memory", ARG_SIZE, "SIZE", "as 700M or 2G: less than a step wants costs time, not accuracy [no limit]"},
    {"precision", ARG_TEXT, "P",
     "f32, or bf16: what a step and the optimizer keep, but the weights, takes half as much [f32]"},
    PLAN_OPTION,
    {"resume", ARG_FLAG, NULL, "go on from DIR's checkpoint"},
    {"overwrite", ARG_FLAG, NULL, "start anew where DIR holds a model"},
    {"set", ARG_LIST, "KEY=VALUE", "a setting: rate, warmup, checkpoint_every, process, ... (ito explain train)"},
    {"data", ARG_LIST, "KEY=VALUE", "an option of the data set (ito explain folder)"},
    ARG_END,
};

extern const cli_command cli_cmd_train;
const cli_command cli_cmd_train = {
    .name = "train",
    .summary = "train a recipe on a data set; leaves a model directory",
    .operands = "DATA",
    .min_operands = 1,
    .max_operands = 1,
    .details = "DATA is a folder of PNG or JPEG (a class per sub-folder), an IDX file or folder, a table of points\n"
               "(.csv), or a generated set: shapes, swissroll, moons, ... (ito list dataset).\n"
               "Ctrl-C stops after a checkpoint; the same command with --resume goes on.\n",
    .options = options,
    .examples = "ito train shapes --size 16 --minutes 3 --out out/shapes\n"
                "ito train mnist/ --recipe mnist --minutes 10\n"
                "ito train mnist/ --task classifier --set rate=1e-3\n",
    .run = run,
};
