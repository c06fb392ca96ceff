/* Timing networks: what `ito bench` prints. */
#ifndef ITO_BENCH_H
#define ITO_BENCH_H

#include <ito/context.h>
#include <ito/program.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_bench_options {
    const char *preset; /* "ddpm-cifar10" (DDPM's CIFAR-10 U-Net, 35.7 M) or "small" (1.6 M); NULL: small */
    int batch;          /* 0: 16 for ddpm-cifar10, 64 for small */
    bool train;         /* forward, backward, clip, AdamW and EMA; false: forward as in sampling, weights packed once */
    int repeats;        /* timed runs after one warm-up; 0: 5 */
} ito_bench_options;

typedef struct ito_bench_result {
    double ms; /* median of the repeats */
    double ms_min, ms_max;
    double images_per_second, gflops;
    size_t peak_bytes; /* planned: slab, packed weights, parameters, gradients, optimizer, EMA */
    int64_t n_weights;
} ito_bench_result;

/* steps, when not NULL, is called for each compiled operation with its share of the time (a separate profiled run). */
ito_status ito_bench_unet(ito_ctx *ctx, const ito_bench_options *options, ito_bench_result *result,
                          void (*steps)(void *user, const ito_program_step *step), void *user);

#ifdef __cplusplus
}
#endif
#endif
