/* Rounding and storage of forward values: what is put where. Both passes copy the graph node by node, in order. */
#include "graph/narrow.h"

#include <string.h>

#include <ito/ops.h>

#define NEAR 12 /* nodes: what is read again so soon is left alone */
/* Of all bytes that forward keeps, a value that takes less than one in so many is not worth it. */
#define SMALL 1024

/* By value id, of roots: a reshape is its input. */
typedef struct use {
    int last_early, first_late; /* the last forward node that touches it, the first other one; -1: there is none */
    int last_gradient;          /* the last gradient node that reads it or a copy of it; -1 */
    bool is_output;
} use;

typedef struct narrowing {
    ito_graph *g, *to;
    bool *live; /* by node id */
    use *uses;
    ito_value **map;    /* the copy */
    ito_value **stored; /* the narrow copy, once there is one */
    ito_value **wide;   /* the copy widened last, */
    int *wide_at;       /* and the last node that read it */
} narrowing;

static use *use_of(const narrowing *w, ito_value *v)
{
    return &w->uses[ito__value_root(v)->id];
}

/* Forward nodes come first; what they made may be wanted late, by gradients and by what is computed again for them. */
static bool is_late(const ito_node *n)
{
    return n->is_gradient || n->is_repeat;
}

static void touch(use *u, const ito_node *n)
{
    if (!is_late(n)) u->last_early = n->id;
    if (is_late(n) && u->first_late < 0) u->first_late = n->id;
    if (n->is_gradient) u->last_gradient = n->id;
}

/* What is copied is kept, so that it may be rounded and the copy need not be. */
static void touch_copied(const narrowing *w, const ito_node *n)
{
    int last = w->uses[n->out[0].id].last_gradient;
    for (int i = 0; i < n->n_in; i++) {
        use *u = use_of(w, n->in[i]);
        u->last_gradient = ITO_MAX(u->last_gradient, last);
    }
}

static void find_uses(narrowing *w, int n_out, ito_value *const *outputs)
{
    for (int id = 0; id < w->g->n_nodes; id++) {
        const ito_node *n = w->g->nodes[id];
        for (int o = 0; o < n->n_out; o++) w->uses[n->out[o].id] = (use){id, -1, -1, false};
        for (int i = 0; w->live[id] && n->op->kernel && i < n->n_in; i++) touch(use_of(w, n->in[i]), n);
    }
    for (int id = w->g->n_nodes - 1; id >= 0; id--)
        if (w->live[id] && w->g->nodes[id]->op->moves) touch_copied(w, w->g->nodes[id]);
    for (int i = 0; i < n_out; i++) use_of(w, outputs[i])->is_output = true;
}

static ito_status open_narrowing(narrowing *w, ito_graph *g, int n_out, ito_value *const *outputs)
{
    size_t n = (size_t)g->n_values;
    *w = (narrowing){.g = g, .live = ito__graph_mark_live(g, n_out, outputs)};
    w->uses = ito__alloc_array(g->ctx, n, sizeof *w->uses);
    w->map = ito__alloc_array(g->ctx, n, sizeof *w->map);
    w->stored = ito__alloc_array(g->ctx, n, sizeof *w->stored);
    w->wide = ito__alloc_array(g->ctx, n, sizeof *w->wide);
    w->wide_at = ito__alloc_array(g->ctx, n, sizeof *w->wide_at);
    if (!w->live || !w->uses || !w->map || !w->stored || !w->wide || !w->wide_at) return ITO_MEMORY;
    find_uses(w, n_out, outputs);
    return ito_graph_create(g->ctx, &w->to);
}

/* Hands out graph and map, or frees them. */
static ito_status close_narrowing(narrowing *w, ito_status st, ito_graph **out, ito_value ***map)
{
    ito_ctx *ctx = w->g->ctx;
    if (st == ITO_OK) st = ito_graph_status(w->to);
    if (st != ITO_OK) {
        ito_graph_destroy(w->to);
        ito__free(ctx, w->map);
        w->to = NULL;
        w->map = NULL;
    }
    *out = w->to;
    *map = w->map;
    ito__free(ctx, w->live);
    ito__free(ctx, w->uses);
    ito__free(ctx, w->stored);
    ito__free(ctx, w->wide);
    ito__free(ctx, w->wide_at);
    return st;
}

