/* A NaN never disappears: wherever the reference kernels give NaN, the fast ones do (they may give more: Winograd spreads
 * one over its tile). So a run that goes wrong is noticed. Every op case, forward, with NaN in place of the first, a middle
 * or the last element of one real input. */
#include "op_cases.h"

/* The case's result in float32 with element `at` of input `which` replaced by NaN. */
static double *run(const ito_op_case *c, const char *backend, int which, int64_t at, int64_t *count)
{
    built_case b = build_case(c, ITO_F32, 1);
    ito_program *p;
    assert_ok(b.ctx, ito_program_create(b.g, 1, &b.y, &(ito_program_options){.backend = backend}, &p));
    b.x[which][at] = (double)NAN;
    write_inputs(&b, p, c);
    assert_ok(b.ctx, ito_program_run(p));
    double *y = read_doubles(p, b.ctx, b.y);
    *count = ito_shape_count(ito_value_shape(b.y));
    ito_program_destroy(p);
    destroy_case(&b);
    return y;
}

static void check(const ito_op_case *c, int which, int64_t at)
{
    int64_t n, m;
    double *want = run(c, "ref", which, at, &n), *got = run(c, "cpu", which, at, &m);
    assert_int_equal(n, m);
    for (int64_t i = 0; i < n; i++)
        if (isnan(want[i]) && !isnan(got[i]))
            fail_msg("NaN at element %d of input %d: element %d came out as %g", (int)at, which, (int)i, got[i]);
    free(want);
    free(got);
}

static void test_case(void **state)
{
    const ito_op_case *c = *state;
    for (int which = 0; which < c->n_in; which++) {
        int64_t n = ito_shape_count(c->in[which].shape);
        if (c->in[which].dtype != ITO_F32) continue;
        check(c, which, 0);
        check(c, which, n / 2);
        check(c, which, n - 1);
    }
}

int main(void)
{
    return run_cases("nan", test_case, NULL);
}
