/* A small cache of compiled programs, the least recently used replaced. */
#include "pipeline/runner.h"

#include <string.h>

#include <ito/ops.h>

#define CACHE 4 /* full and last batch, each with and without guidance's second half, or with and without gradient */

/* What tells a program from others. */
typedef struct kind {
    int64_t n, h, w;
    bool one_time;  /* t is one number for all samples: what is computed from it alone is computed once */
    int64_t n_dout; /* also (d out / d x)^T dout, of so many channels */
    bool features;  /* also what the last layer reads */
} kind;

typedef struct entry {
    kind of;
    uint64_t used; /* clock of the last use; 0: empty */
    ito_graph *g;
    ito_net *net;
    ito_arch_inputs in;
    ito_value *out, *dout, *dx; /* the last two with the gradient */
    ito_value *features;
    ito_program *program;
} entry;

struct ito__runner {
    ito_ctx *ctx;
    const ito_network *network;
    ito_params *params;
    const ito_plan *plan;
    ito_dtype precision;
    uint64_t clock;
    entry cache[CACHE];
};

ito_status ito__runner_create(ito_ctx *ctx, const ito_network *network, ito_params *params, ito__runner **out)
{
    *out = ito__alloc(ctx, sizeof **out);
    if (!*out) return ITO_MEMORY;
    **out = (ito__runner){.ctx = ctx, .network = network, .params = params};
    return ITO_OK;
}

static void clear(entry *e)
{
    ito_program_destroy(e->program);
    ito__net_destroy(e->net);
    ito_graph_destroy(e->g);
    *e = (entry){0};
}

static void forget_programs(ito__runner *runner)
{
    for (int i = 0; i < CACHE; i++) clear(&runner->cache[i]);
}

void ito__runner_destroy(ito__runner *runner)
{
    if (!runner) return;
    forget_programs(runner);
    ito__free(runner->ctx, runner);
}

void ito__runner_use_plan(ito__runner *runner, const ito_plan *plan)
{
    forget_programs(runner);
    runner->plan = plan;
}

void ito__runner_use_precision(ito__runner *runner, ito_dtype precision)
{
    forget_programs(runner);
    runner->precision = precision;
}

ito_status ito__runner_plan(const ito__runner *runner, ito_plan *plan)
{
    for (int i = 0; i < CACHE; i++)
        if (runner->cache[i].program) ITO_TRY(ito_program_plan(runner->cache[i].program, plan));
    return ITO_OK;
}

/* The gradient of <out, dout> in x, of the output's first channels. */
static ito_status add_gradient(entry *e)
{
    ito_value *out = ito_op_slice_axis(e->g, e->out, 3, 0, e->of.n_dout);
    e->dout = ito_graph_input(e->g, "dout", ITO_F32, ito_value_shape(out));
    return ito_graph_grad(e->g, 1, &out, &e->dout, 1, &e->in.x, &e->dx);
}

static ito_status build(ito__runner *r, entry *e)
{
    const ito_network *network = r->network;
    const ito_program_options options = {.freeze_params = true, .plan = r->plan, .precision = r->precision};
    ITO_TRY(ito_graph_create(r->ctx, &e->g));
    ITO_TRY(ito__net_create(e->g, network->params, ITO_F32, false, &e->net));
    e->in = ito__network_inputs(network, e->g, ITO_F32, e->of.n, e->of.h, e->of.w);
    if (e->of.one_time) e->in.t = ito_graph_input(e->g, "t", ITO_F32, ITO_SHAPE(1));
    ito_scope root = ito__net_scope(e->net);
    if (e->of.features) {
        e->features = network->arch->features(&root, network->config, &e->in);
        e->out = network->arch->head(&root, network->config, e->features);
    } else {
        e->out = network->arch->build(&root, network->config, &e->in);
    }
    if (e->of.n_dout) ITO_TRY(add_gradient(e));
    ito_value *outputs[] = {e->out, e->of.n_dout ? e->dx : e->features};
    ITO_TRY(ito_program_create(e->g, 1 + (e->of.n_dout || e->of.features), outputs, &options, &e->program));
    return ito__net_bind(e->net, e->program, r->params);
}

static ito_status fill(ito__runner *r, entry *e, const kind *of)
{
    ITO_TRY(r->network->arch->check_size(r->ctx, r->network->config, of->h, of->w));
    e->of = *of;
    ito_status st = build(r, e);
    if (st != ITO_OK) clear(e);
    return st;
}

static bool same(const kind *a, const kind *b)
{
    return a->n == b->n && a->h == b->h && a->w == b->w && a->one_time == b->one_time && a->n_dout == b->n_dout &&
           a->features == b->features;
}

static ito_status find(ito__runner *r, const kind *of, entry **out)
{
    entry *oldest = &r->cache[0];
    for (int i = 0; i < CACHE; i++) {
        entry *e = &r->cache[i];
        if (e->used && same(&e->of, of)) {
            e->used = ++r->clock;
            *out = e;
            return ITO_OK;
        }
        if (e->used < oldest->used) oldest = e;
    }
    clear(oldest);
    ITO_TRY(fill(r, oldest, of));
    oldest->used = ++r->clock;
    *out = oldest;
    return ITO_OK;
}

/* The given labels, or the null label (the last row of the table) for everyone. */
static ito_status write_labels(ito__runner *r, entry *e, const int32_t *labels)
{
    if (!e->in.label) return ITO_OK;
    if (labels) {
        for (int64_t i = 0; i < e->of.n; i++)
            if (labels[i] < 0 || labels[i] >= r->network->info.n_labels)
                return ito__fail(r->ctx, ITO_USAGE, "label %d of sample %lld is outside 0 .. %lld", labels[i],
                                 (long long)i, (long long)r->network->info.n_labels - 1);
        return ito_program_write(e->program, e->in.label, labels);
    }
    int32_t *null = ito__alloc_array(r->ctx, (size_t)e->of.n, sizeof *null);
    if (!null) return ITO_MEMORY;
    for (int64_t i = 0; i < e->of.n; i++) null[i] = (int32_t)r->network->info.n_labels - 1;
    ito_status st = ito_program_write(e->program, e->in.label, null);
    ito__free(r->ctx, null);
    return st;
}

static bool all_equal(int64_t n, const float *t)
{
    int64_t i = 1;
    while (i < n && t[i] == t[0]) i++;
    return i >= n;
}

ito_status ito__runner_run(ito__runner *runner, const ito__runner_batch *batch)
{
    entry *e;
    const kind of = {batch->n,      batch->h,
                     batch->w,      batch->t && runner->network->info.takes_time && all_equal(batch->n, batch->t),
                     batch->n_dout, batch->features != NULL};
    ITO_TRY(find(runner, &of, &e));
    ITO_TRY(ito_program_write(e->program, e->in.x, batch->x));
    if (e->in.t) ITO_TRY(ito_program_write(e->program, e->in.t, batch->t));
    ITO_TRY(write_labels(runner, e, batch->labels));
    if (batch->n_dout) ITO_TRY(ito_program_write(e->program, e->dout, batch->dout));
    ITO_TRY(ito_program_run(e->program));
    if (batch->n_dout) ITO_TRY(ito_program_read(e->program, e->dx, batch->dx));
    if (batch->features) ITO_TRY(ito_program_read(e->program, e->features, batch->features));
    return ito_program_read(e->program, e->out, batch->out);
}

const ito_network *ito__runner_network(const ito__runner *runner)
{
    return runner->network;
}
