/* The base: status names, context, allocation, arena, growing arrays, "did you mean". */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static void test_status(void **state)
{
    (void)state;
    assert_int_equal(ITO_OK, 0);
    assert_string_equal(ito_status_name(ITO_OK), "OK");
    assert_string_equal(ito_status_name(ITO_SHAPE), "SHAPE");
    assert_string_equal(ito_status_text(ITO_SHAPE), "shapes do not agree");
    assert_string_equal(ito_status_name(ITO_CANCELLED), "CANCELLED");
    assert_string_equal(ito_status_name(ITO_STATUS_COUNT), "?");
    assert_string_equal(ito_status_text((ito_status)-1), "?");
    for (int i = 0; i < ITO_STATUS_COUNT; i++) assert_true(strlen(ito_status_text((ito_status)i)) >= 2);
}

static void test_errors(void **state)
{
    ito_ctx *ctx = *state;
    assert_string_equal(ito_last_error(ctx), "");
    assert_int_equal(ito__fail(ctx, ITO_IO, "%s: byte %d", "file", 7), ITO_IO);
    assert_string_equal(ito_last_error(ctx), "file: byte 7");
    /* a message may quote the one before it */
    ito__fail(ctx, ITO_FORMAT, "while reading: %s", ito_last_error(ctx));
    assert_string_equal(ito_last_error(ctx), "while reading: file: byte 7");
    /* too long: cut, not overrun */
    for (int i = 0; i < 12; i++) ito__fail(ctx, ITO_IO, "%s+%s", ito_last_error(ctx), ito_last_error(ctx));
    assert_true(strlen(ito_last_error(ctx)) < 4096);
}

typedef struct log_lines {
    int n;
    ito_log_level level;
    char last[64];
} log_lines;

static void keep_line(void *user, ito_log_level level, const char *message)
{
    log_lines *lines = user;
    lines->n++;
    lines->level = level;
    snprintf(lines->last, sizeof lines->last, "%s", message);
}

static void test_context_options(void **state)
{
    (void)state;
    log_lines lines = {0};
    ito_ctx_options options = {.log = keep_line, .user = &lines, .n_threads = 3};
    ito_ctx *ctx;
    assert_int_equal(ito_ctx_create(&options, &ctx), ITO_OK);
    assert_int_equal(ito_ctx_n_threads(ctx), 3);
    ito__log(ctx, ITO_LOG_WARN, "%d lines", 2);
    assert_int_equal(lines.n, 1);
    assert_int_equal(lines.level, ITO_LOG_WARN);
    assert_string_equal(lines.last, "2 lines");
    ito_ctx_destroy(ctx);
    ito_ctx_destroy(NULL);
}

static void test_default_context(void **state)
{
    ito_ctx *ctx = *state;
    assert_true(ito_ctx_n_threads(ctx) >= 1);
    ito__log(ctx, ITO_LOG_ERROR, "nobody listens");
}

static bool all_zero(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (memory[i]) return false;
    return true;
}

static void test_alloc(void **state)
{
    ito_ctx *ctx = *state;
    for (size_t bytes = 0; bytes < 5000; bytes = bytes * 2 + 1) {
        unsigned char *memory = ito__alloc(ctx, bytes);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        assert_true(all_zero(memory, bytes));
        memset(memory, 1, bytes);
        ito__free(ctx, memory);
    }
    ito__free(ctx, NULL);
    char *copy = ito__strdup(ctx, "Itô");
    assert_string_equal(copy, "Itô");
    ito__free(ctx, copy);
}

static void test_impossible_sizes(void **state)
{
    ito_ctx *ctx = *state;
    assert_null(ito__alloc(ctx, SIZE_MAX));
    assert_non_null(strstr(ito_last_error(ctx), "out of memory"));
    assert_null(ito__alloc_array(ctx, SIZE_MAX / 4 + 2, 4)); /* the product is 4 after wrapping */
    assert_null(ito__alloc_array(ctx, (size_t)1 << 33, (size_t)1 << 33));
    ito_arena *arena;
    assert_int_equal(ito__arena_create(ctx, &arena), ITO_OK);
    assert_null(ito__arena_alloc(arena, SIZE_MAX));
    assert_null(ito__arena_alloc(arena, (size_t)PTRDIFF_MAX + 1));
    assert_non_null(ito__arena_alloc(arena, 1)); /* a refusal does no harm */
    ito__arena_destroy(arena);
}

