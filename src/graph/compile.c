/* From a graph to a program: copy what is alive, fuse, choose kernels, give every value a storage, plan the slab; where that
 * takes more memory than it may, or forward values are to be kept in bf16, recompute, narrow and begin again behind fusion. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/narrow.h"
#include "graph/plan_impl.h"
#include "graph/program_impl.h"
#include "graph/recompute.h"
#include "graph/slab.h"

static ito_status check_precision(ito_ctx *ctx, ito_dtype precision)
{
    if (precision == ITO_F32 || precision == ITO_BF16) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "the precision of a program is %s, expected f32 or bf16",
                     ito_dtype_name(precision));
}

static ito_status check_outputs(ito_graph *g, int n_out, ito_value *const *outputs, int n_bound)
{
    ITO_TRY(ito_graph_status(g));
    if (n_out < 1 || n_bound < 0 || n_bound > n_out)
        return ito__fail(g->ctx, ITO_USAGE,
                         "a program needs at least one output and no more bound outputs than outputs: found %d and %d",
                         n_out, n_bound);
    for (int i = 0; i < n_out; i++)
        if (ito__is_poison(outputs[i]) || outputs[i]->graph != g)
            return ito__fail(g->ctx, ITO_USAGE, "output %d is not a value of this graph", i);
    return ITO_OK;
}

/* A bound output must own its memory: sources, and memory another bound output has, are copied. */
static ito_status separate_bound(ito_graph *ir, int n_bound, ito_value **outputs)
{
    const ito_op_def *identity = ito__op_find("identity");
    ito_attr_unary attr = {ITO_UNARY_identity};
    for (int i = 0; i < n_bound; i++) {
        ito_value *root = ito__value_root(outputs[i]);
        bool shared = ito__node_is_source(root->node);
        for (int j = 0; j < i; j++) shared |= ito__value_root(outputs[j]) == root;
        if (shared) outputs[i] = ITO_OP(ir, identity, &attr, outputs[i]);
    }
    return ito_graph_status(ir);
}

/* Marks by node id what is alive after rewriting and counts the steps. */
static ito_status mark_live(ito_program *p, int n_out, ito_value *const *outputs, bool **live)
{
    ito_graph *ir = p->ir;
    *live = ito__alloc_array(p->ctx, (size_t)ir->n_nodes, sizeof **live);
    if (!*live) return ITO_MEMORY;
    for (int i = 0; i < n_out; i++) (*live)[outputs[i]->node->id] = true;
    for (int id = ir->n_nodes - 1; id >= 0; id--) {
        const ito_node *n = ir->nodes[id];
        if (!(*live)[id]) continue;
        for (int i = 0; i < n->n_in; i++) (*live)[n->in[i]->node->id] = true;
        p->n_steps += n->op->kernel != NULL;
    }
    return ITO_OK;
}

static int new_storage(ito_program *p, const ito_value *v, ito_place place)
{
    ito_storage *s = &p->storages[p->n_storages];
    *s = (ito_storage){.place = place, .label = v->node->label, .is_param = v->node->op == &ito__op_param};
    s->bytes = (size_t)ito_shape_count(v->shape) * ito_dtype_size(v->dtype);
    return p->n_storages++;
}

/* Every live value gets the storage it is born in; aliases get their root's. */
static ito_status assign_storages(ito_program *p, const bool *live)
{
    ito_graph *ir = p->ir;
    p->storages = ito__alloc_array(p->ctx, (size_t)ir->n_values, sizeof *p->storages);
    p->storage_of = ito__alloc_array(p->ctx, (size_t)ir->n_values, sizeof *p->storage_of);
    if (!p->storages || !p->storage_of) return ITO_MEMORY;
    for (int i = 0; i < ir->n_values; i++) p->storage_of[i] = -1;
    for (int id = 0; id < ir->n_nodes; id++) {
        ito_node *n = ir->nodes[id];
        if (!live[id]) continue;
        ito_place place = n->op == &ito__op_const   ? ITO_PLACE_CONST
                          : n->op == &ito__op_param ? ITO_PLACE_BOUND
                                                    : ITO_PLACE_SLAB;
        for (int o = 0; o < n->n_out; o++)
            p->storage_of[n->out[o].id] =
                ito__node_is_alias(n) ? p->storage_of[n->in[0]->id] : new_storage(p, &n->out[o], place);
        if (n->op == &ito__op_input) p->storages[p->storage_of[n->out[0].id]].pinned = true;
    }
    return ITO_OK;
}

