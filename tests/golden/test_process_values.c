/* Betas, alpha_bars and posteriors equal diffusers' and guided-diffusion's: tests/golden/process/schedules.txt, made by
 * tools/make_process_fixtures.py. All to 1e-6: theirs begin as betas in float32, whose rounding is 6e-8 of each. */
#include "exact/process_cases.h"

#include <stdio.h>

static const struct {
    const char *theirs;
    process_case ours;
} pairs[] = {
    {"linear", {"vp-linear", {NULL}}},
    {"linear-40", {"vp-linear", {"T=40", "beta_end=0.4"}}},
    {"scaled_linear", {"vp-scaled-linear", {NULL}}},
    {"cosine", {"vp-cosine", {NULL}}},
    {"sigmoid", {"vp-sigmoid-beta", {NULL}}},
    {"laplace", {"vp-laplace", {"form=diffusers"}}},
    {"trained", {"vp-betas", {"betas=0.01,0.3,0.25,0.5"}}},
    {"linear-zero", {"vp-linear", {"zero_snr=true"}}},
    {"scaled_linear-zero", {"vp-scaled-linear", {"zero_snr=true"}}},
    {"sigmoid-zero", {"vp-sigmoid-beta", {"zero_snr=true"}}},
};
#define N_PAIRS ((int)(sizeof pairs / sizeof pairs[0]))

static const process_case *find(const char *theirs)
{
    for (int i = 0; i < N_PAIRS; i++)
        if (!strcmp(pairs[i].theirs, theirs)) return &pairs[i].ours;
    fail_msg("the fixture's schedule %s has no process here", theirs);
    return NULL;
}

/* "t beta alpha_bar variance log_variance coef_x0 coef_x", t counted from 0 */
static void check_line(const process_case *c, const ito_process *p, const char *numbers)
{
    double v[7];
    char *end;
    for (int i = 0; i < 7; i++, numbers = end) {
        v[i] = strtod(numbers, &end);
        assert_true(end != numbers);
    }
    int t = (int)v[0] + 1;
    ito_level at = ito_process_level(p, t), before = ito_process_level(p, t - 1);
    ito_posterior q = ito_level_posterior(&at, &before);
    assert_near_at(c, t, ito_process_beta(p, t), v[1], 1e-6);
    assert_near_at(c, t, ito_process_alpha_bar(p, t), v[2], 1e-6);
    assert_near_at(c, t, q.variance, v[3], 1e-6);
    ito_level one = ito_process_level(p, 1), two = ito_process_level(p, 2);
    double clipped = log(t == 1 ? ito_level_posterior(&two, &one).variance : q.variance);
    assert_near_at(c, t, clipped, v[4], 1e-6);
    assert_near_at(c, t, q.coef_x0, v[5], 1e-6);
    assert_near_at(c, t, q.coef_x, v[6], 1e-6);
}

static void test_schedules(void **state)
{
    ito_ctx *ctx = *state;
    char line[512], name[64] = "";
    const process_case *c = NULL;
    ito_process *p = NULL;
    int n_lines = 0, n_schedules = 0;
    FILE *file = fopen("tests/golden/process/schedules.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        int T;
        if (line[0] == '#') continue;
        if (sscanf(line, "schedule %63s %d", name, &T) == 2) {
            ito_process_destroy(p);
            c = find(name);
            p = process_open(ctx, c);
            assert_int_equal(ito_process_n_timesteps(p), T);
            n_schedules++;
            continue;
        }
        assert_true(c && !strncmp(line, name, strlen(name)));
        check_line(c, p, line + strlen(name));
        n_lines++;
    }
    ito_process_destroy(p);
    fclose(file);
    assert_int_equal(n_schedules, N_PAIRS);
    assert_true(n_lines > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_schedules, ctx_setup, ctx_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
