/* A model directory, opened. */
#include <ito/model.h>
#include <ito/safetensors.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/bilinear.h"
#include "pipeline/generate.h"
#include "pipeline/model_dir.h"
#include "scheduler/scheduler_json.h"

#define WEIGHTS     "diffusion_pytorch_model.safetensors"
#define MAX_CLASSES 100000

struct ito_model {
    ito_ctx *ctx;
    ito_arena *arena; /* names */
    const char *dir;
    json_t *index, *record;
    ito_network *network;
    ito_params *params;
    ito__runner *runner;
    ito_process *process;
    ito__scheduler scheduler;
    ito_scheduler *theirs; /* of diffusers, where no record says how to sample; or NULL */
    ito__net_use use;
    ito_model_info info;
};

void ito_model_destroy(ito_model *m)
{
    if (!m) return;
    ito__runner_destroy(m->runner);
    ito_params_destroy(m->params);
    ito__network_destroy(m->network);
    ito_process_destroy(m->process);
    ito__scheduler_clear(&m->scheduler);
    ito_scheduler_destroy(m->theirs);
    json_decref(m->index);
    json_decref(m->record);
    ito__arena_destroy(m->arena);
    ito__free(m->ctx, m);
}

static ito_status read_json(ito_model *m, const char *name, json_t **out, const char **path)
{
    *path = ito__arena_printf(m->arena, "%s/%s", m->dir, name);
    return *path ? ito__json_read(m->ctx, *path, out) : ITO_MEMORY;
}

static ito_status read_index(ito_model *m)
{
    const char *path, *record = ito__arena_printf(m->arena, "%s/ito.json", m->dir), *class_name;
    if (!record) return ITO_MEMORY;
    if (!ito__path_is_dir(m->dir))
        return ito__fail(m->ctx, ITO_NOT_FOUND,
                         "%s is no directory: expected a model directory, such as `ito train --out` makes", m->dir);
    ITO_TRY(read_json(m, "model_index.json", &m->index, &path));
    ITO_TRY(ito__json_text(m->ctx, path, m->index, "_class_name", "?", &class_name));
    m->info.pipeline = class_name;
    if (ito__path_exists(record)) return ito__json_read(m->ctx, record, &m->record);
    m->record = json_object();
    return m->record ? ITO_OK : ito__fail_memory(m->ctx, 0);
}

static ito_status read_network(ito_model *m, const char *folder)
{
    const char *path;
    json_t *config = NULL;
    char *name = ito__arena_printf(m->arena, "%s/config.json", folder),
         *weights = ito__arena_printf(m->arena, "%s/%s/" WEIGHTS, m->dir, folder);
    if (!name || !weights) return ITO_MEMORY;
    ITO_TRY(read_json(m, name, &config, &path));
    ito_status st = ito__network_create(m->ctx, path, config, &m->network);
    json_decref(config);
    if (st != ITO_OK) return st;
    ITO_TRY(ito_params_create(m->ctx, m->network->params, ITO_F32, &m->params));
    ITO_TRY(ito__weights_read(m->ctx, weights, m->network, m->params));
    return ito__runner_create(m->ctx, m->network, m->params, &m->runner);
}

/* What a directory's file says, with diffusers' numbers where the directory is not of ito's making. */
static ito_status read_theirs(ito_model *m, const char *path)
{
    ITO_TRY(ito_scheduler_open(m->ctx, path, &m->theirs));
    m->use.process = ito_scheduler_process(m->theirs);
    m->use.prediction = *ito_scheduler_prediction(m->theirs);
    m->info.scheduler = ito_scheduler_class(m->theirs);
    return ITO_OK;
}

static ito_status read_ours(ito_model *m, const char *path, const json_t *config)
{
    ITO_TRY(ito__scheduler_read(m->ctx, path, config, &m->scheduler));
    ITO_TRY(ito_process_create(m->ctx, m->scheduler.process, m->scheduler.process_opts, &m->process));
    ITO_TRY(ito_prediction_find(m->ctx, m->scheduler.prediction, &m->use.prediction));
    m->use.process = m->process;
    m->use.prediction.opts = m->scheduler.prediction_opts;
    m->use.takes_x0 = m->scheduler.takes_x0;
    return ITO_OK;
}

