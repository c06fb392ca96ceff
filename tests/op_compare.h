/* Running an op case, forward and first derivative, on any backend, and comparing what came out. */
#ifndef ITO_TEST_OP_COMPARE_H
#define ITO_TEST_OP_COMPARE_H

#include "op_cases.h"

typedef struct outputs {
    int n;
    double *v[1 + ITO_CASE_INPUTS];
    int64_t count[1 + ITO_CASE_INPUTS];
} outputs;

/* A random dy: with ones, the gradient of a softmax or a norm would vanish and only rounding would be compared. */
static inline ito_value *random_like(ito_graph *g, ito_value *y)
{
    int64_t n = ito_shape_count(ito_value_shape(y));
    double *x = calloc((size_t)n + 1, sizeof *x);
    random_doubles(77, n, -1, 1, x);
    ito_value *dy = ito_graph_const(g, ITO_F64, ito_value_shape(y), x);
    free(x);
    return ito_op_cast(g, dy, ito_value_dtype(y));
}

static inline outputs run_case(const ito_op_case *c, const char *backend, ito_dtype real, int n_threads)
{
    built_case b = build_case(c, real, n_threads);
    ito_value *values[1 + ITO_CASE_INPUTS] = {b.y};
    outputs o = {.n = 1};
    if (!c->no_grad) {
        ito_value *dy = random_like(b.g, b.y);
        assert_ok(b.ctx, ito_graph_grad(b.g, 1, &b.y, &dy, b.n_real, b.real, values + 1));
        o.n += b.n_real;
    }
    ito_program *p;
    assert_ok(b.ctx, ito_program_create(b.g, o.n, values, &(ito_program_options){.backend = backend}, &p));
    write_inputs(&b, p, c);
    assert_ok(b.ctx, ito_program_run(p));
    for (int i = 0; i < o.n; i++) {
        o.v[i] = read_doubles(p, b.ctx, values[i]);
        o.count[i] = ito_shape_count(ito_value_shape(values[i]));
    }
    ito_program_destroy(p);
    destroy_case(&b);
    return o;
}

static inline void free_outputs(outputs *o)
{
    for (int i = 0; i < o->n; i++) free(o->v[i]);
}

static inline void assert_close(const char *what, const outputs *got, const outputs *want, double tolerance)
{
    for (int i = 0; i < want->n; i++) {
        double scale = 1e-30;
        for (int64_t k = 0; k < want->count[i]; k++) scale = fmax(scale, fabs(want->v[i][k]));
        for (int64_t k = 0; k < want->count[i]; k++)
            if (!(fabs(got->v[i][k] - want->v[i][k]) <= tolerance * scale))
                fail_msg("%s, output %d element %lld: %.9g, expected %.9g (largest %.3g)", what, i, (long long)k,
                         got->v[i][k], want->v[i][k], scale);
    }
}

#endif
