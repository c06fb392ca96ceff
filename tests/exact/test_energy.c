/* The energy distance against closed forms of one-dimensional distributions, against sums written out, and its freedom
 * from bias. */
#include "testing.h"

#include <math.h>

#include <ito/metric.h>
#include <ito/rng.h>

#define N 400

static void normals(uint32_t step, double mean, double sd, int64_t n, float *x)
{
    ito_rng_normal((ito_rng_key){.seed = 8, .stream = ITO_STREAM_USER, .step = step}, 0, (size_t)n, x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(mean + sd * (double)x[i]);
}

/* E|z| of z ~ N(m, v). */
static double mean_abs(double m, double v)
{
    return sqrt(2 * v / acos(-1.0)) * exp(-m * m / (2 * v)) + m * erf(m / sqrt(2 * v));
}

static void test_by_hand(void **state)
{
    ito_ctx *ctx = *state;
    const float x[] = {0, 0, 3, 4}, y[] = {0, 0, 6, 8, 3, 4};
    double d;
    /* pairs between: 0, 10, 5, 5, 5, 0; within x: 5; within y: 10, 5, 5 */
    assert_ok(ctx, ito_energy_distance(ctx, x, 2, y, 3, 2, &d));
    assert_true(fabs(d - (2 * 25.0 / 6 - 5 - 20.0 / 3)) < 1e-14);
    assert_ok(ctx, ito_energy_distance(ctx, x, 4, x, 4, 1, &d));
    assert_true(d < 0); /* no pair of a point with itself counts within, but it does between */
}

/* The mean over 60 repeats lies within 5 standard errors of 2 E|x - y| - E|x - x'| - E|y - y'|. */
static void check(ito_ctx *ctx, double mean, double sd)
{
    enum { repeats = 60 };
    float x[N], y[N / 2];
    double sum = 0, squares = 0;
    double want = 2 * mean_abs(mean, 1 + sd * sd) - mean_abs(0, 2) - mean_abs(0, 2 * sd * sd);
    for (uint32_t r = 0; r < repeats; r++) {
        double d;
        normals(2 * r, 0, 1, N, x);
        normals(2 * r + 1, mean, sd, N / 2, y);
        assert_ok(ctx, ito_energy_distance(ctx, x, N, y, N / 2, 1, &d));
        sum += d / repeats;
        squares += d * d / repeats;
    }
    double se = sqrt((squares - sum * sum) / (repeats - 1));
    assert_true(fabs(sum - want) < 5 * se);
    assert_true(se < 0.05 && want > -1e-15);
}

static void test_closed_forms(void **state)
{
    check(*state, 0, 1);
    check(*state, 0.5, 1);
    check(*state, 0, 2);
    check(*state, -1, 0.5);
}

static void test_bad_input(void **state)
{
    ito_ctx *ctx = *state;
    const float x[] = {0, 1, NAN};
    double d;
    assert_fails(ctx, ITO_USAGE, "found 1 and 2", ito_energy_distance(ctx, x, 1, x, 2, 1, &d));
    assert_fails(ctx, ITO_USAGE, "found 0", ito_energy_distance(ctx, x, 2, x, 2, 0, &d));
    assert_fails(ctx, ITO_NUMERIC, "second set", ito_energy_distance(ctx, x, 2, x, 3, 1, &d));
    assert_fails(ctx, ITO_NUMERIC, "first set", ito_energy_distance(ctx, x, 3, x, 2, 1, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_closed_forms),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