/* Every allocation is aligned, zeroed, apart from the others and stays where it is while the arena grows. */
static void test_arena(void **state)
{
    enum { N = 2000 };
    ito_arena *arena;
    assert_int_equal(ito__arena_create(*state, &arena), ITO_OK);
    static unsigned char *memory[N];
    for (int i = 0; i < N; i++) {
        size_t bytes = (size_t)(i * 37 % 997) + (i % 500 == 499 ? 100000 : 0);
        memory[i] = ito__arena_alloc(arena, bytes);
        assert_non_null(memory[i]);
        assert_int_equal((uintptr_t)memory[i] % 64, 0);
        assert_true(all_zero(memory[i], bytes));
        memset(memory[i], i % 255 + 1, bytes);
    }
    for (int i = 0; i < N; i++) {
        size_t bytes = (size_t)(i * 37 % 997) + (i % 500 == 499 ? 100000 : 0);
        for (size_t k = 0; k < bytes; k++) assert_int_equal(memory[i][k], i % 255 + 1);
    }
    ito__arena_destroy(arena);
    ito__arena_destroy(NULL);
}

static void test_arena_text(void **state)
{
    ito_arena *arena;
    assert_int_equal(ito__arena_create(*state, &arena), ITO_OK);
    assert_string_equal(ito__arena_strdup(arena, ""), "");
    assert_string_equal(ito__arena_strdup(arena, "conv_in"), "conv_in");
    assert_string_equal(ito__arena_printf(arena, "%s.%d", "resnets", 3), "resnets.3");
    char *wide = ito__arena_printf(arena, "%*d", 40000, 1);
    assert_int_equal(strlen(wide), 40000);
    ito__arena_destroy(arena);
}

static void test_grow(void **state)
{
    ito_ctx *ctx = *state;
    short *numbers = NULL;
    int capacity = 0;
    for (int n = 1; n <= 3000; n++) {
        assert_int_equal(ito__grow(ctx, &numbers, sizeof *numbers, &capacity, n), ITO_OK);
        assert_true(capacity >= n && capacity <= 2 * n + 8);
        numbers[n - 1] = (short)n;
    }
    for (int n = 1; n <= 3000; n++) assert_int_equal(numbers[n - 1], n);
    ito__free(ctx, numbers);
}

static void test_nearest(void **state)
{
    (void)state;
    const char *const names[] = {"ddpm", "ddim", "heun", "dpmpp_2m", "learning_rate"};
    assert_string_equal(ito__nearest("ddin", ITO_COUNT(names), names), "ddim");
    assert_string_equal(ito__nearest("ddpm", ITO_COUNT(names), names), "ddpm");
    assert_string_equal(ito__nearest("huen", ITO_COUNT(names), names), "heun");
    assert_string_equal(ito__nearest("learning_reat", ITO_COUNT(names), names), "learning_rate");
    assert_null(ito__nearest("transformer", ITO_COUNT(names), names));
    assert_null(ito__nearest("x", 0, NULL));
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ito__nearest(longest, ITO_COUNT(names), names); /* longer than any name: no overrun */
}

static void test_clock(void **state)
{
    (void)state;
    double a = ito__now(), b = ito__now();
    assert_true(b >= a && b - a < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test_setup_teardown(test_errors, ctx_setup, ctx_teardown),
        cmocka_unit_test(test_context_options),
        cmocka_unit_test_setup_teardown(test_default_context, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_alloc, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_impossible_sizes, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_arena, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_arena_text, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_grow, ctx_setup, ctx_teardown),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
