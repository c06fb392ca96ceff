/* Recomputation: less memory for more time. A value of the forward pass that the gradient reads again is kept from the one to
 * the other. Instead it may be forgotten after its last forward reader and computed a second time, from values that are kept,
 * just before the first gradient node that reads it (T. Chen et al. 2016, "Training deep nets with sublinear memory cost").
 * The same kernels see the same inputs, so nothing changes in any bit.
 *
 * Knows lifetimes and sizes, no op by name. It works on a graph that is ready to be compiled, fused. */
#ifndef ITO_RECOMPUTE_H
#define ITO_RECOMPUTE_H

#include "graph/graph_impl.h"

typedef struct ito_recompute ito_recompute;

/* The first n_bound outputs have memory of their own. scratch: by node id, what its kernel needs while it runs; copied. g and
 * its nodes must outlive *out. */
ito_status ito__recompute_create(ito_graph *g, int n_out, ito_value *const *outputs, int n_bound, const size_t *scratch,
                                 ito_recompute **out);
void ito__recompute_destroy(ito_recompute *r);

/* Chooses what to forget so that at most `target` bytes are alive at once, with little work repeated and no more than
 * most_share of a run's; as few bytes as it can when that is not to be had. Returns the most bytes that will be alive. */
size_t ito__recompute_choose(ito_recompute *r, size_t target, double most_share);
/* Of a run's work, what is done a second time. */
double ito__recompute_share(const ito_recompute *r);

/* The graph with the choice made. map[value id in g] is the copy or NULL, the first one where there are two; the caller
 * destroys *out and frees *map with ito__free. */
ito_status ito__recompute_copy(const ito_recompute *r, ito_graph **out, ito_value ***map);

#endif
