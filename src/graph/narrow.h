/* Forward values in bf16: half the memory for what the gradient reads again (Micikevicius et al. 2018, "Mixed precision training").
 * Two passes over a compiled program's own copy of the graph.
 *
 *   rounding   changes numbers: a large value that forward makes and the gradient reads is rounded to bf16 once it is made, and
 *              whoever reads it sees the rounded one. Which values these are is decided by the graph alone. Weights, what flows
 *              back, statistics, and what is small or soon done with (the loss) stay as they are.
 *   storage    changes none: a rounded value that nobody reads for a while is narrowed to bf16 meanwhile, and widened before
 *              it is read again.
 *
 * So neither what is recomputed (graph/recompute.h), which comes between the two, nor what is stored how changes any bit. */
#ifndef ITO_NARROW_H
#define ITO_NARROW_H

#include "graph/graph_impl.h"

/* Copies of what the outputs need, with rounding or storage put in. map[value id in g] is the copy or NULL, for a rounded value the
 * rounded one; the caller destroys *out and frees *map with ito__free. */
ito_status ito__graph_round(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map);
ito_status ito__graph_narrow(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map);

/* Can bf16 hold all of v? */
static inline bool ito__is_rounded(const ito_value *v)
{
    return v->node->is_rounded && v->index == 0;
}

/* Does n read its input i where that is stored, narrow? */
static inline bool ito__reads_narrow(const ito_node *n, int i)
{
    return n->op->reads_bf16 >> i & 1 && !ito__node_is_alias(n->in[i]->node);
}

#endif
