/* Two continuous processes that tests register themselves: rectified flow, x_t = (1 - t) x_0 + t eps with both ends in
 * reach, and EDM's, x_t = x_0 + t eps. */
#ifndef ITO_TESTS_OWN_PROCESSES_H
#define ITO_TESTS_OWN_PROCESSES_H

#include "exact/processes.h"

#include <math.h>

#include <ito/rng.h>

static ito_process *own_flow, *own_ve;

static inline ito_status own_flow_create(ito_ctx *c, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    (void)c;
    (void)opts;
    *state = NULL;
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static inline ito_level own_flow_level(const void *state, double t)
{
    (void)state;
    return (ito_level){t, 1 - t, t, 2 * log((1 - t) / t), -1, 1, 0};
}

static inline double own_flow_time(const void *state, double log_snr)
{
    (void)state;
    return 1 / (1 + exp(0.5 * log_snr));
}

static inline double own_flow_drift(const void *state, double t)
{
    (void)state;
    return -1 / (1 - t);
}

static inline double own_flow_diffusion(const void *state, double t)
{
    (void)state;
    return sqrt(2 * t / (1 - t));
}

static inline double own_label(const void *state, double t)
{
    (void)state;
    return t;
}

static inline ito_status own_ve_create(ito_ctx *c, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    (void)c;
    (void)opts;
    *state = NULL;
    *ends = (ito_process_ends){.t_min = 0.002, .t_max = 80, .prior_sd = 80};
    return ITO_OK;
}

static inline ito_level own_ve_level(const void *state, double t)
{
    (void)state;
    return (ito_level){t, 1, t, -2 * log(t), 0, 1, 0};
}

static inline double own_ve_time(const void *state, double log_snr)
{
    (void)state;
    return fmin(fmax(exp(-0.5 * log_snr), 0.002), 80);
}

static inline double own_ve_drift(const void *state, double t)
{
    (void)state;
    (void)t;
    return 0;
}

static inline double own_ve_diffusion(const void *state, double t)
{
    (void)state;
    return sqrt(2 * t);
}

static const ito_process_def own_flow_def = {
    .choice = {.name = "own-flow", .summary = "x_t = (1 - t) x_0 + t eps"},
    .create = own_flow_create,
    .level = own_flow_level,
    .time = own_flow_time,
    .drift = own_flow_drift,
    .diffusion = own_flow_diffusion,
    .label = own_label,
};

static const ito_process_def own_ve_def = {
    .choice = {.name = "own-ve", .summary = "x_t = x_0 + t eps"},
    .create = own_ve_create,
    .level = own_ve_level,
    .time = own_ve_time,
    .drift = own_ve_drift,
    .diffusion = own_ve_diffusion,
    .label = own_label,
};

/* n numbers of [0, 1). */
static inline void random_numbers(uint64_t seed, int n, double *u)
{
    ito_rng_uniform((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER}, 0, (size_t)n, u);
}

/* All four processes: linear, cosine, own_flow, own_ve. */
static inline void own_processes_open(int n_threads)
{
    processes_open(n_threads);
    assert_ok(ctx, ito_process_register(ctx, &own_flow_def));
    assert_ok(ctx, ito_process_register(ctx, &own_ve_def));
    assert_ok(ctx, ito_process_create(ctx, "own-flow", NULL, &own_flow));
    assert_ok(ctx, ito_process_create(ctx, "own-ve", NULL, &own_ve));
}

static inline void own_processes_close(void)
{
    ito_process_destroy(own_flow);
    ito_process_destroy(own_ve);
    processes_close();
}

/* cmocka's setup and teardown for tests that need nothing more. */
static inline int all_processes_setup(void **state)
{
    (void)state;
    own_processes_open(0);
    return 0;
}

static inline int all_processes_teardown(void **state)
{
    (void)state;
    own_processes_close();
    return 0;
}

#endif
