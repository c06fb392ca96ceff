/* Loss forms and their gradients against their closed forms in double, in float32 and float64 graphs. */
#include <ito/loss.h>

#include "op_cases.h"

enum { N = 301 };

typedef struct form {
    const char *name, *option, *value; /* NULL: defaults */
    double (*loss)(double e, double c);
    double (*slope)(double e, double c);
    double c;
} form;

/* EQ[ddpm:14] */
static double l2(double e, double c)
{
    (void)c;
    return e * e;
}

static double l2_slope(double e, double c)
{
    (void)c;
    return 2 * e;
}

/* EQ[sr3:6] */
static double l1(double e, double c)
{
    (void)c;
    return fabs(e);
}

static double l1_slope(double e, double c)
{
    (void)c;
    return (e > 0) - (e < 0);
}

/* EQ[huber64:s1] */
static double huber(double e, double delta)
{
    return fabs(e) <= delta ? e * e / 2 : delta * (fabs(e) - delta / 2);
}

static double huber_slope(double e, double delta)
{
    return fabs(e) <= delta ? e : copysign(delta, e);
}

/* EQ[ict:s3.3]: c (sqrt(1 + (e / c)^2) - 1), another way around the cancellation */
static double pseudo_huber(double e, double c)
{
    return c * expm1(0.5 * log1p(e / c * e / c));
}

static double pseudo_huber_slope(double e, double c)
{
    return e / sqrt(e * e + c * c);
}

static const form forms[] = {
    {"l2", NULL, NULL, l2, l2_slope, 0},
    {"l1", NULL, NULL, l1, l1_slope, 0},
    {"huber", NULL, NULL, huber, huber_slope, 1},
    {"huber", "delta", "0.25", huber, huber_slope, 0.25},
    {"pseudo-huber", NULL, NULL, pseudo_huber, pseudo_huber_slope, 0.03},
    {"pseudo-huber", "c", "2", pseudo_huber, pseudo_huber_slope, 2},
};

/* Errors of every size, 0 among them; exact in float32. */
static void errors(double e[N])
{
    double size[N];
    random_doubles(1, N, -1, 1, e);
    random_doubles(2, N, -9, 3, size);
    for (int i = 0; i < N; i++) e[i] = (double)(float)(e[i] * exp2(size[i]));
    e[0] = 0;
    e[1] = 3;
    e[2] = -3;
}

static void check(const form *f, ito_dtype dtype)
{
    bench b = bench_open();
    const ito_loss_def *def;
    ito_opts *opts;
    ito_program *p;
    double e[N];
    assert_ok(b.ctx, ito_loss_find(b.ctx, f->name, &def));
    assert_ok(b.ctx, ito_opts_create(b.ctx, def->choice.options, &opts));
    if (f->option) assert_ok(b.ctx, ito_opts_set(opts, f->name, f->option, f->value));
    ito_value *error = ito_graph_input(b.g, "error", dtype, ITO_SHAPE(7, 43));
    ito_value *values[] = {def->build(b.g, opts, error), NULL};
    ito_value *sum = ito_op_sum(b.g, values[0], ITO_ALL_AXES, false);
    assert_ok(b.ctx, ito_graph_grad(b.g, 1, &sum, NULL, 1, &error, &values[1]));
    assert_ok(b.ctx, ito_graph_status(b.g));
    assert_true(ito_shape_equal(ito_value_shape(values[0]), ITO_SHAPE(7, 43)));
    assert_ok(b.ctx, ito_program_create(b.g, 2, values, NULL, &p));
    errors(e);
    write_doubles(p, b.ctx, error, e);
    assert_ok(b.ctx, ito_program_run(p));
    double *loss = read_doubles(p, b.ctx, values[0]), *slope = read_doubles(p, b.ctx, values[1]);
    double digits = dtype == ITO_F64 ? 1e-14 : 1e-6; /* relative: small errors keep their digits */
    for (int i = 0; i < N; i++) {
        double want = f->loss(e[i], f->c), want_slope = f->slope(e[i], f->c);
        assert_true(fabs(loss[i] - want) <= digits * fabs(want));
        assert_true(fabs(slope[i] - want_slope) <= digits * fabs(want_slope));
    }
    free(loss);
    free(slope);
    ito_program_destroy(p);
    ito_opts_destroy(opts);
    bench_close(&b);
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        check(&forms[i], ITO_F32);
        check(&forms[i], ITO_F64);
    }
}

static void test_names(void **state)
{
    const ito_loss_def *def;
    assert_fails(*state, ITO_NOT_FOUND, "did you mean 'huber'", ito_loss_find(*state, "hubert", &def));
    static const ito_loss_def empty = {.choice = {.name = "empty", .summary = "nothing"}};
    assert_int_equal(ito_loss_register(*state, &empty), ITO_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms),
                                       cmocka_unit_test_setup_teardown(test_names, ctx_setup, ctx_teardown)};
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
