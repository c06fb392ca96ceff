/* A network as a denoiser. Internal; ito_model_denoiser is the public side, and training previews use it on the moving average. */
#ifndef ITO_NET_DENOISER_H
#define ITO_NET_DENOISER_H

#include <ito/denoiser.h>

#include "pipeline/runner.h"

/* What a network is used as. */
typedef struct ito__net_use {
    const ito_process *process;
    ito_prediction prediction;
    bool takes_x0; /* of its input channels the second half is an estimate of x_0 */
} ito__net_use;

/* The channels of the images that a network is used on. */
int64_t ito__net_channels(const ito_network *network, bool takes_x0);

/* The network is told the process's label of t and sees x_t scaled as the prediction asks; of its output channels those that x has not
 * are the extra ones. exact: it sees one sample at a time, so that a sample's bits do not depend on its batch (kernels cut
 * their work by the batch's shape). Borrows the runner, the process and the prediction's options; ito_denoiser_clear frees
 * the rest. */
ito_status ito__net_denoiser(ito_ctx *ctx, ito__runner *runner, const ito__net_use *use, bool exact, ito_denoiser *out);

#endif
