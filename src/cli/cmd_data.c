/* ito data: what a data set is, before anything is trained on it. */
#include <stdlib.h>

#include "report.h"
#include "scatter.h"

#define PREVIEW_IMAGES  40
#define PREVIEW_COLUMNS 8
#define PREVIEW_POINTS  2000
#define MOST_POINTS     10000000

/* ---- the preview ---- */

/* Samples spread over a finite data set, the first ones of an endless one. */
static int64_t preview_index(const ito_dataset_info *info, int i, int n)
{
    return info->n_samples ? (int64_t)i * info->n_samples / n : i;
}

static ito_status read_samples(const cli *app, const ito_dataset *data, int n, float *images, const char **labels)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    size_t size = (size_t)info->height * (size_t)info->width * (size_t)info->channels;
    int image = ito_dataset_field(data, "image"), label = ito_dataset_field(data, "label");
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    ito_status st = ITO_OK;
    for (int i = 0; i < n && st == ITO_OK; i++) {
        int32_t class = 0;
        out[image] = images + (size_t)i * size;
        if (label >= 0) out[label] = &class;
        st = ito_dataset_get(data, app->ctx, preview_index(info, i, n), out);
        labels[i] = st == ITO_OK && label >= 0 && class >= 0 && class < info->n_classes ? info->class_names[class] : "";
    }
    free(out);
    return st;
}

/* The first points, or all of a small set, in their classes. */
static int read_points(const cli *app, const ito_dataset *data, int n, float *values, int32_t *labels)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    int label = ito_dataset_field(data, "label");
    ito_status st = ITO_OK;
    for (int i = 0; i < n && st == ITO_OK; i++) {
        labels[i] = -1;
        out[ito_dataset_field(data, "image")] = values + (size_t)i * (size_t)info->channels;
        if (label >= 0) out[label] = &labels[i];
        st = ito_dataset_get(data, app->ctx, preview_index(info, i, n), out);
    }
    free(out);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

/* Points into a plot or a table. */
static int write_points(const cli *app, const ito_dataset *data, const char *path, int64_t asked)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    points_kind kind = points_kind_of_data(info);
    int n = (int)(info->n_samples && info->n_samples < asked ? info->n_samples : asked);
    float *values = cli_alloc((size_t)n * (size_t)info->channels * sizeof *values);
    int32_t *labels = cli_alloc((size_t)n * sizeof *labels);
    int status = read_points(app, data, n, values, labels);
    if (status == CLI_DONE && points_is_table(path)) {
        status = points_write_table(app, path, &kind, n, values, labels);
    } else if (status == CLI_DONE) {
        points_cloud cloud = points_cloud_make(&kind, n, values, labels, false);
        status = points_write_plot(app, path, &kind, &cloud, NULL, 0, NULL);
        points_cloud_clear(&cloud);
    }
    free(values);
    free(labels);
    return status;
}

static int write_preview(const cli *app, const ito_dataset *data, const char *path)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    bool is_small = info->n_samples > 0 && info->n_samples < PREVIEW_IMAGES;
    int n = is_small ? (int)info->n_samples : PREVIEW_IMAGES;
    float *images = cli_alloc((size_t)n * (size_t)info->height * (size_t)info->width * (size_t)info->channels * 4);
    const char **labels = cli_alloc((size_t)n * sizeof *labels);
    ito_status st = read_samples(app, data, n, images, labels);
    ito_grid_options options = {.columns = n < PREVIEW_COLUMNS ? n : PREVIEW_COLUMNS,
                                .labels = info->n_classes ? labels : NULL};
    int status = st == ITO_OK
                     ? cli_write_grid(app, path, images, n, info->height, info->width, info->channels, &options, NULL)
                     : cli_fail(app, st);
    free(labels);
    free(images);
    return status;
}

/* "DIR/CLASS/NUMBER.png" for the first n samples: a folder that ito reads as a data set. */
static int export_samples(const cli *app, const ito_dataset *data, const char *folder, int64_t n)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    float *image = cli_alloc((size_t)info->height * (size_t)info->width * (size_t)info->channels * sizeof *image);
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    int32_t class = 0;
    int label = ito_dataset_field(data, "label"), status = CLI_DONE;
    if (info->n_samples && n > info->n_samples) n = info->n_samples;
    out[ito_dataset_field(data, "image")] = image;
    if (label >= 0) out[label] = &class;
    for (int64_t i = 0; i < n && status == CLI_DONE; i++) {
        ito_status st = ito_dataset_get(data, app->ctx, i, out);
        const char *name = st == ITO_OK && label >= 0 ? info->class_names[class] : ".";
        char *path = cli_format("%s/%s/%06lld.png", folder, name, (long long)i);
        status = st == ITO_OK ? cli_write_image(app, path, image, info->height, info->width, info->channels, NULL)
                              : cli_fail(app, st);
        free(path);
    }
    free(out);
    free(image);
    return status;
}

/* ---- the command ---- */

static int export_data(const cli *app, const ito_dataset *data, const char *to, int64_t n)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    if (n < 1 || n > MOST_POINTS) return cli_usage("data", "-n is %lld, expected 1 to %d", (long long)n, MOST_POINTS);
    if (!points_are(info->height, info->width)) return export_samples(app, data, to, n);
    if (points_is_table(to)) return write_points(app, data, to, n);
    return cli_usage("data", "--export is '%s', but these data are points: a .csv or .npy", to);
}

static int preview_data(const cli *app, const ito_dataset *data, const char *path)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    return points_are(info->height, info->width) ? write_points(app, data, path, PREVIEW_POINTS)
                                                 : write_preview(app, data, path);
}

static int run(cli *app, const args *a)
{
    cli_words set = {0};
    ito_dataset *data;
    cli_data_settings(&set, a, "set");
    int status = cli_data_open(app, a->operands[0], &set, &data);
    if (status == CLI_DONE) status = cli_report_data(app, a->operands[0], data);
    const char *preview = args_text(a, "preview", NULL), *to = args_text(a, "export", NULL);
    if (status == CLI_DONE && preview) status = preview_data(app, data, preview);
    if (status == CLI_DONE && to) status = export_data(app, data, to, args_int(a, "n", 100));
    ito_dataset_destroy(data);
    return status;
}

static const arg_def options[] = {
    {"size", ARG_INT, "S", "height and width of the images [the data set's own]"},
    {"preview", ARG_TEXT, "FILE", "a PNG grid of some samples with their labels; of points a plot"},
    {"export", ARG_TEXT, "DIR|FILE", "the first samples as DIR/CLASS/NUMBER.png, points as a .csv or .npy"},
    {"n", ARG_INT, "N", "how many to export [100]"},
    {"set", ARG_LIST, "KEY=VALUE", "an option of the data set: ito list dataset, ito explain shapes"},
    ARG_END,
};

extern const cli_command cli_cmd_data;
const cli_command cli_cmd_data = {
    .name = "data",
    .summary = "what a data set holds: count, size, classes, rejected files",
    .operands = "DATA",
    .min_operands = 1,
    .max_operands = 1,
    .details = "DATA is a folder of PNG or JPEG (a class per sub-folder), an IDX file or folder, a table of points\n"
               "(.csv), or a generated set: shapes, swissroll, moons, ... (ito list dataset).\n",
    .options = options,
    .examples = "ito data photos/ --preview preview.png\n"
                "ito data mnist/ --set split=test --json\n"
                "ito data shapes --size 16 --export shapes/ -n 600\n"
                "ito data moons --set noise=0.1 --preview moons.png --export moons.csv -n 5000\n",
    .run = run,
};
