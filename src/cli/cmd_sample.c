/* ito sample: images from a model directory. Everything that an image was made with is written into it. */
#include <stdlib.h>
#include <string.h>

#include <ito/version.h>

#include "scatter.h"
#include "trajectory.h"

#define DEFAULT_OUT "samples.png"
#define FRAMES      10 /* of --interpolate */
#define ENCODED     8  /* of --encode's data set */

/* ---- what stands in the files ---- */

/* " --set a=1 --set b=2" after the sampler's settings. The caller frees. */
static char *settings_again(const sampling *s)
{
    char *text = cli_format("%s", "");
    for (const char *at = s->settings_text; *at; at += strspn(at, " ")) {
        int length = (int)strcspn(at, " ");
        char *longer = cli_format("%s --set %.*s", text, length, at);
        free(text);
        text = longer;
        at += length;
    }
    return text;
}

/* The command that makes n images from number `first` again. layout is "" or the grid's options. The caller frees. */
static char *command_again(const sampling *s, uint64_t first, int n, const char *labels, const char *layout)
{
    const ito_generate_options *o = &s->options;
    char *path = cli_quote(s->path), *set = settings_again(s), *quoted = cli_quote(labels),
         *way = sampling_way_again(s);
    char *label = s->info->n_classes ? cli_format(" --label %s", quoted) : cli_format("%s", "");
    char *plan_path = cli_quote(s->plan_path ? s->plan_path : "");
    char *plan = s->plan ? cli_format(" --plan %s", plan_path) : cli_format("%s", "");
    char *text = cli_format("ito sample %s -n %d --first %llu --seed %llu %s "
                            "--guidance %.17g --batch %d%s%s%s%s%s%s",
                            path, n, (unsigned long long)first, (unsigned long long)o->sample.seed, way, o->guidance,
                            o->batch, o->exact ? " --exact" : "",
                            strcmp(s->precision, "bf16") ? "" : " --precision bf16", plan, label, set, layout);
    free(way);
    free(plan);
    free(plan_path);
    free(label);
    free(quoted);
    free(set);
    free(path);
    return text;
}

/* Spacing and clipping; a scheduler of diffusers has its own. */
static void describe_choices(const sampling *s, cli_texts *texts)
{
    if (s->times)
        cli_texts_add(texts, "times", "%s", s->times_text);
    else
        cli_texts_add(texts, "spacing", "%s", s->options.sample.spacing);
    if (*s->spacing_text) cli_texts_add(texts, "spacing_settings", "%s", s->spacing_text);
    cli_texts_add(texts, "clip", "%s", s->options.sample.clip);
}

/* Of n images from number `first`: how to make them again. */
static void describe(const sampling *s, uint64_t first, int n, const char *labels, const char *layout, cli_texts *texts)
{
    const ito_generate_options *o = &s->options;
    char *command = command_again(s, first, n, labels, layout);
    cli_texts_add(texts, "Software", "ito %s", ito_version());
    cli_texts_add(texts, "command", "%s", command);
    cli_texts_add(texts, "model", "%s", s->path);
    cli_texts_add(texts, "training", "%s", s->training_text ? s->training_text : "{}");
    cli_texts_add(texts, "n", "%d", n);
    cli_texts_add(texts, "first", "%llu", (unsigned long long)first);
    cli_texts_add(texts, "seed", "%llu", (unsigned long long)o->sample.seed);
    cli_texts_add(texts, "labels", "%s", labels);
    cli_texts_add(texts, "guidance", "%.17g", o->guidance);
    cli_texts_add(texts, "sampler", "%s", s->sampler);
    if (*s->settings_text) cli_texts_add(texts, "sampler_settings", "%s", s->settings_text);
    cli_texts_add(texts, "steps", "%d", o->sample.n_steps);
    if (!s->by_scheduler) describe_choices(s, texts);
    cli_texts_add(texts, "batch", "%d", o->batch);
    if (o->exact) cli_texts_add(texts, "exact", "true");
    if (strcmp(s->precision, "f32") != 0) cli_texts_add(texts, "precision", "%s", s->precision);
    free(command);
}

