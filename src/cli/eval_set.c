/* Sets in memory: rows, data, what a classifier makes of them. */
#include "eval_set.h"

#include <stdlib.h>
#include <string.h>

#include <ito/image.h>
#include <ito/npz.h>

#define BATCH 64

eval_set eval_set_create(int64_t n, int height, int width, int channels)
{
    eval_set s = {.n = n, .height = height, .width = width, .channels = channels};
    s.are_points = height == 1 && width == 1;
    s.values = cli_alloc((size_t)n * eval_set_bytes(&s));
    s.labels = cli_alloc((size_t)n * sizeof *s.labels);
    return s;
}

void eval_set_clear(eval_set *s)
{
    free(s->values);
    free(s->labels);
    *s = (eval_set){0};
}

size_t eval_set_count(const eval_set *s)
{
    return (size_t)s->height * (size_t)s->width * (size_t)s->channels;
}

size_t eval_set_bytes(const eval_set *s)
{
    return eval_set_count(s) * (s->are_points ? sizeof(float) : 1);
}

void eval_set_put(eval_set *s, int64_t i, const float *row, int32_t label)
{
    unsigned char *to = s->values + (size_t)i * eval_set_bytes(s);
    if (s->are_points)
        memcpy(to, row, eval_set_bytes(s));
    else
        ito_image_from_unit(row, eval_set_count(s), to);
    s->labels[i] = label;
}

void eval_set_get(const eval_set *s, int64_t first, int64_t n, float *rows)
{
    const unsigned char *from = s->values + (size_t)first * eval_set_bytes(s);
    if (s->are_points)
        memcpy(rows, from, (size_t)n * eval_set_bytes(s));
    else
        ito_image_to_unit(from, (size_t)n * eval_set_count(s), rows);
}

int eval_set_from_data(cli *app, const ito_dataset *data, int64_t most, uint64_t seed, eval_set *out)
{
    const ito_dataset_info *info = ito_dataset_get_info(data);
    ito_loader *loader;
    ito_batch batch;
    int64_t n = info->n_samples > 0 && info->n_samples < most ? info->n_samples : most;
    *out = eval_set_create(n, info->height, info->width, info->channels);
    ito_loader_options o = {.batch = 1, .seed = seed};
    ito_status st = ito_loader_create(app->ctx, data, &o, &loader);
    if (st != ITO_OK) return cli_fail(app, st);
    for (int64_t i = 0; i < n && st == ITO_OK && !cli_interrupted(); i++) {
        st = ito_loader_next(loader, &batch);
        if (st == ITO_OK) eval_set_put(out, i, batch.images, batch.labels ? batch.labels[0] : -1);
    }
    ito_loader_destroy(loader);
    if (st == ITO_OK && cli_interrupted()) return cli_complain("stopped while reading the data");
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

int eval_set_from_file(cli *app, const char *path, int64_t most, eval_set *out)
{
    ito_npz file;
    ito_status st = ito_npz_read(app->ctx, path, &file);
    if (st != ITO_OK) return cli_fail(app, st);
    int64_t n = file.n < most ? file.n : most;
    *out = (eval_set){.height = file.height, .width = file.width, .channels = file.channels, .n = n};
    out->values = cli_alloc((size_t)n * eval_set_bytes(out));
    out->labels = cli_alloc((size_t)n * sizeof *out->labels);
    memcpy(out->values, file.images, (size_t)n * eval_set_bytes(out));
    for (int64_t i = 0; i < n; i++) out->labels[i] = file.labels ? file.labels[i] : -1;
    ito_npz_clear(app->ctx, &file);
    return n ? CLI_DONE : cli_complain("%s holds no samples", path);
}

static int32_t largest(const float *p, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

int eval_set_read(cli *app, ito_model *classifier, const char *what, const eval_set *s, eval_reading *out)
{
    const ito_model_info *info = ito_model_get_info(classifier);
    size_t n_classes = (size_t)info->n_classes, width = (size_t)info->n_features, all = (size_t)s->n;
    float *images = cli_alloc(BATCH * eval_set_count(s) * sizeof *images);
    cli_progress progress;
    ito_status st = ITO_OK;
    out->features = cli_alloc(all * width * sizeof *out->features);
    out->probabilities = cli_alloc(all * n_classes * sizeof *out->probabilities);
    out->read = cli_alloc(all * sizeof *out->read);
    cli_progress_begin(&progress, app);
    for (int64_t i = 0; i < s->n && st == ITO_OK && !cli_interrupted(); i += BATCH) {
        int n = (int)(s->n - i < BATCH ? s->n - i : BATCH);
        float *probabilities = out->probabilities + (size_t)i * n_classes;
        eval_set_get(s, i, n, images);
        st = ito_model_features_of(classifier, n, s->height, s->width, s->channels, images,
                                   out->features + (size_t)i * width, probabilities);
        for (int k = 0; k < n; k++) out->read[i + k] = largest(probabilities + (size_t)k * n_classes, info->n_classes);
        if (cli_progress_wants_line(&progress, false))
            cli_progress_line(&progress, "features of %s %lld/%lld", what, (long long)i + n, (long long)s->n);
    }
    cli_progress_end(&progress);
    free(images);
    if (st == ITO_OK && cli_interrupted()) return cli_complain("stopped; run the same command to go on");
    return st == ITO_OK ? CLI_DONE : cli_fail(app, st);
}

void eval_reading_clear(eval_reading *r)
{
    free(r->features);
    free(r->probabilities);
    free(r->read);
    *r = (eval_reading){0};
}
