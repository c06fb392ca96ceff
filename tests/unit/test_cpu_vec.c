/* The closed set of vector functions: values against loops written out here, the same bits for any number of threads
 * and in any batch. */

#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cpu/cpu_vec.h"

#define SIZES 6
static const int64_t sizes[SIZES] = {1, 2, 7, 300, 4096, 10001};

static const ito_queue one = {1};

/* n floats of a fixed sequence, scaled by 3 */
static float *numbers(int64_t n, uint64_t seed)
{
    float *x = malloc((size_t)n * sizeof *x);
    ito_rng_normal((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER}, 0, (size_t)n, x);
    for (int64_t i = 0; i < n; i++) x[i] *= 3;
    return x;
}

static void test_lincomb(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        int64_t n = 3, size = sizes[s];
        float *a = numbers(n * size, 1), *b = numbers(n * size, 2), *dst = numbers(n * size, 3);
        const double coef[] = {0.5, -2, 1e-3, 1.25, 7, 1e5};
        ito__cpu_vec.lincomb(&one, n, size, 2, coef, (const float *const[]){a, b}, dst);
        for (int64_t i = 0; i < n * size; i++)
            assert_true(dst[i] == (float)(coef[i / size] * (double)a[i] + coef[3 + i / size] * (double)b[i]));
        /* in place */
        ito__cpu_vec.lincomb(&one, n, size, 2, coef, (const float *const[]){a, b}, b);
        assert_memory_equal(b, dst, (size_t)(n * size) * sizeof *b);
        ito__cpu_vec.lincomb(&one, n, size, 0, NULL, NULL, dst);
        for (int64_t i = 0; i < n * size; i++) assert_true(dst[i] == 0);
        free(a);
        free(b);
        free(dst);
    }
}

/* Cancellation: in float the small term would be lost. */
static void test_lincomb_rounds_once(void **state)
{
    (void)state;
    float big = 16777216.0F, small = 0.25F, dst;
    const double coef[] = {1, 1, -1};
    ito__cpu_vec.lincomb(&one, 1, 1, 3, coef, (const float *const[]){&big, &small, &big}, &dst);
    assert_true(dst == 0.25F);
}

static void test_normal_is_keyed(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        int64_t size = sizes[s];
        ito_rng_key key[3];
        for (int i = 0; i < 3; i++) key[i] = (ito_rng_key){.seed = 9, .stream = ITO_STREAM_STEP, .sample = 7 - i};
        float *dst = malloc((size_t)(3 * size) * sizeof *dst), *want = malloc((size_t)size * sizeof *want);
        ito__cpu_vec.normal(&one, 3, size, key, dst);
        for (int i = 0; i < 3; i++) {
            ito_rng_normal(key[i], 0, (size_t)size, want);
            assert_memory_equal(dst + i * size, want, (size_t)size * sizeof *want);
        }
        free(dst);
        free(want);
    }
}

static void test_clamp(void **state)
{
    (void)state;
    float x[] = {-3, 0.5F, 2, NAN, -3, 1.5F, INFINITY, -1};
    const double limit[] = {1, 2};
    ito__cpu_vec.clamp(&one, 2, 4, limit, false, x);
    assert_true(x[0] == -1 && x[1] == 0.5F && x[2] == 1 && isnan(x[3]));
    assert_true(x[4] == -2 && x[5] == 1.5F && x[6] == 2 && x[7] == -1);
    ito__cpu_vec.clamp(&one, 2, 4, limit, true, x);
    assert_true(x[0] == -1 && x[4] == -1 && x[5] == 0.75F && x[6] == 1 && x[7] == -0.5F);
}

static void test_norm(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        float *x = numbers(2 * sizes[s], 4);
        double out[2];
        ito__cpu_vec.norm(&one, 2, sizes[s], x, out);
        for (int i = 0; i < 2; i++) {
            long double sum = 0;
            for (int64_t j = 0; j < sizes[s]; j++) {
                long double v = (long double)x[i * sizes[s] + j];
                sum += v * v;
            }
            /* a sum of m squares in double: relative error below m ulp; 1e-12 is far above */
            assert_true(fabs(out[i] - (double)sqrtl(sum)) <= 1e-12 * out[i]);
        }
        free(x);
    }
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_abs_quantile(void **state)
{
    (void)state;
    const double levels[] = {0, 0.1, 0.5, 0.995, 1};
    for (int s = 0; s < SIZES; s++) {
        int64_t size = sizes[s];
        float *x = numbers(2 * size, 5), *scratch = malloc((size_t)(2 * size) * sizeof *x);
        float *sorted = malloc((size_t)size * sizeof *x);
        for (int l = 0; l < ITO_COUNT(levels); l++) {
            double out[2];
            ito__cpu_vec.abs_quantile(&one, 2, size, levels[l], x, scratch, out);
            for (int i = 0; i < 2; i++) {
                for (int64_t j = 0; j < size; j++) sorted[j] = fabsf(x[i * size + j]);
                qsort(sorted, (size_t)size, sizeof *sorted, compare);
                double at = levels[l] * (double)(size - 1);
                int64_t k = (int64_t)at, k1 = ITO_MIN(k + 1, size - 1);
                double want = (double)sorted[k] + (at - (double)k) * ((double)sorted[k1] - (double)sorted[k]);
                assert_true(fabs(out[i] - want) <= 1e-14 * want);
            }
        }
        free(x);
        free(scratch);
        free(sorted);
    }
}

