/* First and second derivatives of every op case, in float64 on the reference kernels, against central differences.
 *
 * With random c, u, v:  L(x) = <c, y(x)>,  g = dL/dx,  s(x) = <u, g(x)>,  h = ds/dx.  The derivatives of L and s along v
 * must equal <g, v> and <h, v>. Step 1e-5: the differences err by about 1e-10 relative to the scale of third derivatives. */
#include "op_cases.h"

#define STEP      1e-5
#define TOLERANCE 1e-6

typedef struct derivatives {
    built_case b;
    ito_value *l, *g[ITO_CASE_INPUTS], *s, *h[ITO_CASE_INPUTS];
    ito_program *p;
} derivatives;

static ito_value *weighted_sum(ito_graph *g, ito_value *v, uint64_t seed)
{
    int64_t n = ito_shape_count(ito_value_shape(v));
    double *weights = calloc((size_t)n + 1, sizeof *weights);
    random_doubles(seed, n, -1, 1, weights);
    ito_value *c = ito_graph_const(g, ITO_F64, ito_value_shape(v), weights);
    free(weights);
    return ito_op_sum(g, ito_op_mul(g, v, c), ITO_ALL_AXES, false);
}

static derivatives differentiate(const ito_op_case *c)
{
    derivatives d = {.b = build_case(c, ITO_F64, 1)};
    built_case *b = &d.b;
    d.l = weighted_sum(b->g, b->y, 1);
    assert_ok(b->ctx, ito_graph_grad(b->g, 1, &d.l, NULL, b->n_real, b->real, d.g));
    d.s = ito_op_full(b->g, ITO_F64, ITO_SCALAR, 0);
    for (int i = 0; i < b->n_real; i++) d.s = ito_op_add(b->g, d.s, weighted_sum(b->g, d.g[i], 10u + (unsigned)i));
    assert_ok(b->ctx, ito_graph_grad(b->g, 1, &d.s, NULL, b->n_real, b->real, d.h));
    ito_value *outputs[2 + 2 * ITO_CASE_INPUTS] = {d.l, d.s};
    int n = 2;
    for (int i = 0; i < b->n_real; i++) outputs[n++] = d.g[i];
    for (int i = 0; i < b->n_real; i++) outputs[n++] = d.h[i];
    assert_ok(b->ctx, ito_program_create(b->g, n, outputs, &(ito_program_options){.backend = "ref"}, &d.p));
    return d;
}

/* L and s with every real input moved by h along its direction. */
static void evaluate(const derivatives *d, const ito_op_case *c, double *const *v, double h, double *l, double *s)
{
    const built_case *b = &d->b;
    for (int i = 0; i < c->n_in; i++) {
        double *moved = calloc((size_t)b->count[i] + 1, sizeof *moved);
        for (int64_t k = 0; k < b->count[i]; k++) moved[k] = b->x[i][k] + (v[i] ? h * v[i][k] : 0);
        write_doubles(d->p, b->ctx, b->in[i], moved);
        free(moved);
    }
    assert_ok(b->ctx, ito_program_run(d->p));
    assert_ok(b->ctx, ito_program_read(d->p, d->l, l));
    assert_ok(b->ctx, ito_program_read(d->p, d->s, s));
}

static void assert_near(const char *what, double got, double want, double scale)
{
    if (!(fabs(got - want) <= TOLERANCE * (scale + fabs(want))))
        fail_msg("%s derivative: the graph says %.10g, differences say %.10g", what, got, want);
}

/* Along one direction: v[i] is NULL for inputs that stay. */
static void check_direction(const derivatives *d, const ito_op_case *c, double *const *v)
{
    const built_case *b = &d->b;
    double l0, s0, l1, s1, l, s, first = 0, second = 0, scale = 1;
    evaluate(d, c, v, 0, &l, &s);
    for (int i = 0, r = 0; i < c->n_in; i++) {
        if (c->in[i].dtype == ITO_I32) continue;
        double *g = read_doubles(d->p, b->ctx, d->g[r]), *h = read_doubles(d->p, b->ctx, d->h[r]);
        if (v[i]) {
            first += dot(b->count[i], g, v[i]);
            second += dot(b->count[i], h, v[i]);
            scale += sqrt(dot(b->count[i], h, h)) + sqrt(dot(b->count[i], g, g));
        }
        free(g);
        free(h);
        r++;
    }
    evaluate(d, c, v, STEP, &l1, &s1);
    evaluate(d, c, v, -STEP, &l0, &s0);
    assert_near("first", first, (l1 - l0) / (2 * STEP), scale);
    assert_near("second", second, (s1 - s0) / (2 * STEP), scale);
}

static void test_case(void **state)
{
    const ito_op_case *c = *state;
    derivatives d = differentiate(c);
    for (int i = 0; i < c->n_in; i++) { /* one input at a time, in two random directions */
        for (uint64_t k = 0; k < 2 && c->in[i].dtype != ITO_I32; k++) {
            double *v[ITO_CASE_INPUTS] = {0};
            v[i] = calloc((size_t)d.b.count[i] + 1, sizeof(double));
            random_doubles(1000 + k, d.b.count[i], -1, 1, v[i]);
            check_direction(&d, c, v);
            free(v[i]);
        }
    }
    ito_program_destroy(d.p);
    destroy_case(&d.b);
}

static bool no_grad(const ito_op_case *c)
{
    return c->no_grad;
}

int main(void)
{
    return run_cases("grad", test_case, no_grad);
}
