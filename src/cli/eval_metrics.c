/* ito eval --metrics: which metrics are asked for, and those that compare samples with data. What a metric is computed from, its name
 * and its options all come from its descriptor, so that one that is added to the library is here at once. */
#include <stdlib.h>
#include <string.h>

#include <ito/metric.h>

#include "eval_set.h"

#define MOST      32 /* metrics in one command */
#define USUAL_N   10000
#define WIDE      512  /* more features than that make each resample of fd take minutes */
#define TRUSTED_N 2000 /* fewer samples than that are warned of */

typedef struct asked {
    int n;
    const ito_metric_def *defs[MOST];
    ito_opts *opts[MOST];
    unsigned needs; /* of all */
} asked;

typedef struct scores {
    cli *app;
    const args *a;
    asked metrics;
    const char *data_path, *classifier_path;
    ito_model *classifier;
    uint64_t fingerprint; /* of the classifier */
    sampling s;           /* where samples are made */
    bool has_model;       /* else they come from --samples */
    const char *from;     /* the model or the file */
    eval_set samples, data;
    eval_reading readings[2];
    float *points[2];
    ito_resampling resampling;
    ito_metric_result results[MOST];
} scores;

/* ---- what is asked for ---- */

/* The settings NAME.KEY=VALUE of --metric that are this metric's. */
static int read_opts(cli *app, const args *a, const ito_metric_def *def, ito_opts **out)
{
    cli_words mine = {0};
    size_t length = strlen(def->choice.name);
    const char *text;
    for (int i = 0; (text = args_list(a, "metric", i)); i++)
        if (!strncmp(text, def->choice.name, length) && text[length] == '.')
            cli_words_add(&mine, "%s", text + length + 1);
    int status = cli_choice_opts(app, &def->choice, (const char *const *)mine.items, out);
    cli_words_clear(&mine);
    return status;
}

/* Every --metric is of a metric that is asked for. */
static int check_settings(const args *a, const asked *m)
{
    const char *text;
    for (int i = 0; (text = args_list(a, "metric", i)); i++) {
        size_t length = strcspn(text, ".");
        int k = 0;
        while (k < m->n &&
               !(strlen(m->defs[k]->choice.name) == length && !strncmp(text, m->defs[k]->choice.name, length)))
            k++;
        if (k == m->n || !text[length])
            return cli_usage("eval", "--metric is '%s', expected NAME.KEY=VALUE with a NAME of --metrics", text);
    }
    return CLI_DONE;
}

static int read_metrics(cli *app, const args *a, asked *m)
{
    for (const char *at = args_text(a, "metrics", "");; at++) {
        char name[64];
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        int status = cli_check_choice(app, "eval", "metric", name);
        if (status != CLI_DONE) return status;
        if (m->n == MOST) return cli_usage("eval", "--metrics names more than %d", MOST);
        ito_status st = ito_metric_find(app->ctx, name, &m->defs[m->n]);
        if (st != ITO_OK) return cli_fail(app, st);
        status = read_opts(app, a, m->defs[m->n], &m->opts[m->n]);
        m->needs |= m->defs[m->n++]->needs;
        if (status != CLI_DONE) return status;
        at += length;
        if (!*at) return check_settings(a, m);
    }
}

static bool wants(const scores *s, unsigned needs)
{
    return (s->metrics.needs & needs) != 0;
}

static bool wants_classifier(const scores *s)
{
    return wants(s, ITO_METRIC_FEATURES | ITO_METRIC_LABELS | ITO_METRIC_READINGS);
}

/* ---- what it is computed from ---- */

static int open_classifier(scores *s)
{
    if (!wants_classifier(s)) return CLI_DONE;
    s->classifier_path = args_text(s->a, "classifier", NULL);
    if (!s->classifier_path)
        return cli_usage(
            "eval",
            "these metrics need --classifier MODEL, whose features they compare: ito train %s --task classifier "
            "trains one; swd, mmd and energy need none",
            s->data_path);
    ito_status st = ito_model_open(s->app->ctx, s->classifier_path, &s->classifier);
    if (st != ITO_OK) return cli_fail(s->app, st);
    if (strcmp(ito_model_get_info(s->classifier)->task, "classifier") != 0)
        return cli_complain("%s is a %s, no classifier", s->classifier_path, ito_model_get_info(s->classifier)->task);
    st = ito_model_fingerprint(s->classifier, &s->fingerprint);
    return st == ITO_OK ? CLI_DONE : cli_fail(s->app, st);
}

