/* Generated point clouds: the same index is the same point, points lie in their range, and their moments are those of the closed
 * forms. Averages over 20,000 points are held to five of their own standard errors. */
#include "scratch.h"

#include <math.h>

#include <ito/data.h>
#include <ito/mixture.h>

#include "base/base.h"

#define N  20000
#define PI 3.14159265358979323846

static const char *const kinds[] = {"swissroll", "moons", "checkerboard", "rings", "pinwheel", "mixture"};

typedef struct cloud {
    ito_dataset *data;
    const ito_dataset_info *info;
    double x[N][2];
    int label[N]; /* -1: none */
} cloud;

static cloud *draw(ito_ctx *ctx, const char *kind, const char *const *settings)
{
    cloud *c = calloc(1, sizeof *c);
    assert_ok(ctx, ito_data_open(ctx, kind, settings, &c->data));
    c->info = ito_dataset_get_info(c->data);
    for (int i = 0; i < N; i++) {
        float x[2];
        int32_t label = -1;
        assert_ok(ctx, ito_dataset_get(c->data, ctx, i, (void *[]){x, &label}));
        c->label[i] = label;
        for (int k = 0; k < 2; k++) c->x[i][k] = (double)x[k];
    }
    return c;
}

static void destroy(cloud *c)
{
    ito_dataset_destroy(c->data);
    free(c);
}

/* The average of f over the points of a label (-1: all) against what it should be. */
static void assert_average(const cloud *c, int label, double (*f)(const double x[2]), double expected)
{
    double sum = 0, squares = 0, n = 0;
    for (int i = 0; i < N; i++) {
        if (label >= 0 && c->label[i] != label) continue;
        double value = f(c->x[i]);
        sum += value;
        squares += value * value;
        n++;
    }
    double mean = sum / n, error = sqrt(fmax(squares / n - mean * mean, 0) / n);
    if (!(fabs(mean - expected) < 5 * error + 1e-7)) fail_msg("average %g +- %g, expected %g", mean, error, expected);
}

static double first(const double x[2])
{
    return x[0];
}

static double second(const double x[2])
{
    return x[1];
}

static double squared(const double x[2])
{
    return x[0] * x[0] + x[1] * x[1];
}

static void test_pure_function_in_range(void **state)
{
    scratch *s = *state;
    for (int k = 0; k < 6; k++) {
        ito_dataset *data, *test, *other;
        float a[2], b[2], most = 0;
        int32_t label = 0;
        assert_ok(s->ctx, ito_data_open(s->ctx, kinds[k], NULL, &data));
        assert_ok(s->ctx, ito_data_open(s->ctx, kinds[k], (const char *const[]){"split=test", NULL}, &test));
        assert_ok(s->ctx, ito_data_open(s->ctx, kinds[k], (const char *const[]){"data_seed=1", NULL}, &other));
        const ito_dataset_info *info = ito_dataset_get_info(data);
        assert_true(info->n_samples == 0 && info->height == 1 && info->width == 1 && info->channels == 2);
        assert_int_equal(info->n_fields, info->n_classes ? 2 : 1);
        for (int64_t i = 0; i < 2000; i++) {
            int64_t index = i * 1000003;
            assert_ok(s->ctx, ito_dataset_get(data, s->ctx, index, (void *[]){a, &label}));
            assert_ok(s->ctx, ito_dataset_get(data, s->ctx, index, (void *[]){b, NULL}));
            assert_memory_equal(a, b, sizeof a);
            assert_ok(s->ctx, ito_dataset_get(test, s->ctx, index, (void *[]){b, NULL}));
            assert_memory_not_equal(a, b, sizeof a);
            assert_ok(s->ctx, ito_dataset_get(other, s->ctx, index, (void *[]){b, NULL}));
            assert_memory_not_equal(a, b, sizeof a);
            assert_true(label >= 0 && label < (info->n_classes ? info->n_classes : 1));
            for (int j = 0; j < 2; j++) most = fmaxf(most, fabsf(a[j]));
        }
        assert_true((double)most <= info->fields[0].max && most > 0.4f && most < 2);
        assert_true(info->fields[0].min == -info->fields[0].max);
        ito_dataset_destroy(other);
        ito_dataset_destroy(test);
        ito_dataset_destroy(data);
    }
}

/* With a uniform in 1.5 pi .. 4.5 pi: E[a cos a] = 6 pi / (3 pi), E[a sin a] = 2 / (3 pi), divided by 4.5 pi. */
static void test_swissroll(void **state)
{
    scratch *s = *state;
    cloud *c = draw(s->ctx, "swissroll", (const char *const[]){"noise=0.1", NULL});
    assert_average(c, -1, first, 6 / (13.5 * PI));
    assert_average(c, -1, second, 2 / (13.5 * PI * PI));
    assert_average(c, -1, squared, (4.5 * 4.5 * 4.5 - 1.5 * 1.5 * 1.5) / (9 * 4.5 * 4.5) + 2 * 0.01);
    destroy(c);
    c = draw(s->ctx, "swissroll", (const char *const[]){"noise=0", NULL});
    for (int i = 0; i < 100; i++) { /* on the spiral: the angle of a point is that of its radius */
        double a = 4.5 * PI * hypot(c->x[i][0], c->x[i][1]);
        assert_true(hypot(c->x[i][0] - a / (4.5 * PI) * cos(a), c->x[i][1] - a / (4.5 * PI) * sin(a)) < 1e-5);
    }
    destroy(c);
}

