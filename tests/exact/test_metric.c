/* Metrics against closed forms and against their definitions written out, their behaviour on sets that are the same, small,
 * singular or not finite, and their intervals against the spread that fresh sets really have. */
#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include <ito/metric.h>
#include <ito/rng.h>
#include <ito/shapes.h>

static void normals(uint64_t seed, uint32_t step, double mean, double sd, int64_t n, float *x)
{
    ito_rng_normal((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER, .step = step}, 0, (size_t)n, x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(mean + sd * (double)x[i]);
}

static ito_sets sets_of(const float *x, int64_t n, const float *y, int64_t m, int64_t d)
{
    return (ito_sets){.x = x, .y = y, .n = n, .m = m, .d = d};
}

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.15g, expected %.15g within %g", got, want, tolerance);
}

/* ---- the Frechet distance ---- */

/* A set turned into one of diagonal covariance is not needed: on a line, and for moved and scaled copies, the distance is known.
 * y = a x + b has mean a mu + b and covariance a^2 S, so the distance is |(a - 1) mu + b|^2 + (1 - a)^2 tr S. */
static void test_frechet_of_copies(void **state)
{
    enum { n = 30, d = 5 };
    ito_ctx *ctx = *state;
    float x[n * d], y[n * d];
    double mean[d] = {0}, trace = 0, want = 0, a = 1.75;
    ito_score s;
    normals(1, 0, 0.3, 1, n * d, x);
    for (int i = 0; i < n * d; i++) {
        x[i] = roundf(x[i] * 256) / 256; /* a x + b is exact */
        y[i] = (float)a * x[i] + 0.5F;
        mean[i % d] += (double)x[i] / n;
    }
    for (int i = 0; i < n * d; i++) trace += pow((double)x[i] - mean[i % d], 2) / (n - 1);
    for (int k = 0; k < d; k++) want += pow((a - 1) * mean[k] + 0.5, 2);
    want += (1 - a) * (1 - a) * trace;
    ito_sets sets = sets_of(x, n, y, n, d), same = sets_of(x, n, x, n, d);
    assert_ok(ctx, ito_frechet_distance(ctx, &sets, NULL, &s));
    assert_near(s.value, want, 1e-12 * want);
    assert_ok(ctx, ito_frechet_distance(ctx, &same, NULL, &s));
    assert_true(s.value >= 0);
    assert_near(s.value, 0, 1e-12 * trace);
}

/* Fewer rows than dimensions, in planes that have nothing in common: the root of the product is 0. */
static void test_frechet_of_planes(void **state)
{
    enum { n = 6, d = 40 };
    ito_ctx *ctx = *state;
    float x[n * d] = {0}, y[n * d] = {0}, z[n * d] = {0};
    double want = 0;
    ito_score s;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            normals(2, (uint32_t)(2 * i + k), 0, 1, 1, &x[i * d + k]);
            normals(3, (uint32_t)(2 * i + k), 0, 1, 1, &y[i * d + 20 + k]);
        }
    for (int set = 0; set < 2; set++)
        for (int k = 0; k < d; k++) {
            const float *rows = set ? y : x;
            double mean = 0;
            for (int i = 0; i < n; i++) mean += (double)rows[i * d + k] / n;
            for (int i = 0; i < n; i++) want += pow((double)rows[i * d + k] - mean, 2) / (n - 1);
            want += mean * mean;
        }
    ito_sets sets = sets_of(x, n, y, n, d), flat = sets_of(x, n, z, n, d), points = sets_of(z, n, z, n, d);
    assert_ok(ctx, ito_frechet_distance(ctx, &sets, NULL, &s));
    assert_near(s.value, want, 1e-12 * want);
    assert_ok(ctx, ito_frechet_distance(ctx, &flat, &(ito_resampling){.n = 5}, &s)); /* a covariance that is 0 */
    assert_true(isfinite(s.value) && isfinite(s.low) && isfinite(s.high));
    assert_ok(ctx, ito_frechet_distance(ctx, &points, NULL, &s));
    assert_true(s.value == 0);
}

