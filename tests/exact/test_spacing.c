/* Spacings against timesteps worked out by hand from the definitions of diffusers (whose lists count from 0, so one less
 * than ours), and the fixed variances against their closed forms. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include <ito/spacing.h>
#include <ito/variance.h>

#include "base/base.h"
#include "spacing/beta_quantile.h"

static void expect(const char *name, const ito_opts *opts, int n, const double *want)
{
    double t[1000];
    assert_int_equal(ito_spacing_fill(ctx, name, opts, linear, n, t), ITO_OK);
    for (int k = 0; k < n; k++) assert_true(t[k] == want[k]);
}

/* EQ[ddim:D.2]: arange(0, n) * (1000 // n), reversed, plus the offset */
static void test_leading(void **state)
{
    (void)state;
    expect("leading", NULL, 4, (const double[]){751, 501, 251, 1});
    expect("leading", NULL, 7, (const double[]){853, 711, 569, 427, 285, 143, 1});
    const ito_spacing_def *def;
    ito_opts *opts;
    assert_int_equal(ito_spacing_find(ctx, "leading", &def), ITO_OK);
    assert_int_equal(ito_opts_create(ctx, def->choice.options, &opts), ITO_OK);
    assert_int_equal(ito_opts_set(opts, "leading", "offset", "1"), ITO_OK);
    expect("leading", opts, 4, (const double[]){752, 502, 252, 2});
    double t[1000];
    assert_int_equal(ito_spacing_fill(ctx, "leading", opts, linear, 1000, t), ITO_USAGE); /* would visit 1001 */
    ito_opts_destroy(opts);
}

/* EQ[iddpm:s4]: linspace(0, 999, n) rounded, halves to the even neighbour (166.5 -> 166, 499.5 -> 500), reversed */
static void test_linspace(void **state)
{
    (void)state;
    expect("linspace", NULL, 7, (const double[]){1000, 833, 667, 501, 334, 167, 1});
    expect("linspace", NULL, 2, (const double[]){1000, 1});
    expect("linspace", NULL, 1, (const double[]){1000});
}

/* EQ[lin23:t2]: arange(1000, 0, -1000 / n) rounded, minus one */
static void test_trailing(void **state)
{
    (void)state;
    expect("trailing", NULL, 4, (const double[]){1000, 750, 500, 250});
    expect("trailing", NULL, 7, (const double[]){1000, 857, 714, 571, 429, 286, 143});
    expect("trailing", NULL, 1, (const double[]){1000});
}

/* sigma_k of EDM's spacing in long double, from `max` to `min` in `last` steps. */
static long double karras(int k, int last, long double max, long double min)
{
    long double a = powl(max, 1 / 7.0L), b = powl(min, 1 / 7.0L);
    return powl(a + (b - a) * k / last, 7);
}

static ito_process *open_process(const char *name, ito_opts **opts, const char *key, const char *value)
{
    const ito_choice *choice;
    ito_process *process;
    assert_ok(ctx, ito_choice_find(ctx, ito_axis_find("process"), name, &choice));
    assert_ok(ctx, ito_opts_create(ctx, choice->options, opts));
    if (key) assert_ok(ctx, ito_opts_set(*opts, name, key, value));
    assert_ok(ctx, ito_process_create(ctx, name, *opts, &process));
    return process;
}

/* EQ[edm:5]: on EDM's own process, where time is sigma, all of the sequence but its last number, 0, which is the end of the process; on
 * the VE-SDE, whose end is sigma_min, the times whose levels are the sequence's; on a chain those next to them, from T to 1. Relative
 * error at most 1e-12. */
