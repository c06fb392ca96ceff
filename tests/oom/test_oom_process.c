/* Making every process, and saving and opening its scheduler_config.json, when memory runs out at any point. */
#include "oom/oom.h"

#include "exact/process_cases.h"
#include "pipeline/model_dir.h"

static ito_status make(ito_ctx *ctx, void *arg)
{
    const process_case *c = arg;
    const ito_process_def *def;
    ito_opts *opts = NULL;
    ito__scheduler back = {0};
    ito_process *process = NULL;
    json_t *config = NULL;
    ito_status st = ito_process_find(ctx, c->name, &def);
    if (!st) st = ito_opts_create(ctx, def->choice.options, &opts);
    for (int i = 0; i < PROCESS_SETTINGS && c->settings[i] && !st; i++) {
        char key[32] = "";
        const char *value = strchr(c->settings[i], '=');
        memcpy(key, c->settings[i], (size_t)(value - c->settings[i]));
        st = ito_opts_set(opts, c->name, key, value + 1);
    }
    const ito__scheduler scheduler = {.process = c->name, .process_opts = opts, .prediction = "v"};
    if (!st) st = ito__scheduler_write(ctx, &scheduler, &config);
    if (!st) st = ito__scheduler_read(ctx, "config", config, &back);
    if (!st) st = ito_process_create(ctx, c->name, back.process_opts, &process);
    ito_process_destroy(process);
    ito__scheduler_clear(&back);
    ito_opts_destroy(opts);
    json_decref(config);
    return st;
}

static void test_processes(void **state)
{
    (void)state;
    for (int k = 0; k < N_PROCESS_CASES; k++) {
        process_case c = process_cases[k];
        assert_true(oom_check(make, &c) >= 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_processes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
