/* Processes of a program's own, in continuous time: rectified flow's line, which has no signal left at t = 1, and
 * EDM's, whose time is sigma and which does not keep the variance. */
#ifndef ITO_TESTS_LIKELIHOOD_PROCESSES_H
#define ITO_TESTS_LIKELIHOOD_PROCESSES_H

#include "exact/processes.h"

#include <math.h>

static ito_process *straight, *edm;

static inline ito_status straight_create(ito_ctx *c, const ito_opts *opts, ito_process_ends *ends, void **own)
{
    (void)c;
    (void)opts;
    *own = NULL;
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static inline ito_level straight_level(const void *own, double t)
{
    (void)own;
    return (ito_level){t, 1 - t, t, 2 * log((1 - t) / t), -1, 1};
}

static inline double straight_time(const void *own, double log_snr)
{
    (void)own;
    return 1 / (1 + exp(0.5 * log_snr));
}

static inline double straight_drift(const void *own, double t)
{
    (void)own;
    return -1 / (1 - t);
}

static inline double straight_diffusion(const void *own, double t)
{
    (void)own;
    return sqrt(2 * t / (1 - t));
}

static inline ito_status edm_create(ito_ctx *c, const ito_opts *opts, ito_process_ends *ends, void **own)
{
    (void)c;
    (void)opts;
    *own = NULL;
    *ends = (ito_process_ends){.t_min = 0.002, .t_max = 80, .prior_sd = 80};
    return ITO_OK;
}

static inline ito_level edm_level(const void *own, double t)
{
    (void)own;
    return (ito_level){t, 1, t, -2 * log(t), 0, 1};
}

static inline double edm_time(const void *own, double log_snr)
{
    (void)own;
    return fmin(fmax(exp(-0.5 * log_snr), 0.002), 80);
}

static inline double edm_drift(const void *own, double t)
{
    (void)own;
    (void)t;
    return 0;
}

static inline double edm_diffusion(const void *own, double t)
{
    (void)own;
    return sqrt(2 * t);
}

static inline double own_label(const void *own, double t)
{
    (void)own;
    return t;
}

static inline void own_processes_open(void)
{
    static const ito_process_def line_def = {.choice = {.name = "straight", .summary = "x_t = (1 - t) x_0 + t eps"},
                                             .create = straight_create,
                                             .level = straight_level,
                                             .time = straight_time,
                                             .drift = straight_drift,
                                             .diffusion = straight_diffusion,
                                             .label = own_label};
    static const ito_process_def edm_def = {.choice = {.name = "own-edm", .summary = "x_t = x_0 + t eps"},
                                            .create = edm_create,
                                            .level = edm_level,
                                            .time = edm_time,
                                            .drift = edm_drift,
                                            .diffusion = edm_diffusion,
                                            .label = own_label};
    processes_open(1);
    assert_ok(ctx, ito_process_register(ctx, &line_def));
    assert_ok(ctx, ito_process_register(ctx, &edm_def));
    assert_ok(ctx, ito_process_create(ctx, "straight", NULL, &straight));
    assert_ok(ctx, ito_process_create(ctx, "own-edm", NULL, &edm));
}

static inline void own_processes_close(void)
{
    ito_process_destroy(straight);
    ito_process_destroy(edm);
    processes_close();
}

#endif