static ito_status copy_node(narrowing *w, const ito_node *n, ito_value *const *in)
{
    ito_value *first = ito__graph_copy_node(w->to, n, in);
    if (!first) return ITO_MEMORY;
    for (int o = 0; o < n->n_out; o++) w->map[n->out[o].id] = ito__output(first, o);
    return ITO_OK;
}

/* ---- rounding ---- */

static size_t bytes_of(const ito_value *v)
{
    return (size_t)ito_shape_count(v->shape) * ito_dtype_size(v->dtype);
}

/* Is v kept from the forward pass, which makes it, to the gradient? Only first outputs: what comes behind them is statistics. */
static bool is_kept(const narrowing *w, ito_value *v)
{
    const use *u = &w->uses[v->id];
    bool is_forward = v->node->op->kernel && !v->node->is_gradient && v->index == 0 && v->dtype == ITO_F32;
    return is_forward && u->last_gradient - v->node->id > NEAR && !u->is_output;
}

static size_t kept_bytes(const narrowing *w)
{
    size_t bytes = 0;
    for (int id = 0; id < w->g->n_nodes; id++)
        if (w->live[id] && is_kept(w, &w->g->nodes[id]->out[0])) bytes += bytes_of(&w->g->nodes[id]->out[0]);
    return bytes;
}

/* A copy that moves nothing but rounded numbers needs no rounding. */
static bool moves_rounded(const ito_node *n)
{
    bool all = n->op->moves;
    for (int i = 0; i < n->n_in; i++) all = all && ito__is_rounded(ito__value_root(n->in[i]));
    return all;
}

static ito_status round_node(narrowing *w, ito_node *n, size_t least)
{
    ito_value *in[ITO_MAX_INPUTS], *v = &n->out[0];
    for (int i = 0; i < n->n_in; i++) in[i] = w->map[n->in[i]->id];
    ITO_TRY(copy_node(w, n, in));
    ito_node *copy = w->map[v->id]->node;
    copy->is_rounded = moves_rounded(copy);
    if (copy->is_rounded || !is_kept(w, v) || bytes_of(v) < least) return ITO_OK;
    ito_value *y = ito_op_round_bf16(w->to, w->map[v->id]);
    ITO_TRY(ito_graph_status(w->to));
    y->node->is_rounded = true;
    y->node->label = copy->label;
    w->map[v->id] = y;
    return ITO_OK;
}

ito_status ito__graph_round(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map)
{
    narrowing w;
    ito_status st;
    ITO_GO(open_narrowing(&w, g, n_out, outputs));
    size_t least = kept_bytes(&w) / SMALL;
    for (int id = 0; id < g->n_nodes; id++)
        if (w.live[id]) ITO_GO(round_node(&w, g->nodes[id], least));
done:
    return close_narrowing(&w, st, out, map);
}

/* ---- storage ---- */

static ito_value *cast_beside(narrowing *w, ito_value *x, ito_dtype dtype, const ito_node *reader)
{
    w->to->in_gradient = reader->is_gradient;
    ito_value *y = ito_op_cast(w->to, x, dtype);
    w->to->in_gradient = false;
    if (ito__is_poison(y)) return NULL;
    y->node->is_storage = true;
    y->node->label = x->node->label;
    return y;
}

/* v for a node that reads it after it was put away; NULL when memory ran out. */
static ito_value *fetch(narrowing *w, ito_value *v, const ito_node *reader)
{
    if (w->wide[v->id] && reader->id - w->wide_at[v->id] <= NEAR) {
        w->wide_at[v->id] = reader->id;
        return w->wide[v->id];
    }
    ito_value *y;
    if (ito__node_is_alias(v->node)) {
        y = fetch(w, v->node->in[0], reader);
        if (y) y = ito__graph_copy_node(w->to, v->node, &y);
    } else {
        y = cast_beside(w, w->stored[v->id], v->dtype, reader);
    }
    w->wide[v->id] = y;
    w->wide_at[v->id] = reader->id;
    return y;
}

