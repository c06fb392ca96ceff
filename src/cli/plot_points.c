/* Clouds of points on their way to noise and back. */
#include "plot_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/rng.h>

#define N_TIMES     5
#define N_POINTS    1500
#define MOST_POINTS 100000
#define N_PATHS     5
#define PATH_STEPS  100
#define PRIOR_REACH 2.75 /* standard deviations of noise in a window: 99.4 % of the noise along an axis */
#define MOST_KEPT   50000000

/* ---- what all share ---- */

int plot_read_times(const args *a, const ito_process *process, double times[MOST_TIMES], int *n)
{
    const char *text = args_text(a, "times", NULL);
    double low = ito_process_t_min(process), high = ito_process_t_max(process);
    *n = 0;
    for (const char *at = text; at && *at;) {
        char *end;
        double t = strtod(at, &end);
        if (end == at || (*end && *end != ',') || *n == MOST_TIMES)
            return cli_usage("plot", "--times is '%s', expected up to %d numbers with commas between", text,
                             MOST_TIMES);
        if (!(t >= low && t <= high))
            return cli_usage("plot", "--times has %g, but the process runs from %g to %g", t, low, high);
        times[(*n)++] = t;
        at = *end ? end + 1 : end;
    }
    return CLI_DONE;
}

int plot_read_points(cli *app, const ito_dataset *data, int n, float **values, int32_t **labels)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    int label = ito_dataset_field(data, "label");
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    *values = cli_alloc((size_t)n * (size_t)info->channels * sizeof **values);
    *labels = cli_alloc((size_t)n * sizeof **labels);
    ito_status st = ITO_OK;
    for (int i = 0; i < n && st == ITO_OK; i++) {
        (*labels)[i] = -1;
        out[ito_dataset_field(data, "image")] = *values + (size_t)i * (size_t)info->channels;
        if (label >= 0) out[label] = &(*labels)[i];
        st = ito_dataset_get(data, app->ctx, i, out);
    }
    free(out);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

void plot_set_window(ito_panels_options *options, double half)
{
    for (int k = 0; k < 2; k++) {
        options->low[k] = -half;
        options->high[k] = half;
    }
}

int plot_scale(const args *a)
{
    int64_t scale = args_int(a, "scale", 0);
    return scale > 0 && scale <= 16 ? (int)scale : 0;
}

double plot_reach(const points_kind *kind, int n, const float *values)
{
    double reach = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        for (int k = 0; k < kind->channels && k < 2; k++)
            reach = fmax(reach, fabs((double)values[i * kind->channels + k]));
    return reach;
}

int plot_report(cli *app, const char *kind, const char *out, const char *what)
{
    if (!app->is_json) {
        printf("%s: %s\n", out, what);
        return CLI_DONE;
    }
    emit_object(&app->json, NULL);
    emit_text(&app->json, "out", out);
    emit_text(&app->json, "kind", kind);
    emit_text(&app->json, "what", what);
    emit_end(&app->json);
    return CLI_DONE;
}

static int read_count(const args *a, int *n)
{
    int64_t asked = args_int(a, "n", N_POINTS);
    if (asked < 1 || asked > MOST_POINTS)
        return cli_usage("plot", "-n is %lld, expected 1 to %d", (long long)asked, MOST_POINTS);
    *n = (int)asked;
    return CLI_DONE;
}

/* From the data to noise, denser at the data, where a cloud changes most. */
static int choose_times(const args *a, const ito_process *process, double times[MOST_TIMES], int *n)
{
    static const double shares[N_TIMES] = {0, 0.1, 0.25, 0.5, 1};
    double low = ito_process_t_min(process), high = ito_process_t_max(process);
    int status = plot_read_times(a, process, times, n);
    if (status != CLI_DONE || *n) return status;
    for (*n = 0; *n < N_TIMES; ++*n) {
        double t = low + (high - low) * shares[*n];
        times[*n] = ito_process_n_timesteps(process) ? floor(t) : t;
    }
    return CLI_DONE;
}

/* ---- forward ---- */

/* x_t = signal x_0 + sigma eps, with one eps a point for all times. */
static void noise_points(const points_kind *kind, int n, const float *x0, const ito_level *t, uint64_t seed, float *x)
{
    size_t d = (size_t)kind->channels;
    for (size_t i = 0; i < (size_t)n; i++) {
        ito_rng_key key = {.seed = seed, .stream = ITO_STREAM_NOISE, .sample = i};
        ito_rng_normal(key, 0, d, x + i * d);
        for (size_t k = i * d; k < (i + 1) * d; k++)
            x[k] = (float)(t->signal * (double)x0[k] + t->sigma * (double)x[k]);
    }
}

