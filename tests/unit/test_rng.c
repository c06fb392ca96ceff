/* Random numbers: the published vectors of Philox4x32-10, the two distributions, and that a number depends on its key
 * and index alone. Everything is deterministic; the statistical bounds are those of p = 0.001 or rarer, so a wrong
 * transform fails them and the fixed seeds pass. */

#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ito/rng.h>

#define N 100000

static const ito_rng_key key = {.seed = 2026, .stream = ITO_STREAM_USER, .step = 3, .sample = 41};

/* Known answers of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds). */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        ito_rng_philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sqrt(n) times the Kolmogorov-Smirnov distance of x (sorted here) from the uniform distribution. */
static double ks_uniform(double *x, size_t n)
{
    qsort(x, n, sizeof *x, ascending);
    double distance = 0;
    for (size_t i = 0; i < n; i++) {
        double below = x[i] - (double)i / (double)n, above = (double)(i + 1) / (double)n - x[i];
        distance = fmax(distance, fmax(below, above));
    }
    return sqrt((double)n) * distance;
}

static void test_uniform(void **state)
{
    (void)state;
    double *x = malloc(N * sizeof *x), sum = 0, sum2 = 0;
    ito_rng_uniform(key, 0, N, x);
    for (int i = 0; i < N; i++) {
        assert_true(x[i] >= 0 && x[i] < 1);
        sum += x[i];
        sum2 += (x[i] - 0.5) * (x[i] - 0.5);
    }
    /* standard errors: sqrt(1/12/N) and sqrt(1/180/N) */
    assert_true(fabs(sum / N - 0.5) < 4 * sqrt(1.0 / 12 / N));
    assert_true(fabs(sum2 / N - 1.0 / 12) < 4 * sqrt(1.0 / 180 / N));
    assert_true(ks_uniform(x, N) < 1.95); /* p = 0.001 */
    free(x);
}

static void test_normal(void **state)
{
    (void)state;
    float *z = malloc(N * sizeof *z);
    double *u = malloc(N * sizeof *u), m[5] = {0};
    ito_rng_normal(key, 0, N, z);
    for (int i = 0; i < N; i++) {
        double power = 1;
        for (int k = 1; k <= 4; k++) m[k] += (power *= (double)z[i]) / N;
        u[i] = 0.5 * erfc(-(double)z[i] / sqrt(2.0));
    }
    /* standard errors of the first four moments of a standard normal: sqrt(1, 2, 15, 96 over N) */
    assert_true(fabs(m[1]) < 4 * sqrt(1.0 / N));
    assert_true(fabs(m[2] - 1) < 4 * sqrt(2.0 / N));
    assert_true(fabs(m[3]) < 4 * sqrt(15.0 / N));
    assert_true(fabs(m[4] - 3) < 4 * sqrt(96.0 / N));
    assert_true(ks_uniform(u, N) < 1.95);
    free(z);
    free(u);
}

/* Any window of the sequence, however it is cut, holds the same numbers. */
static void test_any_offset(void **state)
{
    (void)state;
    enum { LENGTH = 257 };
    float all[LENGTH], part[LENGTH];
    double uniform[LENGTH], uniform_part[LENGTH];
    const uint64_t base = ((uint64_t)1 << 33) + 1; /* past 32 bits, odd */
    ito_rng_normal(key, base, LENGTH, all);
    ito_rng_uniform(key, base, LENGTH, uniform);
    for (size_t first = 0; first < LENGTH; first += 5)
        for (size_t n = 0; first + n <= LENGTH; n += 31) {
            ito_rng_normal(key, base + first, n, part);
            assert_memory_equal(part, all + first, n * sizeof *part);
            ito_rng_uniform(key, base + first, n, uniform_part);
            assert_memory_equal(uniform_part, uniform + first, n * sizeof *uniform_part);
        }
}

static double correlation(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum / n;
}

/* Changing any part of the key gives numbers that have nothing to do with the others; so does a shift by one. */
static void test_keys_are_independent(void **state)
{
    (void)state;
    enum { LENGTH = 10000, KEYS = 8 };
    ito_rng_key keys[KEYS];
    for (int k = 0; k < KEYS; k++) keys[k] = key;
    keys[1].seed++;
    keys[2].stream++;
    keys[3].step++;
    keys[4].sample++;
    keys[5].seed += (uint64_t)1 << 40;
    keys[6].sample += (uint64_t)1 << 20;
    keys[7].seed--, keys[7].stream++;
    float *z = malloc(sizeof *z * KEYS * LENGTH);
    for (int k = 0; k < KEYS; k++) ito_rng_normal(keys[k], 0, LENGTH, z + k * LENGTH);
    for (int a = 0; a < KEYS; a++)
        for (int b = 0; b < a; b++) {
            assert_true(fabs(correlation(z + a * LENGTH, z + b * LENGTH, LENGTH)) < 4.5 / sqrt(LENGTH));
            assert_true(fabs(correlation(z + a * LENGTH, z + b * LENGTH + 1, LENGTH - 1)) < 4.5 / sqrt(LENGTH));
        }
    for (int a = 0; a < KEYS; a++)
        assert_true(fabs(correlation(z + a * LENGTH, z + a * LENGTH + 1, LENGTH - 1)) < 4.5 / sqrt(LENGTH));
    free(z);
}

static void test_below(void **state)
{
    (void)state;
    enum { SIDES = 6, ROLLS = 60000 };
    int count[SIDES] = {0};
    for (uint64_t i = 0; i < ROLLS; i++) {
        uint64_t side = ito_rng_below(key, i, SIDES);
        assert_true(side < SIDES);
        count[side]++;
    }
    double chi2 = 0, expected = (double)ROLLS / SIDES;
    for (int i = 0; i < SIDES; i++) chi2 += (count[i] - expected) * (count[i] - expected) / expected;
    assert_true(chi2 < 20.5); /* p = 0.001 with 5 degrees of freedom */
    assert_int_equal(ito_rng_below(key, 5, 1), 0);
    assert_true(ito_rng_below(key, 5, UINT64_MAX) > UINT32_MAX);
}

/* The sequence is part of the file format: seeds that people wrote down must give the same images for ever. */
static void test_frozen(void **state)
{
    (void)state;
    double u[2];
    ito_rng_uniform((ito_rng_key){.seed = 7, .stream = ITO_STREAM_PRIOR, .step = 1, .sample = 2}, 0, 2, u);
    assert_true(u[0] == 0x1.de492415f2a6ap-2);
    assert_true(u[1] == 0x1.ea337533ce084p-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_any_offset),
        cmocka_unit_test(test_keys_are_independent),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
