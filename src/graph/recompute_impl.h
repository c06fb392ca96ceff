/* A choice of what to recompute, and what it costs: shared by the search (recompute.c) and the order of nodes that a choice
 * makes (recompute_order.c). */
#ifndef ITO_RECOMPUTE_IMPL_H
#define ITO_RECOMPUTE_IMPL_H

#include "graph/recompute.h"

/* Values here are those that own memory (roots); a reshape is its input. Made a second time, a value is another *version*:
 * number 2 * id is the first, 2 * id + 1 the second. Likewise an *entry* of the order: 2 * node id, or 2 * node id + 1. */
struct ito_recompute {
    ito_ctx *ctx;
    ito_arena *arena;
    ito_graph *g;
    /* by value id */
    ito_value **root;
    size_t *bytes;   /* in the slab; of roots */
    size_t *kept;    /* the same while nobody reads it for a while: less where it is stored in bf16 (graph/narrow.h) */
    bool *pinned;    /* inputs and outputs: there from birth to the end */
    bool *may;       /* can be forgotten: made and read by forward nodes */
    bool *again;     /* the choice: gradients read its second version */
    bool *wanted;    /* the first version is read by gradients or repeats: kept */
    bool *refused;   /* forgetting it was tried and did not help */
    int *mark;       /* == n_marks: met by the walk in progress */
    int *last;       /* by version: the last place of the order that touches it */
    int *last_early; /* of the first version: the last place in the forward pass */
    /* by node id */
    bool *live, *repeated;
    size_t *scratch;
    double *cost;
    int n_marks;
    int n_order, *order;
    int n_forgotten, *forgotten; /* value ids in the order of forgetting */
    size_t always, peak;         /* bytes of inputs; the most that is alive at once */
};

/* Which version node n, in its first or second run, reads of v. */
static inline bool ito__recompute_reads_again(const ito_recompute *r, const ito_node *n, bool is_repeat,
                                              const ito_value *v)
{
    return (is_repeat || n->is_gradient) && r->again[r->root[v->id]->id];
}

/* Sets order, repeated, wanted, last and peak from the choice. */
void ito__recompute_measure(ito_recompute *r);

#endif