static int draw_forward(cli *app, const args *a, const ito_process *process, const points_kind *kind, int n,
                        const float *x0, const int32_t *labels)
{
    double times[MOST_TIMES], reach = 0;
    int n_times = 0, status = choose_times(a, process, times, &n_times);
    if (status != CLI_DONE) return status;
    ito_panel panels[MOST_TIMES];
    points_cloud clouds[MOST_TIMES];
    cli_words titles = {0};
    float *x = cli_alloc((size_t)n * (size_t)kind->channels * sizeof *x);
    for (int k = 0; k < n_times; k++) {
        ito_level level = ito_process_level(process, times[k]);
        noise_points(kind, n, x0, &level, (uint64_t)args_int(a, "seed", 0), x);
        clouds[k] = points_cloud_make(kind, n, x, labels, false);
        cli_words_add(&titles, "t = %.4g", times[k]);
        reach = fmax(reach, 1.05 * level.signal * plot_reach(kind, n, x0));
        reach = fmax(reach, PRIOR_REACH * level.sigma);
    }
    for (int k = 0; k < n_times; k++)
        panels[k] = (ito_panel){.title = titles.items[k], .n_marks = clouds[k].n_marks, .marks = clouds[k].marks};
    points_axes axes;
    ito_panels_options options = {.columns = n_times <= 5 ? n_times : 4, .side = 200, .scale = plot_scale(a)};
    points_axes_set(kind, &axes, &options);
    plot_set_window(&options, reach);
    const char *out = args_text(a, "out", "forward.png");
    status = points_write_panels(app, out, panels, n_times, &options, NULL);
    char *what = cli_format("%d points under %s at %d time%s", n, ito_process_get_def(process)->choice.name, n_times,
                            n_times == 1 ? "" : "s");
    if (status == CLI_DONE) status = plot_report(app, "forward", out, what);
    for (int k = 0; k < n_times; k++) points_cloud_clear(&clouds[k]);
    cli_words_clear(&titles);
    free(what);
    free(x);
    return status;
}

int plot_points_forward(cli *app, const args *a, const ito_process *process, const ito_dataset *data)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    points_kind kind = points_kind_of_data(info);
    float *x0 = NULL;
    int32_t *labels = NULL;
    int n = 0, status = read_count(a, &n);
    if (info->n_samples && n > info->n_samples) n = (int)info->n_samples;
    if (status == CLI_DONE) status = plot_read_points(app, data, n, &x0, &labels);
    if (status == CLI_DONE) status = draw_forward(app, a, process, &kind, n, x0, labels);
    free(x0);
    free(labels);
    return status;
}

/* ---- a model's way, kept step by step ---- */

typedef struct way {
    cli *app;
    int n, n_steps, n_seen; /* points; steps; steps seen */
    points_kind kind;
    double *t;       /* [n_steps + 1], the last is the end */
    float *x;        /* [n_steps + 1, n, channels] */
    int32_t *labels; /* [n] */
    ito_hook hook;
} way;

/* Keeps x_t of every step. A sampler that asks several times in a step, or goes back, keeps its first question. */
static ito_status watch(void *user, ito_step *step, const ito_level *level, const float *x, float *x0)
{
    way *w = user;
    (void)x0;
    size_t size = (size_t)w->n * (size_t)w->kind.channels;
    if (step->index != w->n_seen) return ITO_OK;
    if (!w->t) {
        w->n_steps = step->n_steps;
        if (size * ((size_t)w->n_steps + 1) > MOST_KEPT) return ITO_USAGE;
        w->t = cli_alloc(((size_t)w->n_steps + 1) * sizeof *w->t);
        w->x = cli_alloc(((size_t)w->n_steps + 1) * size * sizeof *w->x);
    }
    memcpy(w->x + (size_t)w->n_seen * size, x, size * sizeof *x);
    w->t[w->n_seen++] = level->t;
    return ITO_OK;
}

static void way_clear(way *w)
{
    free(w->t);
    free(w->x);
    free(w->labels);
    *w = (way){0};
}

