/* The denoising loss as a graph fragment: noise an image, let the network predict, compare.
 *   x_t = signal x_0 + sigma eps,    target = out_x0 x_0 + out_eps eps,    loss = mean |output - target|^2
 * With the prediction's own coefficients this is L_simple for every kind of prediction. */
#ifndef ITO_OBJECTIVE_DENOISE_H
#define ITO_OBJECTIVE_DENOISE_H

#include "graph/graph_impl.h"

/* Per-sample numbers of a batch: columns of one input [N, 4]. */
enum { ITO_DENOISE_SIGNAL, ITO_DENOISE_SIGMA, ITO_DENOISE_OUT_X0, ITO_DENOISE_OUT_EPS, ITO_DENOISE_COLUMNS };

typedef struct ito_denoise {
    ito_value *x0, *eps; /* inputs [N, H, W, C] */
    ito_value *coef;     /* input [N, ITO_DENOISE_COLUMNS] */
    ito_value *x_t;      /* what the network is to see */
} ito_denoise;

ito_denoise ito__denoise_begin(ito_graph *g, ito_shape image);
/* Loss per sample [N]; its mean is L_simple. */
ito_value *ito__denoise_loss(ito_graph *g, const ito_denoise *d, ito_value *output);

#endif
