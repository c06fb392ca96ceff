/* A network with fresh weights and a graph to build it in: open, set `in` and build `y`, compile, run, close. */
#ifndef ITO_TESTS_NETWORK_FIXTURE_H
#define ITO_TESTS_NETWORK_FIXTURE_H

#include "networks.h"

typedef struct fixture {
    ito_ctx *ctx;
    ito_network *network;
    ito_params *weights;
    ito_graph *g;
    ito_net *net;
    ito_arch_inputs in;
    ito_value *y;
    ito_program *p;
} fixture;

static inline fixture open_with_threads(const char *text, int n_threads)
{
    fixture f = {.ctx = ctx_open(n_threads)};
    f.network = network_open(f.ctx, text);
    assert_ok(f.ctx, ito_params_create(f.ctx, f.network->params, ITO_F32, &f.weights));
    ito_params_init(f.weights, 1);
    assert_ok(f.ctx, ito_graph_create(f.ctx, &f.g));
    assert_ok(f.ctx, ito__net_create(f.g, f.network->params, ITO_F32, false, &f.net));
    return f;
}

static inline void compile(fixture *f)
{
    assert_ok(f->ctx, ito_graph_status(f->g));
    assert_ok(f->ctx, ito_program_create(f->g, 1, &f->y, NULL, &f->p));
    assert_ok(f->ctx, ito__net_bind(f->net, f->p, f->weights));
}

static inline void close_fixture(fixture *f)
{
    ito_program_destroy(f->p);
    ito__net_destroy(f->net);
    ito_graph_destroy(f->g);
    ito_params_destroy(f->weights);
    ito__network_destroy(f->network);
    ito_ctx_destroy(f->ctx);
}

#endif