/* ---- writing ---- */

/* One column a class when the classes come in turn, else as square as can be. */
static int choose_columns(const sampling *s, const args *a)
{
    int64_t asked = args_int(a, "columns", 0);
    bool in_turn = !strcmp(s->label_text, "all") && s->info->n_classes <= 16;
    if (asked > 0) return asked < s->options.n ? (int)asked : s->options.n;
    return in_turn && s->options.n > s->info->n_classes ? s->info->n_classes : 0;
}

static int write_grid(const sampling *s, const args *a, const char *path)
{
    const ito_model_info *info = s->info;
    int n = s->options.n;
    cli_texts texts = {0};
    const char **labels = cli_alloc((size_t)n * sizeof *labels);
    for (int i = 0; i < n; i++) labels[i] = sampling_label_name(s, i);
    int64_t scale = args_int(a, "scale", 0), columns = args_int(a, "columns", 0);
    char layout[120] = "";
    if (args_has(a, "interpolate")) snprintf(layout, 60, " --interpolate %s", args_text(a, "interpolate", ""));
    if (columns > 0) snprintf(layout + strlen(layout), 40, " --columns %lld", (long long)columns);
    if (scale > 0) snprintf(layout + strlen(layout), 40, " --scale %lld", (long long)scale);
    describe(s, s->options.sample.first_sample, n, s->label_text, layout, &texts);
    ito_grid_options options = {.columns = choose_columns(s, a),
                                .scale = scale > 0 && scale < 64 ? (int)scale : 0,
                                .labels = info->n_classes ? labels : NULL};
    int status =
        cli_write_grid(s->app, path, s->images, n, info->height, info->width, info->channels, &options, &texts);
    cli_texts_clear(&texts);
    free(labels);
    return status;
}

static int write_each(const sampling *s, const char *folder)
{
    const ito_model_info *info = s->info;
    int status = cli_make_folder(folder);
    for (int i = 0; i < s->options.n && status == CLI_DONE; i++) {
        uint64_t number = s->options.sample.first_sample + (uint64_t)i;
        char label[CLI_TEXT] = "none";
        cli_texts texts = {0};
        if (*sampling_label_name(s, i)) snprintf(label, sizeof label, "%d", s->labels[i]);
        char *path = cli_format("%s/%06llu.png", folder, (unsigned long long)number);
        describe(s, number, 1, label, "", &texts);
        status = cli_write_image(s->app, path, s->images + (size_t)i * sampling_image_size(s), info->height,
                                 info->width, info->channels, &texts);
        cli_texts_clear(&texts);
        free(path);
    }
    return status;
}

/* Points: a table or a scatter plot. */
static int write_points(const sampling *s, const args *a, const char *path)
{
    points_kind kind = points_kind_of_model(s->info);
    int n = s->options.n;
    int64_t scale = args_int(a, "scale", 0);
    if (points_is_table(path)) return points_write_table(s->app, path, &kind, n, s->images, s->labels);
    points_cloud cloud = points_cloud_make(&kind, n, s->images, s->labels, false);
    cli_texts texts = {0};
    char layout[40] = "";
    if (scale > 0) snprintf(layout, sizeof layout, " --scale %lld", (long long)scale);
    describe(s, s->options.sample.first_sample, n, s->label_text, layout, &texts);
    int status =
        points_write_plot(s->app, path, &kind, &cloud, NULL, scale > 0 && scale <= 16 ? (int)scale : 0, &texts);
    cli_texts_clear(&texts);
    points_cloud_clear(&cloud);
    return status;
}

static int write_trajectory(const sampling *s, const trajectory *path, const char *file)
{
    cli_texts texts = {0};
    describe(s, s->options.sample.first_sample, path->n_rows, s->label_text, "", &texts);
    int status = trajectory_write(path, s, file, &texts);
    cli_texts_clear(&texts);
    return status;
}

