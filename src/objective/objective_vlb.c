/* L_vlb: the variational bound itself, in bits/dim (Nichol and Dhariwal 2021, section 3.3, with times drawn by importance). Without
 * L_T, which nothing can change. */
#include "objective/objective.h"

#include <ito/ops.h>

static ito_value *build(const ito_objective_parts *parts)
{
    ito_graph *g = parts->g;
    ito_value *factor = ito__denoise_column(g, parts->noised, ITO_DENOISE_FACTOR);
    /* EQ[iddpm:4]  L_vlb = L_0 + L_1 + .. + L_{T-1}: T times a term of random t */
    ito_value *bound = ito_op_scale(g, ito__bound_terms(parts, true), parts->n_timesteps, 0);
    return ito_op_mul(g, bound, ito_op_reshape(g, factor, ITO_SHAPE(-1)));
}

const ito_objective_def ito__objective_vlb = {
    .choice = {.name = "vlb",
               .summary = "the variational bound in bits/dim, mean and variance learned by it",
               .formula = "L_0 + L_1 + .. + L_{T-1}",
               .paper = "iddpm",
               .eq = "iddpm:4",
               .file = "src/objective/objective_vlb.c"},
    .needs_chain = true,
    .needs_variance = true,
    .build = build,
};
