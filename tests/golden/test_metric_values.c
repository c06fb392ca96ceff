/* Distances, precision and recall against tools/make_metric_fixtures.py, which writes their definitions out in float64 (the Frechet
 * distance with 40 digits). Tolerance: 1e-6 of the number, as the project promises; 1e-9 where nothing cancels. */
#include "golden_file.h"

#include <math.h>

#include <ito/metric.h>

#define FILE_NAME "tests/golden/metric/metric.safetensors"

static ito_ctx *ctx;
static golden_file file;
static const char *const cases[] = {"plain", "few_rows", "singular", "large", "line"};

static int setup(void **state)
{
    (void)state;
    ctx = ctx_open(0);
    file = golden_open(ctx, FILE_NAME);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    golden_close(&file);
    ito_ctx_destroy(ctx);
    return 0;
}

static golden_tensor get(const char *name, const char *what)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name, what);
    return golden_get(&file, full);
}

static double want(const char *name, const char *what, int i)
{
    golden_tensor t = get(name, what);
    double value;
    if (!t.data) fail_msg("the fixture has no '%s.%s'", name, what);
    memcpy(&value, (const char *)t.data + (ptrdiff_t)i * 8, sizeof value);
    return value;
}

static ito_sets sets_of(const char *name)
{
    golden_tensor x = get(name, "x"), y = get(name, "y");
    return (ito_sets){.x = x.data, .y = y.data, .n = x.shape.d[0], .m = y.shape.d[0], .d = x.shape.d[1]};
}

static void check(const char *name, const char *what, int i, double got, double tolerance)
{
    double expected = want(name, what, i);
    if (!(fabs(got - expected) <= tolerance * fabs(expected)))
        fail_msg("%s.%s[%d] is %.15g, expected %.15g", name, what, i, got, expected);
}

/* EQ[fid:6] */
static void test_frechet(void **state)
{
    (void)state;
    ito_score s;
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        ito_sets sets = sets_of(cases[i]);
        assert_ok(ctx, ito_frechet_distance(ctx, &sets, NULL, &s));
        check(cases[i], "fd", 0, s.value, 1e-9);
        assert_true(isnan(s.sd) && isnan(s.low) && isnan(s.high));
    }
}

/* EQ[kid:s4] EQ[mmd:3] EQ[mmd:s8] EQ[energy:s2] */
static void test_discrepancies(void **state)
{
    (void)state;
    static const double bandwidths[] = {0.5, 1, 2};
    ito_score s;
    double median;
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        ito_sets sets = sets_of(cases[i]);
        ito_kernel_distance_result kd;
        assert_ok(ctx, ito_kernel_distance(ctx, &sets, NULL, NULL, &kd));
        check(cases[i], "kd", 0, kd.whole.value, 1e-9);
        assert_ok(ctx, ito_median_distance(ctx, &sets, &median));
        check(cases[i], "median", 0, median, 1e-12);
        assert_ok(ctx, ito_mmd(ctx, &sets, 0, NULL, NULL, &s));
        check(cases[i], "mmd", 0, s.value, 1e-9);
        assert_ok(ctx, ito_mmd(ctx, &sets, 3, bandwidths, NULL, &s));
        check(cases[i], "mmd3", 0, s.value, 1e-9);
        assert_ok(ctx, ito_energy_score(ctx, &sets, NULL, &s));
        check(cases[i], "energy", 0, s.value, 1e-9);
    }
}

/* EQ[precrec:2] EQ[prdc:s3] */
static void test_neighbours(void **state)
{
    (void)state;
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        ito_sets sets = sets_of(cases[i]);
        ito_neighbour_result r;
        assert_ok(ctx, ito_precision_recall(ctx, &sets, NULL, NULL, &r));
        const double got[] = {r.precision.value, r.recall.value, r.density.value, r.coverage.value};
        for (int k = 0; k < 4; k++) check(cases[i], "pr", k, got[k], 1e-12);
    }
}

/* EQ[gsw:s2] on a line, where every direction is 1 or -1 */
static void test_sliced(void **state)
{
    (void)state;
    ito_sets sets = sets_of("line");
    ito_score s;
    assert_ok(ctx, ito_sliced_wasserstein(ctx, &sets, &(ito_sliced_options){.p = 1}, NULL, &s));
    check("line", "w1", 0, s.value, 1e-12);
    assert_ok(ctx, ito_sliced_wasserstein(ctx, &sets, NULL, NULL, &s));
    check("line", "w2", 0, s.value, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frechet),
        cmocka_unit_test(test_discrepancies),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_sliced),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