static void test_karras(void **state)
{
    (void)state;
    enum { N = 18 };
    double t[N];
    ito_opts *edm_opts, *ve_opts;
    ito_process *edm = open_process("edm", &edm_opts, NULL, NULL);
    ito_process *ve = open_process("ve-sde", &ve_opts, "sigma_max", "25");
    assert_ok(ctx, ito_spacing_fill(ctx, "karras", NULL, edm, N, t));
    assert_true(t[0] == 80);
    for (int k = 0; k < N; k++) {
        long double want = karras(k, N - 1, 80, 0.002L);
        assert_true(fabsl(t[k] - want) <= 1e-12L * want);
    }
    assert_ok(ctx, ito_spacing_fill(ctx, "karras", NULL, edm, 1, t));
    assert_true(t[0] == 80);
    assert_ok(ctx, ito_spacing_fill(ctx, "karras", NULL, ve, N, t));
    assert_true(t[0] == 1);
    for (int k = 0; k < N; k++) {
        long double want = karras(k, N, 25, 0.01L);
        assert_true(fabsl(ito_process_level(ve, t[k]).sigma - want) <= 1e-12L * want);
    }
    assert_ok(ctx, ito_spacing_fill(ctx, "karras", NULL, linear, N, t));
    assert_true(t[0] == 1000 && t[N - 1] == 1);
    for (int k = 0; k < N; k++) assert_true(t[k] == rint(t[k]));
    ito_process_destroy(edm);
    ito_process_destroy(ve);
    ito_opts_destroy(edm_opts);
    ito_opts_destroy(ve_opts);
}

