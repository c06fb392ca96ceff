/* Scatter plots of points. */
#include "scatter.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NAMED 12 /* classes in a legend */

bool points_are(int height, int width)
{
    return height == 1 && width == 1;
}

points_kind points_kind_of_data(const ito_dataset_info *info)
{
    return (points_kind){.channels = info->channels,
                         .offset = info->offset,
                         .scale = info->scale,
                         .names = info->channel_names,
                         .n_classes = info->n_classes,
                         .class_names = info->class_names};
}

points_kind points_kind_of_model(const ito_model_info *info)
{
    return (points_kind){.channels = info->channels,
                         .offset = info->offset,
                         .scale = info->scale,
                         .names = info->channel_names,
                         .n_classes = info->n_classes,
                         .class_names = info->class_names};
}

double *points_places(const points_kind *kind, int n, const float *values)
{
    double *xy = cli_alloc(2 * (size_t)n * sizeof *xy);
    for (ptrdiff_t i = 0; i < n; i++) {
        const float *point = values + i * kind->channels;
        xy[2 * i] = (double)point[0];
        xy[2 * i + 1] = kind->channels > 1 ? (double)point[1] : 2.0 * ((double)i + 0.5) / n - 1;
    }
    return xy;
}

/* Which mark a point goes to: its class, or the one behind them. */
static int mark_of(const points_kind *kind, const int32_t *labels, int i)
{
    bool has = labels && labels[i] >= 0 && labels[i] < kind->n_classes;
    return has ? labels[i] : kind->n_classes;
}

points_cloud points_cloud_make(const points_kind *kind, int n, const float *values, const int32_t *labels, bool is_pale)
{
    int n_marks = kind->n_classes + 1;
    points_cloud cloud = {.n_marks = n_marks,
                          .marks = cli_alloc((size_t)n_marks * sizeof *cloud.marks),
                          .xy = cli_alloc(2 * (size_t)n * sizeof *cloud.xy)};
    double *all = points_places(kind, n, values), *at = cloud.xy;
    for (int k = 0; k < n_marks; k++) {
        ito_marks *m = &cloud.marks[k];
        bool is_class = k < kind->n_classes;
        *m = (ito_marks){.kind = ITO_MARK_DOTS, .xy = at, .opacity = 0.6};
        m->colour = is_pale ? ITO_COLOUR_GREY : is_class ? k : 0;
        if (is_pale) m->opacity = 0.35;
        if (is_class && !is_pale && kind->n_classes <= MOST_NAMED) m->name = kind->class_names[k];
        for (int i = 0; i < n; i++) {
            if (mark_of(kind, labels, i) != k) continue;
            memcpy(at, all + 2 * (ptrdiff_t)i, 2 * sizeof *at);
            at += 2;
            m->n++;
        }
        if (!m->n) m->name = NULL;
    }
    free(all);
    return cloud;
}

void points_cloud_clear(points_cloud *cloud)
{
    free(cloud->marks);
    free(cloud->xy);
    *cloud = (points_cloud){0};
}

void points_axes_set(const points_kind *kind, points_axes *axes, ito_panels_options *options)
{
    for (int k = 0; k < 2; k++) {
        bool is_there = k < kind->channels;
        axes->offset[k] = is_there && kind->offset ? kind->offset[k] : 0;
        axes->unit[k] = is_there && kind->scale ? kind->scale[k] : 1;
        if (kind->names && is_there)
            snprintf(axes->labels[k], sizeof axes->labels[k], "%s", kind->names[k]);
        else
            snprintf(axes->labels[k], sizeof axes->labels[k], is_there ? "x%d" : "place in the list", k + 1);
    }
    options->x_label = axes->labels[0];
    options->y_label = axes->labels[1];
    options->offset = axes->offset;
    options->unit = axes->unit;
}

int points_write_panels(const cli *app, const char *path, const ito_panel *panels, int n_panels,
                        const ito_panels_options *options, const cli_texts *texts)
{
    ito_image image;
    if (!cli_ends_in(path, ".svg") && !cli_ends_in(path, ".png"))
        return cli_complain("%s: plots of points are written as .png or .svg", path);
    int status = cli_make_folder_of(path);
    if (status != CLI_DONE) return status;
    if (cli_ends_in(path, ".svg")) {
        ito_status st = ito_panels_write_svg(app->ctx, path, panels, n_panels, options);
        return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
    }
    ito_status st = ito_panels_render(app->ctx, panels, n_panels, options, &image);
    if (st != ITO_OK) return cli_fail(app, st);
    status = cli_write_picture(app, path, &image, texts);
    ito_image_clear(app->ctx, &image);
    return status;
}

int points_write_plot(const cli *app, const char *path, const points_kind *kind, const points_cloud *cloud,
                      const char *title, int scale, const cli_texts *texts)
{
    points_axes axes;
    ito_panel panel = {.title = title, .n_marks = cloud->n_marks, .marks = cloud->marks};
    ito_panels_options options = {.side = 320, .scale = scale};
    points_axes_set(kind, &axes, &options);
    return points_write_panels(app, path, &panel, 1, &options, texts);
}