static void pin_outputs(ito_program *p, int n_out, ito_value *const *outputs)
{
    for (int i = 0; i < n_out; i++) {
        ito_storage *s = &p->storages[p->storage_of[outputs[i]->id]];
        s->pinned = true;
        if (i < p->options.n_bound) s->place = ITO_PLACE_BOUND;
    }
}

static ito_status prepare_step(ito_program *p, const ito_node *n, ito_step *step)
{
    ito_kernel *k = &step->kernel;
    *k = (ito_kernel){
        .ctx = p->ctx, .attr = n->attr, .n_in = n->n_in, .n_out = n->n_out, .n_threads = p->queue.n_threads};
    k->packs = p->options.precision;
    for (int i = 0; i < n->n_in; i++) {
        k->in[i] = (ito_desc){n->in[i]->dtype, n->in[i]->shape};
        step->in[i] = p->storage_of[n->in[i]->id];
        if (p->options.freeze_params && p->storages[step->in[i]].is_param) k->frozen |= 1u << i;
    }
    for (int o = 0; o < n->n_out; o++) {
        k->out[o] = (ito_desc){n->out[o].dtype, n->out[o].shape};
        step->out[o] = p->storage_of[n->out[o].id];
    }
    step->op = n->op->name;
    step->label = n->label;
    step->is_repeat = n->is_repeat;
    step->is_storage = n->is_storage;
    step->flops = n->op->flops ? n->op->flops(n) : 0;
    ITO_TRY(ito__plan_prepare(p->options.plan, p->backend, k, n->op->kernel));
    step->packed_kept = k->packed_bytes && (k->frozen & 2);
    return ITO_OK;
}

static ito_status prepare_steps(ito_program *p, const bool *live)
{
    p->steps = ito__alloc_array(p->ctx, (size_t)p->n_steps, sizeof *p->steps);
    if (!p->steps) return ITO_MEMORY;
    int n_steps = p->n_steps;
    p->n_steps = 0; /* counts the prepared ones, so that a failure releases just those */
    for (int id = 0; id < p->ir->n_nodes; id++) {
        const ito_node *n = p->ir->nodes[id];
        if (!live[id] || !n->op->kernel) continue;
        ito_status st = prepare_step(p, n, &p->steps[p->n_steps]);
        if (st != ITO_OK)
            return ito__fail(p->ctx, st, "%s%s%s", n->label, *n->label ? ": " : "", ito_last_error(p->ctx));
        p->n_steps++;
    }
    return p->n_steps == n_steps ? ITO_OK : ITO_STATE;
}

static void find_lifetimes(ito_program *p)
{
    for (int i = 0; i < p->n_storages; i++) {
        p->storages[i].first = p->n_steps;
        p->storages[i].last = -1;
    }
    for (int t = 0; t < p->n_steps; t++) {
        const ito_step *step = &p->steps[t];
        for (int i = 0; i < step->kernel.n_in; i++) p->storages[step->in[i]].last = t;
        for (int o = 0; o < step->kernel.n_out; o++) {
            ito_storage *s = &p->storages[step->out[o]];
            s->first = ITO_MIN(s->first, t);
            s->last = ITO_MAX(s->last, t);
        }
    }
    for (int i = 0; i < p->n_storages; i++) {
        ito_storage *s = &p->storages[i];
        if (s->first == p->n_steps) s->first = 0; /* a source */
        if (s->pinned) s->last = p->n_steps;
        s->last = ITO_MAX(s->last, s->first);
    }
}

