/* Reading batches of samples when memory runs out at any point. */
#include "oom/oom.h"

#include <ito/npz.h>

static ito_status load(ito_ctx *ctx, void *arg)
{
    ito_npz samples;
    ito_status st = ito_npz_read(ctx, arg, &samples);
    if (!st) ito_npz_clear(ctx, &samples);
    return st;
}

static void test_read(void **state)
{
    (void)state;
    char deflated[] = "tests/fuzz/corpus/npz/deflated.npz", stored[] = "tests/fuzz/corpus/npz/stored.npz";
    assert_true(oom_check(load, deflated) > 3);
    assert_true(oom_check(load, stored) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
