/* The chain that the variational bound runs over: its levels and what every step's two Gaussians need of them.
 * Internal. */
#ifndef ITO_CHAIN_H
#define ITO_CHAIN_H

#include <ito/likelihood.h>

#include "base/base.h"

/* One step from t to the cleaner s. */
typedef struct ito__link {
    ito_level t, s;
    double coef_x0;         /* of x_0 in the mean of q(x_s | x_t, x_0) */
    double log_q;           /* log variance of q(x_s | x_t, x_0); -inf at the data */
    ito_log_variance log_p; /* of p(x_s | x_t) */
    double x0_x, x0_out;    /* x_0 = x0_x x_t + x0_out output */
} ito__link;

/* From the noisiest to the one that ends at the data; the last is the decoder. */
typedef struct ito__chain {
    int n;
    ito__link *link;
    double prior_sd;
} ito__chain;

/* times and variance: of ito_vlb_options, the variance chosen. The caller frees chain->link. */
ito_status ito__chain_create(ito_ctx *ctx, const ito_process *process, const ito_prediction *prediction,
                             const ito_vlb_options *options, ito__chain *chain);

#endif
