/* A classifier's accuracy on data, and what it reads in samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/data.h>

#include "eval.h"

#define BATCH 64

static int best_class(const float *probabilities, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (probabilities[k] > probabilities[best]) best = k;
    return best;
}

/* ---- accuracy ---- */

typedef struct accuracy {
    eval_counts counts;
    double nll; /* sum of -log p(label) */
} accuracy;

static ito_status add_batch(ito_model *classifier, const ito_batch *batch, float *probabilities, accuracy *out)
{
    int n_classes = ito_model_get_info(classifier)->n_classes;
    ito_status st = ito_model_classify(classifier, batch->n, batch->images, probabilities);
    for (int i = 0; i < batch->n && st == ITO_OK; i++) {
        const float *p = probabilities + (ptrdiff_t)i * n_classes;
        eval_counts_add(&out->counts, batch->labels[i], best_class(p, n_classes));
        out->nll -= log(fmax((double)p[batch->labels[i]], 1e-30));
    }
    return st;
}

/* One pass; of a data set without end, its first `limit` samples. */
static ito_status pass(cli *app, ito_model *classifier, const ito_dataset *data, int64_t limit, accuracy *out)
{
    ito_loader *loader;
    ito_batch batch = {.n = 1};
    ito_loader_options options = {.batch = BATCH, .in_order = true, .once = ito_dataset_get_info(data)->n_samples > 0};
    ito_status st = ito_loader_create(app->ctx, data, &options, &loader);
    if (st != ITO_OK) return st;
    int n_classes = ito_model_get_info(classifier)->n_classes;
    float *probabilities = cli_alloc(BATCH * (size_t)n_classes * sizeof *probabilities);
    bool is_endless = !options.once;
    while (st == ITO_OK && batch.n > 0 && !(is_endless && out->counts.n >= limit) && !cli_interrupted()) {
        st = ito_loader_next(loader, &batch);
        if (st == ITO_OK) st = add_batch(classifier, &batch, probabilities, out);
    }
    free(probabilities);
    ito_loader_destroy(loader);
    return st;
}

int eval_check_size(const char *path, const ito_model_info *model, const ito_dataset_info *data)
{
    if (model->channels != data->channels || model->height != data->height || model->width != data->width)
        return cli_complain("%s is for images of %d x %d x %d, the data has %d x %d x %d; --data size=%d may help",
                            path, model->width, model->height, model->channels, data->width, data->height,
                            data->channels, model->height);
    return CLI_DONE;
}

static int check_fit(const char *path, const ito_model_info *model, const ito_dataset_info *data)
{
    if (model->n_classes != data->n_classes)
        return cli_complain("%s knows %d classes, the data has %d", path, model->n_classes, data->n_classes);
    return eval_check_size(path, model, data);
}

static void print_accuracy(cli *app, const args *a, const char *path, const ito_model_info *info, const accuracy *r)
{
    double nll = r->counts.n ? r->nll / (double)r->counts.n : (double)NAN;
    bool with_confusion = args_has(a, "confusion");
    if (!app->is_json) {
        printf("%s on %s: accuracy %.2f %% of %lld, cross-entropy %.4f\n", path, a->operands[1],
               100 * eval_share(&r->counts), (long long)r->counts.n, nll);
        eval_counts_print(&r->counts, info->class_names, with_confusion);
        return;
    }
    json_out *j = &app->json;
    emit_object(j, NULL);
    emit_text(j, "model", path);
    emit_text(j, "data", a->operands[1]);
    emit_int(j, "n", r->counts.n);
    emit_real(j, "accuracy", eval_share(&r->counts));
    emit_real(j, "cross_entropy", nll);
    eval_counts_to_json(j, &r->counts, info->class_names, with_confusion);
    emit_end(j);
}

