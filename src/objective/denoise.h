/* Noising as a graph fragment: x_t = signal x_0 + sigma eps, the target that the prediction asks for, and the numbers of each
 * sample's level that objectives need. */
#ifndef ITO_OBJECTIVE_DENOISE_H
#define ITO_OBJECTIVE_DENOISE_H

#include <ito/variance.h>
#include <ito/weighting.h>

#include "graph/graph_impl.h"

/* Per-sample numbers of a batch: columns of one input [N, ITO_DENOISE_COLUMNS]. */
enum {
    ITO_DENOISE_SIGNAL,
    ITO_DENOISE_SIGMA,
    ITO_DENOISE_OUT_X0, /* target = out_x0 x_0 + out_eps eps */
    ITO_DENOISE_OUT_EPS,
    ITO_DENOISE_SCALE_IN, /* the network sees scale_in x_t */
    ITO_DENOISE_WEIGHT,   /* of the output's error, the time distribution's factor included */
    ITO_DENOISE_FACTOR,   /* the time distribution's */
    /* score matching */
    ITO_DENOISE_SCORE_X, /* score = score_x x_t + score_out output */
    ITO_DENOISE_SCORE_OUT,
    ITO_DENOISE_SCORE_WEIGHT, /* of the score's error, the factor included */
    ITO_DENOISE_X0_X,         /* x_0 = x0_x x_t + x0_out output; 0 where no signal is left to tell x_0 by */
    ITO_DENOISE_X0_OUT,
    ITO_DENOISE_SEES_X0, /* 1: the network is given its own estimate of x_0, 0: zeros (self-conditioning) */
    /* of discrete processes, s = t - 1 */
    ITO_DENOISE_COEF_X, /* the posterior's mean = coef_x x_t + coef_x0 x_0 */
    ITO_DENOISE_COEF_X0,
    ITO_DENOISE_LOG_Q,   /* log of its variance, at t = 1 that of t = 2 */
    ITO_DENOISE_LOG_P_0, /* learned log variance = log_p_0 + log_p_1 o, o the extra output */
    ITO_DENOISE_LOG_P_1,
    ITO_DENOISE_IS_FIRST, /* t = 1 */
    ITO_DENOISE_COLUMNS
};

typedef struct ito_denoise {
    ito_value *x0, *eps; /* inputs [N, H, W, C] */
    ito_value *eps_in;   /* the same, of x_t alone; eps itself unless it is perturbed */
    ito_value *coef;     /* input [N, ITO_DENOISE_COLUMNS] */
    ito_value *probe;    /* input [N, H, W, C] of random directions; NULL: the objective needs none */
    ito_value *x_t;
    ito_value *x_in; /* what the network is to see */
} ito_denoise;

/* Where the columns come from. All borrowed. */
typedef struct ito_denoise_setup {
    const ito_process *process;
    ito_prediction prediction;
    ito_weighting weighting;
    const ito_variance_def *variance;
    bool needs_score; /* the score's columns must be finite too */
} ito_denoise_setup;

/* The columns of one sample at time t; factor is the time distribution's. ITO_USAGE when one that an objective could need is not
 * finite: a weight or a target that does not exist at t. */
ito_status ito__denoise_columns(ito_ctx *ctx, const ito_denoise_setup *setup, double t, double factor, float *row);

/* scaled: the network sees scale_in x_t; perturbed: x_t has a noise of its own. */
ito_denoise ito__denoise_begin(ito_graph *g, ito_shape image, bool scaled, bool perturbed);

/* Column k of the coefficients as [N, 1, 1, 1]. */
ito_value *ito__denoise_column(ito_graph *g, const ito_denoise *d, int k);
/* Mean over all but the first axis: [N]. */
ito_value *ito__denoise_mean(ito_graph *g, ito_value *x);
/* output - target. */
ito_value *ito__denoise_error(ito_graph *g, const ito_denoise *d, ito_value *output);

#endif