static void test_moons(void **state)
{
    scratch *s = *state;
    cloud *c = draw(s->ctx, "moons", (const char *const[]){"noise=0.05", NULL});
    assert_int_equal(c->info->n_classes, 2);
    assert_string_equal(c->info->class_names[1], "moon 1");
    for (int label = 0; label < 2; label++) {
        double side = label ? -1 : 1;
        assert_average(c, label, first, side * -0.5 / 1.5);
        assert_average(c, label, second, side * (2 / PI - 0.25) / 1.5);
        assert_average(c, label, squared, (1.3125 - 1 / PI) / 2.25 + 2 * 0.0025);
    }
    assert_average(c, -1, first, 0);
    assert_average(c, -1, second, 0);
    destroy(c);
}

/* Only on filled squares, on each of which as many: 20,000 / n with a binomial's deviation. */
static void check_board(scratch *s, const char *setting, int n, int n_filled)
{
    cloud *c = draw(s->ctx, "checkerboard", (const char *const[]){setting, NULL});
    int counts[64 * 64] = {0};
    double expected = (double)N / n_filled, sd = sqrt(expected * (1 - 1.0 / n_filled));
    for (int i = 0; i < N; i++) {
        int column = (int)floor(n * (c->x[i][0] + 1) / 2), row = (int)floor(n * (c->x[i][1] + 1) / 2);
        assert_true(column >= 0 && column < n && row >= 0 && row < n && (column + row) % 2 == 0);
        counts[row * n + column]++;
    }
    for (int k = 0; k < n * n; k++)
        if ((k / n + k % n) % 2 == 0) assert_true(fabs(counts[k] - expected) < 5 * sd);
    destroy(c);
}

static void test_checkerboard(void **state)
{
    check_board(*state, "squares=4", 4, 8);
    check_board(*state, "squares=3", 3, 5);
}

static void test_rings(void **state)
{
    scratch *s = *state;
    cloud *c = draw(s->ctx, "rings", (const char *const[]){"rings=4", "noise=0.02", NULL});
    int counts[4] = {0};
    assert_int_equal(c->info->n_classes, 4);
    for (int k = 0; k < 4; k++) {
        assert_average(c, k, first, 0);
        assert_average(c, k, second, 0);
        assert_average(c, k, squared, (k + 1) * (k + 1) / 16.0 + 2 * 0.0004);
    }
    for (int i = 0; i < N; i++) counts[c->label[i]]++;
    for (int k = 0; k < 4; k++) assert_in_range(counts[k], 5000 - 310, 5000 + 310); /* sd 61 */
    destroy(c);
}

static void test_pinwheel(void **state)
{
    scratch *s = *state;
    cloud *c = draw(s->ctx, "pinwheel", (const char *const[]){"arms=3", "radial=0.2", "noise=0.1", NULL});
    assert_int_equal(c->info->n_classes, 3);
    for (int k = 0; k < 3; k++) assert_average(c, k, squared, 0.25 * (1 + 0.04 + 0.01));
    assert_average(c, -1, first, 0); /* the arms are one arm turned */
    assert_average(c, -1, second, 0);
    destroy(c);
    c = draw(s->ctx, "pinwheel", (const char *const[]){"arms=4", "radial=0", "noise=0", "swirl=0", NULL});
    for (int i = 0; i < 50; i++) {
        double angle = c->label[i] * PI / 2;
        assert_true(hypot(c->x[i][0] - 0.5 * cos(angle), c->x[i][1] - 0.5 * sin(angle)) < 1e-6);
    }
    destroy(c);
}

/* What the mixture says of itself is what its points say: means and second moments of each class, and of all Stein's identities
 * E[score] = 0 and E[x . score] = -2, which only hold when points and density belong together. */
static void test_mixture(void **state)
{
    scratch *s = *state;
    cloud *c = draw(s->ctx, "mixture", (const char *const[]){"modes=5", "radius=0.6", "sd=0.15", NULL});
    const ito_mixture *mixture = ito_dataset_mixture(c->data);
    ito_level at_data = {.signal = 1, .log_snr = (double)INFINITY};
    double mean[2], covariance[4], sums[4] = {0};
    assert_non_null(mixture);
    for (int k = -1; k < 5; k++) {
        ito_mixture_moments(mixture, k, mean, covariance);
        assert_average(c, k, first, mean[0]);
        assert_average(c, k, second, mean[1]);
        assert_average(c, k, squared, covariance[0] + covariance[3] + mean[0] * mean[0] + mean[1] * mean[1]);
    }
    for (int i = 0; i < N; i++) {
        double score[2];
        ito_mixture_score(mixture, &at_data, ITO_MIXTURE_ALL, c->x[i], score);
        double terms[3] = {score[0], score[1], c->x[i][0] * score[0] + c->x[i][1] * score[1]};
        for (int k = 0; k < 3; k++) sums[k] += terms[k] / N;
        sums[3] += terms[2] * terms[2] / N;
    }
    /* |score|^2 averages at most 2 / sd^2, so a component's mean errs by 1 / (sd sqrt(N)) */
    for (int k = 0; k < 2; k++) assert_true(fabs(sums[k]) < 5 / (0.15 * sqrt(N)));
    assert_true(fabs(sums[2] + 2) < 5 * sqrt((sums[3] - sums[2] * sums[2]) / N));
    destroy(c);
    ito_dataset *data;
    assert_ok(s->ctx, ito_data_open(s->ctx, "moons", NULL, &data));
    assert_null(ito_dataset_mixture(data));
    ito_dataset_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pure_function_in_range),
        cmocka_unit_test(test_swissroll),
        cmocka_unit_test(test_moons),
        cmocka_unit_test(test_checkerboard),
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_pinwheel),
        cmocka_unit_test(test_mixture),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
