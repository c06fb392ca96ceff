/* What a choice means: the order in which nodes run, repeats among them, the bytes alive along it, and the graph made so. */
#include <string.h>

#include "graph/narrow.h"
#include "graph/recompute_impl.h"
#include "graph/slab.h"

/* ---- order ---- */

/* What it takes to have v a second time, inputs first. */
static void repeat(ito_recompute *r, const ito_value *v)
{
    const ito_node *n = v->node;
    if (!r->again[r->root[v->id]->id] || r->repeated[n->id]) return;
    r->repeated[n->id] = true;
    for (int i = 0; i < n->n_in; i++) repeat(r, n->in[i]);
    r->order[r->n_order++] = 2 * n->id + 1;
}

static void make_order(ito_recompute *r)
{
    memset(r->repeated, 0, (size_t)r->g->n_nodes * sizeof *r->repeated);
    r->n_order = 0;
    for (int id = 0; id < r->g->n_nodes; id++) {
        const ito_node *n = r->g->nodes[id];
        if (!r->live[id]) continue;
        for (int i = 0; n->is_gradient && i < n->n_in; i++) repeat(r, n->in[i]);
        r->order[r->n_order++] = 2 * id;
    }
}

/* ---- bytes ---- */

static int version_read(const ito_recompute *r, const ito_node *n, bool is_repeat, int i)
{
    return 2 * r->root[n->in[i]->id]->id + ito__recompute_reads_again(r, n, is_repeat, n->in[i]);
}

static int version_made(const ito_recompute *r, const ito_node *n, bool is_repeat, int o)
{
    return 2 * r->root[n->out[o].id]->id + is_repeat;
}

static void find_last(ito_recompute *r)
{
    for (int v = 0; v < 2 * r->g->n_values; v++) r->last[v] = -1;
    memset(r->wanted, 0, (size_t)r->g->n_values * sizeof *r->wanted);
    for (int t = 0; t < r->n_order; t++) {
        const ito_node *n = r->g->nodes[r->order[t] / 2];
        bool is_repeat = r->order[t] & 1, is_late = is_repeat || n->is_gradient;
        for (int i = 0; i < n->n_in; i++) {
            int version = version_read(r, n, is_repeat, i);
            r->last[version] = t;
            if (is_late && !(version & 1)) r->wanted[version / 2] = true;
            if (!is_late) r->last_early[version / 2] = t;
        }
        for (int o = 0; o < n->n_out; o++) {
            r->last[version_made(r, n, is_repeat, o)] = t;
            if (!is_late) r->last_early[r->root[n->out[o].id]->id] = t;
        }
    }
    for (int v = 0; v < r->g->n_values; v++)
        if (r->pinned[v]) r->last[2 * v] = r->n_order;
}

/* The bytes of an input whose memory the first output takes over, as compile.c will have it. */
static size_t taken_over(const ito_recompute *r, const ito_node *n, bool is_repeat, int t)
{
    size_t bytes = r->bytes[n->out[0].id];
    for (int i = 0; i < n->n_in; i++) {
        int version = version_read(r, n, is_repeat, i);
        bool ok = n->op->inplace >> i & 1 && r->last[version] == t && r->bytes[version / 2] == bytes &&
                  n->in[i]->dtype == n->out[0].dtype;
        for (int k = 0; ok && k < n->n_in; k++)
            ok = version_read(r, n, is_repeat, k) != version || n->op->inplace >> k & 1;
        if (ok) return bytes;
    }
    return 0;
}

/* Has the version been put away, narrow, before place t? */
static bool is_away(const ito_recompute *r, int version, int t)
{
    return !(version & 1) && r->last_early[version / 2] < t;
}

/* What it takes to have the inputs of n at hand that lie elsewhere, narrow. */
static size_t widened(const ito_recompute *r, const ito_node *n, bool is_repeat, int t)
{
    size_t bytes = 0;
    for (int i = 0; i < n->n_in; i++) {
        int version = version_read(r, n, is_repeat, i);
        if (ito__reads_narrow(n, i) || !is_away(r, version, t)) continue;
        if (r->kept[version / 2] < r->bytes[version / 2]) bytes += r->bytes[version / 2];
    }
    return bytes;
}

/* Bytes of a version that are free after place t of the order: all of it when t is the last to touch it, counted once; some when
 * t is the last in the forward pass. */
static size_t release(ito_recompute *r, int version, int t)
{
    int v = version / 2;
    if (r->last[version] == t) {
        r->last[version] = -1;
        return is_away(r, version, t) ? r->kept[v] : r->bytes[v];
    }
    if ((version & 1) || r->last_early[v] != t || r->last[version] < t) return 0;
    r->last_early[v] = t - 1; /* away from now on, and counted once */
    return r->bytes[v] - r->kept[v];
}

static void find_peak(ito_recompute *r)
{
    size_t alive = r->always;
    r->peak = alive;
    for (int t = 0; t < r->n_order; t++) {
        const ito_node *n = r->g->nodes[r->order[t] / 2];
        bool is_repeat = r->order[t] & 1;
        if (!n->op->kernel) continue;
        for (int o = 0; o < n->n_out; o++) alive += r->bytes[n->out[o].id];
        size_t here = alive + widened(r, n, is_repeat, t) + r->scratch[n->id];
        r->peak = ITO_MAX(r->peak, here - taken_over(r, n, is_repeat, t));
        for (int i = 0; i < n->n_in; i++) alive -= release(r, version_read(r, n, is_repeat, i), t);
        for (int o = 0; o < n->n_out; o++) alive -= release(r, version_made(r, n, is_repeat, o), t);
    }
}

void ito__recompute_measure(ito_recompute *r)
{
    make_order(r);
    find_last(r);
    find_peak(r);
}

/* ---- the graph ---- */

static ito_status copy_entry(const ito_recompute *r, ito_graph *to, int entry, ito_value **first, ito_value **second)
{
    const ito_node *n = r->g->nodes[entry / 2];
    bool is_repeat = entry & 1;
    ito_value *in[ITO_MAX_INPUTS];
    for (int i = 0; i < n->n_in; i++) {
        int id = n->in[i]->id;
        in[i] = ito__recompute_reads_again(r, n, is_repeat, n->in[i]) ? second[id] : first[id];
    }
    ito_value *y = ito__graph_copy_node(to, n, in);
    if (!y) return ITO_MEMORY;
    if (is_repeat) {
        y->node->is_repeat = true;
        y->node->label = ito__arena_printf(to->arena, "recomputed%s%s", *n->label ? "." : "", n->label);
        if (!y->node->label) return ITO_MEMORY;
    }
    for (int o = 0; o < n->n_out; o++) (is_repeat ? second : first)[n->out[o].id] = ito__output(y, o);
    return ITO_OK;
}

ito_status ito__recompute_copy(const ito_recompute *r, ito_graph **out, ito_value ***map)
{
    ito_status st = ITO_MEMORY;
    size_t n = (size_t)r->g->n_values;
    *out = NULL;
    *map = ito__alloc_array(r->ctx, n, sizeof **map);
    ito_value **second = ito__alloc_array(r->ctx, n, sizeof *second);
    if (!*map || !second) goto done;
    ITO_GO(ito_graph_create(r->ctx, out));
    for (int t = 0; t < r->n_order; t++) ITO_GO(copy_entry(r, *out, r->order[t], *map, second));
done:
    ito__free(r->ctx, second);
    if (st != ITO_OK) {
        ito_graph_destroy(*out);
        ito__free(r->ctx, *map);
        *out = NULL;
        *map = NULL;
    }
    return st;
}
