/* ito plot: loss curves of runs, images and points on their way to noise, and what models do with points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include <ito/data.h>
#include <ito/plot.h>
#include <ito/rng.h>

#include "plot_points.h"
#include "plot_process.h"

/* ---- loss ---- */

typedef struct curve {
    int n, room;
    double *x, *y;
} curve;

static void curve_add(curve *c, double x, double y)
{
    if (c->n == c->room) {
        int room = c->room ? 2 * c->room : 256;
        double *both = cli_alloc(2 * (size_t)room * sizeof *both);
        if (c->n) memcpy(both, c->x, (size_t)c->n * sizeof *both);
        if (c->n) memcpy(both + room, c->y, (size_t)c->n * sizeof *both);
        free(c->x);
        c->x = both;
        c->y = both + room;
        c->room = room;
    }
    c->x[c->n] = x;
    c->y[c->n++] = y;
}

/* Every line that is an object with "step" and `name`. A last line that a killed run left half written is no matter. */
static int read_curve(const char *path, const char *name, curve *out)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (!file) return cli_complain("%s: there is no training log; give the directory that ito train wrote", path);
    while (getline(&line, &room, file) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        const json_t *step = json_object_get(object, "step"), *value = json_object_get(object, name);
        if (json_is_number(step) && json_is_number(value))
            curve_add(out, json_number_value(step), json_number_value(value));
        json_decref(object);
    }
    free(line);
    fclose(file);
    return out->n ? CLI_DONE : cli_complain("%s: no line has a \"%s\" yet", path, name);
}

static int draw_curve(cli *app, const args *a, const curve *raw, const char *out)
{
    const char *run = a->operands[1], *name = args_text(a, "value", "loss");
    double *smooth = cli_alloc((size_t)raw->n * sizeof *smooth);
    ito_plot_smooth(raw->y, raw->n, raw->n > 20 ? 0.95 : 0, smooth);
    ito_plot_series series[] = {
        {.name = "each report", .n = raw->n, .x = raw->x, .y = raw->y, .is_faint = true},
        {.name = "smoothed", .n = raw->n, .x = raw->x, .y = smooth},
    };
    ito_plot_options options = {
        .title = run, .x_label = "step", .y_label = name, .log_y = !strcmp(name, "loss"), .scale = plot_scale(a)};
    double last = smooth[raw->n - 1];
    int status = cli_make_folder_of(out);
    ito_status st = status == CLI_DONE ? ito_plot_write(app->ctx, out, series, 2, &options) : ITO_OK;
    free(smooth);
    if (status != CLI_DONE) return status;
    if (st != ITO_OK) return cli_fail(app, st);
    if (app->is_json) {
        emit_object(&app->json, NULL);
        emit_text(&app->json, "out", out);
        emit_int(&app->json, "n_points", raw->n);
        emit_real(&app->json, "last", last);
        emit_end(&app->json);
    } else {
        printf("%s: %s of %s, %d points, smoothed at the end %.4g\n", out, name, run, raw->n, last);
    }
    return CLI_DONE;
}

static int plot_loss(cli *app, const args *a)
{
    struct stat info;
    curve raw = {0};
    const char *run = a->operands[1], *out = args_text(a, "out", "loss.svg"), *name = args_text(a, "value", "loss");
    int status = cli_check_plot("plot", "out", out);
    if (status != CLI_DONE) return status;
    bool is_folder = stat(run, &info) == 0 && S_ISDIR(info.st_mode);
    char *path = is_folder ? cli_format("%s/log.jsonl", run) : cli_format("%s", run);
    status = read_curve(path, name, &raw);
    if (status == CLI_DONE) status = draw_curve(app, a, &raw, out);
    free(raw.x);
    free(path);
    return status;
}

/* ---- forward ---- */

#define N_LEVELS 8

static double level_time(const ito_process *process, int k)
{
    double low = ito_process_t_min(process), high = ito_process_t_max(process);
    double t = low + (high - low) * k / (N_LEVELS - 1);
    return ito_process_n_timesteps(process) ? floor(t) : t;
}

/* x_t = signal x_0 + sigma eps with one eps for all times, so that one sees the same image drown. */
static int draw_forward(cli *app, const args *a, const ito_process *process, const ito_dataset *data, const float *x0)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    size_t size = (size_t)info->height * (size_t)info->width * (size_t)info->channels;
    float *images = cli_alloc(N_LEVELS * size * sizeof *images), *eps = cli_alloc(size * sizeof *eps);
    cli_words labels = {0};
    const char *out = args_text(a, "out", "forward.png"), *name = ito_process_get_def(process)->choice.name;
    ito_rng_key key = {.seed = (uint64_t)args_int(a, "seed", 0), .stream = ITO_STREAM_NOISE};
    ito_rng_normal(key, 0, size, eps);
    for (int k = 0; k < N_LEVELS; k++) {
        ito_level level = ito_process_level(process, level_time(process, k));
        for (size_t i = 0; i < size; i++)
            images[(size_t)k * size + i] = (float)(level.signal * (double)x0[i] + level.sigma * (double)eps[i]);
        cli_words_add(&labels, "t = %.4g", level.t);
    }
    ito_grid_options options = {.columns = N_LEVELS, .labels = (const char *const *)labels.items};
    int status = cli_write_grid(app, out, images, N_LEVELS, info->height, info->width, info->channels, &options, NULL);
    if (status == CLI_DONE && !app->is_json) printf("%s: one image under %s at %d times\n", out, name, N_LEVELS);
    if (status == CLI_DONE && app->is_json) {
        emit_object(&app->json, NULL);
        emit_text(&app->json, "out", out);
        emit_text(&app->json, "process", name);
        emit_end(&app->json);
    }
    cli_words_clear(&labels);
    free(eps);
    free(images);
    return status;
}

