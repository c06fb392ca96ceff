/* Metrics when memory runs out at any point. */
#include "oom/oom.h"

#include <ito/metric.h>

static ito_status score(ito_ctx *ctx, void *arg)
{
    static const int32_t labels[] = {0, 1, 2};
    static const float probabilities[] = {1, 0, 0.5F, 0.5F, 0.25F, 0.75F};
    const float *x = arg;
    const ito_resampling r = {.n = 3};
    ito_metric_input in = {.features = {.x = x, .y = x + 14, .n = 7, .m = 6, .d = 2},
                           .points = {.x = x, .y = x + 14, .n = 7, .m = 6, .d = 2},
                           .n_labels = 3,
                           .asked = labels,
                           .read = labels,
                           .n_classes = 2,
                           .probabilities = probabilities,
                           .resampling = &r};
    static const char *const names[] = {"fd", "kd", "pr", "accuracy", "is", "swd", "mmd", "energy"};
    for (int i = 0; i < 8; i++) {
        const ito_metric_def *def;
        ito_metric_result out;
        ito_status st = ito_metric_find(ctx, names[i], &def);
        if (!st) st = ito_metric_compute(ctx, def, NULL, &in, &out);
        if (st) return st;
    }
    return ITO_OK;
}

static void test_metrics(void **state)
{
    (void)state;
    float x[26];
    for (int i = 0; i < 26; i++) x[i] = (float)((i * 7) % 11);
    assert_true(oom_check(score, x) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_metrics)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
