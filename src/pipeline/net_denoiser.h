/* A network as a denoiser: programs by batch size over one shared parameter set. Internal; ito_model_denoiser is the public
 * side, and training previews use it on the moving average. */
#ifndef ITO_NET_DENOISER_H
#define ITO_NET_DENOISER_H

#include <ito/denoiser.h>
#include <ito/plan.h>

#include "arch/arch.h"

typedef struct ito__runner ito__runner;

/* Runs a network on batches of any size. Everything is borrowed. Parameters are packed at first use and must not change after it. */
ito_status ito__runner_create(ito_ctx *ctx, const ito_network *network, ito_params *params, ito__runner **out);
void ito__runner_destroy(ito__runner *runner);

/* plan: of the programs compiled from now on, borrowed; NULL: the table's. Those there are go. */
void ito__runner_use_plan(ito__runner *runner, const ito_plan *plan);
/* ITO_F32 or, for packed weights of half the size, ITO_BF16; of the programs compiled from now on. Those there are go. */
void ito__runner_use_precision(ito__runner *runner, ito_dtype precision);
/* Adds what its programs compute with. */
ito_status ito__runner_plan(const ito__runner *runner, ito_plan *plan);

/* x [n, h, w, c]; t: network timesteps, NULL when it takes none; labels may be NULL (the null label); out as the network's. */
ito_status ito__runner_run(ito__runner *runner, int64_t n, int64_t h, int64_t w, const float *x, const float *t,
                           const int32_t *labels, float *out);

/* The runner as a denoiser of a discrete process: timestep t of 1..T is the network's t - 1. exact: the network sees one sample
 * at a time, so that a sample's bits do not depend on its batch (kernels cut their work by the batch's shape). The runner must
 * outlive it. */
ito_denoiser ito__runner_denoiser(ito__runner *runner, ito_prediction prediction, bool exact);

#endif
