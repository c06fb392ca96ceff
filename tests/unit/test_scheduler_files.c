/* Schedulers' files that are wrong, or ask for what there is not, say so; what Python writes and JSON has not is read. How schedulers
 * sample is in golden/test_scheduler.c. */
#include "testing.h"

#include <string.h>

#include <ito/scheduler.h>

static ito_status parse(ito_ctx *ctx, const char *text, ito_scheduler **out)
{
    return ito_scheduler_parse(ctx, "file.json", text, strlen(text), out);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *text, *says;
        ito_status status;
    } cases[] = {
        {"", "file.json", ITO_FORMAT},
        {"[1]", "expected a JSON object", ITO_FORMAT},
        {"{}", "_class_name is missing", ITO_FORMAT},
        {"{\"_class_name\": 3}", "_class_name", ITO_FORMAT},
        {"{\"_class_name\": \"KarrasVeScheduler\"}", "scheduler KarrasVeScheduler is not one", ITO_UNSUPPORTED},
        {"{\"_class_name\": \"DDIMScheduler\", \"num_train_timesteps\": 0}", "num_train_timesteps is 0", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"num_train_timesteps\": 10.5}", "a whole number", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"num_train_timesteps\": 1e300}", "num_train_timesteps is 1e+300",
         ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"beta_start\": \"low\"}", "beta_start", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"beta_start\": 0.5}", "beta_start", ITO_USAGE},
        {"{\"_class_name\": \"DDIMScheduler\", \"beta_schedule\": \"quadratic\"}", "linear, scaled_linear", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"beta_schedule\": \"sigmoid\"}", "DDIMScheduler has no beta_schedule",
         ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"prediction_type\": \"flow_prediction\"}", "has no prediction_type",
         ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"timestep_spacing\": \"even\"}", "linspace, leading, trailing",
         ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"clip_sample\": 1}", "clip_sample", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"trained_betas\": [0.1, \"b\"], \"num_train_timesteps\": 2}",
         "trained_betas", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"trained_betas\": [0.1, 0.2]}",
         "2 numbers, but num_train_timesteps is 1000", ITO_FORMAT},
        {"{\"_class_name\": \"DDIMScheduler\", \"trained_betas\": [0.1, 2], \"num_train_timesteps\": 2}", "beta_2",
         ITO_USAGE},
        {"{\"_class_name\": \"EulerDiscreteScheduler\", \"use_karras_sigmas\": true, \"use_beta_sigmas\": true}",
         "only one of", ITO_FORMAT},
        {"{\"_class_name\": \"EulerDiscreteScheduler\", \"sigma_min\": 3, \"sigma_max\": 2}", "sigma_min is 3",
         ITO_FORMAT},
        {"{\"_class_name\": \"EulerDiscreteScheduler\", \"sigma_min\": -3}", "sigma_min is -3", ITO_FORMAT},
        {"{\"_class_name\": \"DPMSolverMultistepScheduler\", \"algorithm_type\": \"dpmsolver\"}", "final_sigmas_type",
         ITO_FORMAT},
        {"{\"_class_name\": \"DPMSolverMultistepScheduler\", \"use_flow_sigmas\": true}", "go together",
         ITO_UNSUPPORTED},
        {"{\"_class_name\": \"DEISMultistepScheduler\", \"algorithm_type\": \"sde-dpmsolver\"}",
         "has no algorithm_type", ITO_FORMAT},
        {"{\"_class_name\": \"UniPCMultistepScheduler\", \"disable_corrector\": [-1]}", "disable_corrector",
         ITO_FORMAT},
        {"{\"_class_name\": \"UniPCMultistepScheduler\", \"disable_corrector\": 1}", "disable_corrector", ITO_FORMAT},
        {"{\"_class_name\": \"UniPCMultistepScheduler\", \"solver_p\": {}}", "solver_p", ITO_UNSUPPORTED},
        {"{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\", \"max_image_seq_len\": 4}", "max_image_seq_len is 4",
         ITO_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ito_scheduler *s;
        ito_status st = parse(*state, cases[i].text, &s);
        if (st != cases[i].status || !strstr(ito_last_error(*state), cases[i].says))
            fail_msg("%s: %s, %s; expected '%s'", cases[i].text, ito_status_name(st), ito_last_error(*state),
                     cases[i].says);
        assert_null(s);
    }
}

/* What opens, but cannot be planned. */
static void test_plan(void **state)
{
    static const struct {
        const char *text;
        int n;
        const char *says;
    } cases[] = {
        {"{\"_class_name\": \"DDIMScheduler\"}", 1001, "1001 steps asked for"},
        {"{\"_class_name\": \"DDIMScheduler\"}", -1, "-1 steps asked for"},
        {"{\"_class_name\": \"DDIMScheduler\", \"steps_offset\": 900}", 5, "steps_offset 900"},
        {"{\"_class_name\": \"DDIMInverseScheduler\", \"timestep_spacing\": \"linspace\"}", 5, "linspace"},
        {"{\"_class_name\": \"PNDMScheduler\"}", 3, "4 or more"},
        {"{\"_class_name\": \"LCMScheduler\"}", 51, "original_inference_steps"},
        {"{\"_class_name\": \"CMStochasticIterativeScheduler\"}", 41, "41 steps"},
        {"{\"_class_name\": \"DPMSolverMultistepScheduler\", \"num_train_timesteps\": 10}", 10,
         "fewer than the 10 timesteps"},
        {"{\"_class_name\": \"DDPMScheduler\", \"variance_type\": \"learned\"}", 5, "variance_type"},
        {"{\"_class_name\": \"DDPMScheduler\", \"variance_type\": \"fixed_large_log\"}", 5, "variance_type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ito_scheduler *s;
        ito_sample_options o = {0};
        assert_ok(*state, parse(*state, cases[i].text, &s));
        assert_int_not_equal(ito_scheduler_plan(s, &(ito_scheduler_use){.n_steps = cases[i].n}, &o), ITO_OK);
        if (!strstr(ito_last_error(*state), cases[i].says))
            fail_msg("%s: '%s', expected '%s'", cases[i].text, ito_last_error(*state), cases[i].says);
        ito_scheduler_destroy(s);
    }
}

/* A plan may be made again, for other steps; fields of other classes and unknown ones do not matter. */
static void test_again(void **state)
{
    static const char text[] =
        "{\"_class_name\": \"DDIMScheduler\", \"_diffusers_version\": \"9.9\", \"skip_prk_steps\": 7, "
        "\"a_field_of_tomorrow\": {\"x\": [NaN, Infinity]}, \"lambda_min_clipped\": -Infinity, "
        "\"note\": \"a \\\" NaN\"}";
    ito_scheduler *s;
    ito_sample_options o = {0};
    assert_ok(*state, parse(*state, text, &s));
    assert_string_equal(ito_scheduler_class(s), "DDIMScheduler");
    assert_false(ito_scheduler_learns_variance(s));
    assert_ok(*state, ito_scheduler_plan(s, &(ito_scheduler_use){.n_steps = 7}, &o));
    assert_int_equal(o.n_steps, 7);
    assert_ok(*state, ito_scheduler_plan(s, NULL, &o));
    assert_int_equal(o.n_steps, 50);
    assert_string_equal(o.sampler, "ddim");
    assert_string_equal(o.clip, "static");
    assert_true(o.levels[0].t.t == 981 && o.levels[49].s.t == 0);
    ito_scheduler_destroy(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ctx_setup, ctx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_wrong), TEST(test_plan), TEST(test_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
