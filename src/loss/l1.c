/* The absolute error, which large errors dominate less (Saharia et al. 2021). Its gradient at 0 is 0. */
#include <ito/loss.h>
#include <ito/ops.h>

static ito_value *build(ito_graph *graph, const ito_opts *opts, ito_value *error)
{
    (void)opts;
    return ito_op_abs(graph, error); /* EQ[sr3:6]  with p = 1 */
}

const ito_loss_def ito__loss_l1 = {
    .choice = {.name = "l1",
               .summary = "the absolute error",
               .formula = "l(e) = |e|",
               .paper = "sr3",
               .eq = "sr3:6",
               .file = "src/loss/l1.c"},
    .build = build,
};