/* ---- discrepancies ---- */

/* Subsets are those that the header's numbers draw, and the estimate of a subset of everything is that of the whole set. */
static void test_kernel_subsets(void **state)
{
    enum { n = 40, d = 3 };
    ito_ctx *ctx = *state;
    float x[n * d], y[n * d];
    ito_kernel_distance_result r, few;
    normals(4, 0, 0, 1, n * d, x);
    normals(4, 1, 0.5, 1, n * d, y);
    ito_sets sets = sets_of(x, n, y, n, d);
    ito_kernel_distance_options o = {.n_subsets = 3, .subset_size = n};
    assert_ok(ctx, ito_kernel_distance(ctx, &sets, &o, NULL, &r));
    assert_near(r.subset_mean, r.whole.value, 1e-12);
    assert_near(r.subset_sd, 0, 1e-12);
    o = (ito_kernel_distance_options){.n_subsets = 4000, .subset_size = 10};
    assert_ok(ctx, ito_kernel_distance(ctx, &sets, &o, NULL, &few));
    assert_true(few.subset_sd > 0.1); /* without bias: 4000 subsets agree with all rows to a few standard errors */
    assert_near(few.subset_mean, r.whole.value, 5 * few.subset_sd / sqrt(4000));
    assert_int_equal(few.n_subsets, 4000);
    assert_ok(ctx, ito_kernel_distance(ctx, &sets, NULL, NULL, &r));
    assert_int_equal(r.subset_size, n / 2);
    assert_fails(ctx, ITO_USAGE, "subsets of 41 rows, expected 2 to 40",
                 ito_kernel_distance(ctx, &sets, &(ito_kernel_distance_options){.subset_size = 41}, NULL, &r));
}

/* E k(x, y) = h / sqrt(h^2 + 2) exp(-mu^2 / (2 (h^2 + 2))) of unit normals whose means are mu apart: the mean over repeats lies
 * within 5 standard errors of the closed form. */
static void test_mmd_of_normals(void **state)
{
    enum { n = 200, repeats = 80 };
    ito_ctx *ctx = *state;
    static const double h = 0.8, mu = 0.6;
    float x[n], y[n];
    double sum = 0, squares = 0, scale = h / sqrt(h * h + 2);
    double want = 2 * scale - 2 * scale * exp(-mu * mu / (2 * (h * h + 2)));
    for (uint32_t r = 0; r < repeats; r++) {
        ito_score s;
        normals(5, 2 * r, 0, 1, n, x);
        normals(5, 2 * r + 1, mu, 1, n, y);
        ito_sets sets = sets_of(x, n, y, n, 1);
        assert_ok(ctx, ito_mmd(ctx, &sets, 1, &h, NULL, &s));
        sum += s.value / repeats;
        squares += s.value * s.value / repeats;
    }
    double se = sqrt((squares - sum * sum) / (repeats - 1));
    assert_near(sum, want, 5 * se);
    assert_true(se < want / 10);
}

/* ---- sliced ---- */

/* A moved set is |w.v| away along w, and a set of other size that repeats every row is the same distribution. */
static void test_sliced_of_copies(void **state)
{
    enum { n = 25, d = 7, k = 50 };
    ito_ctx *ctx = *state;
    float x[n * d], y[2 * n * d], z[d];
    double want[2] = {0};
    normals(6, 0, 0, 1, n * d, x);
    for (int i = 0; i < n * d; i++) {
        x[i] = roundf(x[i] * 1024) / 1024;
        y[i] = y[n * d + i] = x[i] + (float)(i % d) / 4;
    }
    for (uint32_t p = 0; p < k; p++) {
        double squares = 0, dot = 0;
        ito_rng_normal((ito_rng_key){.seed = 9, .stream = ITO_STREAM_PROJECTION, .step = p}, 0, d, z);
        for (int j = 0; j < d; j++) squares += (double)z[j] * (double)z[j];
        for (int j = 0; j < d; j++) dot += (double)z[j] * j / 4 / sqrt(squares);
        want[0] += fabs(dot) / k;
        want[1] += dot * dot / k;
    }
    want[1] = sqrt(want[1]);
    for (int p = 1; p <= 2; p++)
        for (int64_t m = n; m <= 2 * n; m += n) {
            ito_score s;
            ito_sets sets = sets_of(x, n, y, m, d);
            ito_sliced_options o = {.n_projections = k, .p = p, .seed = 9};
            assert_ok(ctx, ito_sliced_wasserstein(ctx, &sets, &o, NULL, &s));
            assert_near(s.value, want[p - 1], 1e-12);
        }
}

