/* The pseudo-Huber loss (Charbonnier et al. 1997; Song, Dhariwal 2024): e^2 / (2 c) for errors far below c, |e| - c far
 * above. Here of every element; consistency training takes it of the norm of a whole sample's error. */
#include <ito/loss.h>
#include <ito/ops.h>

static ito_value *build(ito_graph *graph, const ito_opts *opts, ito_value *error)
{
    double c = ito_opts_real(opts, "c");
    ito_value *square = ito_op_square(graph, error);
    ito_value *root = ito_op_sqrt(graph, ito_op_scale(graph, square, 1, c * c));
    /* EQ[ict:s3.3]  sqrt(e^2 + c^2) - c = e^2 / (sqrt(e^2 + c^2) + c), which loses no digits of small errors */
    return ito_op_div(graph, square, ito_op_scale(graph, root, 1, c));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("c", 0.03, 1e-6, 1e6, "where the square bends into a straight line"),
    ITO_OPT_END,
};

const ito_loss_def ito__loss_pseudo_huber = {
    .choice = {.name = "pseudo-huber",
               .summary = "a smooth Huber loss",
               .formula = "l(e) = sqrt(e^2 + c^2) - c",
               .paper = "ict",
               .eq = "ict:s3.3",
               .file = "src/loss/pseudo_huber.c",
               .options = options},
    .build = build,
};