int eval_open_data(cli *app, const args *a, const char *source, const ito_model_info *info, ito_dataset **out)
{
    const ito_dataset_def *def;
    cli_words set = {0};
    *out = NULL;
    ito_status st = ito_dataset_detect(app->ctx, source, &def);
    if (st != ITO_OK) return cli_fail(app, st);
    bool has_split = false, has_size = false;
    for (const ito_opt_def *d = def->choice.options; d && d->type != ITO_OPT_END_TYPE; d++) {
        has_split |= !strcmp(d->name, "split");
        has_size |= !strcmp(d->name, "size");
    }
    if (has_split || args_has(a, "split")) cli_words_add(&set, "split=%s", args_text(a, "split", "test"));
    if (has_size && info->height == info->width) cli_words_add(&set, "size=%d", info->height);
    cli_words_from(&set, a, "data");
    return cli_data_open(app, source, &set, out);
}

int eval_accuracy(cli *app, const args *a, ito_model *classifier, const char *path)
{
    const ito_model_info *info = ito_model_get_info(classifier);
    accuracy result = {0};
    ito_dataset *data;
    int status = eval_open_data(app, a, a->operands[1], info, &data);
    if (status != CLI_DONE) return status;
    cli_interrupt_catch();
    eval_counts_create(&result.counts, info->n_classes);
    status = check_fit(path, info, ito_dataset_get_info(data));
    if (status == CLI_DONE) {
        ito_status st = pass(app, classifier, data, args_int(a, "n", 1000), &result);
        status = st == ITO_OK ? CLI_DONE : cli_fail(app, st);
    }
    if (status == CLI_DONE && cli_interrupted()) status = cli_complain("stopped");
    if (status == CLI_DONE) print_accuracy(app, a, path, info, &result);
    eval_counts_clear(&result.counts);
    ito_dataset_destroy(data);
    return status;
}

/* ---- samples ---- */

static void print_score(const sampling *s, const char *path, const eval_counts *counts)
{
    if (!s->app->is_json) {
        printf("%s: %.2f %% of %lld samples are read as their label by %s (chance %.1f %%)\n", s->path,
               100 * eval_share(counts), (long long)counts->n, path, 100.0 / counts->n_classes);
        eval_counts_print(counts, s->info->class_names, false);
        return;
    }
    json_out *j = &s->app->json;
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, "model", s->path);
    emit_text(j, "classifier", path);
    emit_int(j, "n", counts->n);
    emit_real(j, "score", eval_share(counts));
    emit_real(j, "chance", 1.0 / counts->n_classes);
    eval_score_to_json(s, counts);
}

static int score(sampling *s, ito_model *classifier, const char *path)
{
    const ito_model_info *reader = ito_model_get_info(classifier);
    const ito_dataset_info shape = {.height = s->info->height,
                                    .width = s->info->width,
                                    .channels = s->info->channels,
                                    .n_classes = s->info->n_classes};
    if (strcmp(reader->task, "classifier") != 0) return cli_complain("%s is a %s, no classifier", path, reader->task);
    int status = check_fit(path, reader, &shape);
    if (status == CLI_DONE) status = sampling_run(s, NULL, 0);
    if (status != CLI_DONE) return status;
    float *probabilities = cli_alloc((size_t)s->options.n * (size_t)reader->n_classes * sizeof *probabilities);
    ito_status st = ito_model_classify(classifier, s->options.n, s->images, probabilities);
    eval_counts counts;
    eval_counts_create(&counts, reader->n_classes);
    for (int i = 0; i < s->options.n && st == ITO_OK; i++)
        if (s->labels[i] >= 0)
            eval_counts_add(&counts, s->labels[i],
                            best_class(probabilities + (ptrdiff_t)i * reader->n_classes, reader->n_classes));
    if (st == ITO_OK) print_score(s, path, &counts);
    eval_counts_clear(&counts);
    free(probabilities);
    return st == ITO_OK ? CLI_DONE : cli_fail(s->app, st);
}

int eval_with_classifier(sampling *s, const char *path)
{
    ito_model *classifier;
    ito_status st = ito_model_open(s->app->ctx, path, &classifier);
    if (st != ITO_OK) return cli_fail(s->app, st);
    ito_model_use_plan(classifier, s->plan);
    int status = score(s, classifier, path);
    ito_model_destroy(classifier);
    return status;
}
