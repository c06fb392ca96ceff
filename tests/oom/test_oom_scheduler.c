/* Opening schedulers of diffusers and planning their steps, twice, when memory runs out at any point. */
#include "oom/oom.h"

#include <ito/scheduler.h>

static ito_status open_and_plan(ito_ctx *ctx, void *arg)
{
    const char *text = arg;
    ito_scheduler *s;
    ito_sample_options o = {0};
    ito_status st = ito_scheduler_parse(ctx, "file.json", text, strlen(text), &s);
    for (int n = 5; n <= 6 && !st; n++) st = ito_scheduler_plan(s, &(ito_scheduler_use){.n_steps = n}, &o);
    ito_scheduler_destroy(s);
    return st;
}

static void test_schedulers(void **state)
{
    static char texts[][200] = {
        "{\"_class_name\": \"DDIMScheduler\", \"num_train_timesteps\": 40, \"thresholding\": true}",
        "{\"_class_name\": \"PNDMScheduler\", \"num_train_timesteps\": 40, \"beta_schedule\": \"squaredcos_cap_v2\"}",
        "{\"_class_name\": \"HeunDiscreteScheduler\", \"num_train_timesteps\": 8, \"beta_schedule\": \"exp\"}",
        "{\"_class_name\": \"EulerDiscreteScheduler\", \"num_train_timesteps\": 7, "
        "\"trained_betas\": [0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.5], \"use_karras_sigmas\": true}",
        "{\"_class_name\": \"DPMSolverSinglestepScheduler\", \"num_train_timesteps\": 40, \"use_flow_sigmas\": true, "
        "\"prediction_type\": \"flow_prediction\"}",
        "{\"_class_name\": \"UniPCMultistepScheduler\", \"num_train_timesteps\": 40, \"disable_corrector\": [0]}",
        "{\"_class_name\": \"EDMEulerScheduler\", \"prediction_type\": \"v_prediction\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_true(oom_check(open_and_plan, texts[i]) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedulers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
