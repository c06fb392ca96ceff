/* L_hybrid: the simple loss teaches the mean, a little of the bound the variance (Nichol and Dhariwal 2021, section 3.1). */
#include "objective/objective.h"

#include <ito/ops.h>

static ito_value *build(const ito_objective_parts *parts)
{
    ito_graph *g = parts->g;
    ito_value *weight = ito__denoise_column(g, parts->noised, ITO_DENOISE_WEIGHT);
    ito_value *factor = ito__denoise_column(g, parts->noised, ITO_DENOISE_FACTOR);
    double lambda = ito_opts_real(parts->opts, "lambda") * parts->n_timesteps; /* a term stands for the sum of T */
    ito_value *simple = ito_op_mul(g, ito__output_error(parts), ito_op_reshape(g, weight, ITO_SHAPE(-1)));
    ito_value *bound = ito_op_mul(g, ito__bound_terms(parts, false), ito_op_reshape(g, factor, ITO_SHAPE(-1)));
    return ito_op_add(g, simple, ito_op_scale(g, bound, lambda, 0)); /* EQ[iddpm:16]  L_simple + lambda L_vlb */
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("lambda", 0.001, 0, 1e6, "weight of the bound, in bits/dim"),
    ITO_OPT_END,
};

const ito_objective_def ito__objective_hybrid = {
    .choice = {.name = "hybrid",
               .summary = "the weighed error, and for the learned variance alone a little of the bound",
               .formula = "L_simple + lambda L_vlb, no gradient from L_vlb to the mean",
               .paper = "iddpm",
               .eq = "iddpm:16",
               .file = "src/objective/hybrid.c",
               .options = options},
    .needs_chain = true,
    .needs_variance = true,
    .build = build,
};
