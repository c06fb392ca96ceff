/* Building: an append-only list of nodes in an arena, in static single assignment.
 * Invariants: a node's inputs have smaller ids than the node; a value's shape and dtype never change; after the first
 * failure every builder returns the poison, so the message kept is the first. */
#include "graph/graph_impl.h"

#include <stdio.h>
#include <string.h>

static ito_status no_rule(ito_infer *n)
{
    return ito__infer_fail(n, "sources are made by ito_graph_input, ito_graph_param and ito_graph_const");
}

const ito_op_def ito__op_input = {.name = "input", .summary = "written before every run", .n_out = 1, .infer = no_rule};
const ito_op_def ito__op_param = {
    .name = "param", .summary = "bound memory that changes seldom", .n_out = 1, .infer = no_rule};
const ito_op_def ito__op_const = {.name = "const", .summary = "bytes kept in the graph", .n_out = 1, .infer = no_rule};

bool ito__node_is_source(const ito_node *n)
{
    return n->op == &ito__op_input || n->op == &ito__op_param || n->op == &ito__op_const;
}

bool ito__node_is_alias(const ito_node *n)
{
    return !n->op->kernel && !ito__node_is_source(n);
}

ito_value *ito__value_root(ito_value *v)
{
    while (ito__node_is_alias(v->node)) v = v->node->in[0];
    return v;
}

ito_status ito_graph_create(ito_ctx *ctx, ito_graph **out)
{
    ito_graph *g = *out = ito__alloc(ctx, sizeof *g);
    if (!g) return ITO_MEMORY;
    *g = (ito_graph){.ctx = ctx, .poison = {.graph = g, .id = -1}};
    ito_status st = ito__arena_create(ctx, &g->arena);
    if (st != ITO_OK) {
        ito_graph_destroy(g);
        *out = NULL;
    }
    return st;
}

void ito_graph_destroy(ito_graph *g)
{
    if (!g) return;
    ito__arena_destroy(g->arena);
    ito__free(g->ctx, g->nodes);
    ito__free(g->ctx, g);
}

ito_ctx *ito_graph_ctx(const ito_graph *g)
{
    return g->ctx;
}

ito_status ito_graph_status(ito_graph *g)
{
    if (g->status == ITO_OK) return ITO_OK;
    return ito__fail(g->ctx, g->status, "%s", g->message);
}

ito_value *ito__graph_fail(ito_graph *g, ito_status status, const char *format, ...)
{
    if (g->status != ITO_OK) return &g->poison;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *at = g->depth ? g->scope[g->depth - 1] : "";
    g->status = status;
    g->message = ito__arena_printf(g->arena, "%s%s%s", at, *at ? ": " : "", text);
    if (!g->message) g->message = "out of memory while building a graph";
    return &g->poison;
}

/* An arena failure has put its own message into the context. */
static ito_value *fail_memory(ito_graph *g)
{
    return ito__graph_fail(g, ITO_MEMORY, "%s", ito_last_error(g->ctx));
}

bool ito__is_poison(const ito_value *v)
{
    return !v || !v->node;
}

ito_value *ito__output(ito_value *v, int i)
{
    return ito__is_poison(v) ? v : &v->node->out[i];
}

void ito_graph_push(ito_graph *g, const char *label)
{
    if (g->depth == ITO_SCOPE_DEPTH) {
        ito__graph_fail(g, ITO_USAGE, "scopes are nested more than %d deep", ITO_SCOPE_DEPTH);
        return;
    }
    const char *outer = g->depth ? g->scope[g->depth - 1] : "";
    char *joined = ito__arena_printf(g->arena, "%s%s%s", outer, *outer ? "." : "", label);
    if (!joined) fail_memory(g);
    g->scope[g->depth++] = joined ? joined : "";
}

void ito_graph_pop(ito_graph *g)
{
    if (g->depth > 0) g->depth--;
}

ito_dtype ito_value_dtype(const ito_value *v)
{
    return v->dtype;
}

ito_shape ito_value_shape(const ito_value *v)
{
    return v->shape;
}

ito_graph *ito_value_graph(const ito_value *v)
{
    return v->graph;
}

const char *ito_value_label(const ito_value *v)
{
    return ito__is_poison(v) ? "" : v->node->label;
}

