/* What the benches share. */
#ifndef ITO_BENCH_IMPL_H
#define ITO_BENCH_IMPL_H

#include <ito/bench.h>

#include "base/base.h"

#define ITO_BENCH_MAX_REPEATS 1000

/* Sorts; of an even number the later of the two. */
double ito__bench_median(int n, double *x);

/* Uniform numbers in low .. high, both 0: -1 .. 1; whole ones for i32. Zeros would hit fast paths of no real run. */
ito_status ito__bench_fill(ito_ctx *ctx, ito_dtype dtype, int64_t n, double low, double high, void *out);

/* Such numbers as input v of a program. */
ito_status ito__bench_write(ito_ctx *ctx, ito_program *p, const ito_value *v, double low, double high);

/* Runs a program with its profile on: a warm-up, then up to `repeats` runs within about `budget` seconds. medians: the seconds
 * of each step, then of what `run` does beside them. */
ito_status ito__bench_profile(ito_ctx *ctx, ito_program *p, int repeats, double budget, ito_status (*run)(void *arg),
                              void *arg, double *medians);

/* The scope that gradients are built in: nodes carry it through compilation, so a step's label tells the pass. */
#define ITO_BENCH_BACKWARD "backward"

/* The row of a compiled step, named after the rest of its label. */
ito_bench_row ito__bench_step_row(const ito_bench_roofs *roofs, const ito_program_step *step, double seconds);

#endif