/* Everything that named storage `from` names `to` from now on; steps before t never named `from`. */
static void rename_storage(ito_program *p, int t, int from, int to)
{
    for (; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        for (int i = 0; i < step->kernel.n_in; i++)
            if (step->in[i] == from) step->in[i] = to;
        for (int o = 0; o < step->kernel.n_out; o++)
            if (step->out[o] == from) step->out[o] = to;
    }
    for (int v = 0; v < p->ir->n_values; v++)
        if (p->storage_of[v] == from) p->storage_of[v] = to;
}

/* Can the output of step t take over its input i: the operation allows it, sizes agree, and nobody reads it later? */
static bool can_take_over(const ito_program *p, int t, int i)
{
    const ito_step *step = &p->steps[t];
    const ito_op_def *op = ito__op_find(step->op);
    const ito_storage *in = &p->storages[step->in[i]], *out = &p->storages[step->out[0]];
    if (!op || !(op->inplace >> i & 1) || in->bytes != out->bytes ||
        step->kernel.in[i].dtype != step->kernel.out[0].dtype)
        return false;
    for (int k = 0; k < step->kernel.n_in; k++) /* nor reads it as another input that must stay */
        if (step->in[k] == step->in[i] && !(op->inplace >> k & 1)) return false;
    return in->last == t && !in->pinned && in->place == ITO_PLACE_SLAB && out->place == ITO_PLACE_SLAB;
}

/* An operation that may writes over an input that dies with it: its output moves into that input's storage. */
static void share_storages(ito_program *p)
{
    for (int t = 0; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        for (int i = 0; i < step->kernel.n_in; i++) {
            if (!can_take_over(p, t, i)) continue;
            ito_storage *in = &p->storages[step->in[i]], *out = &p->storages[step->out[0]];
            in->last = out->last;
            in->pinned = out->pinned;
            out->bytes = 0; /* no longer a buffer of its own */
            rename_storage(p, t, step->out[0], step->in[i]);
            break;
        }
    }
}

/* Slab: storages, then one workspace and one transient packed buffer per step. */
static ito_status plan_slab(ito_program *p)
{
    int n = 0, most = p->n_storages + 2 * p->n_steps;
    ito_slab_buffer *buffers = ito__alloc_array(p->ctx, (size_t)most, sizeof *buffers);
    size_t **slots = ito__alloc_array(p->ctx, (size_t)most, sizeof *slots);
    ito_status st = ITO_MEMORY;
    if (!buffers || !slots) goto done;
    for (int i = 0; i < p->n_storages; i++) {
        ito_storage *s = &p->storages[i];
        if (s->place != ITO_PLACE_SLAB || !s->bytes) continue;
        buffers[n] = (ito_slab_buffer){s->bytes, s->first, s->last, 0};
        slots[n++] = &s->offset;
    }
    for (int t = 0; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        if (step->kernel.workspace_bytes) {
            buffers[n] = (ito_slab_buffer){step->kernel.workspace_bytes, t, t, 0};
            slots[n++] = &step->workspace;
        }
        if (step->kernel.packed_bytes && !step->packed_kept) {
            buffers[n] = (ito_slab_buffer){step->kernel.packed_bytes, t, t, 0};
            slots[n++] = &step->packed;
        }
    }
    ITO_GO(ito__slab_offsets(p->ctx, n, buffers, &p->memory.slab_bytes, &p->memory.live_bytes));
    for (int i = 0; i < n; i++) *slots[i] = buffers[i].offset;
done:
    ito__free(p->ctx, buffers);
    ito__free(p->ctx, slots);
    return st;
}

