/* Timing on this machine: its roofs, single operations, convolutions, whole networks. What `ito bench` prints.
 *
 *     ito_bench_roofs_measure(ctx, &roofs);
 *     ito_bench_ops(ctx, &(ito_bench_op_options){.roofs = &roofs, .filter = "group_norm"}, print_row, NULL);
 *
 * Texts in rows live as long as the call that hands them out. Every time is a median. */
#ifndef ITO_BENCH_H
#define ITO_BENCH_H

#include <ito/context.h>
#include <ito/plan.h>
#include <ito/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- roofs: the most this machine can do ---- */

#define ITO_BENCH_ISAS 4

typedef struct ito_bench_roofs {
    int n_threads;
    int n_isas; /* slowest first; the last one is what the cpu backend uses */
    struct {
        const char *name;
        double gflops; /* float32 multiply-adds in registers, two operations each, all threads together */
    } isa[ITO_BENCH_ISAS];
    /* GB/s of a += s b (two streams in, one out) over arrays that lie in the second- and third-level caches and in memory. */
    double l2_gbytes, l3_gbytes, memory_gbytes;
    size_t l2_bytes, l3_bytes; /* of all threads together */
} ito_bench_roofs;

/* Takes about a second. With ITO_ISA=avx2 in the environment the roofs are AVX2's. */
ito_status ito_bench_roofs_measure(ito_ctx *ctx, ito_bench_roofs *out);

/* ---- rows ---- */

typedef struct ito_bench_row {
    const char *name; /* "conv/conv2d k3 128": the case; a layer's path; a shape's name */
    const char *pass; /* "forward", "backward", "update"; "sampling": forward with weights packed beforehand */
    const char *op, *algorithm;
    int n_in; /* how many of in[] are known */
    ito_shape in[2], out;
    double ms, pack_ms;    /* packing weights beforehand, where it is timed apart from ms; else 0 */
    double flops, bytes;   /* of the direct algorithm; in and out, each tensor once */
    double gflops, gbytes; /* the same per second */
    double roof_ms, share; /* what the roof allows; roof_ms / ms */
    const char *bound;     /* the roof that is lower: "compute", "L2", "L3" or "memory" */
} ito_bench_row;

typedef void (*ito_bench_row_fn)(void *user, const ito_bench_row *row);

/* Fills gflops, gbytes, roof_ms, share and bound from the rest. The data is taken to come from the smallest cache that
 * holds all of it. Winograd convolutions are held against their own multiplications, a quarter of the direct ones. */
void ito_bench_rate(const ito_bench_roofs *roofs, ito_bench_row *row);

/* ---- operations ---- */

typedef enum ito_bench_sizes {
    ITO_BENCH_REAL,  /* as in a U-Net of batch 16 */
    ITO_BENCH_SMALL, /* the cases that the tests check */
    ITO_BENCH_ALL
} ito_bench_sizes;

typedef struct ito_bench_op_options {
    const ito_bench_roofs *roofs;
    const char *filter;  /* only cases whose "family/case" contains it; NULL: all */
    const char *backend; /* NULL: "cpu" */
    ito_bench_sizes sizes;
    int repeats; /* 0: 5; fewer where they would take more than a second */
} ito_bench_op_options;

/* One row for each kernel that a case of an op compiles to, forward and (in its gradient) backward. */
ito_status ito_bench_ops(ito_ctx *ctx, const ito_bench_op_options *options, ito_bench_row_fn row, void *user);

typedef struct ito_bench_conv_options {
    const ito_bench_roofs *roofs;
    const char *filter; /* only shapes whose name contains it; NULL: all */
    const char *const
        *algorithms;           /* these candidates, taking turns; "all" is every fast one. NULL: what the plan takes */
    int n_algorithms, repeats; /* 0: 7 */
} ito_bench_conv_options;

/* The convolutions that U-Nets are made of: forward as in sampling and as in training, gradient in the input, gradient in the
 * weight; no row where a named candidate does not fit. */