static int show_points(const sampling *s)
{
    points_kind kind = points_kind_of_model(s->info);
    points_cloud cloud = points_cloud_make(&kind, s->options.n, s->images, s->labels, false);
    ito_image plot;
    ito_status st = ito_panels_render(s->app->ctx, &(ito_panel){.n_marks = cloud.n_marks, .marks = cloud.marks}, 1,
                                      &(ito_panels_options){.scale = 1}, &plot);
    points_cloud_clear(&cloud);
    if (st != ITO_OK) return cli_fail(s->app, st);
    int status = cli_show_image(s->app, &plot);
    ito_image_clear(s->app->ctx, &plot);
    return status;
}

static int show(const sampling *s, const args *a)
{
    const ito_model_info *info = s->info;
    ito_image grid;
    if (points_are(info->height, info->width)) return show_points(s);
    ito_grid_options options = {.columns = choose_columns(s, a), .scale = 1};
    ito_status st = ito_grid_render(s->app->ctx, s->images, s->options.n, info->height, info->width, info->channels,
                                    &options, &grid);
    if (st != ITO_OK) return cli_fail(s->app, st);
    int status = cli_show_image(s->app, &grid);
    ito_image_clear(s->app->ctx, &grid);
    return status;
}

/* ---- the command ---- */

static void report(const sampling *s, const char *out, const char *trajectory_file)
{
    json_out *j = &s->app->json;
    double rate = s->seconds > 0 ? s->options.n / s->seconds : 0, mean_evals = s->total_evals / s->options.n;
    if (!s->app->is_json) {
        char seconds[CLI_TEXT];
        const char *what = points_are(s->info->height, s->info->width) ? "points" : "images";
        printf("%s: %d %s of %s, %s, %d steps, guidance %g; %s, %.3g %s/s\n", out, s->options.n, what, s->path,
               s->sampler, s->options.sample.n_steps, s->options.guidance, cli_duration(s->seconds, seconds), rate,
               what);
        if (s->most_evals != s->options.sample.n_steps)
            printf("%.6g evaluations of the network an image, at most %d\n", mean_evals, s->most_evals);
        if (trajectory_file) printf("%s: the way there\n", trajectory_file);
        return;
    }
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "out", out);
    if (trajectory_file) emit_text(j, "trajectory", trajectory_file);
    emit_int(j, "n", s->options.n);
    emit_text(j, "sampler", s->sampler);
    emit_int(j, "steps", s->options.sample.n_steps);
    emit_real(j, "guidance", s->options.guidance);
    emit_int(j, "seed", (int64_t)s->options.sample.seed);
    emit_array(j, "labels");
    for (int i = 0; i < s->options.n; i++) emit_int(j, NULL, s->labels[i]);
    emit_end(j);
    emit_rounded(j, "seconds", s->seconds, 6);
    emit_rounded(j, "images_per_s", rate, 6);
    emit_rounded(j, "mean_evals", mean_evals, 6);
    emit_int(j, "most_evals", s->most_evals);
    emit_end(j);
}

static int write(const sampling *s, const args *a, const char *out)
{
    if (points_are(s->info->height, s->info->width)) return write_points(s, a, out);
    return cli_ends_in(out, ".png") ? write_grid(s, a, out) : write_each(s, out);
}

/* What cannot be written is said before anything is computed. */
static int check_out(const sampling *s, const args *a, const char *out)
{
    if (args_has(a, "interpolate") && !cli_ends_in(out, ".png"))
        return cli_usage("sample", "--interpolate makes one picture of its frames: --out FILE.png, not '%s'", out);
    bool is_plot = cli_ends_in(out, ".png") || cli_ends_in(out, ".svg");
    if (!points_are(s->info->height, s->info->width)) {
        if (!points_is_table(out) && !cli_ends_in(out, ".svg")) return CLI_DONE;
        return cli_usage("sample", "--out is '%s', but %s makes images: a .png or a folder", out, s->path);
    }
    if (!is_plot && !points_is_table(out))
        return cli_usage("sample", "--out is '%s', but %s makes points: .csv, .npy, .png or .svg", out, s->path);
    if (args_has(a, "trajectory"))
        return cli_usage("sample", "--trajectory is for images; for points: ito plot reverse %s, ito plot paths %s",
                         s->path, s->path);
    if (args_has(a, "columns"))
        return cli_usage("sample", "--columns is for grids of images, and %s makes points", s->path);
    return CLI_DONE;
}