static void plan_rest(ito_program *p)
{
    for (int t = 0; t < p->n_steps; t++) {
        ito_step *step = &p->steps[t];
        if (!step->packed_kept) continue;
        step->packed = p->memory.packed_bytes;
        p->memory.packed_bytes += ito__slab_aligned(step->kernel.packed_bytes);
    }
    for (int i = 0; i < p->n_storages; i++) {
        ito_storage *s = &p->storages[i];
        if (s->place == ITO_PLACE_BOUND) p->memory.bound_bytes += s->bytes;
        if (s->place != ITO_PLACE_CONST) continue;
        s->offset = p->memory.const_bytes;
        p->memory.const_bytes += ito__slab_aligned(s->bytes);
    }
}

static ito_status allocate(ito_program *p)
{
    const ito_backend *b = p->backend;
    p->slab = b->alloc(p->ctx, p->memory.slab_bytes);
    p->consts = b->alloc(p->ctx, p->memory.const_bytes);
    p->packed = b->alloc(p->ctx, p->memory.packed_bytes);
    if (!p->slab || !p->consts || !p->packed)
        return ito__fail(p->ctx, ITO_MEMORY, "this program needs %.1f MiB: try a smaller batch or image",
                         (double)(p->memory.slab_bytes + p->memory.const_bytes + p->memory.packed_bytes) / (1 << 20));
    for (int id = 0; id < p->ir->n_nodes; id++) {
        const ito_node *n = p->ir->nodes[id];
        int s = n->op == &ito__op_const ? p->storage_of[n->out[0].id] : -1;
        if (s >= 0) b->upload(p->consts + p->storages[s].offset, n->data, p->storages[s].bytes);
    }
    for (int i = 0; i < p->n_storages; i++) {
        ito_storage *s = &p->storages[i];
        s->base = s->place == ITO_PLACE_SLAB    ? p->slab + s->offset
                  : s->place == ITO_PLACE_CONST ? p->consts + s->offset
                                                : NULL;
    }
    return ITO_OK;
}

/* Everything about p->ir but memory itself. */
static ito_status lay_out(ito_program *p, int n_out, ito_value *const *outputs)
{
    bool *live = NULL;
    ito_status st;
    ITO_GO(mark_live(p, n_out, outputs, &live));
    ITO_GO(assign_storages(p, live));
    ITO_GO(prepare_steps(p, live));
    pin_outputs(p, n_out, outputs);
    find_lifetimes(p);
    share_storages(p);
    ITO_GO(plan_slab(p));
    plan_rest(p);
done:
    ito__free(p->ctx, live);
    return st;
}

/* ---- bf16 ---- */

typedef ito_status rewrite(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map);

/* The copy that `pass` makes of p->ir takes its place; map[] and outputs[], which lead to p->ir, follow. */
static ito_status replace_graph(ito_program *p, rewrite *pass, int n_map, ito_value **map, int n_out,
                                ito_value **outputs)
{
    ito_graph *ir;
    ito_value **next;
    ITO_TRY(pass(p->ir, n_out, outputs, &ir, &next));
    for (int i = 0; i < n_map; i++)
        if (map[i]) map[i] = next[map[i]->id];
    for (int i = 0; i < n_out; i++) outputs[i] = next[outputs[i]->id];
    ito_graph_destroy(p->ir);
    ito__free(p->ctx, next);
    p->ir = ir;
    return ITO_OK;
}

/* Rounds what will be kept, in the kernels that make it where they can. */
static ito_status round_graph(ito_program *p, int n_out, ito_value **outputs)
{
    if (p->options.precision == ITO_F32) return ITO_OK;
    ITO_TRY(replace_graph(p, ito__graph_round, p->n_map, p->map, n_out, outputs));
    return p->options.no_fusion ? ITO_OK : ito__graph_fuse(p->ir, n_out, outputs);
}

/* ---- recomputation ---- */

