/* Fusion: memory-bound operations move into the kernel that makes or takes their operand. Runs on a compiled program's own
 * copy of the graph, after differentiation, so the fused forms need no gradient rule.
 *
 *   group_norm -> act                           group_norm with act
 *   group_norm -> round_bf16                    group_norm that rounds, after its act
 *   unary_grad of that act -> group_norm_grad   group_norm_grad with act (when the norm's plain output has no other use)
 *   group_norm_grad -> add                      the same with a residual input (what flows past the norm)
 *   product or convolution -> add               the same with a residual input, which for a convolution may be one pixel
 *                                               an image (the time embedding); its input gradient too
 *   product or convolution -> act               the same with act */
#include <string.h>

#include "graph/graph_impl.h"

typedef struct fusion {
    ito_graph *g;
    bool *dead; /* by node id */
    int n_keep;
    ito_value **keep;
} fusion;

static bool runs(const ito_node *n, const char *kernel)
{
    return n->op->kernel && !strcmp(n->op->kernel, kernel);
}

static bool is_kept(const fusion *f, const ito_value *v)
{
    for (int i = 0; i < f->n_keep; i++)
        if (f->keep[i] == v) return true;
    return false;
}

/* Live nodes that read v, each once; the true count is returned even when it exceeds max. */
static int find_users(const fusion *f, const ito_value *v, int max, ito_node **users)
{
    int n = 0;
    for (int id = v->node->id + 1; id < f->g->n_nodes; id++) {
        ito_node *node = f->g->nodes[id];
        if (f->dead[id]) continue;
        for (int i = 0; i < node->n_in; i++) {
            if (node->in[i] != v) continue;
            if (n < max) users[n] = node;
            n++;
            break;
        }
    }
    return n;
}

static ito_node *only_user(const fusion *f, const ito_value *v)
{
    ito_node *user = NULL;
    return !is_kept(f, v) && find_users(f, v, 1, &user) == 1 ? user : NULL;
}

static void replace_uses(fusion *f, const ito_value *from, ito_value *to)
{
    for (int id = from->node->id + 1; id < f->g->n_nodes; id++)
        for (int i = 0; i < f->g->nodes[id]->n_in; i++)
            if (f->g->nodes[id]->in[i] == from) f->g->nodes[id]->in[i] = to;
    for (int i = 0; i < f->n_keep; i++)
        if (f->keep[i] == from) f->keep[i] = to;
}

static int act_of(const ito_node *n)
{
    int kind = runs(n, "unary") ? ((const ito_attr_unary *)n->attr)->kind : ITO_UNARY_identity;
    bool is_act = kind == ITO_UNARY_silu || kind == ITO_UNARY_relu || kind == ITO_UNARY_gelu ||
                  kind == ITO_UNARY_gelu_tanh || kind == ITO_UNARY_round_bf16;
    return is_act ? kind : ITO_UNARY_identity;
}

/* ---- norm + activation ---- */

/* The group_norm_grad that alone reads the activation's gradient, if it belongs to this norm. */
static ito_node *matching_norm_grad(const fusion *f, const ito_node *norm, const ito_node *act_grad)
{
    ito_node *user = only_user(f, &act_grad->out[0]);
    bool ok = user && runs(user, "group_norm_grad") && user->in[4] == &act_grad->out[0] && user->in[0] == norm->in[0] &&
              user->in[3] == &norm->out[1] && ((const ito_attr_norm *)user->attr)->act == ITO_UNARY_identity;
    return ok ? user : NULL;
}

#define MAX_USERS 4

static bool rounds(const ito_node *n)
{
    return runs(n, "unary") && ((const ito_attr_unary *)n->attr)->kind == ITO_UNARY_round_bf16;
}