static ito_status read_scheduler(ito_model *m)
{
    json_t *config = NULL;
    const char *path = ito__arena_printf(m->arena, "%s/scheduler/scheduler_config.json", m->dir);
    if (!path) return ITO_MEMORY;
    ITO_TRY(ito__their_json_read(m->ctx, path, &config));
    bool is_ours = json_object_size(m->record) > 0 || !ito__scheduler_is_theirs(config);
    ito_status st = is_ours ? read_ours(m, path, config) : read_theirs(m, path);
    json_decref(config);
    if (st != ITO_OK) return st;
    m->info.prediction = m->use.prediction.def->choice.name;
    m->info.process = m->use.process;
    return ITO_OK;
}

/* The recorded names, or numbers. */
static ito_status name_classes(ito_model *m, int64_t n)
{
    const json_t *names = json_object_get(m->record, "class_names");
    if (n < 0 || n > MAX_CLASSES)
        return ito__fail(m->ctx, ITO_FORMAT, "%s: %lld classes are not plausible", m->dir, (long long)n);
    const char **out = ito__arena_alloc(m->arena, (size_t)n * sizeof *out);
    if (!out) return ITO_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        out[i] = name ? name : ito__arena_printf(m->arena, "%lld", (long long)i);
        if (!out[i]) return ITO_MEMORY;
    }
    m->info.n_classes = (int)n;
    m->info.class_names = out;
    return ITO_OK;
}

/* An array of the record's "data" with a number for each channel; *out stays NULL when there is none. */
static ito_status read_numbers(ito_model *m, const char *name, const double **out)
{
    const json_t *array = json_object_get(json_object_get(m->record, "data"), name);
    if (!array) return ITO_OK;
    if (json_array_size(array) != (size_t)m->info.channels)
        return ito__fail(m->ctx, ITO_FORMAT, "%s/ito.json: data.%s has %zu entries, expected %d, one per channel",
                         m->dir, name, json_array_size(array), m->info.channels);
    double *numbers = ito__arena_alloc(m->arena, (size_t)m->info.channels * sizeof *numbers);
    if (!numbers) return ITO_MEMORY;
    for (int k = 0; k < m->info.channels; k++) {
        const json_t *value = json_array_get(array, (size_t)k);
        if (!json_is_number(value))
            return ito__fail(m->ctx, ITO_FORMAT, "%s/ito.json: data.%s[%d] is not a number", m->dir, name, k);
        numbers[k] = json_number_value(value);
    }
    *out = numbers;
    return ITO_OK;
}

static ito_status read_names(ito_model *m)
{
    const json_t *array = json_object_get(json_object_get(m->record, "data"), "channel_names");
    if (json_array_size(array) != (size_t)m->info.channels) return ITO_OK;
    const char **names = ito__arena_alloc(m->arena, (size_t)m->info.channels * sizeof *names);
    if (!names) return ITO_MEMORY;
    for (int k = 0; k < m->info.channels; k++) {
        const char *name = json_string_value(json_array_get(array, (size_t)k));
        names[k] = name ? name : "";
    }
    m->info.channel_names = names;
    return ITO_OK;
}

/* Both or none: one without the other has no meaning. */
static ito_status read_units(ito_model *m)
{
    if (m->info.height != 1 || m->info.width != 1) return ITO_OK;
    ITO_TRY(read_numbers(m, "offset", &m->info.offset));
    ITO_TRY(read_numbers(m, "scale", &m->info.scale));
    for (int k = 0; m->info.scale && k < m->info.channels; k++)
        if (!(m->info.scale[k] > 0))
            return ito__fail(m->ctx, ITO_FORMAT, "%s/ito.json: data.scale[%d] is %g, expected more than 0", m->dir, k,
                             m->info.scale[k]);
    if ((m->info.offset == NULL) != (m->info.scale == NULL))
        return ito__fail(m->ctx, ITO_FORMAT, "%s/ito.json: data has one of offset and scale, expected both", m->dir);
    return read_names(m);
}

