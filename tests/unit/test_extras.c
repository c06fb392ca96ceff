/* Extras of the training noise: offset noise is one number for each channel and its strength adds to the variance, input perturbation
 * leaves eps alone, and immiscible noise is the best of all assignments. */
#include <math.h>
#include <string.h>

#include "objective/extras.h"
#include "testing.h"

enum { N = 6, PIXELS = 50, CHANNELS = 3, SIZE = PIXELS * CHANNELS };

static ito_rng_key keys[N];
static float eps[N * SIZE], other[N * SIZE], images[N * SIZE];

static ito_noise_batch draw(uint64_t seed)
{
    for (int i = 0; i < N; i++) {
        keys[i] = (ito_rng_key){.seed = seed, .stream = ITO_STREAM_NOISE, .sample = (uint64_t)i};
        ito_rng_normal(keys[i], 0, SIZE, eps + i * SIZE);
        ito_rng_normal((ito_rng_key){.seed = seed, .stream = ITO_STREAM_USER, .sample = (uint64_t)i}, 0, SIZE,
                       images + i * SIZE);
    }
    memcpy(other, eps, sizeof eps);
    return (ito_noise_batch){N, SIZE, CHANNELS, keys, eps};
}

/* EQ[guttenberg23:1]; 600 channels: the variance of the shifts within 4 of its standard errors. */
static void test_offset(void **state)
{
    (void)state;
    double sum = 0, squares = 0;
    for (uint64_t seed = 0; seed < 600 / (N * CHANNELS) + 1; seed++) {
        ito_noise_batch batch = draw(seed);
        ito__offset_noise(&batch, 0.5);
        for (int i = 0; i < N; i++)
            for (int c = 0; c < CHANNELS; c++) {
                float shift = eps[i * SIZE + c] - other[i * SIZE + c];
                for (int p = 0; p < PIXELS; p++) {
                    int k = i * SIZE + p * CHANNELS + c;
                    assert_true(fabsf(eps[k] - other[k] - shift) < 1e-6f);
                }
                sum += (double)shift;
                squares += (double)shift * (double)shift;
            }
    }
    double n = (600 / (N * CHANNELS) + 1) * N * CHANNELS;
    assert_true(fabs(sum / n) < 4 * 0.5 / sqrt(n));
    assert_true(fabs(squares / n - 0.25) < 4 * 0.25 * sqrt(2 / n));
}

/* EQ[ning23:a1] */
static void test_perturbation(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    static float noisier[N * SIZE];
    ito_noise_batch batch = draw(5);
    double squares = 0, product = 0;
    assert_ok(ctx, ito__input_perturbation(ctx, &batch, 0.1, noisier));
    assert_memory_equal(eps, other, sizeof eps);
    for (int k = 0; k < N * SIZE; k++) {
        double away = (double)noisier[k] - (double)eps[k];
        squares += away * away;
        product += away * (double)eps[k];
    }
    double n = N * SIZE;
    assert_true(fabs(squares / n - 0.01) < 4 * 0.01 * sqrt(2 / n));
    assert_true(fabs(product / n) < 4 * 0.1 / sqrt(n));
    ito_ctx_destroy(ctx);
}

static double distance(int image, int noise)
{
    double sum = 0;
    for (int k = 0; k < SIZE; k++) {
        double d = (double)images[image * SIZE + k] - (double)other[noise * SIZE + k];
        sum += d * d;
    }
    return sum;
}

/* The least sum over all ways of giving noises to images from `image` on. */
static double best_from(int image, unsigned taken)
{
    double best = image == N ? 0 : INFINITY;
    for (int j = 0; image < N && j < N; j++)
        if (!(taken & 1u << j)) best = fmin(best, distance(image, j) + best_from(image + 1, taken | 1u << j));
    return best;
}

/* EQ[immiscible:3] against all 720 assignments; every noise goes to one image. */
static void test_immiscible(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    for (uint64_t seed = 0; seed < 20; seed++) {
        ito_noise_batch batch = draw(seed);
        assert_ok(ctx, ito__immiscible_noise(ctx, &batch, images));
        double sum = 0;
        unsigned taken = 0;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (!memcmp(eps + i * SIZE, other + j * SIZE, SIZE * sizeof *eps)) {
                    taken |= 1u << j;
                    sum += distance(i, j);
                }
        assert_int_equal(taken, (1u << N) - 1);
        assert_true(fabs(sum - best_from(0, 0)) < 1e-9 * sum);
    }
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_offset), cmocka_unit_test(test_perturbation),
                                       cmocka_unit_test(test_immiscible)};
    return cmocka_run_group_tests_name("extras", tests, NULL, NULL);
}
