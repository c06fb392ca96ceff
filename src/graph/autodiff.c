/* Reverse mode as a graph transform (Griewank and Walther 2008, chapter 3.2): one sweep over the nodes from last to first
 * appends, for each node that depends on an x and feeds a y, the products of the node's Jacobian with what flows into it.
 *
 * An op without a rule of its own but with a composition is replaced by that composition for the sweep: the appended
 * nodes are differentiated with respect to the node's inputs alone. */
#include <ito/ops.h>

#include "graph/graph_impl.h"

typedef struct sweep {
    ito_graph *g;
    int first;   /* nodes before this one are constants of the sweep */
    int n_nodes; /* nodes that existed when it began */
    int n_values;
    bool *depends;    /* by value id: is it an x or computed from one? */
    ito_value **grad; /* by value id: what flows into it so far */
} sweep;

static ito_status grad_from(ito_graph *g, int first, int n_y, ito_value *const *ys, ito_value *const *dys, int n_x,
                            ito_value *const *xs, ito_value **dxs);

static void accumulate(sweep *s, const ito_value *v, ito_value *d)
{
    ito_value **slot = &s->grad[v->id];
    *slot = *slot ? ito_op_add(s->g, *slot, d) : d;
}

static void mark_dependents(sweep *s, int n_x, ito_value *const *xs)
{
    for (int i = 0; i < n_x; i++) s->depends[xs[i]->id] = true;
    for (int id = s->first; id < s->n_nodes; id++) {
        const ito_node *n = s->g->nodes[id];
        bool any = false;
        for (int i = 0; i < n->n_in; i++) any |= s->depends[n->in[i]->id];
        for (int o = 0; any && o < n->n_out; o++) s->depends[n->out[o].id] = true;
    }
}

/* The gradient of a node through its composition. */
static void grad_composed(ito_graph *g, const ito_node *n, ito_value *const *dy, const bool *need, ito_value **dx)
{
    int first = g->n_nodes, n_y = 0, n_x = 0, which[ITO_MAX_INPUTS];
    ito_value *y[ITO_MAX_OUTPUTS] = {0}, *ys[ITO_MAX_OUTPUTS] = {0}, *dys[ITO_MAX_OUTPUTS] = {0},
              *xs[ITO_MAX_INPUTS] = {0}, *dxs[ITO_MAX_INPUTS] = {0};
    n->op->compose(g, n, y);
    for (int o = 0; o < n->n_out; o++) {
        if (!dy[o]) continue;
        if (!y[o]) {
            ito__graph_fail(g, ITO_NOT_DIFFERENTIABLE, "%s: its output %d is not differentiable twice", n->op->name, o);
            return;
        }
        ys[n_y] = y[o];
        dys[n_y++] = dy[o];
    }
    for (int i = 0; i < n->n_in; i++) {
        if (!need[i]) continue;
        which[n_x] = i;
        xs[n_x++] = n->in[i];
    }
    if (g->status != ITO_OK || grad_from(g, first, n_y, ys, dys, n_x, xs, dxs) != ITO_OK) return;
    for (int i = 0; i < n_x; i++) dx[which[i]] = dxs[i];
}

static void check_gradient(ito_graph *g, const ito_node *n, int i, const ito_value *dx)
{
    char want[ITO_SHAPE_TEXT], have[ITO_SHAPE_TEXT];
    if (ito__is_poison(dx) || (ito_shape_equal(dx->shape, n->in[i]->shape) && dx->dtype == n->in[i]->dtype)) return;
    ito__graph_fail(g, ITO_SHAPE, "gradient of %s: input %d is %s, its gradient came out as %s", n->op->name, i,
                    ito_shape_text(n->in[i]->shape, want), ito_shape_text(dx->shape, have));
}