ito_status ito_bench_conv(ito_ctx *ctx, const ito_bench_conv_options *options, ito_bench_row_fn row, void *user);

/* ---- networks ---- */

typedef struct ito_bench_options {
    const char *preset; /* "ddpm-cifar10" (DDPM's CIFAR-10 U-Net, 35.7 M) or "small" (1.6 M); NULL: small */
    const char *model;  /* a model directory, instead of a preset: its network with new weights */
    int batch;          /* 0: 16 for ddpm-cifar10 and models, 64 for small */
    int size;           /* height and width of the images; 0: the network's own */
    bool train;         /* forward, backward, clip, AdamW and EMA; false: forward as in sampling, weights packed once */
    size_t max_memory;  /* of a training step's memory; 0: no limit */
    ito_dtype precision;          /* of a training step: ITO_F32 or ITO_BF16 (ito/program.h) */
    int repeats;                  /* timed runs after one warm-up; 0: 5 */
    const ito_plan *plan;         /* of the program (ito/plan.h); NULL: the table's */
    const ito_bench_roofs *roofs; /* needed for the rows of steps */
} ito_bench_options;

typedef struct ito_bench_result {
    double ms; /* median of the repeats */
    double ms_min, ms_max;
    double images_per_second, gflops;
    ito_train_memory memory; /* planned: slab, packed weights, parameters; of training gradients, optimizer, EMA */
    int64_t n_weights;
    int batch, height, width; /* as timed */
} ito_bench_result;

/* steps, when not NULL, is called for each compiled operation, in order, with its time in further, profiled runs; the last row
 * of a training step is the optimizer's. */
ito_status ito_bench_unet(ito_ctx *ctx, const ito_bench_options *options, ito_bench_result *result,
                          ito_bench_row_fn steps, void *user);

/* ---- tuning ---- */

#define ITO_BENCH_TRIALS 16

/* One algorithm for a problem. */
typedef struct ito_bench_trial {
    const char *algorithm;
    double ms, ms_min; /* median and least */
    double ratio;      /* median over turns of its time over the table's choice's in the same turn */
    double difference; /* of its result y from theirs, x: ||x - y|| / ||x|| */
} ito_bench_trial;

/* One problem and what was tried for it. */
typedef struct ito_bench_tune_row {
    const char *problem, *op;
    int n_in; /* how many of in[] are known */
    ito_shape in[2], out;
    int n_steps; /* operations of the program that are this problem */
    int n_trials, chosen;
    ito_bench_trial trials[ITO_BENCH_TRIALS]; /* the table's choice first */
} ito_bench_tune_row;

typedef void (*ito_bench_tune_row_fn)(void *user, const ito_bench_tune_row *row);

typedef struct ito_bench_tune_result {
    int n_problems, n_measured; /* different ones of the program; those that had a choice to measure */
    int n_changed;              /* for which the plan is not the table's choice */
    double saved_ms;            /* by what was measured and changed, kernel by kernel */
    /* The whole network by the table and by the plan, taking turns. Measured when the plan changes something. */
    double table_ms, tuned_ms;
    double gain, gain_min, gain_max; /* over turns, the table's time over the plan's; 1 when nothing changed */
    double difference;               /* of outputs, or of all gradients, likewise */
    int batch, height, width;        /* as timed */
} ito_bench_tune_result;

/* Measures the algorithms for each problem of a network, as the options' mode runs it, and adds the fastest to `plan`. What the plan
 * names already stays as it is and is not measured; options->plan is not used, repeats (0: 7) are the fewest turns. The table's
 * choice goes only where another is 5 % faster in the median and in the best of its turns and gives the same result to 1e-5. */
ito_status ito_bench_tune(ito_ctx *ctx, const ito_bench_options *options, ito_plan *plan, ito_bench_tune_result *result,
                          ito_bench_tune_row_fn row, void *user);

#ifdef __cplusplus
}
#endif
#endif
