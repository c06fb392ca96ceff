/* Every op case with its first derivative, built and compiled while the k-th allocation fails, for each k. */
#include "oom/oom.h"

#include <stdio.h>

#include <ito/ops.h>
#include <ito/program.h>

#include "graph/graph_impl.h"

/* Builds the graph of a case; *n_real of its inputs are real. Returns what the case computes. */
static ito_value *build(ito_graph *g, const ito_op_case *c, ito_value **real, int *n_real)
{
    ito_value *in[ITO_CASE_INPUTS] = {0};
    *n_real = 0;
    for (int i = 0; i < c->n_in; i++) {
        in[i] = ito_graph_input(g, "x", c->in[i].dtype, c->in[i].shape);
        if (c->in[i].dtype == ITO_F32) real[(*n_real)++] = in[i];
    }
    return c->build(g, in, c->arg);
}

static ito_status body(ito_ctx *ctx, void *arg)
{
    const ito_op_case *c = arg;
    ito_graph *g = NULL;
    ito_program *p = NULL;
    ito_value *real[ITO_CASE_INPUTS], *outputs[1 + ITO_CASE_INPUTS];
    int n_real;
    ito_status st;
    ITO_GO(ito_graph_create(ctx, &g));
    outputs[0] = build(g, c, real, &n_real);
    ITO_GO(ito_graph_status(g));
    if (!c->no_grad) ITO_GO(ito_graph_grad(g, 1, outputs, NULL, n_real, real, outputs + 1));
    st = ito_program_create(g, c->no_grad ? 1 : 1 + n_real, outputs, NULL, &p);
done:
    ito_program_destroy(p);
    ito_graph_destroy(g);
    return st;
}

static void test_all_cases(void **state)
{
    const ito_op_family *const *families;
    int n = ito__op_families(&families);
    (void)state;
    for (int f = 0; f < n; f++)
        for (int i = 0; i < families[f]->n_cases; i++) {
            print_message("%s/%s\n", families[f]->name, families[f]->cases[i].name);
            oom_check(body, (void *)(uintptr_t)&families[f]->cases[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