/* ---- neighbours ---- */

/* A ball is closed: copies of the data are precise, and cover it. Samples at one data point are precise, and recall nothing. */
static void test_neighbours_by_hand(void **state)
{
    ito_ctx *ctx = *state;
    const float data[] = {0, 1, 2, 3, 10, 11, 12, 13}, at_one[] = {1, 1, 1, 1, 1, 1}, far[] = {100, 101, 102, 103, 104};
    const ito_neighbour_options one = {.k = 1, .k_dense = 2};
    ito_neighbour_result r;
    ito_sets copies = sets_of(data, 8, data, 8, 1), heap = sets_of(at_one, 6, data, 8, 1);
    ito_sets away = sets_of(far, 5, data, 8, 1);
    assert_ok(ctx, ito_precision_recall(ctx, &copies, &one, NULL, &r));
    assert_true(r.precision.value == 1 && r.recall.value == 1 && r.coverage.value == 1);
    /* balls that reach the second other point: those of 0 and 3 reach 2 far, those of 1 and 2 reach 1 */
    assert_near(r.density.value, (3 + 3 + 3 + 3) * 2.0 / (2 * 8), 1e-15);
    assert_ok(ctx, ito_precision_recall(ctx, &heap, &one, NULL, &r));
    assert_true(r.precision.value == 1);
    assert_near(r.recall.value, 1.0 / 8, 1e-15);  /* the point itself: balls of the heap have no radius */
    assert_near(r.density.value, 4.0 / 2, 1e-15); /* in the balls of 0, 1, 2 and 3 */
    assert_near(r.coverage.value, 4.0 / 8, 1e-15);
    assert_ok(ctx, ito_precision_recall(ctx, &away, &one, NULL, &r));
    assert_true(r.precision.value == 0 && r.recall.value == 0 && r.density.value == 0 && r.coverage.value == 0);
    assert_fails(ctx, ITO_USAGE, "needs at least 9 points",
                 ito_precision_recall(ctx, &copies, &(ito_neighbour_options){.k_dense = 8}, NULL, &r));
}

static void test_accuracy(void **state)
{
    enum { n = 400 };
    ito_ctx *ctx = *state;
    int32_t asked[n], read[n];
    ito_score s;
    for (int i = 0; i < n; i++) {
        asked[i] = i % 7;
        read[i] = i % 4 ? i % 7 : -1;
    }
    assert_ok(ctx, ito_accuracy(ctx, n, asked, read, &(ito_resampling){.n = 2000}, &s));
    assert_near(s.value, 0.75, 1e-15);
    double sd = sqrt(0.75 * 0.25 / n); /* of a share, and 1.96 of it to either side */
    assert_near(s.sd, sd, 0.1 * sd);
    assert_near(s.low, 0.75 - 1.96 * sd, 0.3 * sd);
    assert_near(s.high, 0.75 + 1.96 * sd, 0.3 * sd);
    assert_fails(ctx, ITO_USAGE, "found 0", ito_accuracy(ctx, 0, asked, read, NULL, &s));
}