/* Sizes and classes agree: said before anything is computed. */
static int check_fit(const scores *s, const ito_model_info *model, const ito_dataset_info *data)
{
    int status = eval_check_size(s->from, model, data);
    if (status == CLI_DONE && s->classifier && !ito_model_get_info(s->classifier)->takes_any_size)
        status = eval_check_size(s->classifier_path, ito_model_get_info(s->classifier), data);
    if (status == CLI_DONE && wants(s, ITO_METRIC_SHAPES) && strcmp(s->data_path, "shapes") != 0)
        status = cli_complain("the metric reader is of the data set shapes; %s is another", s->data_path);
    if (status != CLI_DONE || !wants(s, ITO_METRIC_LABELS)) return status;
    int known = ito_model_get_info(s->classifier)->n_classes;
    if (s->has_model && !model->n_classes)
        return cli_complain("%s was trained without labels: its samples have no accuracy", s->s.path);
    if (s->has_model && known != model->n_classes)
        return cli_complain("%s knows %d classes, %s has %d", s->classifier_path, known, s->s.path, model->n_classes);
    return CLI_DONE;
}

static int make_samples(scores *s)
{
    const char *keep = args_text(s->a, "keep", NULL);
    char *path = keep ? cli_format("%s", keep) : eval_set_usual_path(&s->s);
    int status = path ? eval_set_from_model(&s->s, path, &s->samples) : cli_fail(s->app, ITO_MEMORY);
    free(path);
    return status;
}

/* Features of both sets, and both as rows of numbers. */
static int prepare(scores *s)
{
    static const char *const names[] = {"samples", "data"};
    const eval_set *const sets[] = {&s->samples, &s->data};
    int status = CLI_DONE;
    for (int i = 0; i < 2 && status == CLI_DONE; i++) {
        if (s->classifier) status = eval_set_read(s->app, s->classifier, names[i], sets[i], &s->readings[i]);
        if (!wants(s, ITO_METRIC_POINTS)) continue;
        s->points[i] = cli_alloc((size_t)sets[i]->n * eval_set_count(sets[i]) * sizeof *s->points[i]);
        eval_set_get(sets[i], 0, sets[i]->n, s->points[i]);
    }
    return status;
}

static ito_sets sets_of(const scores *s, float *const rows[2], int64_t d)
{
    return (ito_sets){.x = rows[0], .y = rows[1], .n = s->samples.n, .m = s->data.n, .d = d};
}

static int compute(scores *s)
{
    const bool resamples = s->resampling.n > 0;
    ito_metric_input in = {.points = sets_of(s, s->points, (int64_t)eval_set_count(&s->samples)),
                           .height = s->samples.height,
                           .width = s->samples.width,
                           .n_labels = s->samples.n,
                           .asked = s->samples.labels,
                           .read = s->readings[0].read,
                           .probabilities = s->readings[0].probabilities,
                           .resampling = resamples ? &s->resampling : NULL};
    float *const features[] = {s->readings[0].features, s->readings[1].features};
    if (s->classifier) {
        in.features = sets_of(s, features, ito_model_get_info(s->classifier)->n_features);
        in.n_classes = ito_model_get_info(s->classifier)->n_classes;
    }
    for (int k = 0; k < s->metrics.n; k++) {
        const ito_metric_def *def = s->metrics.defs[k];
        if (def->needs & ITO_METRIC_MODEL) continue;
        if (cli_interrupted()) return cli_complain("stopped; run the same command to go on");
        if (!s->app->is_json) cli_note(s->app, "%s ...", def->choice.name);
        ito_status st = ito_metric_compute(s->app->ctx, def, s->metrics.opts[k], &in, &s->results[k]);
        if (st != ITO_OK) return cli_fail(s->app, st);
    }
    return CLI_DONE;
}