/* Field "image" of one sample, NULL after a complaint. The caller frees. */
static float *read_image(cli *app, const ito_dataset *data, int64_t index, int *status)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    if (index < 0 || (info->n_samples && index >= info->n_samples)) {
        *status = cli_usage("plot", "--index is %lld; the data set has samples 0 to %lld", (long long)index,
                            (long long)info->n_samples - 1);
        return NULL;
    }
    void **fields = cli_alloc((size_t)info->n_fields * sizeof *fields);
    float *image = cli_alloc((size_t)info->height * (size_t)info->width * (size_t)info->channels * sizeof *image);
    fields[ito_dataset_field(data, "image")] = image;
    ito_status st = ito_dataset_get(data, app->ctx, index, fields);
    free(fields);
    if (st == ITO_OK) return image;
    *status = cli_fail(app, st);
    free(image);
    return NULL;
}

static int plot_forward(cli *app, const args *a)
{
    cli_words set = {0};
    ito_dataset *data;
    ito_process *process;
    float *x0 = NULL;
    int status = plot_open_process(app, a, &process);
    if (status != CLI_DONE) return status;
    cli_data_settings(&set, a, "data");
    status = cli_data_open(app, a->operands[1], &set, &data);
    const ito_dataset_info *info = status == CLI_DONE ? ito_dataset_get_info(data) : NULL;
    bool are_points = info && points_are(info->height, info->width);
    if (are_points) status = plot_points_forward(app, a, process, data);
    if (info && !are_points) x0 = read_image(app, data, args_int(a, "index", 0), &status);
    if (x0) status = draw_forward(app, a, process, data, x0);
    free(x0);
    ito_dataset_destroy(data);
    ito_process_destroy(process);
    return status;
}

/* ---- the command ---- */

static int run(cli *app, const args *a)
{
    static const char *const kinds[] = {"loss", "forward", "reverse", "paths", "score", "density"};
    static int (*const plots[])(cli *, const args *) = {plot_loss,         plot_forward,      plot_points_reverse,
                                                        plot_points_paths, plot_points_score, plot_points_density};
    const char *kind = a->operands[0];
    for (int k = 0; k < CLI_COUNT(kinds); k++)
        if (!strcmp(kind, kinds[k])) return plots[k](app, a);
    const char *nearest = ito_name_nearest(kind, CLI_COUNT(kinds), kinds);
    return cli_usage("plot", "'%s' cannot be plotted; did you mean '%s'?", kind, nearest ? nearest : "loss");
}

static const arg_def options[] = {
    {"out", ARG_TEXT, "FILE", "images: .png; others: .png or .svg [loss.svg, KIND.png]"},
    {"value", ARG_TEXT, "NAME", "loss: of log.jsonl, also rate, grad_norm, accuracy, ... [loss]"},
    {"process", ARG_TEXT, "NAME", "forward, score of data: ito list process [vp-cosine]"},
    {"set", ARG_LIST, "KEY=VALUE", "an option of that process (ito explain vp-linear)"},
    {"recipe", ARG_TEXT, "NAME|FILE", "the recipe's process instead"},
    {"index", ARG_INT, "I", "forward of images: which sample of the data [0]"},
    {"size", ARG_INT, "S", "forward: height and width of the image [the data set's]"},
    {"data", ARG_LIST, "KEY=VALUE", "forward, score of data: an option of the data set"},
    {"times", ARG_TEXT, "T[,T..]", "of points: the times of the panels [five; score: three]"},
    {"n", ARG_INT, "N", "of points: how many [1500]"},
    {"sampler", ARG_TEXT, "NAME", "reverse: ito list sampler [the model's]"},
    {"steps", ARG_INT, "K", "reverse, paths: sampler steps [the model's; paths: 100]"},
    {"seed", ARG_INT, "S", "of the noise [0]"},
    {"grid", ARG_INT, "N", "density: points along a side [80]"},
    {"scale", ARG_INT, "K", "of curves and points: enlargement of a .png [2]"},
    ARG_END,
};

extern const cli_command cli_cmd_plot;
const cli_command cli_cmd_plot = {
    .name = "plot",
    .summary = "loss curves, images and points on their way to noise and back, score fields, densities",
    .operands = "KIND SOURCE",
    .min_operands = 2,
    .max_operands = 2,
    .details = "  loss RUN       the log of a training directory as a curve\n"
               "  forward DATA   a sample at eight times from the data to noise; points: all at five times\n"
               "  reverse MODEL  points at five times from noise to samples\n"
               "  paths MODEL    the ways of five points: ODE (ddim) and SDE (ddpm)\n"
               "  score SOURCE   arrows over the density: of a model of points, or exact, of data 'mixture'\n"
               "  density MODEL  what a model of points has learned, from its exact likelihood\n",
    .options = options,
    .examples = "ito plot loss out/mnist --out loss.svg\n"
                "ito plot loss out/mnist --value rate --out rate.svg\n"
                "ito plot forward shapes --process vp-linear --index 3 --out forward.png\n"
                "ito plot forward swissroll --times 0,100,300,600,1000 --out forward.svg\n"
                "ito plot paths out/moons --out paths.png\n"
                "ito plot score mixture --data modes=5 --out score.png\n"
                "ito plot density out/moons --out density.png\n",
    .run = run,
};
