/* ito verify MODEL: how far each deterministic sampler's images are from those of a fine run, by evaluations of the network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/model.h>
#include <ito/plot.h>

#include "picture.h"
#include "verifying.h"

#define MOST_RUNS 16

typedef struct trial {
    cli *app;
    FILE *out;
    ito_model *model;
    const ito_model_info *info;
    const char *spacing;
    uint64_t seed;
    int n, n_runs, steps[MOST_RUNS], evals; /* evals: of the last run */
    size_t floats;
    float *reference, *images;
} trial;

/* A sampler's curve. */
typedef struct curve {
    const char *name;
    int n;
    double evals[MOST_RUNS], error[MOST_RUNS];
} curve;

static int read_steps(trial *t, const char *text)
{
    char *all = cli_format("%s", text), *rest = all, *end;
    int status = CLI_DONE;
    for (char *one; status == CLI_DONE && (one = strsep(&rest, ","));) {
        long steps = strtol(one, &end, 10);
        if (end == one || *end || steps < 1 || steps > 100000 || t->n_runs == MOST_RUNS)
            status = cli_usage("verify", "--steps is '%s', expected up to %d numbers of steps, as in 5,10,20", text,
                               MOST_RUNS);
        else
            t->steps[t->n_runs++] = (int)steps;
    }
    free(all);
    return status;
}

static bool count(void *user, const ito_progress *p)
{
    trial *t = user;
    t->evals = p->n_evals;
    return !cli_interrupted();
}

/* Without guidance and clipping: the network's own flow. */
static ito_status generate(trial *t, const char *sampler, int n_steps, float *images)
{
    const ito_generate_options o = {.n = t->n,
                                    .spread = t->info->n_classes > 0,
                                    .guidance = 1,
                                    .has_guidance = true,
                                    .sample = {.sampler = sampler,
                                               .n_steps = n_steps,
                                               .spacing = t->spacing,
                                               .clip = "none",
                                               .seed = t->seed,
                                               .progress = count,
                                               .user = t}};
    return ito_generate(t->model, &o, images, NULL);
}

static double distance(const trial *t)
{
    double squares = 0;
    for (size_t i = 0; i < t->floats; i++) {
        double d = (double)t->images[i] - (double)t->reference[i];
        squares += d * d;
    }
    return sqrt(squares / (double)t->floats);
}

static void print_run(trial *t, const curve *c, int steps)
{
    double evals = c->evals[c->n - 1], error = c->error[c->n - 1];
    if (!t->app->is_json) {
        fprintf(t->out, "| `%s` | %d | %g | %.5f |\n", c->name, steps, evals, error);
        return;
    }
    emit_object(&t->app->json, NULL);
    emit_text(&t->app->json, "sampler", c->name);
    emit_int(&t->app->json, "steps", steps);
    emit_real(&t->app->json, "nfe", evals);
    emit_real(&t->app->json, "error", error);
    emit_end(&t->app->json);
}

static int run_sampler(trial *t, curve *c)
{
    for (int k = 0; k < t->n_runs; k++) {
        ito_status st = generate(t, c->name, t->steps[k], t->images);
        if (st != ITO_OK) return cli_fail(t->app, st);
        c->evals[c->n] = t->evals;
        c->error[c->n++] = distance(t);
        print_run(t, c, t->steps[k]);
    }
    return CLI_DONE;
}

static int draw(trial *t, const char *path, const char *model, const curve *curves, int n)
{
    ito_plot_series series[MOST_SAMPLERS];
    for (int i = 0; i < n; i++)
        series[i] = (ito_plot_series){
            .name = curves[i].name, .n = curves[i].n, .x = curves[i].evals, .y = curves[i].error, .has_dots = true};
    const ito_plot_options o = {.title = model,
                                .x_label = "evaluations of the network",
                                .y_label = "distance from the fine run",
                                .log_x = true,
                                .log_y = true,
                                .height = 560};
    int status = cli_make_folder_of(path);
    ito_status st = status == CLI_DONE ? ito_plot_write(t->app->ctx, path, series, n, &o) : ITO_OK;
    return st == ITO_OK ? status : cli_fail(t->app, st);
}

static int run_all(trial *t, const args *a, const char *path, int reference)
{
    const ito_sampler_def *samplers[MOST_SAMPLERS];
    int n_samplers, n = 0;
    curve *curves = cli_alloc(MOST_SAMPLERS * sizeof *curves);
    int status = verify_samplers(t->app, a, samplers, &n_samplers);
    ito_status st = status == CLI_DONE ? generate(t, "ddim", reference, t->reference) : ITO_OK;
    if (st != ITO_OK) status = cli_fail(t->app, st);
    if (status == CLI_DONE && !t->app->is_json)
        fprintf(
            t->out,
            "Root mean square distance of %d images of `%s` from those of %d steps of `ddim` with the same noise.\n\n"
            "| sampler | steps | NFE | distance |\n|---|--:|--:|--:|\n",
            t->n, path, reference);
    for (int i = 0; status == CLI_DONE && i < n_samplers; i++) {
        if (!samplers[i]->order || samplers[i]->is_stochastic) continue;
        curves[n].name = samplers[i]->choice.name;
        status = run_sampler(t, &curves[n++]);
    }
    if (status == CLI_DONE && args_has(a, "plot")) status = draw(t, args_text(a, "plot", NULL), path, curves, n);
    free(curves);
    return status;
}

int verify_model(cli *app, const args *a, const char *path, FILE *out)
{
    trial t = {.app = app, .out = out, .n = (int)args_int(a, "n", 16), .seed = (uint64_t)args_int(a, "seed", 0)};
    int reference = (int)args_int(a, "reference", 1000);
    t.spacing = args_text(a, "spacing", "trailing");
    int status = read_steps(&t, args_text(a, "steps", "5,10,20,50"));
    if (status == CLI_DONE && args_has(a, "plot")) status = cli_check_plot("verify", "plot", args_text(a, "plot", ""));
    if (status == CLI_DONE) status = cli_check_choice(app, "verify", "spacing", t.spacing);
    if (status == CLI_DONE && (t.n < 1 || t.n > 4096 || reference < 2))
        status = cli_usage("verify", "-n is 1 to 4096 samples and --reference 2 steps or more");
    if (status != CLI_DONE) return status;
    ito_status st = ito_model_open(app->ctx, path, &t.model);
    if (st != ITO_OK) return cli_fail(app, st);
    t.info = ito_model_get_info(t.model);
    t.floats = (size_t)t.n * (size_t)t.info->height * (size_t)t.info->width * (size_t)t.info->channels;
    t.reference = cli_alloc(t.floats * sizeof *t.reference);
    t.images = cli_alloc(t.floats * sizeof *t.images);
    cli_interrupt_catch();
    status = strcmp(t.info->task, "denoiser") != 0 ? cli_complain("%s is a %s, expected a denoiser", path, t.info->task)
                                                   : run_all(&t, a, path, reference);
    free(t.images);
    free(t.reference);
    ito_model_destroy(t.model);
    return status;
}
