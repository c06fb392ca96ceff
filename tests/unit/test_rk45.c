/* Dormand and Prince's pair on equations with known solutions: the error follows the tolerance, the work grows like its
 * fifth root, and a row's bits do not depend on the rows beside it. */
#include "testing.h"

#include <math.h>

#include "likelihood/rk45.h"

#define N 3

typedef struct problem {
    int64_t n, size;
    int calls;
} problem;

/* Row i turns by its own rate, kept in its third number: (cos wt, sin wt, w), and the fourth is the integral of the
 * first. */
static ito_status turn(void *self, const double *t, const double *y, double *dy)
{
    problem *p = self;
    (void)t;
    p->calls++;
    for (int64_t i = 0; i < p->n; i++, y += p->size, dy += p->size) {
        dy[0] = -y[2] * y[1];
        dy[1] = y[2] * y[0];
        dy[2] = 0;
        dy[3] = y[0];
    }
    return ITO_OK;
}

static const double speeds[N] = {1, 7, 0.2};

static ito_status solve(ito_ctx *ctx, int64_t n, const double *speed, double tolerance, double *y, ito__ode_row *rows)
{
    problem p = {.n = n, .size = 4};
    ito__ode ode = {.ctx = ctx,
                    .n = n,
                    .size = 4,
                    .n_main = 3,
                    .from = 0.5,
                    .to = 3.5,
                    .rtol = tolerance,
                    .atol = tolerance,
                    .max_steps = 3000,
                    .self = &p,
                    .rate = turn};
    for (int64_t i = 0; i < n; i++) {
        y[4 * i] = 1;
        y[4 * i + 1] = y[4 * i + 3] = 0;
        y[4 * i + 2] = speed[i];
    }
    return ito__rk45(&ode, y, rows);
}

/* EQ[dopri:t2] */
static void test_solution(void **state)
{
    ito_ctx *ctx = *state;
    ito__ode_row rows[N], before[N] = {0};
    double y[4 * N];
    for (double tolerance = 1e-4; tolerance > 1e-11; tolerance *= 1e-2) {
        assert_ok(ctx, solve(ctx, N, speeds, tolerance, y, rows));
        for (int i = 0; i < N; i++) {
            double w = speeds[i], steps = rows[i].n_steps;
            assert_true(fabs(y[4 * i] - cos(3 * w)) < 10 * steps * tolerance);
            assert_true(fabs(y[4 * i + 1] - sin(3 * w)) < 10 * steps * tolerance);
            assert_true(fabs(y[4 * i + 3] - sin(3 * w) / w) < 10 * steps * tolerance);
            assert_true(rows[i].n_evals >= 1 + 6 * rows[i].n_steps && rows[i].n_evals % 6 == 1);
            /* 100^(1/5) = 2.5 times the steps, once there are many */
            if (before[i].n_steps > 20) {
                double growth = steps / before[i].n_steps;
                assert_true(growth > 2 && growth < 3);
            }
            before[i] = rows[i];
        }
        assert_true(rows[1].n_steps > rows[0].n_steps && rows[0].n_steps > rows[2].n_steps);
    }
}

static void test_rows_are_alone(void **state)
{
    ito_ctx *ctx = *state;
    ito__ode_row rows[N], row;
    double y[4 * N], one[4];
    assert_ok(ctx, solve(ctx, N, speeds, 1e-6, y, rows));
    for (int i = 0; i < N; i++) {
        assert_ok(ctx, solve(ctx, 1, speeds + i, 1e-6, one, &row));
        assert_memory_equal(one, y + 4 * i, sizeof one);
        assert_int_equal(row.n_evals, rows[i].n_evals);
    }
}

/* dy/dt = y^2 from 1 at t = 0.5 does not live to see t = 1.5. */
static ito_status explode(void *self, const double *t, const double *y, double *dy)
{
    (void)self;
    (void)t;
    *dy = *y * *y;
    return ITO_OK;
}

static void test_failures(void **state)
{
    ito_ctx *ctx = *state;
    ito__ode_row row;
    double y = 1;
    ito__ode ode = {.ctx = ctx,
                    .n = 1,
                    .size = 1,
                    .n_main = 1,
                    .from = 0.5,
                    .to = 2,
                    .rtol = 1e-6,
                    .atol = 1e-6,
                    .max_steps = 200,
                    .rate = explode};
    assert_fails(ctx, ITO_NUMERIC, "after 200 steps", ito__rk45(&ode, &y, &row));
    y = NAN;
    assert_fails(ctx, ITO_NUMERIC, "not finite near 0.5", ito__rk45(&ode, &y, &row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solution),
        cmocka_unit_test(test_rows_are_alone),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
