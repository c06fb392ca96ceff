/* The search for what to recompute. Forward values are forgotten one by one, at each turn the one that frees the most bytes for
 * the work it adds, until few enough bytes are alive at once; then those that turn out not to be needed are kept after all,
 * the last forgotten, which are the dearest, first.
 *
 * To forget a value is to want its node's inputs late, where gradients are made. Those that were not kept so far are either
 * kept from now on ("shallow": concat, whose inputs are smaller than itself) or forgotten too, back to what is kept ("deep": a
 * sum whose operand is as large). A step that raises the peak, because too long a chain would be alive at once, is taken back. */
#include "graph/recompute_impl.h"

#include <math.h>
#include <string.h>

#include "graph/narrow.h"
#include "graph/slab.h"

/* Floating-point operations that a kernel does in the time in which it moves a byte: of the order that `ito bench unet
 * --steps` shows for convolutions (150 to 430 GFLOP/s) and for what is bound by memory (8 to 30 GB/s). */
#define FLOPS_PER_BYTE 20.0

/* ---- opening ---- */

static double desc_bytes(const ito_value *v)
{
    return (double)ito_shape_count(v->shape) * (double)ito_dtype_size(v->dtype);
}

static double cost_of(const ito_node *n)
{
    double bytes = 0;
    if (!n->op->kernel) return 0;
    for (int i = 0; i < n->n_in; i++) bytes += desc_bytes(n->in[i]);
    for (int o = 0; o < n->n_out; o++) bytes += desc_bytes(&n->out[o]);
    return bytes + (n->op->flops ? n->op->flops(n) / FLOPS_PER_BYTE : 0);
}

static void mark_live(ito_recompute *r, int n_out, ito_value *const *outputs)
{
    for (int i = 0; i < n_out; i++) r->live[outputs[i]->node->id] = true;
    for (int id = r->g->n_nodes - 1; id >= 0; id--) {
        const ito_node *n = r->g->nodes[id];
        for (int i = 0; r->live[id] && i < n->n_in; i++) r->live[n->in[i]->node->id] = true;
    }
}

static void describe_values(ito_recompute *r)
{
    for (int id = 0; id < r->g->n_nodes; id++) {
        ito_node *n = r->g->nodes[id];
        for (int o = 0; o < n->n_out; o++) {
            ito_value *v = &n->out[o];
            r->root[v->id] = ito__value_root(v);
            if (!r->live[id] || r->root[v->id] != v || n->op == &ito__op_param || n->op == &ito__op_const) continue;
            r->bytes[v->id] = r->kept[v->id] = ito__slab_aligned((size_t)desc_bytes(v));
            if (n->op == &ito__op_input) {
                r->always += r->bytes[v->id];
                r->pinned[v->id] = true;
            }
        }
    }
}

/* Rounded values are kept in bf16. To forget one saves its casts, counted as twice its bytes moved; an eighth of the work of
 * making it again counts in any case. Without rounding there are none. */
static void find_narrow(ito_recompute *r)
{
    for (int id = 0; id < r->g->n_nodes; id++) {
        const ito_value *v = &r->g->nodes[id]->out[0];
        if (!ito__is_rounded(v) || r->pinned[v->id]) continue;
        r->kept[v->id] = r->bytes[v->id] / 2;
        r->cost[id] = fmax(r->cost[id] / 8, r->cost[id] - 2 * desc_bytes(v));
    }
}

/* A value without a forward reader is left alone, so that no first run dies and the order of the others stays. */
static void find_candidates(ito_recompute *r)
{
    for (int id = 0; id < r->g->n_nodes; id++) {
        const ito_node *n = r->g->nodes[id];
        if (!r->live[id] || n->is_gradient || !n->op->kernel) continue;
        for (int i = 0; i < n->n_in; i++) {
            const ito_value *v = r->root[n->in[i]->id];
            r->may[v->id] = r->bytes[v->id] && !r->pinned[v->id] && !v->node->is_gradient;
        }
    }
}

static ito_status allocate(ito_recompute *r)
{
    size_t n_values = (size_t)r->g->n_values, n_nodes = (size_t)r->g->n_nodes;
    r->root = ito__arena_alloc(r->arena, n_values * sizeof(ito_value *));
    r->bytes = ito__arena_alloc(r->arena, n_values * sizeof *r->bytes);
    r->kept = ito__arena_alloc(r->arena, n_values * sizeof *r->kept);
    bool *flags = ito__arena_alloc(r->arena, 5 * n_values + 2 * n_nodes); /* zeroed: false */
    int *numbers = ito__arena_alloc(r->arena, (5 * n_values + 2 * n_nodes) * sizeof *numbers);
    r->scratch = ito__arena_alloc(r->arena, n_nodes * sizeof *r->scratch);
    r->cost = ito__arena_alloc(r->arena, n_nodes * sizeof *r->cost);
    if (!r->root || !r->bytes || !r->kept || !flags || !numbers || !r->scratch || !r->cost) return ITO_MEMORY;
    bool **by_value[] = {&r->pinned, &r->may, &r->again, &r->wanted, &r->refused};
    for (int i = 0; i < ITO_COUNT(by_value); i++, flags += n_values) *by_value[i] = flags;
    r->live = flags;
    r->repeated = flags + n_nodes;
    r->mark = numbers;
    r->forgotten = numbers + n_values;
    r->last = numbers + 2 * n_values;
    r->last_early = numbers + 4 * n_values;
    r->order = numbers + 5 * n_values;
    return ITO_OK;
}

