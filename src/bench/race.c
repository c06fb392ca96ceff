/* Candidates of one kernel that take turns on the same data, without a graph. */
#include <math.h>
#include <string.h>

#include "bench/bench_impl.h"

#define LINE   16    /* floats of a cache line */
#define STRIDE 65536 /* floats of `cold` that one slice writes to */

void ito__bench_race_begin(ito_ctx *ctx, const ito_backend *backend, const char *op, const ito_kernel *problem,
                           ito_bench_race *race)
{
    *race = (ito_bench_race){.ctx = ctx, .backend = backend, .op = op};
    race->problem = (ito_kernel){.ctx = ctx,
                                 .attr = problem->attr,
                                 .n_in = problem->n_in,
                                 .n_out = problem->n_out,
                                 .frozen = problem->frozen,
                                 .packs = problem->packs,
                                 .n_threads = ito_ctx_n_threads(ctx)};
    memcpy(race->problem.in, problem->in, sizeof problem->in);
    memcpy(race->problem.out, problem->out, sizeof problem->out);
}

static bool have(const ito_bench_race *race, const char *algorithm)
{
    for (int i = 0; i < race->n; i++)
        if (!strcmp(race->candidates[i]->k.def->name, algorithm)) return true;
    return false;
}

ito_status ito__bench_race_add(ito_bench_race *race, const char *algorithm)
{
    if (race->n == ITO_MAX_CANDIDATES || (algorithm && have(race, algorithm))) return ITO_OK;
    ito_bench_candidate *c = ito__alloc(race->ctx, sizeof *c);
    if (!c) return ITO_MEMORY;
    c->k = race->problem;
    ito_status st = race->backend->prepare(&c->k, race->op, algorithm);
    if (st != ITO_OK) {
        ito__free(race->ctx, c);
        return st == ITO_UNSUPPORTED ? ITO_OK : st;
    }
    race->candidates[race->n++] = c;
    return ITO_OK;
}

ito_status ito__bench_race_add_every(ito_bench_race *race)
{
    const char *names[ITO_MAX_CANDIDATES];
    int n = race->backend->candidates(race->op, names);
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], "ref") != 0) ITO_TRY(ito__bench_race_add(race, names[i]));
    return ITO_OK;
}

/* ---- memory ---- */

static size_t bytes_of(const ito_desc *d)
{
    return (size_t)ito_shape_count(d->shape) * ito_dtype_size(d->dtype);
}

/* Inputs are noise, whole numbers 0: they may be indices. */
static ito_status allocate(ito_bench_race *race)
{
    const ito_kernel *k = &race->problem;
    for (int i = 0; i < k->n_in; i++) {
        race->in[i] = ito__alloc(race->ctx, bytes_of(&k->in[i]));
        if (!race->in[i]) return ITO_MEMORY;
        ITO_TRY(ito__bench_fill(race->ctx, 1 + (uint64_t)i, k->in[i].dtype, ito_shape_count(k->in[i].shape), 0, 0,
                                race->in[i]));
    }
    for (int i = 0; i < k->n_out; i++)
        if (!(race->out[i] = ito__alloc(race->ctx, bytes_of(&k->out[i])))) return ITO_MEMORY;
    for (int i = 0; i < race->n; i++) {
        ito_bench_candidate *c = race->candidates[i];
        c->workspace = ito__alloc(race->ctx, c->k.workspace_bytes);
        c->packed = ito__alloc(race->ctx, c->k.packed_bytes);
        if (!c->workspace || !c->packed) return ITO_MEMORY;
    }
    return ITO_OK;
}

void ito__bench_race_close(ito_bench_race *race)
{
    for (int i = 0; i < race->n; i++) {
        ito_bench_candidate *c = race->candidates[i];
        ito__kernel_release(&c->k);
        ito__free(race->ctx, c->workspace);
        ito__free(race->ctx, c->packed);
        ito__free(race->ctx, c);
    }
    for (int i = 0; i < race->problem.n_in; i++) ito__free(race->ctx, race->in[i]);
    for (int i = 0; i < race->problem.n_out; i++) ito__free(race->ctx, race->out[i]);
    *race = (ito_bench_race){0};
}

/* ---- running ---- */

static void pack(const ito_bench_race *race, ito_bench_candidate *c)
{
    const ito_queue q = {c->k.n_threads};
    if (c->k.packed_bytes) race->backend->pack(&c->k, &q, (const void *const *)race->in, c->packed);
}

