/* Sliced score matching (Song, Garg, Shi, Ermon 2019): fits the score of the noised data without knowing the noise, by the derivative of
 * the score along random directions. A first derivative is part of the loss, so training takes second ones, through every
 * operation of the network. */
#include "objective/objective.h"

#include <ito/ops.h>

static ito_value *column(const ito_objective_parts *parts, int k)
{
    return ito__denoise_column(parts->g, parts->noised, k);
}

static ito_value *build(const ito_objective_parts *parts)
{
    ito_graph *g = parts->g;
    const ito_denoise *d = parts->noised;
    ito_value *slope, *score = ito_op_add(g, ito_op_mul(g, d->x_t, column(parts, ITO_DENOISE_SCORE_X)),
                                          ito_op_mul(g, parts->output, column(parts, ITO_DENOISE_SCORE_OUT)));
    ito_value *along = ito_op_mul(g, d->probe, score);
    if (ito_graph_grad(g, 1, &along, NULL, 1, (ito_value *[]){d->x_t}, &slope) != ITO_OK) return along;
    /* EQ[ssm:8]  v^T grad (v^T s) + |s|^2 / 2, and EQ[ssm:7]  v^T grad (v^T s) + (v^T s)^2 / 2, here over the number of
     * dimensions D */
    ito_value *curvature = ito__denoise_mean(g, ito_op_mul(g, d->probe, slope)), *size;
    if (ito_opts_bool(parts->opts, "variance_reduced")) {
        size = ito__denoise_mean(g, ito_op_square(g, score));
    } else {
        ito_shape image = ito_value_shape(score);
        int64_t n = ito_shape_count(image) / image.d[0];
        size = ito_op_scale(g, ito_op_square(g, ito__denoise_mean(g, along)), (double)n, 0);
    }
    ito_value *weight = ito_op_reshape(g, column(parts, ITO_DENOISE_SCORE_WEIGHT), ITO_SHAPE(-1));
    /* EQ[hyvarinen05:s2]  its mean over v is tr(ds/dx) + |s|^2 / 2, whose mean over x is that of |s - grad log q|^2 / 2
     * less a constant */
    return ito_op_mul(g, weight, ito_op_add(g, curvature, ito_op_scale(g, size, 0.5, 0)));
}

static const ito_opt_def options[] = {
    ITO_OPT_BOOL("variance_reduced", 1, "|s|^2 / 2 as it is instead of along the direction"),
    ITO_OPT_END,
};

const ito_objective_def ito__objective_sliced = {
    .choice = {.name = "sliced",
               .summary = "sliced score matching of the noised data",
               .formula = "mean w(t) (v^T grad (v^T s) + |s|^2 / 2) / D, v random directions",
               .paper = "ssm",
               .eq = "ssm:8",
               .file = "src/objective/sliced.c",
               .options = options},
    .needs_probe = true,
    .build = build,
};
