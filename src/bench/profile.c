/* Medians over profiled runs of a compiled program, and the rows made of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/rng.h>

#include "bench/bench_impl.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double ito__bench_median(int n, double *x)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

ito_status ito__bench_fill(ito_ctx *ctx, uint64_t seed, ito_dtype dtype, int64_t n, double low, double high, void *out)
{
    bool whole = dtype == ITO_I32, plain = !whole && low == 0 && high == 0;
    double *x = ito__alloc_array(ctx, (size_t)n, sizeof *x);
    if (!x) return ITO_MEMORY;
    if (plain) low = -1, high = 1;
    ito_rng_uniform((ito_rng_key){.seed = seed, .stream = ITO_STREAM_NOISE}, 0, (size_t)n, x);
    for (int64_t i = 0; i < n; i++) {
        double value = low + (high - low + whole) * x[i];
        if (dtype == ITO_F64) ((double *)out)[i] = value;
        if (dtype == ITO_F32) ((float *)out)[i] = (float)value;
        if (whole) ((int32_t *)out)[i] = (int32_t)floor(value);
    }
    ito__free(ctx, x);
    return ITO_OK;
}

ito_status ito__bench_write(ito_ctx *ctx, ito_program *p, const ito_value *v, double low, double high)
{
    int64_t n = ito_shape_count(ito_value_shape(v));
    void *data = ito__alloc_array(ctx, (size_t)n, ito_dtype_size(ito_value_dtype(v)));
    if (!data) return ITO_MEMORY;
    ito_status st = ito__bench_fill(ctx, 1, ito_value_dtype(v), n, low, high, data);
    if (st == ITO_OK) st = ito_program_write(p, v, data);
    ito__free(ctx, data);
    return st;
}

/* samples: a column of `stride` repeats for each step, and one for the rest. */
static ito_status sample(ito_program *p, ito_status (*run)(void *arg), void *arg, int stride, double *samples)
{
    int n = ito_program_n_steps(p);
    ito_program_profile(p, true);
    double start = ito__now();
    ITO_TRY(run(arg));
    double rest = ito__now() - start;
    for (int i = 0; i < n; i++) {
        double seconds = ito_program_step_get(p, i).seconds;
        samples[(size_t)i * (size_t)stride] = seconds;
        rest -= seconds;
    }
    samples[(size_t)n * (size_t)stride] = rest;
    return ITO_OK;
}

ito_status ito__bench_profile(ito_ctx *ctx, ito_program *p, int repeats, double budget, ito_status (*run)(void *arg),
                              void *arg, double *medians)
{
    int n = ito_program_n_steps(p), done = 0;
    double *samples = ito__alloc_array(ctx, (size_t)(n + 1) * (size_t)repeats, sizeof *samples), start = ito__now();
    ito_status st = ITO_MEMORY;
    if (!samples) goto done;
    ITO_GO(sample(p, run, arg, repeats, samples)); /* the warm-up counts only when it already spends the budget */
    if (ito__now() - start > budget) done = 1;
    while (!done || (done < repeats && ito__now() - start < budget))
        ITO_GO(sample(p, run, arg, repeats, samples + done++));
    for (int i = 0; i <= n; i++) medians[i] = ito__bench_median(done, samples + (size_t)i * (size_t)repeats);
done:
    ito_program_profile(p, false);
    ito__free(ctx, samples);
    return st;
}

ito_bench_row ito__bench_step_row(const ito_bench_roofs *roofs, const ito_program_step *step, double seconds)
{
    const size_t n = strlen(ITO_BENCH_BACKWARD);
    bool backward = !strncmp(step->label, ITO_BENCH_BACKWARD, n);
    const char *path = step->label + (backward ? n : 0);
    ito_bench_row row = {.name = *path == '.' ? path + 1 : path,
                         .pass = backward ? "backward" : "forward",
                         .op = step->op,
                         .algorithm = step->algorithm,
                         .n_in = step->n_in,
                         .in = {step->in[0], step->in[1]},
                         .out = step->shape,
                         .ms = 1e3 * seconds,
                         .flops = step->flops,
                         .bytes = step->bytes};
    ito_bench_rate(roofs, &row);
    return row;
}
