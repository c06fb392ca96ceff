/* The static graph: typed values in single assignment, gradients as more of the same.
 *
 *     ito_graph_create(ctx, &g);
 *     ito_value *x = ito_graph_input(g, "x", ITO_F32, ITO_SHAPE(4, 3));
 *     ito_value *w = ito_graph_param(g, "w", ITO_F32, ITO_SHAPE(5, 3));
 *     ito_value *y = ito_op_sum(g, ito_op_silu(g, ito_op_matmul(g, x, w, false, true)), ITO_ALL_AXES, false);
 *     ito_graph_grad(g, 1, &y, NULL, 1, &w, &dw);          // dw is a value like any other
 *     if (ito_graph_status(g)) puts(ito_last_error(ctx));   // once, at the end
 *
 * Values belong to their graph and live as long as it. A wrong shape gives a poisoned value and the graph keeps the
 * first message, so a network's author checks once. Builders of operations are in ito/ops.h; to run a graph see
 * ito/program.h. */
#ifndef ITO_GRAPH_H
#define ITO_GRAPH_H

#include <stdbool.h>

#include <ito/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_graph ito_graph;
typedef struct ito_value ito_value;

/* The caller destroys *out. */
ito_status ito_graph_create(ito_ctx *ctx, ito_graph **out);
void ito_graph_destroy(ito_graph *g);
ito_ctx *ito_graph_ctx(const ito_graph *g);

/* The first failure while building, with its message put back into the context; ITO_OK when there was none. */
ito_status ito_graph_status(ito_graph *g);

/* Sources. An input is written before every run; a parameter is bound to memory that changes seldom (its packed form is
 * kept while it is frozen); a constant's bytes are copied into the graph. Names need not be unique. */
ito_value *ito_graph_input(ito_graph *g, const char *name, ito_dtype dtype, ito_shape shape);
ito_value *ito_graph_param(ito_graph *g, const char *name, ito_dtype dtype, ito_shape shape);
ito_value *ito_graph_const(ito_graph *g, ito_dtype dtype, ito_shape shape, const void *data);

/* Scope labels nest: nodes built between push and pop carry "outer.inner"; errors and non-finite reports quote them. */
void ito_graph_push(ito_graph *g, const char *label);
void ito_graph_pop(ito_graph *g);

/* Of a poisoned value: f32 and a scalar shape. */
ito_dtype ito_value_dtype(const ito_value *v);
ito_shape ito_value_shape(const ito_value *v);
ito_graph *ito_value_graph(const ito_value *v);
const char *ito_value_label(const ito_value *v);

/* Appends the gradient of sum_i <ys[i], dys[i]> in each of xs; dxs[i] has the dtype and shape of xs[i] and is zero where
 * ys do not depend on it. dys NULL means ones. The result can be differentiated again. ITO_NOT_DIFFERENTIABLE, naming
 * the op, when a path from an x to a y crosses an op without a gradient. */
ito_status ito_graph_grad(ito_graph *g, int n_y, ito_value *const *ys, ito_value *const *dys, int n_x,
                          ito_value *const *xs, ito_value **dxs);

#ifdef __cplusplus
}
#endif
#endif
