/* A short form of `make proof`: networks of a second learn the score of the mixture in the plane. Without training the root mean
 * square error of eps is 0.43; the bound is well below that, and well above what the trained ones have. */
#include "quality/plane.h"

static double learn(scratch *s, const plane_choice *c)
{
    plane p;
    plane_report r = {0};
    const char *dir = scratch_path(s, c->process);
    ito_ctx *ctx = ctx_open(1); /* a network this small has nothing to share */
    assert_ok(ctx, plane_train(ctx, c, dir));
    assert_ok(ctx, plane_open(ctx, dir, &p));
    assert_ok(ctx, plane_score_error(&p, &r));
    plane_close(&p);
    ito_ctx_destroy(ctx);
    return r.eps_rms;
}

static void must_learn(scratch *s, plane_choice c, double bound)
{
    c.size = "steps=1200 batch=128 architecture.hidden_width=32 ema_decay=0.98 warmup=50";
    double error = learn(s, &c);
    if (!(error < bound)) fail_msg("%s, %s: error %.3f, at most %.3f", c.process, c.prediction, error, bound);
}

static void test_score_is_learned(void **state)
{
    must_learn(*state, (plane_choice){"vp-cosine", "", "v", "", NULL, false}, 0.2);
    must_learn(*state, (plane_choice){"flow", "", "velocity", "", NULL, false}, 0.2);
    must_learn(
        *state,
        (plane_choice){"edm", "architecture.time_scale=250", "edm", "weighting=edm timedist=log-normal", NULL, false},
        0.2);
}

/* So the bound can be missed. */
static void test_untrained_fails(void **state)
{
    plane_choice c = {"vp-cosine", "", "v", "", "steps=1 batch=8 architecture.hidden_width=32 rate=1e-6", false};
    double error = learn(*state, &c);
    if (!(error > 0.4)) fail_msg("without training the error is %.3f", error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untrained_fails),
        cmocka_unit_test(test_score_is_learned),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
