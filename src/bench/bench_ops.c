/* Timing operations: each case of each op family is compiled with its gradient, and every kernel of it gives a row. */
#include <stdio.h>
#include <string.h>

#include "bench/bench_impl.h"
#include "graph/graph_impl.h"

#define BUDGET 1.0 /* seconds for one case: the reference backend is slow */

typedef struct timed_case {
    ito_ctx *ctx;
    const ito_op_case *c;
    ito_graph *g;
    int n_real, n_out;
    ito_value *in[ITO_CASE_INPUTS], *real[ITO_CASE_INPUTS];
    ito_value *out[1 + ITO_CASE_INPUTS]; /* y and the gradients */
    ito_value *dy;
    ito_program *program;
} timed_case;

static ito_status build(timed_case *t)
{
    ITO_TRY(ito_graph_create(t->ctx, &t->g));
    for (int i = 0; i < t->c->n_in; i++) {
        const ito_case_input *in = &t->c->in[i];
        t->in[i] = ito_graph_input(t->g, "x", in->dtype, in->shape);
        if (in->dtype != ITO_I32) t->real[t->n_real++] = t->in[i];
    }
    t->out[t->n_out++] = t->c->build(t->g, t->in, t->c->arg);
    ITO_TRY(ito_graph_status(t->g));
    if (t->c->no_grad) return ITO_OK;
    t->dy = ito_graph_input(t->g, "dy", ito_value_dtype(t->out[0]), ito_value_shape(t->out[0]));
    ito_graph_push(t->g, ITO_BENCH_BACKWARD);
    ito_status st = ito_graph_grad(t->g, 1, t->out, &t->dy, t->n_real, t->real, t->out + 1);
    ito_graph_pop(t->g);
    t->n_out += t->n_real;
    return st;
}

static ito_status compile(timed_case *t, const char *backend)
{
    ITO_TRY(ito_program_create(t->g, t->n_out, t->out, &(ito_program_options){.backend = backend}, &t->program));
    for (int i = 0; i < t->c->n_in; i++)
        ITO_TRY(ito__bench_write(t->ctx, t->program, t->in[i], t->c->in[i].low, t->c->in[i].high));
    return t->dy ? ito__bench_write(t->ctx, t->program, t->dy, 0, 0) : ITO_OK;
}

static ito_status run(void *arg)
{
    return ito_program_run(((timed_case *)arg)->program);
}

static ito_status time_case(timed_case *t, const char *name, const ito_bench_op_options *o, ito_bench_row_fn row,
                            void *user)
{
    int n = ito_program_n_steps(t->program);
    double *seconds = ito__alloc_array(t->ctx, (size_t)n + 1, sizeof *seconds);
    if (!seconds) return ITO_MEMORY;
    int repeats = ITO_MIN(o->repeats > 0 ? o->repeats : 5, ITO_BENCH_MAX_REPEATS);
    ito_status st = ito__bench_profile(t->ctx, t->program, repeats, BUDGET, run, t, seconds);
    for (int i = 0; i < n && st == ITO_OK; i++) {
        ito_program_step step = ito_program_step_get(t->program, i);
        ito_bench_row r = ito__bench_step_row(o->roofs, &step, seconds[i]);
        r.name = name;
        row(user, &r);
    }
    ito__free(t->ctx, seconds);
    return st;
}

static ito_status bench_case(ito_ctx *ctx, const ito_op_family *family, const ito_op_case *c,
                             const ito_bench_op_options *o, ito_bench_row_fn row, void *user)
{
    timed_case t = {.ctx = ctx, .c = c};
    char name[128];
    ito_status st;
    snprintf(name, sizeof name, "%s/%s", family->name, c->name);
    if (o->filter && !strstr(name, o->filter)) return ITO_OK;
    ITO_GO(build(&t));
    ITO_GO(compile(&t, o->backend));
    ITO_GO(time_case(&t, name, o, row, user));
done:
    ito_program_destroy(t.program);
    ito_graph_destroy(t.g);
    return st;
}

ito_status ito_bench_ops(ito_ctx *ctx, const ito_bench_op_options *options, ito_bench_row_fn row, void *user)
{
    const ito_op_family *const *families;
    int n = ito__op_families(&families);
    for (int f = 0; f < n; f++) {
        for (int i = 0; i < families[f]->n_real_cases && options->sizes != ITO_BENCH_SMALL; i++)
            ITO_TRY(bench_case(ctx, families[f], &families[f]->real_cases[i], options, row, user));
        for (int i = 0; i < families[f]->n_cases && options->sizes != ITO_BENCH_REAL; i++)
            ITO_TRY(bench_case(ctx, families[f], &families[f]->cases[i], options, row, user));
    }
    return ITO_OK;
}
