/* The report on a model directory: what can be said of the network, then what its record says. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ito/model.h>

#include "report.h"

#define SHOWN_CLASSES 20

static void print_classes(const ito_model_info *info)
{
    printf("  classes        %d", info->n_classes);
    for (int k = 0; k < info->n_classes && k < SHOWN_CLASSES; k++)
        printf("%s%s", k ? ", " : ": ", info->class_names[k]);
    printf("%s%s\n", info->n_classes > SHOWN_CLASSES ? ", ..." : "",
           info->has_null_label ? "; can be sampled without a label" : "");
}

/* The plan has a line per kernel: only what it is for and how long it is. */
static void print_plan(const json_t *plan)
{
    printf("  plan           %d kernels of backend %s, %s\n", (int)json_object_size(json_object_get(plan, "kernels")),
           json_string_value(json_object_get(plan, "backend")),
           json_string_value(json_object_get(plan, "instruction_set")));
}

/* "training: steps 60, seconds 3.1": the record's objects, one a line; deeper ones as JSON. */
static void print_record(const char *text)
{
    json_t *record = json_loads(text, 0, NULL), *value;
    const char *key;
    json_object_foreach(record, key, value)
    {
        if (!strcmp(key, "plan") && json_is_object(value)) {
            print_plan(value);
            continue;
        }
        char *compact = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (compact && strcmp(key, "class_names") != 0) printf("  %-14s %s\n", key, compact);
        free(compact);
    }
    json_decref(record);
}

static void print_model(const char *path, const ito_model_info *info)
{
    printf("%s: %s, %s\n", path, info->task, info->architecture);
    printf("  pipeline       %s\n", info->pipeline);
    if (info->height == 1 && info->width == 1)
        printf("  points         of %d number%s\n", info->channels, info->channels == 1 ? "" : "s");
    else
        printf("  images         %d x %d, %d channel%s\n", info->width, info->height, info->channels,
               info->channels == 1 ? "" : "s");
    printf("  weights        %lld\n", (long long)info->n_weights);
    if (info->n_classes) print_classes(info);
    if (info->process)
        printf("  process        %s, %d timesteps\n", ito_process_get_def(info->process)->choice.name,
               ito_process_n_timesteps(info->process));
    if (info->prediction) printf("  prediction     %s\n", info->prediction);
    print_record(info->record);
}

static void model_to_json(json_out *j, const char *path, const ito_model_info *info)
{
    emit_object(j, NULL);
    emit_text(j, "kind", "model");
    emit_text(j, "path", path);
    emit_text(j, "task", info->task);
    emit_text(j, "pipeline", info->pipeline);
    emit_text(j, "architecture", info->architecture);
    emit_int(j, "height", info->height);
    emit_int(j, "width", info->width);
    emit_int(j, "channels", info->channels);
    emit_int(j, "n_weights", info->n_weights);
    emit_array(j, "classes");
    for (int k = 0; k < info->n_classes; k++) emit_text(j, NULL, info->class_names[k]);
    emit_end(j);
    emit_bool(j, "has_null_label", info->has_null_label);
    emit_text(j, "process", info->process ? ito_process_get_def(info->process)->choice.name : NULL);
    emit_text(j, "prediction", info->prediction);
    emit_raw(j, "record", info->record);
    emit_end(j);
}

int cli_report_model(cli *app, const char *path)
{
    ito_model *model;
    ito_status st = ito_model_open(app->ctx, path, &model);
    if (st != ITO_OK) return cli_fail(app, st);
    if (app->is_json)
        model_to_json(&app->json, path, ito_model_get_info(model));
    else
        print_model(path, ito_model_get_info(model));
    ito_model_destroy(model);
    return CLI_DONE;
}
