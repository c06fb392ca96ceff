/* Spherical interpolation: ends, lengths and angles; vectors without a circle between them; what it refuses. */
#include "testing.h"

#include <math.h>

#include <ito/rng.h>
#include <ito/tensor.h>

#define SIZE 700

static double length_of(const float *x)
{
    double squares = 0;
    for (int j = 0; j < SIZE; j++) squares += (double)x[j] * (double)x[j];
    return sqrt(squares);
}

static double angle_between(const float *a, const float *b)
{
    double dot = 0;
    for (int j = 0; j < SIZE; j++) dot += (double)a[j] * (double)b[j];
    return acos(dot / length_of(a) / length_of(b));
}

static ito_tensor row(float *x)
{
    return ito_tensor_view(ITO_F32, ITO_SHAPE(1, SIZE), x);
}

static void between(ito_ctx *ctx, float *a, float *b, double share, float *out)
{
    ito_tensor at = row(a), bt = row(b), to = row(out);
    assert_ok(ctx, ito_tensor_slerp(ctx, &at, &bt, share, &to));
}

/* EQ[ddim:67]: of two vectors of one length, the angle from a is w times the whole and the length stays. Floats: 1e-6. */
static void test_circle(void **state)
{
    float a[SIZE], b[SIZE], x[SIZE];
    ito_rng_normal((ito_rng_key){.seed = 1, .stream = ITO_STREAM_USER}, 0, SIZE, a);
    ito_rng_normal((ito_rng_key){.seed = 2, .stream = ITO_STREAM_USER}, 0, SIZE, b);
    double scale = length_of(a) / length_of(b);
    for (int j = 0; j < SIZE; j++) b[j] = (float)(scale * (double)b[j]);
    for (double w = 0; w <= 1; w += 0.125) {
        between(*state, a, b, w, x);
        assert_true(fabs(length_of(x) / length_of(a) - 1) < 1e-6);
        assert_true(fabs(angle_between(a, x) - w * angle_between(a, b)) < 1e-3 * (w < 0.1) + 1e-6);
    }
    between(*state, a, b, 0, x);
    assert_memory_equal(x, a, sizeof a);
    between(*state, a, b, 1, x);
    assert_memory_equal(x, b, sizeof b);
}

/* Parallel, opposite and empty vectors: the straight line, finite. */
static void test_without_circle(void **state)
{
    float a[SIZE], b[SIZE], x[SIZE];
    const double factors[] = {1, 2, -1, -0.5, 0};
    ito_rng_normal((ito_rng_key){.seed = 3, .stream = ITO_STREAM_USER}, 0, SIZE, a);
    for (int k = 0; k < 5; k++) {
        for (int j = 0; j < SIZE; j++) b[j] = (float)(factors[k] * (double)a[j]);
        between(*state, a, b, 0.25, x);
        for (int j = 0; j < SIZE; j++)
            assert_true(fabs((double)x[j] - (0.75 + 0.25 * factors[k]) * (double)a[j]) < 1e-5);
    }
}

/* Rows are apart; the result may be one of the ends. */
static void test_rows(void **state)
{
    float a[] = {1, 0, 0, 2}, b[] = {0, 1, 2, 0};
    ito_tensor at = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 2), a), bt = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 2), b);
    assert_ok(*state, ito_tensor_slerp(*state, &at, &bt, 0.5, &at));
    const double half = sqrt(0.5), want[] = {half, half, 2 * half, 2 * half};
    for (int i = 0; i < 4; i++) assert_true(fabs((double)a[i] - want[i]) < 1e-6);
}

static void test_refuses(void **state)
{
    float a[4] = {0};
    ito_tensor two = ito_tensor_view(ITO_F32, ITO_SHAPE(2, 2), a), one = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 4), a);
    ito_tensor whole = ito_tensor_view(ITO_I32, ITO_SHAPE(2, 2), a);
    assert_fails(*state, ITO_SHAPE, "[2, 2] and [1, 4]", ito_tensor_slerp(*state, &two, &one, 0.5, &two));
    assert_fails(*state, ITO_DTYPE, "dense f32", ito_tensor_slerp(*state, &two, &whole, 0.5, &two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_circle),
        cmocka_unit_test(test_without_circle),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