ito_status ito__infer_fail(const ito_infer *n, const char *format, ...)
{
    char text[512], shapes[512] = "", one[ITO_SHAPE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (int i = 0; i < n->n_in; i++) {
        size_t used = strlen(shapes);
        snprintf(shapes + used, sizeof shapes - used, "%s%s %s", i ? ", " : "", ito_dtype_name(n->in[i]->dtype),
                 ito_shape_text(n->in[i]->shape, one));
    }
    return ito__fail(n->ctx, ITO_SHAPE, "%s: %s (inputs: %s)", n->op->name, text, n->n_in ? shapes : "none");
}

/* An unattached node with room for its inputs and outputs; NULL when memory ran out. */
static ito_node *new_node(ito_graph *g, const ito_op_def *op, int n_in, int n_out)
{
    ito_node *n = ito__arena_alloc(g->arena, sizeof *n);
    if (!n) return NULL;
    n->op = op;
    n->n_in = n_in;
    n->n_out = n_out;
    n->in = ito__arena_alloc(g->arena, (size_t)n_in * sizeof *n->in);
    n->out = ito__arena_alloc(g->arena, (size_t)n_out * sizeof *n->out);
    n->attr = op->attr_size ? ito__arena_alloc(g->arena, op->attr_size) : NULL;
    n->label = g->depth ? g->scope[g->depth - 1] : "";
    n->is_gradient = g->in_gradient;
    return n->in && n->out && (!op->attr_size || n->attr) ? n : NULL;
}

static ito_value *attach(ito_graph *g, ito_node *n, const ito_desc *out)
{
    if (ito__grow(g->ctx, &g->nodes, sizeof *g->nodes, &g->cap_nodes, g->n_nodes + 1) != ITO_OK) return fail_memory(g);
    n->id = g->n_nodes;
    g->nodes[g->n_nodes++] = n;
    for (int i = 0; i < n->n_out; i++) n->out[i] = (ito_value){g, n, i, g->n_values++, out[i].dtype, out[i].shape};
    return &n->out[0];
}

static ito_value *source(ito_graph *g, const ito_op_def *op, const char *name, ito_desc desc, const void *data)
{
    char text[ITO_SHAPE_TEXT];
    if (g->status != ITO_OK) return &g->poison;
    int64_t count = ito_shape_count(desc.shape);
    if (count < 0)
        return ito__graph_fail(g, ITO_SHAPE, "%s '%s': shape %s is impossible", op->name, name,
                               ito_shape_text(desc.shape, text));
    ito_node *n = new_node(g, op, 0, 1);
    char *label = n ? ito__arena_strdup(g->arena, name) : NULL;
    if (!label) return fail_memory(g);
    n->label = label;
    if (data) {
        size_t bytes = (size_t)count * ito_dtype_size(desc.dtype);
        void *copy = ito__arena_alloc(g->arena, bytes);
        if (!copy) return fail_memory(g);
        n->data = memcpy(copy, data, bytes);
    }
    return attach(g, n, &desc);
}

ito_value *ito_graph_input(ito_graph *g, const char *name, ito_dtype dtype, ito_shape shape)
{
    return source(g, &ito__op_input, name, (ito_desc){dtype, shape}, NULL);
}

ito_value *ito_graph_param(ito_graph *g, const char *name, ito_dtype dtype, ito_shape shape)
{
    return source(g, &ito__op_param, name, (ito_desc){dtype, shape}, NULL);
}

ito_value *ito_graph_const(ito_graph *g, ito_dtype dtype, ito_shape shape, const void *data)
{
    return source(g, &ito__op_const, "const", (ito_desc){dtype, shape}, data);
}

ito_value *ito__op(ito_graph *g, const ito_op_def *op, const void *attr, int n_in, ito_value *const *in)
{
    if (g->status != ITO_OK) return &g->poison;
    for (int i = 0; i < n_in; i++) {
        if (!in[i]) return ito__graph_fail(g, ITO_USAGE, "%s: input %d is NULL", op->name, i);
        if (ito__is_poison(in[i])) return &g->poison;
        if (in[i]->graph != g)
            return ito__graph_fail(g, ITO_USAGE, "%s: input %d belongs to another graph", op->name, i);
    }
    if (n_in < op->min_in || n_in > op->max_in || n_in > ITO_MAX_INPUTS)
        return ito__graph_fail(g, ITO_USAGE, "%s: %d inputs, expected %d to %d", op->name, n_in, op->min_in,
                               op->max_in);
    ito_infer rule = {.ctx = g->ctx, .op = op, .attr = attr, .n_in = n_in, .n_out = op->n_out, .in = in};
    ito_status st = op->infer(&rule);
    if (st != ITO_OK) return ito__graph_fail(g, st, "%s", ito_last_error(g->ctx));
    ito_node *n = new_node(g, op, n_in, op->n_out);
    if (!n) return fail_memory(g);
    if (n_in) memcpy(n->in, in, (size_t)n_in * sizeof *in);
    if (op->attr_size) memcpy(n->attr, attr, op->attr_size);
    return attach(g, n, rule.out);
}

bool *ito__graph_mark_live(ito_graph *g, int n_out, ito_value *const *outputs)
{
    bool *live = ito__alloc_array(g->ctx, (size_t)g->n_nodes, sizeof *live);
    if (!live) return NULL;
    for (int i = 0; i < n_out; i++) live[outputs[i]->node->id] = true;
    for (int id = g->n_nodes - 1; id >= 0; id--)
        for (int i = 0; live[id] && i < g->nodes[id]->n_in; i++) live[g->nodes[id]->in[i]->node->id] = true;
    return live;
}

ito_value *ito__graph_copy_node(ito_graph *to, const ito_node *n, ito_value *const *in)
{
    return ito__graph_copy_node_more(to, n, in, 0, NULL);
}

ito_value *ito__graph_copy_node_more(ito_graph *to, const ito_node *n, ito_value *const *in, int n_more,
                                     const ito_desc *more)
{
    ito_desc out[ITO_MAX_OUTPUTS];
    ito_node *copy = new_node(to, n->op, n->n_in, n->n_out + n_more);
    if (!copy) return NULL;
    for (int i = 0; i < n->n_in; i++) copy->in[i] = in[i];
    for (int i = 0; i < n->n_out; i++) out[i] = (ito_desc){n->out[i].dtype, n->out[i].shape};
    for (int i = 0; i < n_more; i++) out[n->n_out + i] = more[i];
    if (copy->attr) memcpy(copy->attr, n->attr, n->op->attr_size);
    copy->label = ito__arena_strdup(to->arena, n->label);
    if (!copy->label) return NULL;
    copy->data = n->data;
    copy->is_gradient = n->is_gradient;
    copy->is_rounded = n->is_rounded;
    ito_value *first = attach(to, copy, out);
    return ito__is_poison(first) ? NULL : first;
}

static ito_status copy_into(ito_graph *to, const ito_node *n, ito_value **map)
{
    ito_value *in[ITO_MAX_INPUTS];
    for (int i = 0; i < n->n_in; i++) in[i] = map[n->in[i]->id];
    ito_value *first = ito__graph_copy_node(to, n, in);
    if (!first) return ITO_MEMORY;
    for (int i = 0; i < n->n_out; i++) map[n->out[i].id] = ito__output(first, i);
    return ITO_OK;
}

/* Outputs that are narrower casts, by the id of what they cast. They are made right after it, so that it need not be kept until all
 * others are there. */
static void find_narrower(int n_out, ito_value *const *outputs, ito_node **narrower)
{
    for (int i = 0; i < n_out; i++) {
        ito_node *n = outputs[i]->node;
        bool is_cast = n->op->kernel && !strcmp(n->op->kernel, "cast");
        if (is_cast && ito_dtype_size(n->out[0].dtype) < ito_dtype_size(n->in[0]->dtype)) narrower[n->in[0]->id] = n;
    }
}

static ito_status copy_narrower(ito_graph *to, const ito_node *n, ito_node *const *narrower, ito_value **map)
{
    for (int o = 0; o < n->n_out; o++)
        if (narrower[n->out[o].id]) ITO_TRY(copy_into(to, narrower[n->out[o].id], map));
    return ITO_OK;
}

ito_status ito__graph_copy_live(ito_graph *g, int n_out, ito_value *const *outputs, ito_graph **out, ito_value ***map)
{
    ito_status st = ITO_MEMORY;
    *out = NULL;
    *map = ito__alloc_array(g->ctx, (size_t)g->n_values, sizeof **map);
    ito_node **narrower = ito__alloc_array(g->ctx, (size_t)g->n_values, sizeof *narrower);
    bool *live = ito__graph_mark_live(g, n_out, outputs);
    if (!*map || !live || !narrower) goto done;
    find_narrower(n_out, outputs, narrower);
    ITO_GO(ito_graph_create(g->ctx, out));
    for (int id = 0; id < g->n_nodes; id++) {
        const ito_node *n = g->nodes[id];
        if (!live[id] || (*map)[n->out[0].id]) continue;
        ITO_GO(copy_into(*out, n, *map));
        ITO_GO(copy_narrower(*out, n, narrower, *map));
    }
done:
    ito__free(g->ctx, narrower);
    ito__free(g->ctx, live);
    if (st != ITO_OK) {
        ito_graph_destroy(*out);
        ito__free(g->ctx, *map);
        *out = NULL;
        *map = NULL;
    }
    return st;
}
