/* A small cache of compiled programs, the least recently used replaced. */
#include "pipeline/net_denoiser.h"

#include <string.h>

#define CACHE 4 /* full and last batch, each with and without guidance's second half */

typedef struct entry {
    int64_t n, h, w;
    bool one_time; /* t is one number for all samples: what is computed from it alone is computed once */
    uint64_t used; /* clock of the last use; 0: empty */
    ito_graph *g;
    ito_net *net;
    ito_arch_inputs in;
    ito_value *out;
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

static ito_status fill(ito__runner *r, entry *e, int64_t n, int64_t h, int64_t w, bool one_time)
{
    const ito_network *network = r->network;
    const ito_program_options options = {.freeze_params = true, .plan = r->plan, .precision = r->precision};
    ito_status st;
    ITO_TRY(network->arch->check_size(r->ctx, network->config, h, w));
    ITO_GO(ito_graph_create(r->ctx, &e->g));
    ITO_GO(ito__net_create(e->g, network->params, ITO_F32, false, &e->net));
    e->in = ito__network_inputs(network, e->g, ITO_F32, n, h, w);
    if (one_time) e->in.t = ito_graph_input(e->g, "t", ITO_F32, ITO_SHAPE(1));
    ito_scope root = ito__net_scope(e->net);
    e->out = network->arch->build(&root, network->config, &e->in);
    ITO_GO(ito_program_create(e->g, 1, &e->out, &options, &e->program));
    ITO_GO(ito__net_bind(e->net, e->program, r->params));
    e->n = n;
    e->h = h;
    e->w = w;
    e->one_time = one_time;
    return ITO_OK;
done:
    clear(e);
    return st;
}

static ito_status find(ito__runner *r, int64_t n, int64_t h, int64_t w, bool one_time, entry **out)
{
    entry *oldest = &r->cache[0];
    for (int i = 0; i < CACHE; i++) {
        entry *e = &r->cache[i];
        if (e->used && e->n == n && e->h == h && e->w == w && e->one_time == one_time) {
            e->used = ++r->clock;
            *out = e;
            return ITO_OK;
        }
        if (e->used < oldest->used) oldest = e;
    }
    clear(oldest);
    ITO_TRY(fill(r, oldest, n, h, w, one_time));
    oldest->used = ++r->clock;
    *out = oldest;
    return ITO_OK;
}

/* The given labels, or the null label (the last row of the table) for everyone. */
static ito_status write_labels(ito__runner *r, entry *e, const int32_t *labels)
{
    if (!e->in.label) return ITO_OK;
    if (labels) {
        for (int64_t i = 0; i < e->n; i++)
            if (labels[i] < 0 || labels[i] >= r->network->info.n_labels)
                return ito__fail(r->ctx, ITO_USAGE, "label %d of sample %lld is outside 0 .. %lld", labels[i],
                                 (long long)i, (long long)r->network->info.n_labels - 1);
        return ito_program_write(e->program, e->in.label, labels);
    }
    int32_t *null = ito__alloc_array(r->ctx, (size_t)e->n, sizeof *null);
    if (!null) return ITO_MEMORY;
    for (int64_t i = 0; i < e->n; i++) null[i] = (int32_t)r->network->info.n_labels - 1;
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

ito_status ito__runner_run(ito__runner *r, int64_t n, int64_t h, int64_t w, const float *x, const float *t,
                           const int32_t *labels, float *out)
{
    entry *e;
    ITO_TRY(find(r, n, h, w, t && r->network->info.takes_time && all_equal(n, t), &e));
    ITO_TRY(ito_program_write(e->program, e->in.x, x));
    if (e->in.t) ITO_TRY(ito_program_write(e->program, e->in.t, t));
    ITO_TRY(write_labels(r, e, labels));
    ITO_TRY(ito_program_run(e->program));
    return ito_program_read(e->program, e->out, out);
}

/* Rows of x, `group` of them in a run of the network. */
static ito_status evaluate(ito__runner *r, const ito_tensor *x, const float *times, const int32_t *labels,
                           int64_t group, float *out)
{
    int64_t n = x->shape.d[0], h = x->shape.d[1], w = x->shape.d[2], size = ito_shape_count(x->shape) / n;
    const float *images = x->data;
    for (int64_t i = 0; i < n; i += group)
        ITO_TRY(
            ito__runner_run(r, group, h, w, images + i * size, times + i, labels ? labels + i : NULL, out + i * size));
    return ITO_OK;
}

static ito_status eval(ito__runner *r, ito_ctx *ctx, const ito_tensor *x, const double *t,
                       const ito_condition *condition, bool each, ito_tensor *out)
{
    const ito_tensor *label = ito_condition_get(condition, "label");
    if (x->shape.n_dims != 4) return ito__fail(ctx, ITO_SHAPE, "this network expects images [n, H, W, C]");
    int64_t n = x->shape.d[0];
    if (label && label->shape.d[0] != n)
        return ito__fail(ctx, ITO_SHAPE, "one label for each of %lld samples is needed", (long long)n);
    float *times = ito__alloc_array(ctx, (size_t)n, sizeof *times);
    if (!times) return ITO_MEMORY;
    for (int64_t i = 0; i < n; i++) times[i] = (float)(t[i] - 1); /* files count timesteps from 0 */
    ito_status st = evaluate(r, x, times, label ? label->data : NULL, each ? 1 : n, out->data);
    ito__free(ctx, times);
    return st;
}

static ito_status eval_batch(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t,
                             const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    (void)extra;
    return eval(self, ctx, x, t, condition, false, out);
}

static ito_status eval_each(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t,
                            const ito_condition *condition, ito_tensor *out, ito_tensor *extra)
{
    (void)extra;
    return eval(self, ctx, x, t, condition, true, out);
}

ito_denoiser ito__runner_denoiser(ito__runner *runner, ito_prediction prediction, bool exact)
{
    return (ito_denoiser){.self = runner, .eval = exact ? eval_each : eval_batch, .prediction = prediction};
}
