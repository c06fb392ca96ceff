/* Tables of numbers from anyone, with and without labels. What is read is read completely: rows, columns and labels agree. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const ito__csv *csv)
{
    for (int64_t i = 0; i < csv->n_rows * csv->n_columns; i++)
        if (!isfinite(csv->values[i])) abort();
    for (int64_t i = 0; csv->labels && i < csv->n_rows; i++)
        if (csv->labels[i] < 0 || csv->labels[i] >= csv->n_classes) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ito__csv_options options[] = {{0}, {.label = "1"}, {.separator = ' ', .label = "label"}};
    ito_ctx *ctx;
    ito__csv csv;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 0;
    for (int i = 0; i < ITO_COUNT(options); i++) {
        if (ito__csv_parse(ctx, "fuzz", data, size, &options[i], &csv) != ITO_OK) continue;
        check(&csv);
        ito__csv_clear(ctx, &csv);
    }
    ito_ctx_destroy(ctx);
    return 0;
}