static ito_status describe(ito_model *m)
{
    const ito_arch_info *a = &m->network->info;
    bool classifier = !strcmp(m->info.task, "classifier");
    m->info.architecture = m->network->arch->choice.name;
    m->info.height = (int)a->height;
    m->info.width = (int)a->width;
    if (m->use.takes_x0 && a->in_channels % 2)
        return ito__fail(m->ctx, ITO_FORMAT,
                         "%s/unet/config.json: in_channels is %lld, but self-conditioning (scheduler_config.json) "
                         "takes an even number: the image's and as many for the estimate of x_0",
                         m->dir, (long long)a->in_channels);
    m->info.channels = (int)ito__net_channels(m->network, m->use.takes_x0);
    m->info.n_weights = ito_param_list_n_weights(m->network->params);
    m->info.takes_any_size = a->any_size;
    m->info.n_features = (int)a->n_features;
    m->info.has_null_label = a->n_labels > 1;
    ITO_TRY(read_units(m));
    char *text = json_dumps(m->record, JSON_INDENT(2));
    m->info.record = text ? ito__arena_strdup(m->arena, text) : NULL;
    free(text);
    if (!m->info.record) return ito__fail_memory(m->ctx, 0);
    if (!classifier && (!a->height || !a->width))
        return ito__fail(m->ctx, ITO_FORMAT,
                         "%s/unet/config.json: sample_size is missing, so the size of the images is unknown", m->dir);
    return name_classes(m, classifier ? a->out_channels : ITO_MAX(a->n_labels - 1, 0));
}

/* Weights of Inception-v3 alone: how many classes there are follows from the last layer's shape. */
static ito_status open_inception(ito_model *m)
{
    ito_safetensors *file;
    ITO_TRY(ito_safetensors_open(m->ctx, m->dir, &file));
    const ito_safetensors_entry *last = ito_safetensors_find(file, "fc.weight");
    int64_t n_classes = last && last->shape.n_dims == 2 ? last->shape.d[0] : 0;
    ito_safetensors_close(file);
    if (n_classes < 2)
        return ito__fail(
            m->ctx, ITO_FORMAT,
            "%s: no tensor 'fc.weight' [classes, 2048]: expected the weights of Inception-v3, or a model directory",
            m->dir);
    json_t *config = json_pack("{s:s, s:I}", "_class_name", "ItoInceptionV3", "num_classes", (json_int_t)n_classes);
    m->index = json_object();
    m->record = json_object();
    if (!config || !m->index || !m->record) return ito__fail_memory(m->ctx, 0);
    m->info.pipeline = "ItoClassifier";
    m->info.task = "classifier";
    ito_status st = ito__network_create(m->ctx, m->dir, config, &m->network);
    json_decref(config);
    if (st == ITO_OK) st = ito_params_create(m->ctx, m->network->params, ITO_F32, &m->params);
    if (st == ITO_OK) st = ito__weights_read(m->ctx, m->dir, m->network, m->params);
    if (st == ITO_OK) st = ito__runner_create(m->ctx, m->network, m->params, &m->runner);
    return st == ITO_OK ? describe(m) : st;
}

static bool is_weights(const char *path)
{
    static const char end[] = ".safetensors";
    size_t n = strlen(path), k = sizeof end - 1;
    return n > k && !strcmp(path + n - k, end) && ito__path_exists(path) && !ito__path_is_dir(path);
}

static ito_status open_parts(ito_model *m)
{
    if (is_weights(m->dir)) return open_inception(m);
    ITO_TRY(read_index(m));
    bool classifier = json_object_get(m->index, "classifier") != NULL;
    if (!classifier && !json_object_get(m->index, "unet"))
        return ito__fail(m->ctx, ITO_UNSUPPORTED, "%s/model_index.json (%s) names neither a unet nor a classifier",
                         m->dir, m->info.pipeline);
    m->info.task = classifier ? "classifier" : "denoiser";
    ITO_TRY(read_network(m, classifier ? "classifier" : "unet"));
    if (!classifier) ITO_TRY(read_scheduler(m));
    return describe(m);
}