static void visit(sweep *s, const ito_node *n)
{
    ito_value *dy[ITO_MAX_OUTPUTS] = {0}, *dx[ITO_MAX_INPUTS] = {0};
    bool need[ITO_MAX_INPUTS] = {false}, any_need = false, any_dy = false;
    for (int o = 0; o < n->n_out; o++) any_dy |= (dy[o] = s->grad[n->out[o].id]) != NULL;
    for (int i = 0; i < n->n_in; i++) any_need |= need[i] = s->depends[n->in[i]->id];
    if (!any_dy || !any_need || n->op->zero_grad) return;
    ito_graph_push(s->g, n->label);
    if (n->op->grad)
        n->op->grad(s->g, n, dy, need, dx);
    else if (n->op->compose)
        grad_composed(s->g, n, dy, need, dx);
    else
        ito__graph_fail(s->g, ITO_NOT_DIFFERENTIABLE, "%s is not differentiable; put ito_op_stop_gradient before it",
                        n->op->name);
    for (int i = 0; i < n->n_in; i++) {
        if (!need[i] || !dx[i]) continue;
        check_gradient(s->g, n, i, dx[i]);
        accumulate(s, n->in[i], dx[i]);
    }
    ito_graph_pop(s->g);
}

static ito_value *filled_like(ito_graph *g, const ito_value *v, double value)
{
    return ito_op_full(g, v->dtype, v->shape, value);
}

/* Sweeps the nodes from `first` on. An x is a leaf: what lies behind it is reached only through another x. */
static ito_status grad_from(ito_graph *g, int first, int n_y, ito_value *const *ys, ito_value *const *dys, int n_x,
                            ito_value *const *xs, ito_value **dxs)
{
    sweep s = {.g = g, .first = first, .n_nodes = g->n_nodes, .n_values = g->n_values};
    s.depends = ito__alloc_array(g->ctx, (size_t)s.n_values, sizeof *s.depends);
    s.grad = ito__alloc_array(g->ctx, (size_t)s.n_values, sizeof *s.grad);
    ito_status st = ITO_MEMORY;
    if (!s.depends || !s.grad) goto done;
    mark_dependents(&s, n_x, xs);
    for (int i = 0; i < n_y; i++) accumulate(&s, ys[i], dys && dys[i] ? dys[i] : filled_like(g, ys[i], 1));
    for (int id = s.n_nodes - 1; id >= first && g->status == ITO_OK; id--) visit(&s, g->nodes[id]);
    for (int i = 0; i < n_x; i++) {
        ito_value *d = s.grad[xs[i]->id];
        dxs[i] = d ? d : filled_like(g, xs[i], 0);
    }
    st = ito_graph_status(g);
done:
    ito__free(g->ctx, s.depends);
    ito__free(g->ctx, s.grad);
    return st;
}

static bool usable(ito_graph *g, const char *what, int i, const ito_value *v)
{
    if (ito__is_poison(v))
        ito__graph_fail(g, ITO_USAGE, "ito_graph_grad: %s %d is NULL or poisoned", what, i);
    else if (v->graph != g)
        ito__graph_fail(g, ITO_USAGE, "ito_graph_grad: %s %d belongs to another graph", what, i);
    else if (v->dtype != ITO_F32 && v->dtype != ITO_F64)
        ito__graph_fail(g, ITO_DTYPE, "ito_graph_grad: %s %d is %s; gradients need f32 or f64", what, i,
                        ito_dtype_name(v->dtype));
    return g->status == ITO_OK;
}

ito_status ito_graph_grad(ito_graph *g, int n_y, ito_value *const *ys, ito_value *const *dys, int n_x,
                          ito_value *const *xs, ito_value **dxs)
{
    for (int i = 0; i < n_x; i++) dxs[i] = &g->poison;
    if (g->status != ITO_OK) return ito_graph_status(g);
    for (int i = 0; i < n_y; i++) {
        if (!usable(g, "y", i, ys[i])) return ito_graph_status(g);
        if (dys && dys[i] && !ito_shape_equal(dys[i]->shape, ys[i]->shape))
            ito__graph_fail(g, ITO_SHAPE, "ito_graph_grad: dy %d has another shape than y", i);
    }
    for (int i = 0; i < n_x; i++)
        if (!usable(g, "x", i, xs[i])) return ito_graph_status(g);
    if (g->status != ITO_OK) return ito_graph_status(g);
    g->in_gradient = true;
    ito_status st = grad_from(g, 0, n_y, ys, dys, n_x, xs, dxs);
    g->in_gradient = false;
    return st;
}

void ito__graph_narrow_gradients(ito_graph *g, int n, ito_value **grads)
{
    g->in_gradient = true;
    for (int i = 0; i < n; i++) grads[i] = ito_op_cast(g, grads[i], ITO_BF16);
    g->in_gradient = false;
}