static size_t limited_bytes(const ito_program *p)
{
    const ito_program_memory_info *m = &p->memory;
    return m->slab_bytes + m->packed_bytes + m->const_bytes + p->options.held_bytes;
}

static ito_status open_recompute(const ito_program *p, int n_out, ito_value *const *outputs, ito_recompute **out)
{
    *out = NULL;
    size_t *scratch = ito__alloc_array(p->ctx, (size_t)p->ir->n_nodes, sizeof *scratch);
    if (!scratch) return ITO_MEMORY;
    for (int id = 0, t = 0; id < p->ir->n_nodes; id++) { /* steps are the live nodes with kernels, in order */
        const ito_node *n = p->ir->nodes[id];
        if (!n->op->kernel || p->storage_of[n->out[0].id] < 0) continue;
        const ito_step *step = &p->steps[t++];
        scratch[id] = ito__slab_aligned(step->kernel.workspace_bytes);
        if (!step->packed_kept) scratch[id] += ito__slab_aligned(step->kernel.packed_bytes);
    }
    ito_status st = ito__recompute_create(p->ir, n_out, outputs, p->options.n_bound, scratch, out);
    ito__free(p->ctx, scratch);
    return st;
}

/* Lays out the graph that r has chosen, with rounded values kept narrow. outputs[] and *map are of the whole graph; *map leads to p->ir. */
static ito_status lay_out_less(ito_program *p, const ito_recompute *r, int n_out, ito_value *const *outputs,
                               ito_value ***map)
{
    size_t unlimited = p->memory.unlimited_bytes;
    ito_value **less = ito__alloc_array(p->ctx, (size_t)n_out, sizeof *less);
    ito_status st = ITO_MEMORY;
    ito__free(p->ctx, *map);
    *map = NULL;
    if (!less) goto done;
    ito__program_clear(p);
    p->memory = (ito_program_memory_info){.unlimited_bytes = unlimited, .recomputed_share = ito__recompute_share(r)};
    ITO_GO(ito__recompute_copy(r, &p->ir, map));
    for (int i = 0; i < n_out; i++) less[i] = (*map)[outputs[i]->id];
    if (p->options.precision != ITO_F32)
        ITO_GO(replace_graph(p, ito__graph_narrow, outputs[0]->graph->n_values, *map, n_out, less));
    ITO_GO(lay_out(p, n_out, less));
    for (int t = 0; t < p->n_steps; t++) p->memory.n_recomputed += p->steps[t].is_repeat;
done:
    ito__free(p->ctx, less);
    return st;
}

static ito_status too_much(const ito_program *p, size_t whole, size_t least)
{
    const double mib = 1 << 20;
    char held[128] = "";
    if (p->options.held_bytes)
        snprintf(held, sizeof held, ", %.1f MiB of them for weights and whatever is held beside it",
                 (double)p->options.held_bytes / mib);
    return ito__fail(p->ctx, ITO_MEMORY,
                     "the limit is %.1f MiB of memory, but this program needs at least %.1f MiB (%.1f MiB without "
                     "recomputation)%s: raise the limit, or take a smaller batch or image",
                     (double)p->options.max_memory / mib, (double)least / mib, (double)whole / mib, held);
}

#define MOST_TRIES 10

/* Layouts that recompute more and more, until one is below the limit. What is alive at once is a lower bound of the slab, so the
 * target is lowered by what the slab is too large. */
