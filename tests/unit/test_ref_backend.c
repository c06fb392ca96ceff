/* The test backend does catch shortcuts: touching its memory from outside kills the process, fresh memory is NaN, and
 * its vector functions and copies work on closed memory. */

#include "testing.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel.h"

#define TEST (&ito__backend_test)

/* Does fn(memory) end in a fault? Run in a child, which prints nothing. */
static bool faults(void (*fn)(void *memory), void *memory)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        close(2);
        fn(memory);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void read_it(void *memory)
{
    volatile char byte = *(volatile char *)memory;
    (void)byte;
}

static void write_it(void *memory)
{
    *(volatile char *)memory = 1;
}

static void use_workspace_after_run(void *memory)
{
    float host[4] = {0};
    TEST->upload(memory, host, sizeof host);
    read_it(memory);
}

static void test_outside_access_faults(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(0);
    void *memory = TEST->alloc(ctx, 100);
    assert_non_null(memory);
    assert_true(faults(read_it, memory));
    assert_true(faults(write_it, memory));
    assert_true(faults(use_workspace_after_run, memory));
    TEST->free(ctx, memory, 100);
    ito_ctx_destroy(ctx);
}

static void test_fresh_memory_is_poison(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(0);
    size_t bytes = 3 * sizeof(double);
    void *memory = TEST->alloc(ctx, bytes);
    double wide[3];
    float narrow[6];
    TEST->download(wide, memory, bytes);
    TEST->download(narrow, memory, bytes);
    for (int i = 0; i < 3; i++) assert_true(isnan(wide[i]));
    for (int i = 0; i < 6; i++) assert_true(isnan(narrow[i]));
    TEST->free(ctx, memory, bytes);
    ito_ctx_destroy(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(0);
    ito_kernel k = {.ctx = ctx};
    assert_int_equal(TEST->prepare(&k, "no such op", NULL), ITO_UNSUPPORTED);
    assert_non_null(strstr(ito_last_error(ctx), "no such op"));
    assert_int_equal(ito__backend_ref.prepare(&k, "full", "winograd4"), ITO_UNSUPPORTED);
    assert_null(TEST->alloc(ctx, (size_t)1 << 60));
    assert_ptr_equal(ito__backend_find("test"), TEST);
    assert_null(ito__backend_find("abacus"));
    ito_ctx_destroy(ctx);
}

static void test_choice(void **state)
{
    static const struct {
        const char *context, *asked, *got;
        ito_status status;
    } cases[] = {
        {NULL, NULL, "cpu", ITO_OK},           {"ref", NULL, "ref", ITO_OK},
        {"ref", "test", "test", ITO_OK},       {"test", NULL, NULL, ITO_UNSUPPORTED}, /* nobody may touch its memory */
        {"abacus", NULL, NULL, ITO_NOT_FOUND}, {NULL, "abacus", NULL, ITO_NOT_FOUND}};
    (void)state;
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        ito_ctx *ctx;
        const ito_backend *b;
        assert_int_equal(ito_ctx_create(&(ito_ctx_options){.backend = cases[i].context}, &ctx), ITO_OK);
        assert_int_equal(ito__backend_open(ctx, cases[i].asked, &b), cases[i].status);
        if (cases[i].got) assert_string_equal(b->name, cases[i].got);
        ito_ctx_destroy(ctx);
    }
}

static void test_vectors_on_closed_memory(void **state)
{
    (void)state;
    enum { N = 2, SIZE = 3, BYTES = N * SIZE * sizeof(float) };
    const ito_queue q = {1};
    ito_ctx *ctx = ctx_open(0);
    float *a = TEST->alloc(ctx, BYTES), *b = TEST->alloc(ctx, BYTES), *mask = TEST->alloc(ctx, BYTES);
    float *dst = TEST->alloc(ctx, BYTES);
    const float a0[] = {1, 2, 3, 4, 5, 6}, b0[] = {10, 20, 30, 40, 50, 60}, mask0[] = {1, 0, 1, 0, 1, 0};
    TEST->upload(a, a0, BYTES);
    TEST->upload(b, b0, BYTES);
    TEST->upload(mask, mask0, BYTES);
    const double coef[] = {1, 2, 0.5, 0}, limit[] = {20, 4}, unit[] = {1, -1};
    TEST->vec->lincomb(&q, N, SIZE, 2, coef, (const float *const[]){a, b}, dst); /* 6 12 18, 8 10 12 */
    TEST->vec->blend(&q, N, SIZE, mask, a, dst, dst);                            /* 1 12 3, 8 5 12 */
    TEST->vec->muladd(&q, N, SIZE, unit, a, mask, dst);                          /* 2 12 6, 8 0 12 */
    TEST->vec->clamp(&q, N, SIZE, limit, false, dst);                            /* 2 12 6, 4 0 4 */
    float found[N * SIZE];
    TEST->download(found, dst, BYTES);
    const float wanted[] = {2, 12, 6, 4, 0, 4};
    assert_memory_equal(found, wanted, BYTES);
    double out[N];
    TEST->vec->norm(&q, N, SIZE, dst, out);
    assert_true(fabs(out[1] - sqrt(32.0)) < 1e-12);
    TEST->vec->abs_quantile(&q, N, SIZE, 1.0, dst, a, out);
    assert_true(out[0] == 12 && out[1] == 4);
    TEST->vec->exp(&q, N, SIZE, unit, unit, dst, a); /* exp(1 + 2), .. */
    TEST->download(found, a, BYTES);
    assert_true(found[0] == (float)exp(3) && found[3] == (float)exp(-5));
    const ito_rng_key keys[N] = {{.seed = 1, .stream = ITO_STREAM_USER}, {.seed = 2, .stream = ITO_STREAM_USER}};
    float expected[SIZE];
    TEST->vec->normal(&q, N, SIZE, keys, dst);
    TEST->download(found, dst, BYTES);
    ito_rng_normal(keys[1], 0, SIZE, expected);
    assert_memory_equal(found + SIZE, expected, sizeof expected);
    float *all[] = {a, b, mask, dst};
    for (int i = 0; i < ITO_COUNT(all); i++) TEST->free(ctx, all[i], BYTES);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outside_access_faults),
        cmocka_unit_test(test_fresh_memory_is_poison),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_vectors_on_closed_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