/* Rounding to bf16 comes when all else is fused. */
static bool fuse_norm_round(fusion *f, ito_node *norm)
{
    ito_node *round = only_user(f, &norm->out[0]);
    if (!round || !rounds(round)) return false;
    ((ito_attr_norm *)norm->attr)->rounds = true;
    norm->is_rounded = round->is_rounded;
    f->dead[round->id] = true;
    replace_uses(f, &round->out[0], &norm->out[0]);
    return true;
}

static void fuse_norm(fusion *f, ito_node *norm)
{
    ito_node *users[MAX_USERS], *act = NULL;
    ito_attr_norm *attr = norm->attr;
    int n = find_users(f, &norm->out[0], MAX_USERS, users);
    if (fuse_norm_round(f, norm) || attr->act != ITO_UNARY_identity || is_kept(f, &norm->out[0]) || n > MAX_USERS)
        return;
    for (int i = 0; i < n; i++)
        if (act_of(users[i]) != ITO_UNARY_identity) act = users[i];
    if (!act) return;
    int kind = act_of(act);
    for (int i = 0; i < n; i++) {
        const ito_node *u = users[i];
        if (u == act) continue;
        bool ok = runs(u, "unary_grad") && ((const ito_attr_unary *)u->attr)->kind == kind &&
                  u->in[0] == &norm->out[0] && u->in[1] != &norm->out[0] && matching_norm_grad(f, norm, u);
        if (!ok) return;
    }
    for (int i = 0; i < n; i++) {
        ito_node *u = users[i];
        if (u == act) continue;
        ito_node *grad = matching_norm_grad(f, norm, u);
        ((ito_attr_norm *)grad->attr)->act = kind;
        grad->in[4] = u->in[1];
        f->dead[u->id] = true;
    }
    attr->act = kind;
    f->dead[act->id] = true;
    replace_uses(f, &act->out[0], &norm->out[0]);
}

/* ---- product or convolution + residual + activation ---- */

typedef struct epilogue {
    bool *has_residual;
    int32_t *act;   /* NULL when it has none */
    bool per_image; /* may the residual be one pixel an image? */
} epilogue;

static bool find_epilogue(ito_node *n, epilogue *e)
{
    if (runs(n, "conv2d")) {
        ito_attr_conv *a = n->attr;
        *e = (epilogue){&a->has_residual, &a->act, true};
        return true;
    }
    if (runs(n, "conv2d_grad_input")) {
        *e = (epilogue){.has_residual = &((ito_attr_conv *)n->attr)->has_residual};
        return true;
    }
    if (runs(n, "matmul")) {
        ito_attr_matmul *a = n->attr;
        *e = (epilogue){&a->has_residual, &a->act, false};
        return true;
    }
    return false;
}

/* Gives a node one more input. */
static ito_status add_input(fusion *f, ito_node *n, ito_value *extra)
{
    ito_value **in = ito__arena_alloc(f->g->arena, (size_t)(n->n_in + 1) * sizeof *in);
    if (!in) return ITO_MEMORY;
    memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
    in[n->n_in++] = extra;
    n->in = in;
    return ITO_OK;
}

/* Turns `later` into a copy of `producer` with one more input; the producer dies. */
static ito_status move_to(fusion *f, ito_node *producer, ito_node *later, ito_value *extra)
{
    void *attr = ito__arena_alloc(f->g->arena, producer->op->attr_size);
    if (!attr) return ITO_MEMORY;
    memcpy(attr, producer->attr, producer->op->attr_size);
    later->n_in = producer->n_in;
    later->in = producer->in;
    later->attr = attr;
    later->op = producer->op;
    later->label = producer->label;
    f->dead[producer->id] = true;
    return add_input(f, later, extra);
}

/* Is b [N, 1, 1, C] where a is [N, H, W, C]? */
static bool is_pixel_an_image(ito_shape a, ito_shape b)
{
    return a.n_dims == 4 && ito_shape_equal(b, ITO_SHAPE(a.d[0], 1, 1, a.d[3]));
}