static ito_status lay_out_to_fit(ito_program *p, ito_recompute *r, int n_out, ito_value *const *outputs,
                                 ito_value ***map)
{
    size_t limit = p->options.max_memory, whole = limited_bytes(p), least = whole, target = p->memory.slab_bytes;
    if (p->options.free_share > 0 || p->options.precision != ITO_F32) {
        ito__recompute_choose(r, 0, p->options.free_share);
        ITO_TRY(lay_out_less(p, r, n_out, outputs, map));
    }
    for (int tries = 0; limit && limited_bytes(p) > limit; tries++) {
        target -= ITO_MIN(target, tries ? limited_bytes(p) - limit : whole - limit);
        bool is_least = ito__recompute_choose(r, target, HUGE_VAL) > target || tries == MOST_TRIES;
        ITO_TRY(lay_out_less(p, r, n_out, outputs, map));
        least = ITO_MIN(least, limited_bytes(p));
        if (is_least && limited_bytes(p) > limit) return too_much(p, whole, least);
    }
    return ITO_OK;
}

/* Replaces the layout by one that recomputes. */
static ito_status lay_out_again(ito_program *p, int n_out, ito_value *const *outputs)
{
    ito_value **map = NULL;
    ito_recompute *r;
    ito_status st = open_recompute(p, n_out, outputs, &r);
    if (st != ITO_OK) return st;
    ito_graph *whole = p->ir; /* r reads it */
    p->ir = NULL;
    ITO_GO(lay_out_to_fit(p, r, n_out, outputs, &map));
    assert(p->ir && map); /* a share or a limit that is passed asks for at least one layout */
    for (int i = 0; i < p->n_map; i++)
        if (p->map[i]) p->map[i] = map[p->map[i]->id];
done:
    ito__free(p->ctx, map);
    ito__recompute_destroy(r);
    ito_graph_destroy(whole);
    return st;
}

static ito_status compile(ito_program *p, ito_graph *g, int n_out, ito_value *const *outputs)
{
    ito_status st;
    ito_value **kept = ito__alloc_array(p->ctx, (size_t)n_out, sizeof *kept);
    if (!kept) return ITO_MEMORY;
    ITO_GO(ito__graph_copy_live(g, n_out, outputs, &p->ir, &p->map));
    p->n_map = g->n_values;
    for (int i = 0; i < n_out; i++) kept[i] = p->map[outputs[i]->id];
    if (!p->options.no_fusion) ITO_GO(ito__graph_fuse(p->ir, n_out, kept));
    ITO_GO(separate_bound(p->ir, p->options.n_bound, kept));
    ITO_GO(round_graph(p, n_out, kept));
    for (int i = 0; i < n_out; i++) p->map[outputs[i]->id] = kept[i];
    ITO_GO(lay_out(p, n_out, kept));
    p->memory.unlimited_bytes = p->memory.slab_bytes;
    bool is_too_much = p->options.max_memory && limited_bytes(p) > p->options.max_memory;
    if (is_too_much || p->options.free_share > 0 || p->options.precision != ITO_F32)
        ITO_GO(lay_out_again(p, n_out, kept));
    ITO_GO(allocate(p));
done:
    ito__free(p->ctx, kept);
    return st;
}

ito_status ito_program_create(ito_graph *g, int n_out, ito_value *const *outputs, const ito_program_options *options,
                              ito_program **out)
{
    *out = NULL;
    ito_program_options o = options ? *options : (ito_program_options){0};
    ITO_TRY(check_outputs(g, n_out, outputs, o.n_bound));
    ITO_TRY(check_precision(g->ctx, o.precision));
    const ito_backend *backend;
    ITO_TRY(ito__backend_open(g->ctx, o.backend, &backend));
    if (o.plan) ITO_TRY(ito__plan_check(o.plan, g->ctx, backend));
    ito_program *p = ito__alloc(g->ctx, sizeof *p);
    if (!p) return ITO_MEMORY;
    *p = (ito_program){.ctx = g->ctx, .backend = backend, .options = o, .repack = true};
    p->options.backend = backend->name;
    p->queue.n_threads = ito_ctx_n_threads(g->ctx);
    ito_status st = compile(p, g, n_out, outputs);
    p->options.plan = NULL; /* the caller's, who may destroy it now */
    if (st != ITO_OK)
        ito_program_destroy(p);
    else
        *out = p;
    return st;
}