/* The times of a spacing with one or two of its options set. */
static void fill_with(const char *name, const char *const settings[][2], int n_settings, const ito_process *process,
                      int n, double *t)
{
    const ito_spacing_def *def;
    ito_opts *opts;
    assert_ok(ctx, ito_spacing_find(ctx, name, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    for (int i = 0; i < n_settings; i++) assert_ok(ctx, ito_opts_set(opts, name, settings[i][0], settings[i][1]));
    assert_ok(ctx, ito_spacing_fill(ctx, name, opts, process, n, t));
    ito_opts_destroy(opts);
}

/* EQ[kdiffusion:code]: a geometric sequence of sigma_hat from 80 to 0.002; relative error at most 1e-12. */
static void test_exponential(void **state)
{
    (void)state;
    enum { N = 30 };
    double t[N];
    ito_opts *opts;
    ito_process *edm = open_process("edm", &opts, NULL, NULL);
    assert_ok(ctx, ito_spacing_fill(ctx, "exponential", NULL, edm, N, t));
    for (int k = 0; k < N; k++) {
        long double want = 80 * powl(0.002L / 80, (long double)k / (N - 1));
        assert_true(fabsl(t[k] - want) <= 1e-12L * want);
    }
    ito_process_destroy(edm);
    ito_opts_destroy(opts);
}

/* EQ[dpmsolver:s3.4]: VDM's time is its log-SNR, so all of it evenly is time evenly; of the flow, whose ends are infinite, evenly
 * between the options. */
static void test_log_snr(void **state)
{
    (void)state;
    enum { N = 20 };
    double t[N];
    ito_opts *opts, *none;
    ito_process *vdm = open_process("vdm", &opts, NULL, NULL), *flow = open_process("flow", &none, NULL, NULL);
    fill_with("log-snr", (const char *const[][2]){{"log_snr_max", "20"}, {"log_snr_min", "-20"}}, 2, vdm, N, t);
    for (int k = 0; k < N; k++) assert_true(fabs(t[k] - (1 - (double)k / N)) < 1e-12);
    fill_with("log-snr", (const char *const[][2]){{"log_snr_max", "9"}, {"log_snr_min", "-10"}}, 2, flow, N, t);
    assert_true(t[0] == 1);
    for (int k = 1; k < N; k++) assert_true(fabs(ito_process_log_snr(flow, t[k]) - (-10 + 19.0 * k / (N - 1))) < 1e-10);
    ito_process_destroy(vdm);
    ito_process_destroy(flow);
    ito_opts_destroy(opts);
    ito_opts_destroy(none);
}

/* EQ[dlmf:8.17.22] EQ[dlmf:8.17.23] EQ[dlmf:8.17.4] where the quantile is known: p^(1/a) for b = 1, 1 - (1 - p)^(1/b) for a = 1,
 * sin^2(pi p / 2) for the arc sine law, and p = 3 x^2 - 2 x^3 for a = b = 2. */
static void test_beta_quantile(void **state)
{
    (void)state;
    for (int i = 0; i <= 200; i++) {
        double p = i / 200.0, x = ito__beta_quantile(p, 2, 2);
        for (double a = 0.1; a <= 10; a *= 1.7) {
            assert_true(fabs(ito__beta_quantile(p, a, 1) - pow(p, 1 / a)) < 1e-12);
            assert_true(fabs(ito__beta_quantile(p, 1, a) - (1 - pow(1 - p, 1 / a))) < 1e-12);
        }
        assert_true(fabs(ito__beta_quantile(p, 0.5, 0.5) - pow(sin(acos(-1) * p / 2), 2)) < 1e-12);
        assert_true(fabs(3 * x * x - 2 * x * x * x - p) < 1e-12);
    }
}

/* EQ[lee24:s4] in time and, as diffusers has it, in sigma. */
static void test_beta(void **state)
{
    (void)state;
    enum { N = 12 };
    double t[N];
    ito_opts *none;
    ito_process *edm = open_process("edm", &none, NULL, NULL);
    fill_with("beta", (const char *const[][2]){{"alpha", "1"}, {"beta", "0.5"}}, 2, edm, N, t);
    for (int k = 0; k < N; k++) assert_true(fabs(t[k] - 80 * (1 - pow((double)k / N, 2))) < 1e-10);
    fill_with("beta", (const char *const[][2]){{"over", "sigma"}}, 1, edm, N, t);
    for (int k = 0; k < N; k++) {
        double want = 0.002 + (80 - 0.002) * ito__beta_quantile(1 - k / (N - 1.0), 0.6, 0.6);
        assert_true(fabs(t[k] - want) < 1e-10);
    }
    assert_true(t[0] == 80 && fabs(t[N - 1] - 0.002) < 1e-12);
    ito_process_destroy(edm);
    ito_opts_destroy(none);
}

static void sections_fail(const char *counts, int n, const char *words)
{
    double t[1000];
    const ito_spacing_def *def;
    ito_opts *opts;
    assert_ok(ctx, ito_spacing_find(ctx, "sections", &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    assert_ok(ctx, ito_opts_set(opts, "sections", "counts", counts));
    assert_fails(ctx, ITO_USAGE, words, ito_spacing_fill(ctx, "sections", opts, linear, n, t));
    ito_opts_destroy(opts);
}

/* EQ[iddpm:code]: three sections of 334, 333 and 333 timesteps by hand; strides 333 / 2, 332 / 1, 332 / 3; and DDIM's strides. */
static void test_sections(void **state)
{
    (void)state;
    double t[25];
    const double want[] = {1000, 889, 779, 668, 667, 335, 334, 167, 1};
    fill_with("sections", (const char *const[][2]){{"counts", "3,2,4"}}, 1, linear, 9, t);
    for (int k = 0; k < 9; k++) assert_true(t[k] == want[k]);
    fill_with("sections", (const char *const[][2]){{"counts", "ddim25"}}, 1, linear, 25, t);
    for (int k = 0; k < 25; k++) assert_true(t[k] == 961 - 40 * k);
    fill_with("sections", (const char *const[][2]){{"counts", "ddim7"}}, 1, linear, 7, t);
    for (int k = 0; k < 7; k++) assert_true(t[k] == 859 - 143 * k);
    sections_fail("10,15,20", 50, "make 45 steps, but 50 are asked for");
    sections_fail("ddim600", 600, "no whole stride visits 600 of 1000");
    sections_fail("400,600", 1000, "section 2 of 2 has 500 timesteps, but 600");
    sections_fail("", 1001, "allows 1 to 1000");
    const char *const wrong[] = {"10,,5", "ten", "10,15,", "ddim", "0", "-3", "1e3"};
    for (int i = 0; i < ITO_COUNT(wrong); i++) sections_fail(wrong[i], 10, "expected numbers of steps");
}

/* In continuous time every spacing but those of timesteps. */
static void test_continuous(void **state)
{
    (void)state;
    const char *const names[] = {"trailing", "karras", "exponential", "log-snr", "beta"};
    const char *const processes[] = {"flow", "vp-sde", "subvp-sde", "vdm", "ve-sde", "edm"};
    double t[200];
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        ito_opts *opts;
        ito_process *process = open_process(processes[p], &opts, NULL, NULL);
        for (int i = 0; i < ITO_COUNT(names); i++)
            for (int n = 1; n <= 200; n++) {
                assert_ok(ctx, ito_spacing_fill(ctx, names[i], NULL, process, n, t));
                assert_true(t[0] == ito_process_t_max(process));
            }
        assert_fails(ctx, ITO_USAGE, "discrete process", ito_spacing_fill(ctx, "sections", NULL, process, 5, t));
        ito_process_destroy(process);
        ito_opts_destroy(opts);
    }
}

static void test_every_spacing_keeps_its_promises(void **state)
{
    (void)state;
    const char *const names[] = {"leading",  "linspace", "trailing",    "karras",
                                 "sections", "log-snr",  "exponential", "beta"};
    double t[1000];
    for (int i = 0; i < ITO_COUNT(names); i++) {
        for (int n = 1; n <= 1000; n++) {
            assert_int_equal(ito_spacing_fill(ctx, names[i], NULL, linear, n, t), ITO_OK);
            for (int k = 0; k < n; k++) assert_true(t[k] == rint(t[k]) && t[k] >= 1 && t[k] <= 1000);
        }
        assert_true(t[0] == 1000 && t[999] == 1); /* with all steps they agree */
        assert_int_equal(ito_spacing_fill(ctx, names[i], NULL, linear, 0, t), ITO_USAGE);
        assert_int_equal(ito_spacing_fill(ctx, names[i], NULL, linear, 1001, t), ITO_USAGE);
    }
    assert_int_equal(ito_spacing_fill(ctx, "leeding", NULL, linear, 5, t), ITO_NOT_FOUND);
    assert_non_null(strstr(ito_last_error(ctx), "leading"));
}

/* EQ[ddpm:s3.2] EQ[survey:28]: for s = t - 1 the two variances are (1 - abar_s) / (1 - abar_t) beta_t and beta_t; small
 * is never above large. */
static void test_fixed_variances(void **state)
{
    (void)state;
    const ito_variance_def *small, *large;
    assert_int_equal(ito_variance_find(ctx, "fixed_small", &small), ITO_OK);
    assert_int_equal(ito_variance_find(ctx, "fixed_large", &large), ITO_OK);
    for (int i = 2; i <= 1000; i += 13) {
        ito_level t = ito_process_level(linear, i), s = ito_process_level(linear, i - 1);
        double beta = 1e-4 + (0.02 - 1e-4) * (i - 1) / 999;
        double want = (1 - s.signal * s.signal) / (1 - t.signal * t.signal) * beta; /* loses digits at small t */
        assert_true(fabs(large->fixed(&t, &s) - beta) < 1e-11 * beta);
        assert_true(fabs(small->fixed(&t, &s) - want) < 1e-10 * want);
        assert_true(small->fixed(&t, &s) < large->fixed(&t, &s));
    }
    assert_int_equal(ito_variance_find(ctx, "fixed-small", &small), ITO_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leading),       cmocka_unit_test(test_linspace),
        cmocka_unit_test(test_trailing),      cmocka_unit_test(test_every_spacing_keeps_its_promises),
        cmocka_unit_test(test_karras),        cmocka_unit_test(test_fixed_variances),
        cmocka_unit_test(test_exponential),   cmocka_unit_test(test_log_snr),
        cmocka_unit_test(test_beta_quantile), cmocka_unit_test(test_beta),
        cmocka_unit_test(test_sections),      cmocka_unit_test(test_continuous),
    };
    return cmocka_run_group_tests(tests, processes_setup, processes_teardown);
}