/* Sure of one of k classes, all as often: k. Sure of one class, or of nothing: 1. By hand in between. */
static void test_inception_score(void **state)
{
    enum { n = 60, k = 4 };
    ito_ctx *ctx = *state;
    float sure[n * k] = {0}, one[n * k] = {0}, nothing[n * k], half[2 * 2] = {0.9F, 0.1F, 0.2F, 0.8F};
    ito_inception_score_result r;
    for (int i = 0; i < n; i++) {
        sure[i * k + i % k] = 1;
        one[i * k] = 1;
        for (int c = 0; c < k; c++) nothing[i * k + c] = 1.0F / k;
    }
    assert_ok(ctx, ito_inception_score(ctx, n, k, sure, &(ito_resampling){.n = 50}, &r));
    assert_near(r.whole.value, k, 1e-12);
    assert_true(r.whole.low < k && r.whole.sd > 0);
    assert_true(r.split_mean < k); /* parts of 6 do not have all classes as often */
    assert_ok(ctx, ito_inception_score(ctx, n, k, one, NULL, &r));
    assert_near(r.whole.value, 1, 1e-12);
    assert_ok(ctx, ito_inception_score(ctx, n, k, nothing, NULL, &r));
    assert_near(r.whole.value, 1, 1e-12);
    assert_near(r.split_mean, 1, 1e-12);
    double kl = 0, mean[2] = {((double)half[0] + (double)half[2]) / 2, ((double)half[1] + (double)half[3]) / 2};
    for (int i = 0; i < 4; i++) kl += (double)half[i] * log((double)half[i] / mean[i % 2]) / 2;
    assert_ok(ctx, ito_inception_score(ctx, 2, 2, half, NULL, &r));
    assert_near(r.whole.value, exp(kl), 1e-7); /* float32 rows do not quite add up to 1 */
    assert_true(isnan(r.split_mean));
    half[0] = 1.5F;
    assert_fails(ctx, ITO_NUMERIC, "of sample 0 add up to 1.6", ito_inception_score(ctx, 2, 2, half, NULL, &r));
    assert_fails(ctx, ITO_USAGE, "found 0 and 2", ito_inception_score(ctx, 0, 2, half, NULL, &r));
}

/* Pictures of shapes as samples of what they show and of what they do not, beside pictures of another kind. */
static void test_reader(void **state)
{
    enum { n = 40, side = 24, size = side * side * 3 };
    ito_ctx *ctx = *state;
    static float x[n * size], red[n * size];
    int32_t asked[n], wrong[n];
    ito_shapes_result r;
    double n_red = 0;
    for (int i = 0; i < n; i++) {
        ito_scene scene = ito_shapes_scene(3, 1, (uint64_t)i, 1, 1, 1);
        ito_shapes_render(&scene, side, side, x + i * size, NULL, NULL);
        asked[i] = scene.figures[0].shape;
        wrong[i] = (asked[i] + 1) % ITO_SHAPES_KINDS;
        n_red += scene.figures[0].colour == 0;
        scene.figures[0].colour = 0;
        ito_shapes_render(&scene, side, side, red + i * size, NULL, NULL);
    }
    ito_shapes_input in = {.sets = sets_of(x, n, x, n, size), .height = side, .width = side, .asked = asked};
    assert_ok(ctx, ito_shapes_score(ctx, &in, &(ito_resampling){.n = 20}, &r));
    assert_true(r.shape.value >= 0.9 && r.shape.low <= r.shape.value);
    for (int k = 0; k < 3; k++) assert_near((const double[]){r.colour.value, r.size.value, r.count.value}[k], 1, 1e-12);
    assert_true(r.real_shape.value > 0.8 && r.real_colour.value > 0.8 && r.real_size.value > 0.8 &&
                r.real_count.value > 0.8);
    in.asked = wrong;
    in.sets.y = red;
    assert_ok(ctx, ito_shapes_score(ctx, &in, NULL, &r));
    assert_true(r.shape.value <= 0.1);
    assert_near(r.colour.value, n_red / n, 3.0 / n); /* what the red ones are of all */
    in.asked = NULL;
    assert_ok(ctx, ito_shapes_score(ctx, &in, NULL, &r));
    assert_true(isnan(r.shape.value));
    in.width = side - 1;
    assert_fails(ctx, ITO_SHAPE, "expected 24 x 23 x 3", ito_shapes_score(ctx, &in, NULL, &r));
}

