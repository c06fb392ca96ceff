/* Huber's loss (Huber 1964): half the square of small errors, straight beyond delta, where its gradient stays delta.
 * Half of l2 near 0; delta times l1 far away, less a constant. */
#include <ito/loss.h>
#include <ito/ops.h>

static ito_value *build(ito_graph *graph, const ito_opts *opts, ito_value *error)
{
    double delta = ito_opts_real(opts, "delta");
    ito_value *inner = ito_op_clip(graph, error, -delta, delta);
    /* EQ[huber64:s1]  c (e - c / 2) with c = e cut at -delta and delta: e^2 / 2 inside, delta (|e| - delta / 2) outside */
    return ito_op_mul(graph, inner, ito_op_sub(graph, error, ito_op_scale(graph, inner, 0.5, 0)));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("delta", 1, 1e-6, 1e6, "where the square ends"),
    ITO_OPT_END,
};

const ito_loss_def ito__loss_huber = {
    .choice = {.name = "huber",
               .summary = "half the square of small errors, straight beyond delta",
               .formula = "l(e) = e^2 / 2 if |e| <= delta, else delta (|e| - delta / 2)",
               .paper = "huber64",
               .eq = "huber64:s1",
               .file = "src/loss/huber.c",
               .options = options},
    .build = build,
};