ito_status ito_model_open(ito_ctx *ctx, const char *dir, ito_model **out)
{
    ito_model *m = ito__alloc(ctx, sizeof *m);
    ito_status st;
    *out = NULL;
    if (!m) return ITO_MEMORY;
    m->ctx = ctx;
    ITO_GO(ito__arena_create(ctx, &m->arena));
    m->dir = ito__arena_strdup(m->arena, dir);
    if (!m->dir) ITO_GO(ITO_MEMORY);
    ITO_GO(open_parts(m));
    *out = m;
    return ITO_OK;
done:
    ito_model_destroy(m);
    return st;
}

const ito_model_info *ito_model_get_info(const ito_model *model)
{
    return &model->info;
}

void ito_model_use_plan(ito_model *model, const ito_plan *plan)
{
    ito__runner_use_plan(model->runner, plan);
}

ito_status ito_model_use_precision(ito_model *model, ito_dtype precision)
{
    if (precision != ITO_F32 && precision != ITO_BF16)
        return ito__fail(model->ctx, ITO_USAGE, "%s: the precision asked for is %s, expected f32 or bf16", model->dir,
                         ito_dtype_name(precision));
    ito__runner_use_precision(model->runner, precision);
    return ITO_OK;
}

ito_status ito_model_plan(const ito_model *model, ito_plan *plan)
{
    return ito__runner_plan(model->runner, plan);
}

static ito_status expect(const ito_model *m, const char *task)
{
    if (!strcmp(m->info.task, task)) return ITO_OK;
    return ito__fail(m->ctx, ITO_STATE, "%s is a %s, expected a %s", m->dir, m->info.task, task);
}

ito_status ito_model_denoiser(ito_model *m, ito_denoiser *out)
{
    ITO_TRY(expect(m, "denoiser"));
    return ito__net_denoiser(m->ctx, m->runner, &m->use, false, out);
}

ito_status ito_generate(ito_model *m, const ito_generate_options *options, float *images, int32_t *labels_used)
{
    ITO_TRY(expect(m, "denoiser"));
    ito__generator g = {.ctx = m->ctx,
                        .runner = m->runner,
                        .use = m->use,
                        .height = m->info.height,
                        .width = m->info.width,
                        .channels = m->info.channels,
                        .n_classes = m->info.n_classes,
                        .no_null_label = !m->info.has_null_label,
                        .class_names = m->info.class_names,
                        .scheduler = m->theirs,
                        .sample = json_object_get(m->record, "sample")};
    return ito__generate(&g, options, images, labels_used);
}

/* In place, one row. */
static void softmax(int n, float *row)
{
    float largest = -INFINITY;
    double sum = 0;
    for (int k = 0; k < n; k++) largest = fmaxf(largest, row[k]);
    for (int k = 0; k < n; k++) sum += exp((double)row[k] - (double)largest);
    for (int k = 0; k < n; k++) row[k] = (float)(exp((double)row[k] - (double)largest) / sum);
}

#define CLASSIFY_BATCH 64
#define SCALED_BATCH   8 /* of Inception-v3: its maps take 20 MiB for an image */

/* The classifier on a few images at a time; features and probabilities may be NULL. */
static ito_status classify(ito_model *m, int n, const float *images, float *features, float *probabilities)
{
    ptrdiff_t size = (ptrdiff_t)m->info.height * m->info.width * m->info.channels;
    float *logits = ito__alloc_array(m->ctx, CLASSIFY_BATCH, (size_t)m->info.n_classes * sizeof *logits);
    ito_status st = logits ? ITO_OK : ITO_MEMORY;
    for (int first = 0; first < n && st == ITO_OK; first += CLASSIFY_BATCH) {
        int count = ITO_MIN(CLASSIFY_BATCH, n - first);
        float *out = probabilities ? probabilities + (ptrdiff_t)first * m->info.n_classes : logits;
        ito__runner_batch batch = {
            .n = count, .h = m->info.height, .w = m->info.width, .x = images + first * size, .out = out};
        if (features) batch.features = features + (ptrdiff_t)first * m->info.n_features;
        st = ito__runner_run(m->runner, &batch);
        for (int i = 0; i < count && st == ITO_OK; i++)
            softmax(m->info.n_classes, out + (ptrdiff_t)i * m->info.n_classes);
    }
    ito__free(m->ctx, logits);
    return st;
}

