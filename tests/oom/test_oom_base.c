/* The base when memory runs out; and the harness itself, which must catch a leak, a silent failure and an overrun. */
#include "oom/oom.h"

#include <ito/option.h>

#include "base/base.h"

static ito_status use_arena(ito_ctx *ctx, void *arg)
{
    (void)arg;
    ito_arena *arena = NULL;
    ITO_TRY(ito__arena_create(ctx, &arena));
    ito_status st = ITO_OK;
    for (size_t bytes = 1; bytes < (size_t)1 << 18 && st == ITO_OK; bytes *= 3)
        if (!ito__arena_alloc(arena, bytes)) st = ITO_MEMORY;
    if (st == ITO_OK && !ito__arena_printf(arena, "%0*d", 70000, 1)) st = ITO_MEMORY;
    ito__arena_destroy(arena);
    return st;
}

static ito_status use_options(ito_ctx *ctx, void *arg)
{
    (void)arg;
    static const ito_opt_def defs[] = {ITO_OPT_INT("n", 1, 0, 9, "a number"), ITO_OPT_TEXT("s", "x", "a text"),
                                       ITO_OPT_END};
    ito_opts *opts = NULL;
    ITO_TRY(ito_opts_create(ctx, defs, &opts));
    ito_status st;
    ITO_GO(ito_opts_set(opts, "test", "s", "first"));
    ITO_GO(ito_opts_set(opts, "test", "s", "second"));
done:
    /* the text is the old or the new one, never a freed one */
    assert_true(strlen(ito_opts_text(opts, "s")) < 8);
    ito_opts_destroy(opts);
    return st;
}

static ito_status use_grow(ito_ctx *ctx, void *arg)
{
    (void)arg;
    int *numbers = NULL, capacity = 0;
    ito_status st = ITO_OK;
    for (int n = 1; n < 1000 && st == ITO_OK; n++) {
        st = ito__grow(ctx, &numbers, sizeof *numbers, &capacity, n);
        if (st == ITO_OK) numbers[n - 1] = n;
        for (int i = 0; i < n - 1; i++) assert_int_equal(numbers[i], i + 1);
    }
    ito__free(ctx, numbers);
    return st;
}

static void test_base(void **state)
{
    (void)state;
    assert_true(oom_check(use_arena, NULL) >= 3);
    assert_int_equal(oom_check(use_options, NULL), 5);
    assert_true(oom_check(use_grow, NULL) >= 8);
}

static void test_context(void **state)
{
    (void)state;
    oom_heap heap = {.fail_at = 1};
    ito_ctx_options options = {.alloc = oom_alloc, .free = oom_free, .user = &heap};
    ito_ctx *ctx = (ito_ctx *)&heap;
    assert_int_equal(ito_ctx_create(&options, &ctx), ITO_MEMORY);
    assert_null(ctx);
}

/* The harness sees what it is there for: blocks not given back, and a fail_at that is met exactly once. */
static void test_harness_counts(void **state)
{
    (void)state;
    oom_heap heap = {.fail_at = 3};
    ito_ctx *ctx = oom_ctx(&heap, 1);
    void *a = ito__alloc(ctx, 10), *b = ito__alloc(ctx, 10), *c = ito__alloc(ctx, 0);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    assert_int_equal(atomic_load(&heap.live), 3);
    assert_non_null(strstr(ito_last_error(ctx), "out of memory"));
    ito__free(ctx, a);
    ito__free(ctx, c);
    ito_ctx_destroy(ctx);
    assert_int_equal(atomic_load(&heap.live), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_harness_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