/* ---- results ---- */

static bool is_small(const scores *s)
{
    return s->samples.n < TRUSTED_N || s->data.n < TRUSTED_N;
}

static void warn(const scores *s)
{
    fprintf(stderr,
            "ito: warning: %lld samples beside %lld of the data: under %d of either, distances hang on their numbers "
            "(fd grows "
            "as there are fewer), so compare them at the same numbers only\n",
            (long long)s->samples.n, (long long)s->data.n, TRUSTED_N);
}

static void print_results(const scores *s)
{
    printf("%s beside %s: %lld samples", s->from, s->data_path, (long long)s->samples.n);
    if (s->has_model)
        printf(" (%s, %d steps, guidance %g)", s->s.options.sample.sampler, s->s.options.sample.n_steps,
               s->s.options.guidance);
    printf(", %lld of the data\n", (long long)s->data.n);
    if (s->classifier)
        printf("  %d features of %s, fingerprint %016llx\n", ito_model_get_info(s->classifier)->n_features,
               s->classifier_path, (unsigned long long)s->fingerprint);
    for (int k = 0; k < s->metrics.n; k++)
        for (int i = 0; i < s->results[k].n; i++) {
            const ito_score *score = &s->results[k].scores[i];
            printf("  %-12s %.6g", s->results[k].names[i], score->value);
            if (score->low == score->low)
                printf(", %g %% interval %.6g to %.6g", 100 * s->resampling.level, score->low, score->high);
            else if (score->sd == score->sd)
                printf(" +- %.6g", score->sd);
            putchar('\n');
        }
}

static void emit_score(json_out *j, const char *name, const ito_score *score)
{
    emit_object(j, name);
    emit_real(j, "value", score->value);
    emit_real(j, "sd", score->sd);
    emit_real(j, "low", score->low);
    emit_real(j, "high", score->high);
    emit_end(j);
}

static void emit_sampling(json_out *j, const sampling *s)
{
    emit_text(j, "sampler", s->options.sample.sampler);
    emit_int(j, "steps", s->options.sample.n_steps);
    emit_real(j, "guidance", s->options.guidance);
    emit_int(j, "seed", (int64_t)s->options.sample.seed);
}

static void emit_results(const scores *s)
{
    json_out *j = &s->app->json;
    char text[24];
    emit_object(j, NULL);
    emit_text(j, "event", "result");
    emit_text(j, s->has_model ? "model" : "samples", s->from);
    emit_text(j, "data", s->data_path);
    emit_int(j, "n", s->samples.n);
    emit_int(j, "n_data", s->data.n);
    if (s->has_model) emit_sampling(j, &s->s);
    if (s->classifier) {
        snprintf(text, sizeof text, "%016llx", (unsigned long long)s->fingerprint);
        emit_text(j, "classifier", s->classifier_path);
        emit_text(j, "fingerprint", text);
        emit_int(j, "n_features", ito_model_get_info(s->classifier)->n_features);
    }
    emit_int(j, "resamples", s->resampling.n);
    emit_real(j, "level", s->resampling.level);
    emit_object(j, "metrics");
    for (int k = 0; k < s->metrics.n; k++)
        for (int i = 0; i < s->results[k].n; i++) emit_score(j, s->results[k].names[i], &s->results[k].scores[i]);
    emit_end(j);
    if (is_small(s)) emit_text(j, "warning", "fewer than 2000 samples or data");
    emit_end(j);
}

/* ---- the command ---- */

static int read_resampling(scores *s)
{
    int n_features = s->classifier ? ito_model_get_info(s->classifier)->n_features : 0;
    int64_t n = args_int(s->a, "resamples", n_features > WIDE ? 20 : 200), seed = args_int(s->a, "seed", 0);
    if (n < 0 || n > 100000) return cli_usage("eval", "--resamples is %lld, expected 0 to 100000", (long long)n);
    s->resampling = (ito_resampling){.n = (int)n, .seed = seed > 0 ? (uint64_t)seed : 0, .level = 0.95};
    return CLI_DONE;
}

