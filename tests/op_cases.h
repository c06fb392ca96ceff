/* What the tests over all op cases share: building a case's graph, random inputs, running. Every case of every op family is
 * one cmocka test, named "family/case". */
#ifndef ITO_TEST_OP_CASES_H
#define ITO_TEST_OP_CASES_H

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <ito/ops.h>
#include <ito/program.h>
#include <ito/rng.h>

#include "graph/graph_impl.h"

typedef struct built_case {
    ito_ctx *ctx;
    ito_graph *g;
    ito_value *in[ITO_CASE_INPUTS], *y;
    int n_real; /* real inputs, first in `real` */
    ito_value *real[ITO_CASE_INPUTS];
    int64_t count[ITO_CASE_INPUTS]; /* elements of in[] */
    double *x[ITO_CASE_INPUTS];     /* values of in[], as doubles */
} built_case;

static inline void random_doubles(uint64_t seed, int64_t n, double low, double high, double *out)
{
    ito_rng_uniform((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER}, 0, (size_t)n, out);
    for (int64_t i = 0; i < n; i++) out[i] = low + (high - low) * out[i];
}

/* The graph of a case with real inputs of the given dtype, and random values for them. */
static inline built_case build_case(const ito_op_case *c, ito_dtype real, int n_threads)
{
    built_case b = {.ctx = ctx_open(n_threads)};
    assert_ok(b.ctx, ito_graph_create(b.ctx, &b.g));
    for (int i = 0; i < c->n_in; i++) {
        const ito_case_input *in = &c->in[i];
        bool whole = in->dtype == ITO_I32, plain = in->low == 0 && in->high == 0 && !whole;
        b.in[i] = ito_graph_input(b.g, "x", whole ? ITO_I32 : real, in->shape);
        if (!whole) b.real[b.n_real++] = b.in[i];
        b.count[i] = ito_shape_count(in->shape);
        b.x[i] = calloc((size_t)b.count[i] + 1, sizeof(double));
        random_doubles(100u + (unsigned)i, b.count[i], plain ? -1 : in->low, plain ? 1 : in->high + whole, b.x[i]);
        for (int64_t k = 0; k < b.count[i]; k++) /* float32 values, so that both precisions see the same inputs */
            b.x[i][k] = whole ? floor(b.x[i][k]) : (double)(float)b.x[i][k];
    }
    b.y = c->build(b.g, b.in, c->arg);
    assert_ok(b.ctx, ito_graph_status(b.g));
    return b;
}

static inline void destroy_case(built_case *b)
{
    for (int i = 0; i < ITO_CASE_INPUTS; i++) free(b->x[i]);
    ito_graph_destroy(b->g);
    ito_ctx_destroy(b->ctx);
}

/* Copies doubles into a program's input of any dtype, and any output out as doubles. */
static inline void write_doubles(ito_program *p, ito_ctx *ctx, const ito_value *v, const double *x)
{
    int64_t n = ito_shape_count(ito_value_shape(v));
    ito_dtype dtype = ito_value_dtype(v);
    char *data = calloc((size_t)n + 1, 8);
    for (int64_t i = 0; i < n; i++) {
        if (dtype == ITO_F64) ((double *)data)[i] = x[i];
        if (dtype == ITO_F32) ((float *)data)[i] = (float)x[i];
        if (dtype == ITO_I32) ((int32_t *)data)[i] = (int32_t)x[i];
    }
    assert_ok(ctx, ito_program_write(p, v, data));
    free(data);
}

static inline double *read_doubles(ito_program *p, ito_ctx *ctx, const ito_value *v)
{
    int64_t n = ito_shape_count(ito_value_shape(v));
    ito_dtype dtype = ito_value_dtype(v);
    char *data = calloc((size_t)n + 1, 8);
    double *x = calloc((size_t)n + 1, sizeof *x);
    assert_ok(ctx, ito_program_read(p, v, data));
    for (int64_t i = 0; i < n; i++)
        x[i] = dtype == ITO_F64   ? ((double *)data)[i]
               : dtype == ITO_F32 ? (double)((float *)data)[i]
                                  : ((int32_t *)data)[i];
    free(data);
    return x;
}

static inline void write_inputs(const built_case *b, ito_program *p, const ito_op_case *c)
{
    for (int i = 0; i < c->n_in; i++) write_doubles(p, b->ctx, b->in[i], b->x[i]);
}

static inline double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Runs `test` once per case; cases that skip() refuses are left out. */
static inline int run_cases(const char *group, CMUnitTestFunction test, bool (*skip_case)(const ito_op_case *c))
{
    const ito_op_family *const *families;
    int n_families = ito__op_families(&families), n = 0;
    struct CMUnitTest *tests = calloc(4096, sizeof *tests);
    char(*names)[128] = calloc(4096, sizeof *names);
    for (int f = 0; f < n_families; f++)
        for (int i = 0; i < families[f]->n_cases && n < 4096; i++) {
            const ito_op_case *c = &families[f]->cases[i];
            if (skip_case && skip_case(c)) continue;
            snprintf(names[n], sizeof names[n], "%s/%s", families[f]->name, c->name);
            tests[n] = (struct CMUnitTest){.name = names[n], .test_func = test, .initial_state = (void *)(uintptr_t)c};
            n++;
        }
    int failed = _cmocka_run_group_tests(group, tests, (size_t)n, NULL, NULL);
    free(tests);
    free(names);
    return failed;
}

#endif
