/* The squared error (Ho, Jain, Abbeel 2020). */
#include <ito/loss.h>
#include <ito/ops.h>

static ito_value *build(ito_graph *graph, const ito_opts *opts, ito_value *error)
{
    (void)opts;
    return ito_op_square(graph, error); /* EQ[ddpm:14] */
}

const ito_loss_def ito__loss_l2 = {
    .choice = {.name = "l2",
               .summary = "the squared error",
               .formula = "l(e) = e^2",
               .paper = "ddpm",
               .eq = "ddpm:14",
               .file = "src/loss/l2.c"},
    .build = build,
};
