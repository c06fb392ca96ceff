/* Opening a model of points with the data that it was trained on, or data alone. */
#include "plot_scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "plot_process.h"

#define N_READ 2000 /* points that the window is fitted to */

static bool is_model(const char *path)
{
    struct stat info;
    char *index = cli_format("%s/model_index.json", path);
    bool found = stat(index, &info) == 0;
    free(index);
    return found;
}

/* The data that a model's record names; none when they are not there any more. */
static void open_recorded(plot_scene *s)
{
    json_t *record = json_loads(ito_model_get_info(s->model)->record, 0, NULL), *item;
    const json_t *data = json_object_get(record, "data");
    const char *source = json_string_value(json_object_get(data, "source"));
    cli_words settings = {0};
    size_t i;
    json_array_foreach(json_object_get(data, "settings"), i, item) if (json_is_string(item))
        cli_words_add(&settings, "%s", json_string_value(item));
    if (source && ito_data_open(s->app->ctx, source, (const char *const *)settings.items, &s->data) != ITO_OK)
        cli_note(s->app, "the density is left out: %s", ito_last_error(s->app->ctx));
    cli_words_clear(&settings);
    json_decref(record);
}

int plot_scene_open_model(plot_scene *s, const char *path)
{
    ito_status st = ito_model_open(s->app->ctx, path, &s->model);
    if (st != ITO_OK) return cli_fail(s->app, st);
    const ito_model_info *info = ito_model_get_info(s->model);
    if (strcmp(info->task, "denoiser") != 0 || !points_are(info->height, info->width) || info->channels != 2)
        return cli_complain("%s: score fields and densities are drawn of denoisers of points of two numbers", path);
    s->process = info->process;
    s->kind = points_kind_of_model(info);
    open_recorded(s);
    if (s->data && ito_dataset_get_info(s->data)->channels != 2) {
        ito_dataset_destroy(s->data);
        s->data = NULL;
    }
    s->mixture = s->data ? ito_dataset_mixture(s->data) : NULL;
    return CLI_DONE;
}

static int open_data(plot_scene *s, const args *a, const char *source)
{
    cli_words set = {0};
    int status = plot_open_process(s->app, a, &s->owned);
    s->process = s->owned;
    cli_data_settings(&set, a, "data");
    if (status == CLI_DONE)
        status = cli_data_open(s->app, source, &set, &s->data);
    else
        cli_words_clear(&set);
    if (status != CLI_DONE) return status;
    s->kind = points_kind_of_data(ito_dataset_get_info(s->data));
    s->mixture = ito_dataset_mixture(s->data);
    if (s->mixture) return CLI_DONE;
    return cli_complain("%s: the score is not known in closed form; give a model, or data that are a mixture (ito data "
                        "mixture)",
                        source);
}

int plot_scene_open(plot_scene *s, const args *a)
{
    const char *source = a->operands[1];
    return is_model(source) ? plot_scene_open_model(s, source) : open_data(s, a, source);
}

void plot_scene_close(plot_scene *s)
{
    ito_model_destroy(s->model);
    ito_dataset_destroy(s->data);
    ito_process_destroy(s->owned);
}

int plot_scene_fit(plot_scene *s, const double *times, int n)
{
    double reach = 1;
    if (s->data) {
        const ito_dataset_info *info = ito_dataset_get_info(s->data);
        float *values = NULL;
        int32_t *labels = NULL;
        int n_read = info->n_samples && info->n_samples < N_READ ? (int)info->n_samples : N_READ;
        int status = plot_read_points(s->app, s->data, n_read, &values, &labels);
        reach = plot_reach(&s->kind, n_read, values);
        free(values);
        free(labels);
        if (status != CLI_DONE) return status;
    }
    for (int k = 0; k < n; k++) {
        ito_level level = ito_process_level(s->process, times[k]);
        s->half = fmax(s->half, level.signal * reach + 1.5 * level.sigma);
    }
    return CLI_DONE;
}