/* The operand of an addition that a kernel may make and add the other one to; -1: none. */
static int fusable_operand(const ito_node *add)
{
    if (add->in[0] == add->in[1]) return -1;
    if (ito_shape_equal(add->in[0]->shape, add->in[1]->shape))
        return add->in[0]->node->id > add->in[1]->node->id ? 0 : 1;
    for (int i = 0; i < 2; i++)
        if (is_pixel_an_image(add->in[i]->shape, add->in[1 - i]->shape)) return i;
    return -1;
}

/* The gradient through a norm and what flows past it: added by the norm's gradient, when the other operand is there by then. */
static ito_status fuse_norm_grad(fusion *f, ito_node *add, int own)
{
    ito_node *grad = add->in[own]->node;
    ito_value *other = add->in[1 - own];
    if (!runs(grad, "group_norm_grad") || grad->n_in > 5 || add->in[own] != &grad->out[0]) return ITO_OK;
    if (other->node->id > grad->id || only_user(f, add->in[own]) != add) return ITO_OK;
    ITO_TRY(add_input(f, grad, other));
    f->dead[add->id] = true;
    replace_uses(f, &add->out[0], &grad->out[0]);
    return ITO_OK;
}

/* The sum is computed where the addition stood: by then the other operand is there too. */
static ito_status fuse_residual(fusion *f, ito_node *add)
{
    if (!runs(add, "binary") || ((const ito_attr_binary *)add->attr)->kind != ITO_BINARY_add) return ITO_OK;
    int own = fusable_operand(add);
    epilogue e = {0};
    if (own >= 0) ITO_TRY(fuse_norm_grad(f, add, own));
    if (own < 0 || f->dead[add->id] || !find_epilogue(add->in[own]->node, &e) || *e.has_residual) return ITO_OK;
    if (e.act && *e.act != ITO_UNARY_identity) return ITO_OK;
    if (!e.per_image && !ito_shape_equal(add->in[0]->shape, add->in[1]->shape)) return ITO_OK;
    if (only_user(f, add->in[own]) != add) return ITO_OK;
    ITO_TRY(move_to(f, add->in[own]->node, add, add->in[1 - own]));
    find_epilogue(add, &e);
    *e.has_residual = true;
    return ITO_OK;
}

/* An activation moves up into the product or convolution, through reshapes, when nobody else reads what lies between. */
static void fuse_act(fusion *f, ito_node *act)
{
    int kind = act_of(act);
    if (kind == ITO_UNARY_identity) return;
    const ito_node *reader = act;
    ito_node *n = act->in[0]->node;
    while (ito__node_is_alias(n) && only_user(f, &n->out[0]) == reader) {
        reader = n;
        n = n->in[0]->node;
    }
    epilogue e = {0};
    if (!find_epilogue(n, &e) || !e.act || *e.act != ITO_UNARY_identity || only_user(f, &n->out[0]) != reader) return;
    *e.act = kind;
    n->is_rounded = act->is_rounded;
    f->dead[act->id] = true;
    replace_uses(f, &act->out[0], act->in[0]);
}

ito_status ito__graph_fuse(ito_graph *g, int n_keep, ito_value **keep)
{
    fusion f = {
        .g = g, .n_keep = n_keep, .keep = keep, .dead = ito__alloc_array(g->ctx, (size_t)g->n_nodes, sizeof *f.dead)};
    ito_status st = ITO_MEMORY;
    if (!f.dead) return st;
    for (int id = 0; id < g->n_nodes; id++)
        if (!f.dead[id] && runs(g->nodes[id], "group_norm")) fuse_norm(&f, g->nodes[id]);
    for (int id = 0; id < g->n_nodes; id++)
        if (!f.dead[id]) ITO_GO(fuse_residual(&f, g->nodes[id]));
    for (int id = 0; id < g->n_nodes; id++)
        if (!f.dead[id]) fuse_act(&f, g->nodes[id]);
    st = ITO_OK;
done:
    ito__free(g->ctx, f.dead);
    return st;
}
