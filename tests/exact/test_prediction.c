/* Predictions: every kind is defined here once more by its formula; all conversions are checked on numbers, and the
 * limits at signal = 0 and sigma = 0 are what the header says. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include <ito/prediction.h>

#include "base/base.h"

#define KINDS 3
static const char *const names[KINDS] = {"eps", "x0", "v"};

static ito_prediction kinds[KINDS];

static int setup(void **state)
{
    (void)state;
    processes_open(0);
    for (int i = 0; i < KINDS; i++) assert_int_equal(ito_prediction_find(ctx, names[i], &kinds[i]), ITO_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    processes_close();
    return 0;
}

/* EQ[survey:11] EQ[ddpm:15] EQ[ddpm:s3.2] EQ[salimans22:D] */
static double output(const char *name, const ito_level *t, double x0, double eps)
{
    if (!strcmp(name, "eps")) return eps;
    if (!strcmp(name, "x0")) return x0;
    return t->signal * eps - t->sigma * x0;
}

static void test_every_map_at_every_level(void **state)
{
    (void)state;
    const double x0 = 0.7, eps = -1.3;
    for (int time = 1; time <= 1000; time += 27) {
        ito_level t = ito_process_level(cosine, time);
        double x = t.signal * x0 + t.sigma * eps;
        for (int i = 0; i < KINDS; i++) {
            ito_prediction_map m = ito_prediction_map_at(&kinds[i], &t);
            double out = output(names[i], &t, x0, eps);
            /* one rounding of x is magnified by 1 / signal or 1 / sigma */
            double tolerance = 1e-15 * 8 / fmin(t.signal, t.sigma);
            assert_true(m.has_x0 && m.has_eps);
            assert_true(fabs(m.out_x0 * x0 + m.out_eps * eps - out) < 1e-15);
            assert_true(fabs(m.x0_x * x + m.x0_out * out - x0) < tolerance);
            assert_true(fabs(m.eps_x * x + m.eps_out * out - eps) < tolerance);
            for (int j = 0; j < KINDS; j++) {
                double of_x, of_out;
                assert_true(ito_prediction_convert(&kinds[i], &kinds[j], &t, &of_x, &of_out));
                assert_true(fabs(of_x * x + of_out * out - output(names[j], &t, x0, eps)) < tolerance);
                if (i == j) assert_true(fabs(of_x) < tolerance && fabs(of_out - 1) < tolerance);
            }
        }
    }
}

static ito_level level_of(double signal, double sigma)
{
    return (ito_level){.t = 1, .signal = signal, .sigma = sigma, .log_snr = 2 * log(signal / sigma)};
}

/* Not variance preserving: signal and sigma are free. */
static void test_any_level(void **state)
{
    (void)state;
    const ito_level levels[] = {level_of(1, 80), level_of(0.25, 0.75), level_of(3, 0.1)};
    const double x0 = 0.7, eps = -1.3;
    for (int l = 0; l < ITO_COUNT(levels); l++)
        for (int i = 0; i < KINDS; i++) {
            const ito_level *t = &levels[l];
            ito_prediction_map m = ito_prediction_map_at(&kinds[i], t);
            double x = t->signal * x0 + t->sigma * eps, out = output(names[i], t, x0, eps);
            assert_true(fabs(m.x0_x * x + m.x0_out * out - x0) < 1e-12);
            assert_true(fabs(m.eps_x * x + m.eps_out * out - eps) < 1e-12);
        }
}

static void test_limit_of_no_signal(void **state)
{
    (void)state;
    const ito_level noise = level_of(0, 1);
    ito_prediction_map eps = ito_prediction_map_at(&kinds[0], &noise);
    ito_prediction_map x0 = ito_prediction_map_at(&kinds[1], &noise);
    ito_prediction_map v = ito_prediction_map_at(&kinds[2], &noise);
    assert_true(!eps.has_x0 && isnan(eps.x0_x) && eps.has_eps && eps.eps_x == 1 && eps.eps_out == 0);
    assert_true(x0.has_x0 && x0.has_eps && x0.x0_out == 1 && x0.eps_x == 1 && x0.eps_out == 0);
    assert_true(v.has_x0 && v.has_eps && v.x0_out == -1 && v.x0_x == 0 && v.eps_x == 1);
    double of_x, of_out;
    assert_false(ito_prediction_convert(&kinds[0], &kinds[1], &noise, &of_x, &of_out)); /* eps tells no x_0 */
    assert_false(ito_prediction_convert(&kinds[0], &kinds[2], &noise, &of_x, &of_out));
    assert_true(ito_prediction_convert(&kinds[1], &kinds[2], &noise, &of_x, &of_out));
    assert_true(of_x == 0 && of_out == -1);
}

static void test_limit_of_no_noise(void **state)
{
    (void)state;
    const ito_level data = level_of(1, 0);
    ito_prediction_map eps = ito_prediction_map_at(&kinds[0], &data);
    ito_prediction_map x0 = ito_prediction_map_at(&kinds[1], &data);
    ito_prediction_map v = ito_prediction_map_at(&kinds[2], &data);
    assert_true(eps.has_x0 && eps.has_eps && eps.x0_x == 1 && eps.x0_out == 0 && eps.eps_out == 1);
    assert_true(x0.has_x0 && x0.x0_x == 1 && x0.x0_out == 0 && !x0.has_eps && isnan(x0.eps_x));
    assert_true(v.has_x0 && v.has_eps && v.x0_x == 1 && v.eps_out == 1);
    double of_x, of_out;
    assert_false(ito_prediction_convert(&kinds[1], &kinds[0], &data, &of_x, &of_out));
    assert_true(ito_prediction_convert(&kinds[0], &kinds[1], &data, &of_x, &of_out));
    assert_true(of_x == 1 && of_out == 0);
}

/* A program's own kind: the score, -eps / sigma, with its limit. */
static void score_row(const ito_opts *opts, const ito_level *t, double row[2])
{
    (void)opts;
    row[0] = 0;
    row[1] = t->sigma > 0 ? -1 / t->sigma : (double)NAN;
}

static void test_registered_kind(void **state)
{
    (void)state;
    static const ito_prediction_def score = {.choice = {.name = "my-score", .summary = "the score"}, .row = score_row};
    ito_prediction mine;
    const ito_level t = level_of(0.6, 0.8), data = level_of(1, 0);
    double of_x, of_out;
    assert_int_equal(ito_prediction_register(ctx, &score), ITO_OK);
    assert_int_equal(ito_prediction_find(ctx, "my-score", &mine), ITO_OK);
    assert_true(ito_prediction_convert(&kinds[0], &mine, &t, &of_x, &of_out));
    assert_true(fabs(of_x) < 1e-15 && fabs(of_out + 1 / 0.8) < 1e-15);
    assert_false(ito_prediction_convert(&kinds[0], &mine, &data, &of_x, &of_out));
    static const ito_prediction_def empty = {.choice = {.name = "empty", .summary = "nothing"}};
    assert_int_equal(ito_prediction_register(ctx, &empty), ITO_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_map_at_every_level), cmocka_unit_test(test_any_level),
        cmocka_unit_test(test_limit_of_no_signal),       cmocka_unit_test(test_limit_of_no_noise),
        cmocka_unit_test(test_registered_kind),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
