/* Building networks. A net is one instantiation of a parameter list in one graph: it hands out the graph's parameter values
 * by name. The same list may have several nets (another graph, or the same graph with another parameter set: a teacher
 * beside its student); calling a network function twice with one net shares its weights.
 *
 *     ito_scope s = ito__net_scope(net);
 *     ito_scope block = ito__scope(&s, "mid_block");                  // "mid_block."
 *     ito_value *w = ito__param(&block, "weight", shape, init, scale, decay);
 *
 * A scope is a small struct passed by address, alive while its callee builds. */
#ifndef ITO_SCOPE_H
#define ITO_SCOPE_H

#include <ito/ops.h>
#include <ito/params.h>
#include <ito/program.h>

#include "graph/graph_impl.h"

typedef struct ito_net {
    ito_ctx *ctx;
    ito_graph *g;
    ito_param_list *list;
    ito_dtype dtype;    /* of the parameters and of what the network computes: f32, or f64 in checks */
    bool grows;         /* may names be added to the list? (the first instantiation) */
    bool training;      /* dropout is on */
    ito_value *keys;    /* i32 [N, 4] for dropout: seed low, seed high, sample, step; NULL when not training */
    int n_dropout;      /* layers that drop, numbered in building order */
    ito_value **values; /* by parameter number; NULL until first used */
    int capacity;
} ito_net;

/* grows: an unknown name is added to the list instead of being an error. The caller destroys *out; graph and list outlive it. */
ito_status ito__net_create(ito_graph *g, ito_param_list *list, ito_dtype dtype, bool grows, ito_net **out);
void ito__net_destroy(ito_net *net);
/* Every parameter the net used, as graph values, and the set's memory for them. */
ito_status ito__net_bind(const ito_net *net, ito_program *program, ito_params *set);
/* d loss / d parameter for all parameters of the list, in its order; zero for those the net did not use. */
ito_status ito__net_grad(ito_net *net, ito_value *loss, ito_value **grads);

typedef struct ito_scope {
    ito_net *net;
    ito_graph *g;
    char path[192]; /* "" or "down_blocks.0." */
} ito_scope;

ito_scope ito__net_scope(ito_net *net);
/* "%s." appended; also pushes the graph's label until ito__scope_end. */
ito_scope ito__scope(const ito_scope *outer, const char *format, ...) ITO_PRINTF(2, 3);
void ito__scope_end(const ito_scope *scope);

/* The parameter path + name; poison and a message in the graph when its shape differs from the list's or it is unknown. */
ito_value *ito__param(const ito_scope *s, const char *name, ito_shape shape, ito_init init, double scale, bool decay);

#endif