/* Samples n points in one batch. options: what is not the model's own. */
static int way_run(way *w, cli *app, ito_model *model, int n, const ito_sample_options *options)
{
    const ito_model_info *info = ito_model_get_info(model);
    *w = (way){.app = app, .n = n, .kind = points_kind_of_model(info)};
    w->hook = (ito_hook){.user = w, .on_x0 = watch};
    size_t size = (size_t)n * (size_t)info->channels;
    float *finished = cli_alloc(size * sizeof *finished);
    w->labels = cli_alloc((size_t)n * sizeof *w->labels);
    ito_generate_options o = {.n = n, .batch = n, .spread = info->n_classes > 0, .sample = *options};
    o.sample.hooks = &w->hook;
    o.sample.n_hooks = 1;
    ito_status st = ito_generate(model, &o, finished, w->labels);
    bool too_much = st == ITO_USAGE && w->n_steps && !w->t;
    if (st == ITO_OK) {
        memcpy(w->x + (size_t)w->n_seen * size, finished, size * sizeof *finished);
        w->t[w->n_seen] = ito_process_t_min(info->process);
    }
    free(finished);
    if (too_much)
        return cli_usage("plot", "%d points in %d steps are too many to keep; choose a smaller -n or --steps", n,
                         w->n_steps);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

static int open_points(cli *app, const char *path, ito_model **model)
{
    ito_status st = ito_model_open(app->ctx, path, model);
    if (st != ITO_OK) return cli_fail(app, st);
    const ito_model_info *info = ito_model_get_info(*model);
    if (!strcmp(info->task, "denoiser") && points_are(info->height, info->width)) return CLI_DONE;
    ito_model_destroy(*model);
    *model = NULL;
    return cli_complain("%s makes images, not points; ito sample --trajectory shows their way", path);
}

static int read_sampling(const args *a, ito_sample_options *o)
{
    int64_t steps = args_int(a, "steps", 0);
    if (steps < 0 || steps > 1000000) return cli_usage("plot", "--steps is %lld, expected 1 or more", (long long)steps);
    *o = (ito_sample_options){.n_steps = (int)steps, .seed = (uint64_t)args_int(a, "seed", 0)};
    return CLI_DONE;
}

/* ---- reverse ---- */

/* The kept moment whose time is nearest to t. */
static int nearest_moment(const way *w, double t)
{
    int best = 0;
    for (int k = 1; k <= w->n_seen; k++)
        if (fabs(w->t[k] - t) < fabs(w->t[best] - t)) best = k;
    return best;
}

static int draw_reverse(cli *app, const args *a, const way *w, const ito_process *process)
{
    double times[MOST_TIMES], reach = 0;
    int moments[MOST_TIMES], n_times = 0, n = 0, status = choose_times(a, process, times, &n_times);
    if (status != CLI_DONE) return status;
    for (int k = 0; k < n_times; k++) { /* the way starts at noise; few steps come near few of the usual times */
        bool is_asked = args_has(a, "times");
        int moment = nearest_moment(w, times[is_asked ? k : n_times - 1 - k]);
        if (is_asked || !n || moments[n - 1] != moment) moments[n++] = moment;
    }
    size_t size = (size_t)w->n * (size_t)w->kind.channels;
    ito_panel panels[MOST_TIMES];
    points_cloud clouds[MOST_TIMES];
    cli_words titles = {0};
    for (int k = 0; k < n; k++) {
        const float *x = w->x + (size_t)moments[k] * size;
        ito_level level = ito_process_level(process, w->t[moments[k]]);
        clouds[k] = points_cloud_make(&w->kind, w->n, x, w->labels, false);
        cli_words_add(&titles, "t = %.4g", w->t[moments[k]]);
        reach = fmax(reach, fmin(1.05 * plot_reach(&w->kind, w->n, x), fmax(PRIOR_REACH * level.sigma, 1.5)));
    }
    for (int k = 0; k < n; k++)
        panels[k] = (ito_panel){.title = titles.items[k], .n_marks = clouds[k].n_marks, .marks = clouds[k].marks};
    points_axes axes;
    ito_panels_options options = {.columns = n <= 5 ? n : 4, .side = 200, .scale = plot_scale(a)};
    points_axes_set(&w->kind, &axes, &options);
    plot_set_window(&options, reach);
    const char *out = args_text(a, "out", "reverse.png");
    status = points_write_panels(app, out, panels, n, &options, NULL);
    char *what = cli_format("%d points of %s in %d steps, %d of them shown", w->n, a->operands[1], w->n_steps, n);
    if (status == CLI_DONE) status = plot_report(app, "reverse", out, what);
    for (int k = 0; k < n; k++) points_cloud_clear(&clouds[k]);
    cli_words_clear(&titles);
    free(what);
    return status;
}

int plot_points_reverse(cli *app, const args *a)
{
    ito_model *model;
    ito_sample_options o = {0};
    way w = {0};
    int n = 0, status = read_count(a, &n);
    if (status == CLI_DONE) status = read_sampling(a, &o);
    if (status != CLI_DONE) return status;
    o.sampler = args_text(a, "sampler", NULL);
    if (o.sampler) status = cli_check_choice(app, "plot", "sampler", o.sampler);
    if (status == CLI_DONE) status = open_points(app, a->operands[1], &model);
    if (status != CLI_DONE) return status;
    status = way_run(&w, app, model, n, &o);
    if (status == CLI_DONE) status = draw_reverse(app, a, &w, ito_model_get_info(model)->process);
    way_clear(&w);
    ito_model_destroy(model);
    return status;
}

/* ---- paths ---- */

/* What one panel is made of. */
typedef struct ways {
    points_cloud cloud; /* where all end */
    double *xy;         /* [N_PATHS, n_seen + 1, 2] */
    double ends[2][2 * N_PATHS];
    ito_marks *marks;
    int n_marks;
} ways;

/* The cloud in grey, the paths over it, a small dot where they start and a larger one where they end. */
static void ways_make(const way *w, ways *out)
{
    int n_paths = w->n < N_PATHS ? w->n : N_PATHS, length = w->n_seen + 1, n = 0;
    size_t size = (size_t)w->n * (size_t)w->kind.channels;
    out->cloud = points_cloud_make(&w->kind, w->n, w->x + (size_t)w->n_seen * size, NULL, true);
    out->xy = cli_alloc(2 * (size_t)n_paths * (size_t)length * sizeof *out->xy);
    out->marks = cli_alloc(((size_t)out->cloud.n_marks + 3 * (size_t)n_paths) * sizeof *out->marks);
    bool is_line = w->kind.channels == 1; /* points of one number: their way goes up from noise, at 0, to data, at 1 */
    for (int k = 0; k < out->cloud.n_marks && !is_line; k++) out->marks[n++] = out->cloud.marks[k];
    for (int step = 0; step < length; step++) {
        double *places = points_places(&w->kind, w->n, w->x + (size_t)step * size);
        for (ptrdiff_t i = 0; i < n_paths && is_line; i++) places[2 * i + 1] = (double)step / (length - 1);
        for (ptrdiff_t i = 0; i < n_paths; i++)
            memcpy(out->xy + 2 * (i * length + step), places + 2 * i, 2 * sizeof *places);
        free(places);
    }
    for (ptrdiff_t i = 0; i < n_paths; i++) {
        double *path = out->xy + 2 * i * length;
        int colour = (int)i % 7;
        out->marks[n++] = (ito_marks){.kind = ITO_MARK_PATH, .n = length, .xy = path, .colour = colour, .size = 0.9};
        out->marks[n++] = (ito_marks){.n = 1, .xy = path, .colour = colour, .size = 1.6};
        out->marks[n++] = (ito_marks){.n = 1, .xy = path + 2 * (length - 1), .colour = colour, .size = 3.2};
    }
    out->n_marks = n;
}

static void ways_clear(ways *w)
{
    points_cloud_clear(&w->cloud);
    free(w->xy);
    free(w->marks);
}

static int draw_paths(cli *app, const args *a, ito_model *model, int n, const ito_sample_options *common)
{
    static const char *const samplers[] = {"ddim", "ddpm"}, *const names[] = {"ODE: ddim", "SDE: ddpm"};
    way w[2] = {0};
    ways drawn[2] = {0};
    ito_panel panels[2];
    cli_words titles = {0};
    int status = CLI_DONE;
    for (int k = 0; k < 2 && status == CLI_DONE; k++) {
        ito_sample_options o = *common;
        o.sampler = samplers[k]; /* ddim's eta is 0 by default */
        status = way_run(&w[k], app, model, n, &o);
        if (status != CLI_DONE) break;
        ways_make(&w[k], &drawn[k]);
        cli_words_add(&titles, "%s, %d steps", names[k], w[k].n_steps);
    }
    points_axes axes;
    ito_panels_options options = {.side = 320, .scale = plot_scale(a)};
    for (int k = 0; k < 2 && status == CLI_DONE; k++)
        panels[k] = (ito_panel){.title = titles.items[k], .n_marks = drawn[k].n_marks, .marks = drawn[k].marks};
    const char *out = args_text(a, "out", "paths.png");
    if (status == CLI_DONE) points_axes_set(&w[0].kind, &axes, &options);
    if (w[0].kind.channels == 1) options.y_label = "share of the way";
    if (status == CLI_DONE) status = points_write_panels(app, out, panels, 2, &options, NULL);
    char *what = cli_format("the ways of %d points over %d of %s", n < N_PATHS ? n : N_PATHS, n, a->operands[1]);
    if (status == CLI_DONE) status = plot_report(app, "paths", out, what);
    for (int k = 0; k < 2; k++) {
        ways_clear(&drawn[k]);
        way_clear(&w[k]);
    }
    cli_words_clear(&titles);
    free(what);
    return status;
}

int plot_points_paths(cli *app, const args *a)
{
    ito_model *model;
    ito_sample_options o = {0};
    int n = 0, status = read_count(a, &n);
    if (status == CLI_DONE) status = read_sampling(a, &o);
    if (status == CLI_DONE) status = open_points(app, a->operands[1], &model);
    if (status != CLI_DONE) return status;
    int most = ito_process_n_timesteps(ito_model_get_info(model)->process);
    if (!o.n_steps) o.n_steps = most && most < PATH_STEPS ? most : PATH_STEPS;
    status = draw_paths(app, a, model, n, &o);
    ito_model_destroy(model);
    return status;
}
