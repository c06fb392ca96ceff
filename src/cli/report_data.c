/* The report on a data set. */
#include <stdlib.h>

#include "report.h"

#define SHOWN_CLASSES  40 /* in text; JSON has all */
#define SHOWN_REJECTED 20
#define ENDLESS_SAMPLE 1000 /* samples counted of a data set without end */

/* How many samples each class has; counts is zero at first. */
static ito_status count_classes(const cli *app, const ito_dataset *data, int64_t n, int64_t *counts)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    int field = ito_dataset_field(data, "label");
    int32_t label = 0;
    void **out = cli_alloc((size_t)info->n_fields * sizeof *out);
    out[field] = &label;
    ito_status st = ITO_OK;
    for (int64_t i = 0; i < n && st == ITO_OK; i++) {
        st = ito_dataset_get(data, app->ctx, i, out);
        if (st == ITO_OK && label >= 0 && label < info->n_classes) counts[label]++;
    }
    free(out);
    return st;
}

static void classes_to_json(json_out *j, const ito_dataset_info *info, const int64_t *counts)
{
    emit_array(j, "classes");
    for (int k = 0; k < info->n_classes; k++) {
        emit_object(j, NULL);
        emit_text(j, "name", info->class_names[k]);
        emit_int(j, "count", counts[k]);
        emit_end(j);
    }
    emit_end(j);
}

/* What the numbers of points are called, and their units. */
static void points_to_json(json_out *j, const ito_dataset_info *info)
{
    if (info->channel_names) emit_array(j, "channel_names");
    for (int k = 0; info->channel_names && k < info->channels; k++) emit_text(j, NULL, info->channel_names[k]);
    if (info->channel_names) emit_end(j);
    for (int i = 0; info->scale && i < 2; i++) {
        emit_array(j, i ? "scale" : "offset");
        for (int k = 0; k < info->channels; k++) emit_real(j, NULL, i ? info->scale[k] : info->offset[k]);
        emit_end(j);
    }
}

static void data_to_json(json_out *j, const char *source, const ito_dataset *data, const int64_t *counts,
                         int64_t n_counted)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    emit_object(j, NULL);
    emit_text(j, "source", source);
    emit_text(j, "kind", ito_dataset_get_def(data)->choice.name);
    emit_int(j, "n_samples", info->n_samples);
    emit_bool(j, "is_endless", info->n_samples == 0);
    emit_int(j, "height", info->height);
    emit_int(j, "width", info->width);
    emit_int(j, "channels", info->channels);
    emit_array(j, "fields");
    for (int k = 0; k < info->n_fields; k++) emit_text(j, NULL, info->fields[k].name);
    emit_end(j);
    points_to_json(j, info);
    if (info->n_classes) emit_int(j, "n_counted", n_counted);
    classes_to_json(j, info, counts);
    emit_array(j, "rejected");
    for (int k = 0; k < info->n_rejected; k++) {
        emit_object(j, NULL);
        emit_text(j, "path", info->rejected[k].path);
        emit_text(j, "reason", info->rejected[k].reason);
        emit_end(j);
    }
    emit_end(j);
    emit_end(j);
}

static void print_fields(const ito_dataset_info *info)
{
    char shape[ITO_SHAPE_TEXT];
    printf("  fields    ");
    for (int k = 0; k < info->n_fields; k++)
        printf("%s%s %s %s", k ? ", " : "", info->fields[k].name, ito_dtype_name(info->fields[k].dtype),
               ito_shape_text(info->fields[k].shape, shape));
    putchar('\n');
}

/* Points have numbers instead of a size: their names, and where they are standardised their units. */
static void print_points(const ito_dataset_info *info)
{
    printf("  points    of %d number%s", info->channels, info->channels == 1 ? "" : "s");
    if (info->scale) printf("; value = (number - offset) / scale");
    putchar('\n');
    for (int k = 0; k < info->channels && k < SHOWN_CLASSES && (info->channel_names || info->scale); k++) {
        printf("    %4d  %-20s", k + 1, info->channel_names ? info->channel_names[k] : "");
        if (info->scale) printf("  offset %-12.6g scale %.6g", info->offset[k], info->scale[k]);
        putchar('\n');
    }
    if (info->channels > SHOWN_CLASSES) printf("    and %d more\n", info->channels - SHOWN_CLASSES);
}

static void print_data(const char *source, const ito_dataset *data, const int64_t *counts, int64_t n_counted)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    printf("%s: data set of kind '%s'\n", source, ito_dataset_get_def(data)->choice.name);
    if (info->n_samples)
        printf("  samples   %lld\n", (long long)info->n_samples);
    else
        printf("  samples   without end\n");
    if (info->height == 1 && info->width == 1)
        print_points(info);
    else
        printf("  images    %d x %d, %d channel%s\n", info->width, info->height, info->channels,
               info->channels == 1 ? "" : "s");
    print_fields(info);
    if (info->n_classes) {
        printf("  classes   %d", info->n_classes);
        if (!info->n_samples) printf(" (counts of the first %lld samples)", (long long)n_counted);
        putchar('\n');
    }
    for (int k = 0; k < info->n_classes && k < SHOWN_CLASSES; k++)
        printf("    %4d  %-20s %8lld\n", k, info->class_names[k], (long long)counts[k]);
    if (info->n_classes > SHOWN_CLASSES) printf("    and %d more\n", info->n_classes - SHOWN_CLASSES);
    if (info->n_rejected) printf("  rejected  %d file%s\n", info->n_rejected, info->n_rejected == 1 ? "" : "s");
    for (int k = 0; k < info->n_rejected && k < SHOWN_REJECTED; k++)
        printf("    %s: %s\n", info->rejected[k].path, info->rejected[k].reason);
    if (info->n_rejected > SHOWN_REJECTED)
        printf("    and %d more; --json has all\n", info->n_rejected - SHOWN_REJECTED);
}

int cli_report_data(cli *app, const char *source, const ito_dataset *data)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    int64_t n = info->n_samples ? info->n_samples : ENDLESS_SAMPLE;
    int64_t *counts = cli_alloc((size_t)info->n_classes * sizeof *counts);
    ito_status st = info->n_classes ? count_classes(app, data, n, counts) : ITO_OK;
    if (st == ITO_OK && app->is_json) data_to_json(&app->json, source, data, counts, n);
    if (st == ITO_OK && !app->is_json) print_data(source, data, counts, n);
    free(counts);
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}