static int make(sampling *s, const args *a)
{
    const char *out = args_text(a, "out", DEFAULT_OUT), *file = args_text(a, "trajectory", NULL);
    const char *seeds = args_text(a, "interpolate", NULL);
    trajectory path = {0};
    int status = check_out(s, a, out);
    if (status == CLI_DONE && seeds) status = sampling_interpolate(s, a, seeds);
    if (status != CLI_DONE) return status;
    if (file) trajectory_begin(&path, s);
    status = sampling_run(s, file ? &path.hook : NULL, file ? 1 : 0);
    if (status == CLI_DONE) status = write(s, a, out);
    if (status == CLI_DONE && file) status = write_trajectory(s, &path, file);
    if (status == CLI_DONE && cli_wants_show(s->app, a)) status = show(s, a);
    if (status == CLI_DONE) report(s, out, file);
    trajectory_clear(&path);
    return status;
}

static int run(cli *app, const args *a)
{
    sampling s;
    const char *source = args_text(a, "encode", NULL);
    bool is_file =
        source && (cli_ends_in(source, ".png") || cli_ends_in(source, ".jpg") || cli_ends_in(source, ".jpeg"));
    int n = is_file ? 1 : source ? ENCODED : args_has(a, "interpolate") ? FRAMES : 0;
    if (source && (args_has(a, "interpolate") || args_has(a, "trajectory")))
        return cli_usage("sample", "--encode goes with neither --interpolate nor --trajectory");
    int status = sampling_open(&s, app, a, a->operands[0], n);
    if (status == CLI_DONE)
        status = source ? sampling_encode(&s, a, source, args_text(a, "out", DEFAULT_OUT)) : make(&s, a);
    sampling_close(&s);
    return status;
}

static const arg_def options[] = {
    {"out", ARG_TEXT, "FILE|DIR",
     "a grid into FILE.png, or one PNG each into DIR; points: .csv, .npy, .png, .svg [" DEFAULT_OUT "]"},
    {"trajectory", ARG_TEXT, "FILE", "also a PNG of the way from noise to the first samples"},
    {"interpolate", ARG_TEXT, "A,B", "frames between the noises of seeds A and B, as many as -n [10]"},
    {"encode", ARG_TEXT, "IMAGE|DATA",
     "the other way: images to their noise, --out FILE.npy; FILE.png: and back again"},
    SAMPLING_OPTIONS("4 of each class, or 16; 1000 points"),
    {"columns", ARG_INT, "C", "of the grid [one a class, or square]"},
    {"scale", ARG_INT, "K", "enlargement in the grid [cells of about 64 pixels]"},
    SHOW_OPTIONS,
    ARG_END,
};

extern const cli_command cli_cmd_sample;
const cli_command cli_cmd_sample = {
    .name = "sample",
    .summary = "images from a model, as a labelled grid or one file each",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .details = "Image i of a seed is the same in any batch (to 1e-4; bit for bit with --exact).\n"
               "`ito info FILE.png` tells how to make it again.\n",
    .options = options,
    .examples = "ito sample out/mnist --guidance 2 --out digits.png\n"
                "ito sample out/mnist -n 16 --label 3,7 --sampler ddpm --steps 250 --seed 5 --out threes/\n"
                "ito sample out/shapes --set eta=1 --trajectory denoising.png\n"
                "ito sample out/mnist --interpolate 1,2 -n 12 --label 3 --out between.png\n"
                "ito sample out/moons -n 5000 --out points.csv\n",
    .run = run,
};
