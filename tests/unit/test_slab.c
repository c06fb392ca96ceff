/* The memory planner on random lifetimes: no two buffers that are alive at one step overlap, everything is aligned and lies
 * inside the slab, the slab is not smaller than what is alive at once, and the same input gives the same plan. */
#include "testing.h"

#include <string.h>

#include <ito/rng.h>

#include "graph/slab.h"

enum { N = 200, STEPS = 60, ROUNDS = 200 };

static uint64_t below(uint32_t round, uint64_t index, uint64_t bound)
{
    return ito_rng_below((ito_rng_key){.seed = 5, .stream = ITO_STREAM_USER, .step = round}, index, bound);
}

static int random_buffers(uint32_t round, ito_slab_buffer *b)
{
    int n = 1 + (int)below(round, 0, N);
    for (int i = 0; i < n; i++) {
        uint64_t at = 10 + 4 * (uint64_t)i;
        int first = (int)below(round, at, STEPS), length = (int)below(round, at + 1, 1 + below(round, at + 2, STEPS));
        size_t bytes = (size_t)below(round, at + 3, (uint64_t)1 << (4 + i % 17));
        b[i] = (ito_slab_buffer){.bytes = bytes + 1, .first = first, .last = ITO_MIN(first + length, STEPS)};
    }
    return n;
}

static bool share_a_step(const ito_slab_buffer *a, const ito_slab_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static bool overlap(const ito_slab_buffer *a, const ito_slab_buffer *b)
{
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static void check_plan(int n, const ito_slab_buffer *b, size_t total, size_t live)
{
    assert_true(live <= total);
    for (int i = 0; i < n; i++) {
        assert_int_equal(b[i].offset % ITO_SLAB_ALIGN, 0);
        assert_true(b[i].offset + b[i].bytes <= total);
        for (int j = 0; j < i; j++) assert_false(share_a_step(&b[i], &b[j]) && overlap(&b[i], &b[j]));
    }
}

static void test_random_lifetimes(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(0);
    double ratio = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        static ito_slab_buffer b[N], again[N];
        size_t total, live, total_again, live_again;
        int n = random_buffers(round, b);
        memcpy(again, b, sizeof b);
        assert_int_equal(ito__slab_offsets(ctx, n, b, &total, &live), ITO_OK);
        assert_int_equal(ito__slab_offsets(ctx, n, again, &total_again, &live_again), ITO_OK);
        check_plan(n, b, total, live);
        assert_true(total == total_again && !memcmp(b, again, (size_t)n * sizeof *b));
        ratio += (double)total / (double)live / ROUNDS;
    }
    assert_true(ratio < 1.25); /* greedy by size stays near the lower bound; 1.08 when this was written */
    ito_ctx_destroy(ctx);
}

static void test_small_cases(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(0);
    size_t total, live;
    assert_int_equal(ito__slab_offsets(ctx, 0, NULL, &total, &live), ITO_OK);
    assert_int_equal(total, 0);
    ito_slab_buffer chain[] = {{64, 0, 1, 0}, {64, 1, 2, 0}, {64, 2, 3, 0}}; /* the third fits where the first was */
    assert_int_equal(ito__slab_offsets(ctx, 3, chain, &total, &live), ITO_OK);
    assert_int_equal(total, 128);
    assert_int_equal(live, 128);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_cases), cmocka_unit_test(test_random_lifetimes)};
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
