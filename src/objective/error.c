/* The weighed error of the network's output: L_simple (Ho, Jain and Abbeel 2020, equation 14) and all that differ from it by
 * process, prediction, weighting, times and loss form. Denoising score matching (Vincent 2011) is one of them: the score of
 * q(x_t | x_0) is -eps / sigma. */
#include "objective/objective.h"

#include <ito/ops.h>

ito_value *ito__output_error(const ito_objective_parts *parts)
{
    ito_graph *g = parts->g;
    ito_value *error = ito__denoise_error(g, parts->noised, parts->output);
    /* EQ[ddpm:14] = EQ[survey:19] = EQ[survey:20]  mean |output - target|^2 */
    return ito__denoise_mean(g, parts->loss->build(g, parts->loss_opts, error));
}

static ito_value *build(const ito_objective_parts *parts)
{
    ito_graph *g = parts->g;
    ito_value *weight = ito__denoise_column(g, parts->noised, ITO_DENOISE_WEIGHT);
    return ito_op_mul(g, ito__output_error(parts), ito_op_reshape(g, weight, ITO_SHAPE(-1)));
}

const ito_objective_def ito__objective_error = {
    .choice = {.name = "error",
               .summary = "the weighed error of the network's output",
               .formula = "loss = mean w(t) l(f(x_t, t, y) - target), x_t = signal x0 + sigma eps",
               .paper = "ddpm",
               .eq = "ddpm:14",
               .file = "src/objective/error.c"},
    .build = build,
};