/* As a program runs it: weights that are not frozen are packed every time. */
static void run(const ito_bench_race *race, ito_bench_candidate *c)
{
    const ito_queue q = {c->k.n_threads};
    if (!(c->k.frozen & 2)) pack(race, c);
    race->backend->run(&c->k, &q, (const void *const *)race->in, race->out, c->workspace, c->packed);
}

static double seconds_of(const ito_bench_race *race, ito_bench_candidate *c,
                         void (*work)(const ito_bench_race *race, ito_bench_candidate *c))
{
    double start = ito__now();
    work(race, c);
    return ito__now() - start;
}

/* ---- comparing ---- */

double ito__bench_difference(int64_t n, const float *x, const float *y)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i] - (double)y[i];
        difference += d * d;
        size += (double)x[i] * (double)x[i];
    }
    if (!isfinite(difference)) return INFINITY;
    return difference > 0 ? sqrt(difference / size) : 0;
}

/* The float32 results one after the other: copied to `first` or compared with it. */
static double keep_or_compare(const ito_bench_race *race, float *first, bool keep)
{
    double difference = 0;
    for (int i = 0; i < race->problem.n_out; i++) {
        const ito_desc *d = &race->problem.out[i];
        int64_t n = ito_shape_count(d->shape);
        if (d->dtype != ITO_F32) continue;
        if (keep)
            memcpy(first, race->out[i], bytes_of(d));
        else
            difference = fmax(difference, ito__bench_difference(n, first, race->out[i]));
        first += n;
    }
    return difference;
}

/* One run of each, which also says how far their results differ. What a candidate forgets to write is NaN. */
static ito_status warm_up(ito_bench_race *race)
{
    size_t bytes = 0;
    for (int i = 0; i < race->problem.n_out; i++) bytes += bytes_of(&race->problem.out[i]);
    float *first = ito__alloc(race->ctx, bytes);
    if (!first) return ITO_MEMORY;
    for (int i = 0; i < race->n; i++) {
        ito_bench_candidate *c = race->candidates[i];
        for (int o = 0; o < race->problem.n_out; o++) memset(race->out[o], 0xff, bytes_of(&race->problem.out[o]));
        pack(race, c);
        run(race, c);
        c->difference = keep_or_compare(race, first, i == 0);
    }
    ito__free(race->ctx, first);
    return ITO_OK;
}

static void write_slice(void *arg, int64_t slice, int thread)
{
    (void)thread;
    float *at = (float *)arg + slice * STRIDE;
    for (int64_t i = 0; i < STRIDE; i += LINE) at[i] += 1;
}

static void take_turn(ito_bench_race *race, int turn, float *cold, size_t cold_bytes)
{
    const ito_queue q = {race->problem.n_threads};
    for (int i = 0; i < race->n; i++) {
        ito__parallel(&q, (int64_t)(cold_bytes / sizeof(float) / STRIDE), write_slice, cold);
        race->candidates[i]->seconds[turn] = seconds_of(race, race->candidates[i], run);
    }
}

ito_status ito__bench_race_run(ito_bench_race *race, int repeats, double seconds, float *cold, size_t cold_bytes)
{
    ITO_TRY(allocate(race));
    ITO_TRY(warm_up(race));
    for (int i = 0; i < race->n; i++) {
        ito_bench_candidate *c = race->candidates[i];
        for (int r = 0; r < repeats; r++) c->seconds[r] = seconds_of(race, c, pack);
        c->pack_seconds = ito__bench_median(repeats, c->seconds);
    }
    double start = ito__now();
    int turn = 0;
    while (turn < repeats || (turn < ITO_BENCH_MAX_REPEATS && ito__now() - start < seconds))
        take_turn(race, turn++, cold, cold_bytes);
    race->repeats = turn;
    return ITO_OK;
}

ito_bench_times ito__bench_race_times(const ito_bench_race *race, int i)
{
    double x[ITO_BENCH_MAX_REPEATS];
    const double *seconds = race->candidates[i]->seconds, *first = race->candidates[0]->seconds;
    ito_bench_times times;
    memcpy(x, seconds, (size_t)race->repeats * sizeof *x);
    times.median = ito__bench_median(race->repeats, x); /* sorts */
    times.least = x[0];
    for (int r = 0; r < race->repeats; r++) x[r] = seconds[r] / first[r];
    times.ratio = ito__bench_median(race->repeats, x);
    return times;
}
