/* What the benches share. */
#ifndef ITO_BENCH_IMPL_H
#define ITO_BENCH_IMPL_H

#include <ito/bench.h>

#include "kernel/kernel.h"
#include "train/trained_net.h"

#define ITO_BENCH_MAX_REPEATS 1000

/* ---- profile.c ---- */

/* Sorts; of an even number the later of the two. */
double ito__bench_median(int n, double *x);

/* Uniform numbers in low .. high, both 0: -1 .. 1; whole ones for i32. Zeros would hit fast paths of no real run. */
ito_status ito__bench_fill(ito_ctx *ctx, uint64_t seed, ito_dtype dtype, int64_t n, double low, double high, void *out);

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

/* ---- race.c ---- */

typedef struct ito_bench_candidate {
    ito_kernel k;
    void *workspace, *packed;
    double pack_seconds; /* packing beforehand, where weights are frozen */
    double difference;   /* of its result from the first candidate's: ito__bench_difference */
    double seconds[ITO_BENCH_MAX_REPEATS];
} ito_bench_candidate;

/* Candidates of one problem that take turns on the same data, so that their ratios hold even where the machine's speed wavers. */
typedef struct ito_bench_race {
    ito_ctx *ctx;
    const ito_backend *backend;
    const char *op;
    ito_kernel problem; /* not prepared; its attributes outlive the race */
    void *in[ITO_MAX_INPUTS], *out[ITO_MAX_OUTPUTS];
    int n, repeats;
    ito_bench_candidate *candidates[ITO_MAX_CANDIDATES];
} ito_bench_race;

/* An empty race; close it when done. problem: descriptors, attributes, frozen. */
void ito__bench_race_begin(ito_ctx *ctx, const ito_backend *backend, const char *op, const ito_kernel *problem,
                           ito_bench_race *race);
/* One more, unless it is in already or does not fit. algorithm NULL: the one that the table takes. */
ito_status ito__bench_race_add(ito_bench_race *race, const char *algorithm);
/* Every one that fits but the reference, which takes seconds. */
ito_status ito__bench_race_add_every(ito_bench_race *race);
/* Runs them in turn, on noise, after a warm-up that also compares their results: `repeats` turns, and more while all take less
 * than `seconds` (0: no more). cold, of cold_bytes, is written to before each timed run, as other operations do in a network: what
 * it displaces must be read from memory again. NULL: nothing is. */
ito_status ito__bench_race_run(ito_bench_race *race, int repeats, double seconds, float *cold, size_t cold_bytes);
/* Median and least of candidate i, and the median over turns of its time over that of candidate 0 in the same turn. */
typedef struct ito_bench_times {
    double median, least, ratio;
} ito_bench_times;
ito_bench_times ito__bench_race_times(const ito_bench_race *race, int i);
void ito__bench_race_close(ito_bench_race *race);

/* ||x - y|| / ||x||; infinite where a number is not finite. */
double ito__bench_difference(int64_t n, const float *x, const float *y);

/* ---- bench_tune.c ---- */

/* The fastest of the trials that are clearly faster than the first, the table's, and compute the same. */
int ito__bench_tune_choose(const ito_bench_tune_row *row);

/* ---- network.c ---- */

/* A network that is ready to run. */
typedef struct ito_bench_net {
    ito_ctx *ctx;
    const char *model;
    int batch;
    int64_t height, width;
    ito_trained_net *trained; /* when training: it owns network and program; else these are the bench's */
    ito_network *network;
    ito_params *params;
    ito_graph *g;
    ito_net *net;
    ito_value *out; /* of a forward pass */
    ito_program *program;
    int64_t *positions; /* of a batch of training */
} ito_bench_net;

/* Forward or training, by the options' plan. The caller closes; after a failure there is nothing to close. */
ito_status ito__bench_net_open(ito_ctx *ctx, const ito_bench_options *options, ito_bench_net *out);
void ito__bench_net_close(ito_bench_net *b); /* one of zeros is fine */
/* One forward pass or one training step. net: an ito_bench_net. */
ito_status ito__bench_net_run(void *net);

#endif
