/* Rows of `ito bench` as a table or as JSON, and what they add up to. */
#ifndef CLI_BENCH_ROWS_H
#define CLI_BENCH_ROWS_H

#include <ito/bench.h>

#include "cli.h"

/* All rows of one op and algorithm. */
typedef struct bench_sum {
    char *op, *algorithm;
    int n;
    double ms, flops, bytes, roof_ms;
} bench_sum;

typedef struct bench_rows {
    cli *app;
    bool is_named; /* the name is the first column; otherwise it is the last one */
    bool is_summed;
    int n, n_sums, room;
    bench_sum *sums;
} bench_rows;

/* Measures and prints them: everything else is held against them. 0 or the exit status. */
int bench_measure_roofs(cli *app, ito_bench_roofs *out);

/* An ito_bench_row_fn; user is a bench_rows. */
void bench_print_row(void *user, const ito_bench_row *row);

/* "16x32x32x128, 128x128x3x3 -> 16x32x32x128"; returns text. */
#define BENCH_SHAPES_TEXT 256
const char *bench_shapes(int n_in, const ito_shape *in, ito_shape out, char text[BENCH_SHAPES_TEXT]);

/* Where the time goes, most of it first. Frees what the rows collected. */
void bench_print_sums(bench_rows *rows);

#endif