ito_status ito_model_classify(ito_model *m, int n, const float *images, float *probabilities)
{
    ITO_TRY(expect(m, "classifier"));
    return classify(m, n, images, NULL, probabilities);
}

ito_status ito_model_features(ito_model *m, int n, const float *images, float *features, float *probabilities)
{
    ITO_TRY(expect(m, "classifier"));
    if (!m->info.n_features)
        return ito__fail(m->ctx, ITO_UNSUPPORTED, "%s: %s has no features to give", m->dir, m->info.architecture);
    return classify(m, n, images, features, probabilities);
}

/* One image of any size to the extractor's. */
static void fit(const ito_model *m, int height, int width, int channels, const float *image, float *scaled, float *out)
{
    ptrdiff_t n = (ptrdiff_t)m->info.height * m->info.width;
    ito__bilinear(image, height, width, channels, m->info.height, m->info.width, scaled);
    for (ptrdiff_t i = 0; i < n; i++)
        for (int c = 0; c < m->info.channels; c++)
            out[i * m->info.channels + c] = scaled[i * channels + (channels > 1 ? c : 0)];
}

static ito_status scaled_features(ito_model *m, int n, int height, int width, int channels, const float *images,
                                  float *features, float *probabilities)
{
    ptrdiff_t size = (ptrdiff_t)height * width * channels,
              own = (ptrdiff_t)m->info.height * m->info.width * m->info.channels;
    float *batch = ito__alloc_array(m->ctx, SCALED_BATCH, (size_t)own * sizeof *batch);
    float *scaled = ito__alloc_array(m->ctx, (size_t)own, sizeof *scaled);
    ito_status st = batch && scaled ? ITO_OK : ITO_MEMORY;
    for (int first = 0; first < n && st == ITO_OK; first += SCALED_BATCH) {
        int count = ITO_MIN(SCALED_BATCH, n - first);
        for (int i = 0; i < count; i++)
            fit(m, height, width, channels, images + (first + i) * size, scaled, batch + i * own);
        st = classify(m, count, batch, features + (ptrdiff_t)first * m->info.n_features,
                      probabilities ? probabilities + (ptrdiff_t)first * m->info.n_classes : NULL);
    }
    ito__free(m->ctx, batch);
    ito__free(m->ctx, scaled);
    return st;
}

ito_status ito_model_features_of(ito_model *m, int n, int height, int width, int channels, const float *images,
                                 float *features, float *probabilities)
{
    ITO_TRY(expect(m, "classifier"));
    bool same = height == m->info.height && width == m->info.width && channels == m->info.channels;
    if (same) return ito_model_features(m, n, images, features, probabilities);
    if (m->info.takes_any_size && height > 0 && width > 0 && (channels == m->info.channels || channels == 1))
        return scaled_features(m, n, height, width, channels, images, features, probabilities);
    return ito__fail(m->ctx, ITO_SHAPE, "%s reads images of %d x %d x %d%s, found %d x %d x %d", m->dir, m->info.width,
                     m->info.height, m->info.channels, m->info.takes_any_size ? ", scaled to that, or grey ones" : "",
                     width, height, channels);
}

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return h;
}

ito_status ito_model_fingerprint(const ito_model *m, uint64_t *out)
{
    json_t *config;
    uint64_t h = 14695981039346656037u;
    ITO_TRY(m->network->arch->write(m->ctx, m->network->config, &config));
    char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(config);
    if (!text) return ito__fail_memory(m->ctx, 0);
    h = hash(h, text, strlen(text));
    free(text);
    for (int i = 0; i < ito_param_list_count(m->network->params); i++) {
        const ito_param *p = ito_param_list_get(m->network->params, i);
        h = hash(h, p->name, strlen(p->name) + 1);
        h = hash(h, p->shape.d, (size_t)p->shape.n_dims * sizeof p->shape.d[0]);
        h = hash(h, ito_params_data(m->params, i), (size_t)p->count * sizeof(float));
    }
    *out = h;
    return ITO_OK;
}
