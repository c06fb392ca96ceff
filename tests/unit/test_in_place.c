/* Writing over an input changes no bit: every op case, forward and gradient, on inputs that die with their last reader
 * against the same inputs kept alive as outputs, on the fast and on the reference kernels. */
#include "op_cases.h"

enum { MOST = 2 * ITO_CASE_INPUTS + 3 };

typedef struct flow {
    ito_ctx *ctx;
    ito_graph *g;
    ito_value *in[ITO_CASE_INPUTS], *dy; /* what the test writes; dy NULL when there is no gradient */
    int n_results, n_out;
    ito_value *out[MOST]; /* y and the gradients, then the computed copies of the inputs that they are made from */
} flow;

static flow build_flow(const ito_op_case *c)
{
    flow f = {.ctx = ctx_open(2)};
    ito_value *moved[ITO_CASE_INPUTS + 1], *real[ITO_CASE_INPUTS], *dx[ITO_CASE_INPUTS] = {0};
    int n_moved = 0, n_real = 0;
    assert_ok(f.ctx, ito_graph_create(f.ctx, &f.g));
    for (int i = 0; i < c->n_in; i++) {
        f.in[i] = ito_graph_input(f.g, "x", c->in[i].dtype, c->in[i].shape);
        bool is_real = c->in[i].dtype == ITO_F32;
        moved[i] = is_real ? ito_op_scale(f.g, f.in[i], 1, 0) : f.in[i];
        if (is_real) real[n_real++] = moved[i];
    }
    ito_value *y = f.out[f.n_results++] = c->build(f.g, moved, c->arg);
    for (; n_moved < n_real; n_moved++) moved[n_moved] = real[n_moved];
    if (!c->no_grad) {
        f.dy = ito_graph_input(f.g, "dy", ITO_F32, ito_value_shape(y));
        ito_value *seed = moved[n_moved++] = ito_op_scale(f.g, f.dy, 1, 0);
        assert_ok(f.ctx, ito_graph_grad(f.g, 1, &y, &seed, n_real, real, dx));
        for (int i = 0; i < n_real; i++) f.out[f.n_results++] = dx[i];
    }
    f.n_out = f.n_results;
    for (int i = 0; i < n_moved; i++) f.out[f.n_out++] = moved[i];
    assert_ok(f.ctx, ito_graph_status(f.g));
    return f;
}

static void write_random(ito_program *p, const flow *f, const ito_value *v, const ito_case_input *in, uint64_t seed)
{
    const bool plain = !in || (in->low == 0 && in->high == 0), whole = in && in->dtype == ITO_I32;
    int64_t n = ito_shape_count(ito_value_shape(v));
    double *x = calloc((size_t)n + 1, sizeof *x);
    random_doubles(seed, n, plain ? -1 : in->low, plain ? 1 : in->high + whole, x);
    for (int64_t i = 0; i < n && whole; i++) x[i] = floor(x[i]);
    write_doubles(p, f->ctx, v, x);
    free(x);
}

/* The results of one run; with `keep` nothing they are made from may be written over. */
static double **run(const ito_op_case *c, const char *backend, bool keep, flow *f)
{
    *f = build_flow(c);
    ito_program *p;
    assert_ok(f->ctx, ito_program_create(f->g, keep ? f->n_out : f->n_results, f->out,
                                         &(ito_program_options){.backend = backend}, &p));
    for (int i = 0; i < c->n_in; i++) write_random(p, f, f->in[i], &c->in[i], 100u + (unsigned)i);
    if (f->dy) write_random(p, f, f->dy, NULL, 99);
    assert_ok(f->ctx, ito_program_run(p));
    double **y = calloc(MOST, sizeof *y);
    for (int i = 0; i < f->n_results; i++) y[i] = read_doubles(p, f->ctx, f->out[i]);
    ito_program_destroy(p);
    return y;
}

static void destroy(flow *f, double **y)
{
    for (int i = 0; i < f->n_results; i++) free(y[i]);
    free(y);
    ito_graph_destroy(f->g);
    ito_ctx_destroy(f->ctx);
}

static void check(const ito_op_case *c, const char *backend)
{
    flow kept, free_to;
    double **want = run(c, backend, true, &kept), **got = run(c, backend, false, &free_to);
    for (int i = 0; i < kept.n_results; i++) {
        int64_t n = ito_shape_count(ito_value_shape(kept.out[i]));
        assert_memory_equal(want[i], got[i], (size_t)n * sizeof **want);
    }
    destroy(&kept, want);
    destroy(&free_to, got);
}

static void test_case(void **state)
{
    check(*state, "cpu");
    check(*state, "ref");
}

/* The case above would prove nothing if nothing were written over: a chain of norms needs the input and one buffer more. */
static void test_norm_saves_memory(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    ito_graph *g;
    ito_program *p;
    assert_ok(ctx, ito_graph_create(ctx, &g));
    ito_value *y = ito_graph_input(g, "x", ITO_F32, ITO_SHAPE(1, 64, 64, 64));
    const size_t bytes = 4 * 64 * 64 * 64;
    for (int i = 0; i < 3; i++) y = ito_op_silu(g, ito_op_group_norm(g, y, NULL, NULL, 8, 1e-5));
    assert_ok(ctx, ito_program_create(g, 1, &y, NULL, &p));
    assert_in_range(ito_program_memory(p).slab_bytes, 2 * bytes, 2 * bytes + bytes / 4);
    ito_program_destroy(p);
    ito_graph_destroy(g);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_norm_saves_memory)};
    return cmocka_run_group_tests_name("in_place", tests, NULL, NULL) + run_cases("in_place", test_case, NULL);
}