static void test_abs_quantile_odd_values(void **state)
{
    (void)state;
    float x[] = {1, 1, 1, 1, NAN, 2, 3, 4}, scratch[8];
    double out[2];
    ito__cpu_vec.abs_quantile(&one, 2, 4, 0.5, x, scratch, out);
    assert_true(out[0] == 1 && isnan(out[1]));
}

static void test_blend_and_muladd(void **state)
{
    (void)state;
    const float mask[] = {0, 1, 0.25F, 1}, a[] = {1, 2, 4, 8}, b[] = {10, 20, 8, 40};
    float dst[4];
    ito__cpu_vec.blend(&one, 2, 2, mask, a, b, dst);
    assert_true(dst[0] == 10 && dst[1] == 2 && dst[2] == 7 && dst[3] == 8);
    ito__cpu_vec.muladd(&one, 2, 2, (const double[]){2, -1}, a, b, dst);
    assert_true(dst[0] == 30 && dst[1] == 82 && dst[2] == -25 && dst[3] == -312);
}

/* In double, rounded once. */
static void test_exp(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        int64_t n = 3, size = sizes[s];
        float *x = numbers(n * size, 4), *dst = malloc((size_t)(n * size) * sizeof *dst);
        const double shift[] = {0, -3, 1.5}, scale[] = {1, 0.25, -2};
        ito__cpu_vec.exp(&one, n, size, shift, scale, x, dst);
        for (int64_t i = 0; i < n * size; i++)
            assert_true(dst[i] == (float)exp(shift[i / size] + scale[i / size] * (double)x[i]));
        ito__cpu_vec.exp(&one, n, size, shift, scale, x, x); /* in place */
        assert_memory_equal(x, dst, (size_t)(n * size) * sizeof *x);
        free(x);
        free(dst);
    }
    const float odd[] = {INFINITY, -INFINITY, NAN};
    float out[3];
    ito__cpu_vec.exp(&one, 1, 3, (const double[]){1}, (const double[]){2}, odd, out);
    assert_true(out[0] == INFINITY && out[1] == 0 && isnan(out[2]));
}

/* Everything once, into out: n * size floats of each function's result. */
static void run_all(const ito_queue *q, int64_t n, int64_t size, int64_t first, const float *a, const float *b,
                    float *out, double *numbers_out)
{
    const double coef[] = {0.3, -0.7, 1.1, 0.2, 0.9, -0.4, 0.6, 0.5};
    const double half[] = {0.5, 0.5, 0.5, 0.5};
    ito_rng_key key[4];
    for (int i = 0; i < 4; i++) key[i] = (ito_rng_key){.seed = 1, .stream = ITO_STREAM_STEP, .sample = first + i};
    double c[8];
    for (int64_t k = 0; k < 2; k++)
        for (int64_t i = 0; i < n; i++) c[k * n + i] = coef[k * 4 + first + i];
    const float *as = a + first * size, *bs = b + first * size;
    int64_t m = n * size;
    ito__cpu_vec.lincomb(q, n, size, 2, c, (const float *const[]){as, bs}, out);
    ito__cpu_vec.normal(q, n, size, key, out + m);
    ito__cpu_vec.blend(q, n, size, as, bs, out + m, out + 2 * m);
    ito__cpu_vec.muladd(q, n, size, c, as, bs, out + 2 * m);
    ito__cpu_vec.abs_quantile(q, n, size, 0.9, as, out + 3 * m, numbers_out);
    ito__cpu_vec.norm(q, n, size, as, numbers_out + n);
    memcpy(out + 3 * m, as, (size_t)m * sizeof *out); /* the scratch's content is nobody's business */
    ito__cpu_vec.clamp(q, n, size, half, true, out + 3 * m);
    ito__cpu_vec.exp(q, n, size, c, c + n, out + 3 * m, out + 3 * m);
}

static void test_any_thread_count_any_batch(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        int64_t size = sizes[s], m = 4 * size;
        float *a = numbers(m, 6), *b = numbers(m, 7), *want = calloc((size_t)m, 4 * sizeof *want);
        float *got = calloc((size_t)m, 4 * sizeof *got);
        double want_numbers[8], got_numbers[8];
        run_all(&one, 4, size, 0, a, b, want, want_numbers);
        for (int threads = 2; threads <= 8; threads += 3) {
            run_all(&(ito_queue){threads}, 4, size, 0, a, b, got, got_numbers);
            assert_memory_equal(got, want, (size_t)m * 4 * sizeof *got);
            assert_memory_equal(got_numbers, want_numbers, sizeof got_numbers);
        }
        for (int i = 0; i < 4; i++) {
            run_all(&one, 1, size, i, a, b, got, got_numbers);
            for (int part = 0; part < 4; part++)
                assert_memory_equal(got + part * size, want + part * m + i * size, (size_t)size * sizeof *got);
            assert_true(got_numbers[0] == want_numbers[i] && got_numbers[1] == want_numbers[4 + i]);
        }
        free(a);
        free(b);
        free(want);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lincomb),
        cmocka_unit_test(test_lincomb_rounds_once),
        cmocka_unit_test(test_normal_is_keyed),
        cmocka_unit_test(test_clamp),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_abs_quantile),
        cmocka_unit_test(test_abs_quantile_odd_values),
        cmocka_unit_test(test_blend_and_muladd),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_any_thread_count_any_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