/* ---- intervals ---- */

typedef ito_status score_fn(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *r, ito_score *out);

static ito_status mmd(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *r, ito_score *out)
{
    static const double h = 2;
    return ito_mmd(ctx, sets, 1, &h, r, out);
}

static ito_status sliced(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *r, ito_score *out)
{
    return ito_sliced_wasserstein(ctx, sets, &(ito_sliced_options){.n_projections = 16}, r, out);
}

static ito_status kernel(ito_ctx *ctx, const ito_sets *sets, const ito_resampling *r, ito_score *out)
{
    ito_kernel_distance_result kd;
    ito_status st = ito_kernel_distance(ctx, sets, &(ito_kernel_distance_options){.n_subsets = -1}, r, &kd);
    *out = kd.whole;
    return st;
}

/* The deviation that resampling finds is the one that fresh sets have, to a third, and of 60 intervals of 95 percent at most 10 miss
 * the mean over fresh sets (of a binomial with 0.05: one in 3e4; the bootstrap itself is a little too narrow). */
static void check_interval(ito_ctx *ctx, score_fn *score)
{
    enum { repeats = 60, n = 120, d = 3 };
    float x[n * d], y[n * d];
    ito_score s[repeats];
    double mean = 0, squares = 0, sd = 0;
    int misses = 0;
    for (uint32_t r = 0; r < repeats; r++) {
        normals(7, 2 * r, 0, 1, n * d, x);
        normals(7, 2 * r + 1, 0.8, 1.5, n * d, y);
        ito_sets sets = sets_of(x, n, y, n, d);
        assert_ok(ctx, score(ctx, &sets, &(ito_resampling){.n = 100, .seed = r}, &s[r]));
        mean += s[r].value / repeats;
        squares += s[r].value * s[r].value / repeats;
        sd += s[r].sd / repeats;
        assert_true(s[r].low < s[r].value && s[r].value < s[r].high);
    }
    for (int r = 0; r < repeats; r++) misses += s[r].low > mean || s[r].high < mean;
    double real = sqrt((squares - mean * mean) * repeats / (repeats - 1));
    if (fabs(sd / real - 1) > 0.33 || misses > 10)
        fail_msg("resampled deviation %g, that of fresh sets %g; %d misses", sd, real, misses);
}

static void test_intervals(void **state)
{
    check_interval(*state, ito_frechet_distance);
    check_interval(*state, ito_energy_score);
    check_interval(*state, mmd);
    check_interval(*state, kernel);
    check_interval(*state, sliced);
}

/* The same bits for any number of threads; resamples follow the seed. */
static void test_same_bits(void **state)
{
    enum { n = 150, m = 131, d = 5 };
    static score_fn *const all[] = {ito_frechet_distance, ito_energy_score, mmd, kernel, sliced};
    float x[n * d], y[m * d];
    ito_sets sets = sets_of(x, n, y, m, d);
    normals(8, 0, 0, 1, n * d, x);
    normals(8, 1, 0.2, 1, m * d, y);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ito_score one, three, other;
        ito_ctx *single = ctx_open(1), *several = ctx_open(3);
        assert_ok(single, all[i](single, &sets, &(ito_resampling){.n = 7}, &one));
        assert_ok(several, all[i](several, &sets, &(ito_resampling){.n = 7}, &three));
        assert_ok(*state, all[i](*state, &sets, &(ito_resampling){.n = 7, .seed = 1}, &other));
        assert_memory_equal(&one, &three, sizeof one);
        assert_true(one.value == other.value && one.low != other.low);
        ito_ctx_destroy(single);
        ito_ctx_destroy(several);
    }
}