/* Is v, a root, still to be put away? */
static bool is_to_store(const narrowing *w, const ito_value *v)
{
    const use *u = &w->uses[v->id];
    bool is_long = u->first_late - u->last_early > NEAR && !u->is_output;
    return ito__is_rounded(v) && !is_late(v->node) && is_long && !w->stored[v->id];
}

/* When forward node n has been reached? */
static bool is_put_away_at(const narrowing *w, const ito_value *v, const ito_node *n)
{
    return is_to_store(w, v) && w->uses[v->id].last_early == n->id;
}

static ito_status put_away(narrowing *w, const ito_value *v)
{
    return (w->stored[v->id] = cast_beside(w, w->map[v->id], ITO_BF16, v->node)) ? ITO_OK : ITO_MEMORY;
}

/* Values that n is the last forward node to read are put away before it, so that it may write over them. */
static ito_status put_away_inputs(narrowing *w, const ito_node *n)
{
    for (int i = 0; n->op->kernel && i < n->n_in; i++) {
        const ito_value *v = ito__value_root(n->in[i]);
        if (is_put_away_at(w, v, n)) ITO_TRY(put_away(w, v));
    }
    return ITO_OK;
}

static ito_value *input_of(narrowing *w, const ito_node *n, int i)
{
    ito_value *v = n->in[i], *stored = w->stored[ito__value_root(v)->id];
    if (!n->op->kernel || !is_late(n) || !stored) return w->map[v->id];
    return ito__reads_narrow(n, i) ? stored : fetch(w, v, n);
}

/* A group norm has its x and y at hand and narrows them itself. */
static ito_status store_norm(narrowing *w, const ito_node *n)
{
    const ito_value *x = n->in[0], *y = &n->out[0];
    ito_value *in[ITO_MAX_INPUTS];
    bool keeps_x = is_to_store(w, x), keeps_y = is_to_store(w, y);
    for (int i = 0; i < n->n_in; i++) in[i] = w->map[n->in[i]->id];
    const ito_desc narrow = {ITO_BF16, x->shape};
    ito_value *first = ito__graph_copy_node_more(w->to, n, in, keeps_x + keeps_y, (const ito_desc[]){narrow, narrow});
    if (!first) return ITO_MEMORY;
    ito_attr_norm *attr = first->node->attr;
    attr->keeps_x = keeps_x;
    attr->keeps_y = keeps_y;
    for (int o = 0; o < n->n_out; o++) w->map[n->out[o].id] = ito__output(first, o);
    if (keeps_x) w->stored[x->id] = ito__output(first, n->n_out);
    if (keeps_y) w->stored[y->id] = ito__output(first, n->n_out + keeps_x);
    return ITO_OK;
}

static ito_status store_node(narrowing *w, ito_node *n)
{
    ito_value *in[ITO_MAX_INPUTS];
    if (n->op->kernel && !strcmp(n->op->kernel, "group_norm") && !is_late(n) && !ito__node_is_alias(n->in[0]->node))
        return store_norm(w, n);
    ITO_TRY(put_away_inputs(w, n));
    for (int i = 0; i < n->n_in; i++)
        if (!(in[i] = input_of(w, n, i))) return ITO_MEMORY;
    ITO_TRY(copy_node(w, n, in));
    w->map[n->out[0].id]->node->is_repeat = n->is_repeat;
    return is_put_away_at(w, &n->out[0], n) ? put_away(w, &n->out[0]) : ITO_OK;
}

ito_status ito__graph_narrow(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map)
{
    narrowing w;
    ito_status st;
    ITO_GO(open_narrowing(&w, g, n_out, outputs));
    for (int id = 0; id < g->n_nodes; id++)
        if (w.live[id]) ITO_GO(store_node(&w, g->nodes[id]));
done:
    return close_narrowing(&w, st, out, map);
}
