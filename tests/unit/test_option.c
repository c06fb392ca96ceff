/* Options: defaults, checks, and messages that say what to do next. */

#include "testing.h"

#include <string.h>

#include <ito/option.h>

static const char *const spacings[] = {"leading", "linspace", "trailing", NULL};
static const ito_opt_def defs[] = {ITO_OPT_INT("steps", 50, 1, 1000, "number of steps"),
                                   ITO_OPT_REAL("eta", 0.5, 0, 1, "stochasticity"),
                                   ITO_OPT_BOOL("clip", 1, "clip x0"),
                                   ITO_OPT_CHOICE("spacing", 2, spacings, "which timesteps"),
                                   ITO_OPT_TEXT("out", "here", "where to"),
                                   ITO_OPT_END};

typedef struct fixture {
    ito_ctx *ctx;
    ito_opts *opts;
} fixture;

static fixture the;

static int open_opts(void **state)
{
    *state = &the;
    return ito_ctx_create(NULL, &the.ctx) || ito_opts_create(the.ctx, defs, &the.opts);
}

static int close_opts(void **state)
{
    (void)state;
    ito_opts_destroy(the.opts);
    ito_ctx_destroy(the.ctx);
    return 0;
}

static ito_status set(const char *name, const char *value)
{
    return ito_opts_set(the.opts, "ddim", name, value);
}

static void assert_says(const char *words)
{
    const char *error = ito_last_error(the.ctx);
    if (!strstr(error, words)) fail_msg("'%s' does not say '%s'", error, words);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(ito_opts_int(the.opts, "steps"), 50);
    assert_true(ito_opts_real(the.opts, "eta") == 0.5);
    assert_true(ito_opts_bool(the.opts, "clip"));
    assert_int_equal(ito_opts_choice(the.opts, "spacing"), 2);
    assert_string_equal(ito_opts_text(the.opts, "spacing"), "trailing");
    assert_string_equal(ito_opts_text(the.opts, "out"), "here");
    assert_true(ito_opts_has(the.opts, "eta"));
    assert_false(ito_opts_has(the.opts, "rho"));
}

static void test_set(void **state)
{
    (void)state;
    assert_int_equal(set("steps", "1000"), ITO_OK);
    assert_int_equal(ito_opts_int(the.opts, "steps"), 1000);
    assert_int_equal(set("eta", "2.5e-1"), ITO_OK);
    assert_true(ito_opts_real(the.opts, "eta") == 0.25);
    assert_int_equal(set("spacing", "linspace"), ITO_OK);
    assert_int_equal(ito_opts_choice(the.opts, "spacing"), 1);
    assert_int_equal(set("out", "there"), ITO_OK);
    assert_int_equal(set("out", "elsewhere"), ITO_OK);
    assert_string_equal(ito_opts_text(the.opts, "out"), "elsewhere");
    assert_int_equal(ito_opts_set_number(the.opts, "ddim", "eta", 1), ITO_OK);
    assert_true(ito_opts_real(the.opts, "eta") == 1);
    const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(set("clip", words[i]), ITO_OK);
        assert_int_equal(ito_opts_bool(the.opts, "clip"), i % 2);
    }
}

/* A value that is refused leaves the old one, and the message names owner, option, value and what was expected. */
static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(set("steps", "0"), ITO_USAGE);
    assert_says("ddim: steps is 0, expected 1 to 1000 (number of steps)");
    assert_int_equal(set("steps", "2.5"), ITO_USAGE);
    assert_says("whole number");
    assert_int_equal(set("steps", "many"), ITO_USAGE);
    assert_says("ddim: steps is 'many', expected a number");
    assert_int_equal(set("steps", "5x"), ITO_USAGE);
    assert_int_equal(set("steps", ""), ITO_USAGE);
    assert_int_equal(set("eta", "nan"), ITO_USAGE);
    assert_int_equal(set("eta", "1.0001"), ITO_USAGE);
    assert_int_equal(ito_opts_set_number(the.opts, "ddim", "eta", -0.1), ITO_USAGE);
    assert_int_equal(set("clip", "perhaps"), ITO_USAGE);
    assert_says("true or false");
    assert_int_equal(set("spacing", "tailing"), ITO_USAGE);
    assert_says("expected one of leading, linspace, trailing");
    test_defaults(state);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_int_equal(set("step", "3"), ITO_USAGE);
    assert_says("ddim has no option 'step'; did you mean 'steps'?");
    assert_int_equal(set("temperature", "3"), ITO_USAGE);
    assert_says("ddim has no option 'temperature'");
    assert_int_equal(ito_opts_set_number(the.opts, "ddim", "ete", 0), ITO_USAGE);
    assert_says("did you mean 'eta'?");
}

static void test_no_options(void **state)
{
    (void)state;
    ito_opts *none;
    assert_int_equal(ito_opts_create(the.ctx, NULL, &none), ITO_OK);
    assert_int_equal(ito_opts_set(none, "uniform", "steps", "3"), ITO_USAGE);
    assert_says("uniform has no option 'steps' and takes none");
    assert_false(ito_opts_has(none, "steps"));
    ito_opts_destroy(none);
    ito_opts_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, open_opts, close_opts),
        cmocka_unit_test_setup_teardown(test_set, open_opts, close_opts),
        cmocka_unit_test_setup_teardown(test_refused, open_opts, close_opts),
        cmocka_unit_test_setup_teardown(test_unknown, open_opts, close_opts),
        cmocka_unit_test_setup_teardown(test_no_options, open_opts, close_opts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