/* ---- the axis, and what is refused ---- */

static void test_axis(void **state)
{
    ito_ctx *ctx = *state;
    const float x[] = {0, 1, 2, 4}, y[] = {1, 2, 4, 9};
    const ito_metric_def *def;
    ito_metric_result r;
    ito_metric_input in = {.points = sets_of(x, 4, y, 4, 1), .features = sets_of(x, 2, y, 2, 2)};
    double want;
    assert_ok(ctx, ito_metric_find(ctx, "energy", &def));
    assert_ok(ctx, ito_metric_compute(ctx, def, NULL, &in, &r));
    assert_ok(ctx, ito_energy_distance(ctx, x, 4, y, 4, 1, &want));
    assert_true(r.n == 1 && !strcmp(r.names[0], "energy") && r.scores[0].value == want);
    assert_ok(ctx, ito_metric_find(ctx, "kd", &def));
    assert_ok(ctx, ito_metric_compute(ctx, def, NULL, &in, &r));
    assert_int_equal(r.n, 2);
    assert_ok(ctx, ito_metric_find(ctx, "nll", &def));
    assert_fails(ctx, ITO_STATE, "likelihood.h", ito_metric_compute(ctx, def, NULL, &in, &r));
    assert_fails(ctx, ITO_NOT_FOUND, "did you mean 'energy'", ito_metric_find(ctx, "energi", &def));
    ito_metric_def own = {.choice = {.name = "own", .summary = "mine"}};
    assert_fails(ctx, ITO_USAGE, "compute", ito_metric_register(ctx, &own));
}

static void test_bad_input(void **state)
{
    ito_ctx *ctx = *state;
    const float x[] = {0, 1, 2, INFINITY}, same[] = {1, 1, 1};
    const double bad = -1;
    ito_score s;
    ito_sets ok = sets_of(x, 3, x, 3, 1), few = sets_of(x, 1, x, 3, 1), nan = sets_of(x, 3, x, 4, 1);
    ito_sets point = sets_of(same, 3, same, 3, 1);
    assert_fails(ctx, ITO_USAGE, "found 1 and 3", ito_frechet_distance(ctx, &few, NULL, &s));
    assert_fails(ctx, ITO_NUMERIC, "row 3 of the second set is inf", ito_frechet_distance(ctx, &nan, NULL, &s));
    assert_fails(ctx, ITO_NUMERIC, "row 3 of the second set", ito_sliced_wasserstein(ctx, &nan, NULL, NULL, &s));
    assert_fails(ctx, ITO_USAGE, "bandwidth 0 is -1", ito_mmd(ctx, &ok, 1, &bad, NULL, &s));
    assert_fails(ctx, ITO_USAGE, "bandwidth 0 is 0", ito_mmd(ctx, &point, 0, NULL, NULL, &s));
    assert_fails(ctx, ITO_USAGE, "p is 3", ito_sliced_wasserstein(ctx, &ok, &(ito_sliced_options){.p = 3}, NULL, &s));
    assert_fails(ctx, ITO_USAGE, "level 2", ito_energy_score(ctx, &ok, &(ito_resampling){.level = 2}, &s));
    assert_ok(ctx,
              ito_energy_score(ctx, &ok, &(ito_resampling){.n = 300}, &s)); /* some resamples are copies of one row */
    assert_true(isfinite(s.low) && isfinite(s.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frechet_of_copies), cmocka_unit_test(test_frechet_of_planes),
        cmocka_unit_test(test_kernel_subsets),    cmocka_unit_test(test_mmd_of_normals),
        cmocka_unit_test(test_sliced_of_copies),  cmocka_unit_test(test_neighbours_by_hand),
        cmocka_unit_test(test_accuracy),          cmocka_unit_test(test_reader),
        cmocka_unit_test(test_inception_score),   cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_same_bits),         cmocka_unit_test(test_axis),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
