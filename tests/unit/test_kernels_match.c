/* Every op case: the fast kernels against the reference, the reference in memory that faults when touched from outside, and
 * bit-identical results for 1, 2, 3 and 8 threads; forward and first derivative. */
#include "op_compare.h"

#define DEFAULT_TOLERANCE 2e-6 /* relative to the largest reference value */

static void test_case(void **state)
{
    const ito_op_case *c = *state;
    double tolerance = c->tolerance > 0 ? c->tolerance : DEFAULT_TOLERANCE;
    outputs exact = run_case(c, "ref", ITO_F64, 1), plain = run_case(c, "ref", ITO_F32, 1),
            guarded = run_case(c, "test", ITO_F32, 1);
    assert_close("reference in float32", &plain, &exact, tolerance);
    assert_close("test backend", &guarded, &plain, 0);
    outputs one = run_case(c, "cpu", ITO_F32, 1);
    assert_close("fast kernel", &one, &exact, tolerance);
    static const int threads[] = {2, 3, 8};
    for (int i = 0; i < 3; i++) {
        outputs many = run_case(c, "cpu", ITO_F32, threads[i]);
        assert_close("other thread count", &many, &one, 0);
        free_outputs(&many);
    }
    free_outputs(&exact);
    free_outputs(&plain);
    free_outputs(&guarded);
    free_outputs(&one);
}

int main(void)
{
    return run_cases("kernels", test_case, NULL);
}