ito_status ito__recompute_create(ito_graph *g, int n_out, ito_value *const *outputs, int n_bound, const size_t *scratch,
                                 ito_recompute **out)
{
    ito_status st;
    ito_recompute *r = ito__alloc(g->ctx, sizeof *r);
    *out = NULL;
    if (!r) return ITO_MEMORY;
    *r = (ito_recompute){.ctx = g->ctx, .g = g};
    ITO_GO(ito__arena_create(g->ctx, &r->arena));
    ITO_GO(allocate(r));
    memcpy(r->scratch, scratch, (size_t)g->n_nodes * sizeof *scratch);
    for (int id = 0; id < g->n_nodes; id++) r->cost[id] = cost_of(g->nodes[id]);
    mark_live(r, n_out, outputs);
    describe_values(r);
    for (int i = 0; i < n_out; i++) {
        int id = r->root[outputs[i]->id]->id;
        r->pinned[id] = true;
        if (i < n_bound) r->bytes[id] = 0;
    }
    find_narrow(r);
    find_candidates(r);
    *out = r;
    return ITO_OK;
done:
    ito__recompute_destroy(r);
    return st;
}

void ito__recompute_destroy(ito_recompute *r)
{
    if (!r) return;
    ito__arena_destroy(r->arena);
    ito__free(r->ctx, r);
}

double ito__recompute_share(const ito_recompute *r)
{
    double all = 0, repeated = 0;
    for (int id = 0; id < r->g->n_nodes; id++) {
        if (r->live[id]) all += r->cost[id];
        if (r->live[id] && r->repeated[id]) repeated += r->cost[id];
    }
    return all > 0 ? repeated / all : 0;
}

/* ---- one step ---- */

typedef struct step {
    int value;
    bool is_deep;
    double bytes, cost; /* freed; added */
} step;

/* Is w, read by a node that is to be repeated, neither kept nor to be had a second time? */
static bool is_missing(const ito_recompute *r, const ito_value *w)
{
    return r->may[w->id] && !r->again[w->id] && !r->wanted[w->id];
}

/* Adds to *s what forgetting v frees and costs. */
static void weigh(ito_recompute *r, const ito_value *v, step *s)
{
    const ito_node *n = v->node;
    r->mark[v->id] = r->n_marks;
    if (r->wanted[v->id]) s->bytes += (double)r->kept[v->id];
    if (r->repeated[n->id]) return;
    s->cost += r->cost[n->id];
    for (int i = 0; i < n->n_in; i++) {
        const ito_value *w = r->root[n->in[i]->id];
        if (!is_missing(r, w) || r->mark[w->id] == r->n_marks) continue;
        r->mark[w->id] = r->n_marks;
        if (s->is_deep)
            weigh(r, w, s);
        else
            s->bytes -= (double)r->kept[w->id];
    }
}

static void forget(ito_recompute *r, const ito_value *v, bool is_deep)
{
    r->again[v->id] = true;
    r->forgotten[r->n_forgotten++] = v->id;
    for (int i = 0; is_deep && !r->repeated[v->node->id] && i < v->node->n_in; i++) {
        const ito_value *w = r->root[v->node->in[i]->id];
        if (is_missing(r, w)) forget(r, w, is_deep);
    }
}

/* The step that frees the most bytes for its cost; false when none frees any. */
static bool best_step(ito_recompute *r, step *best)
{
    *best = (step){.bytes = 0};
    for (int v = 0; v < r->g->n_values; v++) {
        if (!r->may[v] || r->again[v] || !r->wanted[v] || r->refused[v]) continue;
        for (int deep = 0; deep < 2; deep++) {
            step s = {.value = v, .is_deep = deep};
            r->n_marks++;
            weigh(r, r->root[v], &s);
            bool better = s.bytes > 0 && (best->bytes <= 0 || s.bytes * best->cost > best->bytes * s.cost);
            if (better) *best = s;
        }
    }
    return best->bytes > 0;
}

/* Keeps what was forgotten since there were n. */
static void take_back(ito_recompute *r, int n)
{
    while (r->n_forgotten > n) r->again[r->forgotten[--r->n_forgotten]] = false;
}

static bool take_step(ito_recompute *r, const step *s, double most_share)
{
    size_t peak = r->peak;
    int n = r->n_forgotten;
    forget(r, r->root[s->value], s->is_deep);
    ito__recompute_measure(r);
    if (r->peak <= peak && ito__recompute_share(r) <= most_share) return true;
    take_back(r, n);
    r->refused[s->value] = true;
    ito__recompute_measure(r);
    return false;
}

/* ---- all steps ---- */

/* What need not be forgotten for the peak to be no more than this. */
static void keep_again(ito_recompute *r, size_t target)
{
    int n = 0;
    for (int i = r->n_forgotten - 1; i >= 0; i--) {
        r->again[r->forgotten[i]] = false;
        ito__recompute_measure(r);
        if (r->peak > target) r->again[r->forgotten[i]] = true;
    }
    for (int i = 0; i < r->n_forgotten; i++)
        if (r->again[r->forgotten[i]]) r->forgotten[n++] = r->forgotten[i];
    r->n_forgotten = n;
    ito__recompute_measure(r);
}

size_t ito__recompute_choose(ito_recompute *r, size_t target, double most_share)
{
    size_t n_values = (size_t)r->g->n_values;
    step s;
    take_back(r, 0);
    ito__recompute_measure(r);
    for (bool any = true; any && r->peak > target;) { /* what was refused may help after others were forgotten */
        any = false;
        memset(r->refused, 0, n_values * sizeof *r->refused);
        while (r->peak > target && best_step(r, &s)) any |= take_step(r, &s, most_share);
    }
    keep_again(r, ITO_MAX(target, r->peak));
    return r->peak;
}
