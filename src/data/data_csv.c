/* Data set "csv": the rows of a table of numbers as points. Columns are standardised, each by its own mean and deviation or all
 * by one deviation, which keeps the shape of a cloud: value = (number - mean) / (2 sd), so that 95 % of a normal column lie in
 * -1..1. Offset and scale are recorded with a model, and its samples are written in the table's own units. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "data/points.h"
#include "format/csv.h"

extern const ito_dataset_def ito__dataset_csv;

typedef struct table {
    ito__csv csv;
    double *offset, *scale; /* [n_columns] */
    ito_field fields[2];
} table;

static const char *const separators[] = {"find", "comma", "semicolon", "tab", "blank", NULL};
static const char *const headers[] = {"find", "yes", "no", NULL};
static const char *const scalings[] = {"each", "all", NULL};

static bool fits(const char *path)
{
    static const char *const endings[] = {".csv", ".tsv", ".txt", ".dat"};
    const char *ending = strrchr(ito__path_name(path), '.');
    for (int i = 0; ending && i < ITO_COUNT(endings); i++)
        if (!strcasecmp(ending, endings[i])) return ito__path_exists(path) && !ito__path_is_dir(path);
    return false;
}

/* Mean and variance of column k. */
static void moments(const ito__csv *csv, int k, double *mean, double *variance)
{
    double n = (double)csv->n_rows;
    *mean = *variance = 0;
    for (int64_t i = 0; i < csv->n_rows; i++) *mean += csv->values[i * csv->n_columns + k] / n;
    for (int64_t i = 0; i < csv->n_rows; i++) {
        double d = csv->values[i * csv->n_columns + k] - *mean;
        *variance += d * d / n;
    }
}

/* Sets offset and scale; a column that never changes keeps its scale. */
static void measure(table *t, bool each)
{
    int d = t->csv.n_columns;
    double sum = 0;
    for (int k = 0; k < d; k++) {
        moments(&t->csv, k, &t->offset[k], &t->scale[k]);
        sum += t->scale[k] / d;
    }
    for (int k = 0; k < d; k++) {
        double sd = sqrt(each ? t->scale[k] : sum);
        t->scale[k] = sd > 0 ? 2 * sd : 1;
    }
}

/* In place. */
static ito_status standardise(ito_ctx *ctx, const char *source, table *t, double *most)
{
    int d = t->csv.n_columns;
    *most = 0;
    for (int k = 0; k < d; k++)
        if (!isfinite(t->offset[k]) || !isfinite(t->scale[k]))
            return ito__fail(ctx, ITO_NUMERIC, "%s: column %d: numbers too large to take their mean and deviation",
                             source, k + 1);
    for (int64_t i = 0; i < t->csv.n_rows * d; i++) {
        t->csv.values[i] = (t->csv.values[i] - t->offset[i % d]) / t->scale[i % d];
        *most = fmax(*most, fabs(t->csv.values[i]));
    }
    return ITO_OK;
}

static void describe(table *t, double most, ito_dataset_info *info)
{
    const ito__csv *csv = &t->csv;
    most *= 1 + 1e-6; /* rounded to float32 */
    t->fields[0] = (ito_field){"image", ITO_F32, ITO_SHAPE(1, 1, csv->n_columns), -most, most};
    t->fields[1] = (ito_field){"label", ITO_I32, ITO_SCALAR, 0, csv->n_classes - 1};
    *info = (ito_dataset_info){.n_samples = csv->n_rows,
                               .height = 1,
                               .width = 1,
                               .channels = csv->n_columns,
                               .n_fields = csv->n_classes ? 2 : 1,
                               .fields = t->fields,
                               .n_classes = csv->n_classes,
                               .class_names = csv->class_names,
                               .offset = t->offset,
                               .scale = t->scale,
                               .channel_names = csv->names};
}

static ito_status create(ito_ctx *ctx, const char *source, const ito_opts *opts, ito_dataset_info *info, void **state)
{
    table *t = *state = ito__alloc(ctx, sizeof *t);
    double most;
    if (!t) return ITO_MEMORY;
    ito__csv_options o = {.separator = "\0,;\t "[ito_opts_choice(opts, "separator")],
                          .header = (ito__csv_header)ito_opts_choice(opts, "header"),
                          .label = ito_opts_text(opts, "label")};
    ITO_TRY(ito__csv_read(ctx, source, &o, &t->csv));
    t->offset = ito__alloc_array(ctx, (size_t)t->csv.n_columns, sizeof *t->offset);
    t->scale = ito__alloc_array(ctx, (size_t)t->csv.n_columns, sizeof *t->scale);
    if (!t->offset || !t->scale) return ITO_MEMORY;
    measure(t, ito_opts_choice(opts, "scaling") == 0);
    ITO_TRY(standardise(ctx, source, t, &most));
    describe(t, most, info);
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    table *t = state;
    if (!t) return;
    ito__csv_clear(ctx, &t->csv);
    ito__free(ctx, t->offset);
    ito__free(ctx, t->scale);
    ito__free(ctx, t);
}

static ito_status get(const void *state, ito_ctx *ctx, int64_t index, void *const *out)
{
    (void)ctx; /* nothing can fail */
    const table *t = state;
    float *x = out[0];
    for (int k = 0; x && k < t->csv.n_columns; k++) x[k] = (float)t->csv.values[index * t->csv.n_columns + k];
    if (t->csv.n_classes && out[1]) *(int32_t *)out[1] = t->csv.labels[index];
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_TEXT("label", "", "name or number of the column of labels"),
    ITO_OPT_CHOICE("scaling", 0, scalings, "by the deviation of each column, or of all, which keeps the cloud's shape"),
    ITO_OPT_CHOICE("separator", 0, separators, "between fields"),
    ITO_OPT_CHOICE("header", 0, headers, "is the first line one of names?"),
    ITO_OPT_END,
};

const ito_dataset_def ito__dataset_csv = {
    .choice = {.name = "csv",
               .summary = "the rows of a table of numbers (.csv, .tsv, .txt, .dat) as points, standardised",
               .file = "src/data/data_csv.c",
               .options = options},
    .fits = fits,
    .create = create,
    .destroy = destroy,
    .get = get,
};