/* The samples are there, or made here; then everything else. */
static int score_on(scores *s, const ito_model_info *info, const ito_dataset *data)
{
    int status = check_fit(s, info, ito_dataset_get_info(data));
    if (status == CLI_DONE && s->has_model) status = make_samples(s);
    int64_t most = args_int(s->a, "data-n", s->samples.n);
    if (status == CLI_DONE && most < 1) status = cli_usage("eval", "--data-n is at least 1");
    if (status == CLI_DONE) status = eval_set_from_data(s->app, data, most, s->resampling.seed, &s->data);
    if (status == CLI_DONE) status = prepare(s);
    if (status == CLI_DONE) status = compute(s);
    if (status != CLI_DONE) return status;
    if (is_small(s)) warn(s);
    if (s->app->is_json)
        emit_results(s);
    else
        print_results(s);
    return CLI_DONE;
}

/* Opens what samples come from; *info is their size, and the model's classes. */
static int open_source(scores *s, ito_model_info *info)
{
    if (!args_has(s->a, "samples")) {
        s->has_model = true;
        int status = sampling_open(&s->s, s->app, s->a, s->from, USUAL_N);
        if (status == CLI_DONE) *info = *s->s.info;
        return status;
    }
    int64_t most = args_int(s->a, "n", INT64_MAX);
    if (most < 1) return cli_usage("eval", "-n is at least 1");
    int status = eval_set_from_file(s->app, s->from, most, &s->samples);
    *info = (ito_model_info){.height = s->samples.height, .width = s->samples.width, .channels = s->samples.channels};
    return status;
}

static int compare(scores *s)
{
    ito_dataset *data = NULL;
    ito_model_info info = {0};
    int status = open_classifier(s);
    if (status == CLI_DONE) status = read_resampling(s);
    if (status == CLI_DONE) status = open_source(s, &info);
    if (status == CLI_DONE) status = eval_open_data(s->app, s->a, s->data_path, &info, &data);
    if (status == CLI_DONE) status = score_on(s, &info, data);
    ito_dataset_destroy(data);
    return status;
}

static void clear(scores *s)
{
    for (int k = 0; k < s->metrics.n; k++) ito_opts_destroy(s->metrics.opts[k]);
    for (int i = 0; i < 2; i++) {
        eval_reading_clear(&s->readings[i]);
        free(s->points[i]);
    }
    eval_set_clear(&s->samples);
    eval_set_clear(&s->data);
    if (s->has_model) sampling_close(&s->s);
    ito_model_destroy(s->classifier);
}

int eval_metrics(cli *app, const args *a, ito_model *model)
{
    scores s = {.app = app, .a = a, .from = a->operands[0], .data_path = a->operands[1]};
    int status = read_metrics(app, a, &s.metrics);
    if (status == CLI_DONE && !s.data_path)
        status = cli_usage("eval", "--metrics needs data: ito eval %s mnist/ --metrics vlb", a->operands[0]);
    if (status == CLI_DONE && wants(&s, ITO_METRIC_MODEL)) status = eval_likelihood(app, a, model);
    if (status == CLI_DONE && wants(&s, ~(unsigned)ITO_METRIC_MODEL)) status = compare(&s);
    clear(&s);
    return status;
}

int eval_file(cli *app, const args *a)
{
    scores s = {.app = app, .a = a, .from = args_text(a, "samples", ""), .data_path = a->operands[0]};
    if (!args_has(a, "metrics") || a->operands[1])
        return cli_usage(
            "eval", "--samples takes data and metrics, no model: ito eval mnist/ --samples %s --metrics swd", s.from);
    int status = read_metrics(app, a, &s.metrics);
    if (status == CLI_DONE && wants(&s, ITO_METRIC_MODEL))
        status = cli_usage("eval", "loss, vlb, nll and rate-distortion are of a model; %s has samples alone", s.from);
    if (status == CLI_DONE) status = compare(&s);
    clear(&s);
    return status;
}
