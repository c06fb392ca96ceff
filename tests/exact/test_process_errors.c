/* Impossible schedules are refused with a sentence that says what is wrong. */
#include "exact/process_cases.h"

/* Every line: a process, its settings, and words of the sentence. */
static const struct {
    process_case c;
    const char *words;
} wrong[] = {
    {{"vp-linear", {"T=0"}}, "T is 0, expected 1 to 1e+06"},
    {{"vp-linear", {"T=1.5"}}, "expected a whole number"},
    {{"vp-linear", {"beta_end=1"}}, "beta_1000 = 1, but every beta must lie between 0 and 1"},
    {{"vp-linear", {"beta_start=0"}}, "beta_1 = 0, but every beta"},
    {{"vp-linear", {"beta_end=1.5"}}, "beta_end is 1.5, expected 0 to 1"},
    {{"vp-linear", {"beta_start=0.3", "beta_end=0.2"}}, "beta_start is 0.3 and beta_end 0.2"},
    {{"vp-linear", {"T=1", "zero_snr=true"}}, "needs 2 timesteps or more, found 1"},
    {{"vp-linear", {"T=1000000"}}, "the signal is too small for a number already"},
    {{"vp-linear", {"zero_snr=maybe"}}, "expected true or false"},
    {{"vp-scaled-linear", {"beta_start=0.02"}}, "beta_start is 0.02 and beta_end 0.012"},
    {{"vp-scaled-linear", {"beta_end=1"}}, "beta_1000 = 1, but every beta"},
    {{"vp-sigmoid-beta", {"beta_start=0.5"}}, "beta_start is 0.5 and beta_end 0.02"},
    {{"vp-sigmoid-beta", {"T=0"}}, "T is 0"},
    {{"vp-cosine", {"max_beta=0"}}, "beta_1 = 0, but every beta"},
    {{"vp-sigmoid", {"start=3", "end=-3"}}, "start is 3 and end -3"},
    {{"vp-sigmoid", {"start=3"}}, "start is 3 and end 3"},
    {{"vp-sigmoid", {"clip_min=0.2"}}, "alpha_bar_704 = 0.2 does not lie between 0 and alpha_bar_703 = 0.2"},
    {{"vp-sigmoid", {"clip_min=1"}}, "alpha_bar_1 = 1 does not lie between 0 and alpha_bar_0 = 1"},
    {{"vp-laplace", {"max_beta=1"}}, "beta_1000 = 1, but every beta"},
    {{"vp-laplace", {"form=other"}}, "expected one of paper, diffusers"},
    {{"vp-betas", {NULL}}, "betas is empty; give beta_1, beta_2"},
    {{"vp-betas", {"betas=0.1,0.2,x"}}, "beta_3 is 'x', expected numbers"},
    {{"vp-betas", {"betas=0.1,,0.2"}}, "beta_2 is ',0.2', expected numbers"},
    {{"vp-betas", {"betas=0.1,0.2,"}}, "beta_3 is '', expected numbers"},
    {{"vp-betas", {"betas=0.1 0.2"}}, "beta_1 is '0.1 0.2', expected numbers"},
    {{"vp-betas", {"betas=0.1,0.2,1.2,0.3"}}, "beta_3 = 1.2, but every beta"},
    {{"vp-betas", {"betas=0.1,-0.2"}}, "beta_2 = -0.2, but every beta"},
    {{"vp-betas", {"betas=0.1,nan"}}, "beta_2 = nan, but every beta"},
    {{"vp-betas", {"betas=0.5,1e-18"}}, "alpha_bar_2 = 0.5 does not lie between 0 and alpha_bar_1 = 0.5"},
    {{"vp-betas", {"betas=0.5", "zero_snr=true"}}, "needs 2 timesteps or more"},
    {{"vp-sde", {"beta_min=21"}}, "beta_min is 21 and beta_max 20"},
    {{"vp-sde", {"beta_min=0", "beta_max=0"}}, "beta_max > 0"},
    {{"vp-sde", {"beta_min=-1"}}, "beta_min is -1, expected 0 to 1000"},
    {{"subvp-sde", {"beta_min=30"}}, "process subvp-sde: beta_min is 30 and beta_max 20"},
    {{"ve-sde", {"sigma_min=50"}}, "sigma_min is 50 and sigma_max 50, expected 0 < sigma_min < sigma_max"},
    {{"ve-sde", {"sigma_min=0"}}, "process ve-sde: sigma_min is 0"},
    {{"ve-geometric", {"sigma_max=0.001"}}, "sigma_min is 0.01 and sigma_max 0.001"},
    {{"ve-geometric", {"T=0"}}, "T is 0"},
    {{"edm", {"sigma_min=80"}}, "process edm: sigma_min is 80 and sigma_max 80"},
    {{"flow", {"shift=0"}}, "shift is 0, expected 0.001 to 1000"},
    {{"vdm", {"log_snr_min=14"}}, "log_snr_max is 13.3 and log_snr_min 14"},
};

static void test_impossible(void **state)
{
    ito_ctx *ctx = *state;
    for (int i = 0; i < (int)(sizeof wrong / sizeof wrong[0]); i++) {
        ito_process *p;
        ito_status st = process_try(ctx, &wrong[i].c, &p);
        if (st != ITO_USAGE || p || !strstr(ito_last_error(ctx), wrong[i].words))
            fail_msg("%s %s: %s, '%s' lacks '%s'", wrong[i].c.name,
                     wrong[i].c.settings[0] ? wrong[i].c.settings[0] : "", ito_status_name(st), ito_last_error(ctx),
                     wrong[i].words);
    }
}

/* A program's own process whose sigma shrinks again after t = 0.75. */
static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    (void)ctx;
    (void)opts;
    (void)state;
    *ends = (ito_process_ends){.t_min = 0, .t_max = 1, .prior_sd = 1};
    return ITO_OK;
}

static ito_level level(const void *state, double t)
{
    (void)state;
    double sigma = t < 0.75 ? t : 1.5 - t;
    return (ito_level){t, 1, sigma, -2 * log(sigma), 0, t < 0.75 ? 1 : -1, 0};
}

static double zero(const void *state, double t)
{
    (void)state;
    (void)t;
    return 0;
}

static void test_sigma_must_grow(void **state)
{
    static const ito_process_def def = {.choice = {.name = "hill", .summary = "sigma goes up and down"},
                                        .create = create,
                                        .level = level,
                                        .time = zero,
                                        .drift = zero,
                                        .diffusion = zero,
                                        .label = zero};
    ito_ctx *ctx = *state;
    ito_process *p;
    assert_ok(ctx, ito_process_register(ctx, &def));
    assert_fails(ctx, ITO_USAGE, "process hill: the log-SNR is 0.575364145 at t = 0.75 and",
                 ito_process_create(ctx, "hill", NULL, &p));
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_impossible, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(test_sigma_must_grow, ctx_setup, ctx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
