/* scheduler_config.json: what diffusers has comes out under its names and comes back, everything else under ito's class;
 * configs as diffusers writes them open; mistakes are named. */
#include "testing.h"

#include <stdlib.h>

#include "base/json.h"
#include "pipeline/model_dir.h"

#define MOST_SETTINGS 5

static ito_opts *options_of(ito_ctx *ctx, const char *process, const char *const *settings)
{
    const ito_process_def *def;
    ito_opts *opts;
    assert_ok(ctx, ito_process_find(ctx, process, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    for (int i = 0; i < MOST_SETTINGS && settings[i]; i++) {
        char key[32] = "";
        const char *value = strchr(settings[i], '=');
        memcpy(key, settings[i], (size_t)(value - settings[i]));
        assert_ok(ctx, ito_opts_set(opts, process, key, value + 1));
    }
    return opts;
}

static void assert_same_options(ito_ctx *ctx, const char *process, const ito_opts *a, const ito_opts *b)
{
    const ito_process_def *def;
    assert_ok(ctx, ito_process_find(ctx, process, &def));
    for (const ito_opt_def *o = def->choice.options; o->name; o++) {
        if (o->type == ITO_OPT_TEXT_TYPE)
            assert_string_equal(ito_opts_text(a, o->name), ito_opts_text(b, o->name));
        else if (ito_opts_real(a, o->name) != ito_opts_real(b, o->name))
            fail_msg("%s: %s is %.17g, and comes back as %.17g", process, o->name, ito_opts_real(a, o->name),
                     ito_opts_real(b, o->name));
    }
}

/* `text` is what the JSON must have among other things, or NULL where it is ito's own class. */
static const struct {
    const char *process, *settings[MOST_SETTINGS], *prediction, *text;
} cases[] = {
    {"vp-linear",
     {"T=50", "beta_end=0.3"},
     "eps",
     "\"beta_schedule\": \"linear\", \"beta_start\": 0.0001, \"beta_end\": 0.3"},
    {"vp-linear", {"zero_snr=true"}, "v", "\"rescale_betas_zero_snr\": true"},
    {"vp-scaled-linear", {NULL}, "eps", "\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085"},
    {"vp-cosine", {"T=7"}, "x0", "\"num_train_timesteps\": 7, \"beta_schedule\": \"squaredcos_cap_v2\""},
    {"vp-cosine", {"s=0.02"}, "eps", NULL},
    {"vp-sigmoid-beta", {"zero_snr=true"}, "eps", "\"beta_schedule\": \"sigmoid\""},
    {"vp-laplace", {"form=diffusers"}, "v", "\"beta_schedule\": \"laplace\""},
    {"vp-laplace", {NULL}, "v", NULL},
    {"vp-laplace", {"form=diffusers", "b=1"}, "v", NULL},
    {"vp-betas", {"betas=0.10000000000000001,0.25,0.5"}, "eps", "\"trained_betas\": [0.1, 0.25, 0.5]"},
    {"vp-sigmoid", {"tau=0.7", "T=33"}, "eps", NULL},
    {"vp-sde", {NULL}, "eps", NULL},
    {"subvp-sde", {"beta_max=30"}, "eps", NULL},
    {"ve-sde", {"sigma_max=348"}, "eps", NULL},
    {"ve-geometric", {"T=232"}, "eps", NULL},
    {"edm", {"sigma_min=0.001"}, "eps", NULL},
    {"flow", {"shift=3"}, "x0", NULL},
    {"vdm", {"log_snr_max=9.7"}, "v", NULL},
};

static void test_round_trips(void **state)
{
    ito_ctx *ctx = *state;
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        json_t *config;
        ito__scheduler back;
        const char *own = "\"_class_name\": \"ItoScheduler\"", *wanted = cases[i].text ? cases[i].text : own;
        ito_opts *opts = options_of(ctx, cases[i].process, cases[i].settings);
        assert_ok(ctx, ito__scheduler_write(ctx,
                                            &(ito__scheduler){.process = cases[i].process,
                                                              .process_opts = opts,
                                                              .prediction = cases[i].prediction},
                                            &config));
        char *text = json_dumps(config, JSON_REAL_PRECISION(15));
        if (!strstr(text, wanted)) fail_msg("no %s in %s", wanted, text);
        assert_true(ito__scheduler_is_theirs(config) == (cases[i].text != NULL));
        if (cases[i].text) assert_non_null(strstr(text, "\"_class_name\": \"DDPMScheduler\""));
        assert_ok(ctx, ito__scheduler_read(ctx, "back", config, &back));
        assert_string_equal(back.process, cases[i].process);
        assert_string_equal(back.prediction, cases[i].prediction);
        assert_same_options(ctx, back.process, opts, back.process_opts);
        ito_process *process;
        assert_ok(ctx, ito_process_create(ctx, back.process, back.process_opts, &process));
        ito_process_destroy(process);
        ito__scheduler_clear(&back);
        ito_opts_destroy(opts);
        free(text);
        json_decref(config);
    }
}

/* diffusers has nothing that feeds it, so it is ito's own class that says so. */
static void test_self_conditioning(void **state)
{
    ito_ctx *ctx = *state;
    ito_opts *opts = options_of(ctx, "vp-linear", (const char *const[MOST_SETTINGS]){NULL});
    for (int takes_x0 = 0; takes_x0 < 2; takes_x0++) {
        ito__scheduler back,
            own = {.process = "vp-linear", .process_opts = opts, .prediction = "eps", .takes_x0 = takes_x0};
        json_t *config;
        assert_ok(ctx, ito__scheduler_write(ctx, &own, &config));
        assert_true(ito__scheduler_is_theirs(config) == !takes_x0);
        assert_ok(ctx, ito__scheduler_read(ctx, "back", config, &back));
        assert_true(back.takes_x0 == takes_x0);
        ito__scheduler_clear(&back);
        json_decref(config);
    }
    ito_opts_destroy(opts);
}

static ito_status read_text(ito_ctx *ctx, const char *text, ito__scheduler *out)
{
    json_t *config = json_loads(text, 0, NULL);
    assert_non_null(config);
    ito_status st = ito__scheduler_read(ctx, "file.json", config, out);
    json_decref(config);
    return st;
}

/* As published models have it. */
static void test_theirs_open(void **state)
{
    ito_ctx *ctx = *state;
    ito__scheduler m;
    assert_ok(
        ctx, read_text(ctx,
                       "{\"_class_name\": \"PNDMScheduler\", \"beta_end\": 0.012, \"beta_schedule\": \"scaled_linear\","
                       " \"beta_start\": 0.00085, \"num_train_timesteps\": 1000, \"skip_prk_steps\": true,"
                       " \"trained_betas\": null, \"clip_sample\": false}",
                       &m));
    assert_string_equal(m.process, "vp-scaled-linear");
    assert_string_equal(m.prediction, "eps");
    assert_true(ito_opts_real(m.process_opts, "beta_start") == 0.00085 && !ito_opts_bool(m.process_opts, "zero_snr"));
    ito__scheduler_clear(&m);
    assert_ok(
        ctx, read_text(ctx,
                       "{\"_class_name\": \"DDIMScheduler\", \"beta_schedule\": \"scaled_linear\", \"beta_end\": 0.012,"
                       " \"prediction_type\": \"v_prediction\", \"rescale_betas_zero_snr\": true}",
                       &m));
    assert_true(ito_opts_bool(m.process_opts, "zero_snr") &&
                ito_opts_real(m.process_opts, "beta_start") == 1e-4); /* diffusers' default */
    assert_string_equal(m.prediction, "v");
    ito__scheduler_clear(&m);
    assert_ok(ctx, read_text(ctx, "{\"trained_betas\": [0.1, 1e-3, 0.5], \"num_train_timesteps\": 3}", &m));
    assert_string_equal(m.process, "vp-betas");
    assert_string_equal(ito_opts_text(m.process_opts, "betas"), "0.10000000000000001,0.001,0.5");
    ito__scheduler_clear(&m);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *words;
        ito_status status;
    } wrong[] = {
        {"{\"beta_schedule\": \"exp\"}", "expected linear, scaled_linear, squaredcos_cap_v2, sigmoid or laplace",
         ITO_FORMAT},
        {"{\"_class_name\": \"KarrasVeScheduler\"}", "expected a scheduler of the discrete VP process", ITO_FORMAT},
        {"{\"trained_betas\": 3}", "trained_betas: expected a list of numbers", ITO_FORMAT},
        {"{\"trained_betas\": [0.1, \"x\"]}", "trained_betas: expected a list of numbers, found \"x\"", ITO_FORMAT},
        {"{\"trained_betas\": [0.1, 0.2], \"num_train_timesteps\": 9}", "has 2 numbers, but num_train_timesteps is 9",
         ITO_FORMAT},
        {"{\"rescale_betas_zero_snr\": 1}", "expected true or false", ITO_FORMAT},
        {"{\"num_train_timesteps\": 0}", "T is 0, expected 1", ITO_USAGE},
        {"{\"_class_name\": \"ItoScheduler\"}", "process: expected an object", ITO_FORMAT},
        {"{\"_class_name\": \"ItoScheduler\", \"process\": {\"name\": \"flwo\"}}", "did you mean 'flow'",
         ITO_NOT_FOUND},
        {"{\"_class_name\": \"ItoScheduler\", \"process\": {\"name\": \"flow\", \"shfit\": 2}}", "did you mean 'shift'",
         ITO_USAGE},
        {"{\"_class_name\": \"ItoScheduler\", \"process\": {\"name\": \"flow\", \"shift\": []}}",
         "shift: expected a number", ITO_FORMAT},
        {"{\"_class_name\": \"ItoScheduler\", \"process\": {\"name\": \"flow\"}, \"prediction_type\": \"epsilon\"}",
         "no prediction is named 'epsilon'", ITO_NOT_FOUND},
    };
    ito_ctx *ctx = *state;
    for (int i = 0; i < ITO_COUNT(wrong); i++) {
        ito__scheduler m;
        assert_fails(ctx, wrong[i].status, wrong[i].words, read_text(ctx, wrong[i].text, &m));
        assert_null(m.process_opts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trips, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_self_conditioning, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_theirs_open, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_mistakes, ctx_setup, ctx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
