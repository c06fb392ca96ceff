/* Runs a network on batches of any size: programs by batch size over one shared parameter set. Internal. */
#ifndef ITO_RUNNER_H
#define ITO_RUNNER_H

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

/* Samples for one run. */
typedef struct ito__runner_batch {
    int64_t n, h, w;
    const float *x;        /* [n, h, w, c] */
    const float *t;        /* [n], what the network is told of time; NULL when it takes none */
    const int32_t *labels; /* [n]; NULL: the null label */
    float *out;            /* as the network's */
    int64_t n_dout;        /* also dx = (d out / d x)^T dout of the output's first n_dout channels; 0: not */
    const float *dout;     /* [n, h, w, n_dout] */
    float *dx;             /* as x */
    float *features;       /* [n, n_features] of a network that has them; NULL: not wanted */
} ito__runner_batch;

ito_status ito__runner_run(ito__runner *runner, const ito__runner_batch *batch);
const ito_network *ito__runner_network(const ito__runner *runner);

#endif
