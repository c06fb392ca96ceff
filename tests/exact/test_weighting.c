/* Weightings by what their papers say of other predictions: every identity holds for every process that needs no option and
 * all its levels, to 1e-10 relative, which is what log_snr and its exponential lose. */

#include "exact/own_processes.h"

#include <ito/weighting.h>

#include "base/base.h"

#define MOST_PROCESSES 32
#define N_LEVELS       40

typedef struct place {
    const ito_process *process;
    ito_level t;
    double snr, g;
} place;

static ito_process *processes[MOST_PROCESSES];
static place places[MOST_PROCESSES * N_LEVELS];
static int n_processes, n_places;

static void fill_places(const ito_process *p)
{
    for (int k = 0; k < N_LEVELS; k++) {
        double low = ito_process_t_min(p), share = (k + 0.5) / N_LEVELS, t = low + share * (ito_process_t_max(p) - low);
        if (ito_process_n_timesteps(p)) t = fmax(floor(t), 1);
        place *at = &places[n_places++];
        *at = (place){p, ito_process_level(p, t), 0, ito_process_diffusion(p, t)};
        at->snr = at->t.signal * at->t.signal / (at->t.sigma * at->t.sigma);
    }
}

static int setup(void **state)
{
    const ito_choice *choice;
    all_processes_setup(state);
    for (int i = 0; n_processes < MOST_PROCESSES && (choice = ito_choice_get(ctx, ito_axis_find("process"), i)); i++)
        if (ito_process_create(ctx, choice->name, NULL, &processes[n_processes]) == ITO_OK)
            fill_places(processes[n_processes++]);
    return n_processes < 4;
}

static int teardown(void **state)
{
    for (int i = 0; i < n_processes; i++) ito_process_destroy(processes[i]);
    return all_processes_teardown(state);
}

/* The factor of |output - target|^2; opts NULL: the defaults. */
static double factor_with(const char *weighting, const ito_opts *opts, const char *kind, const place *at)
{
    const ito_weighting_def *def;
    ito_prediction prediction;
    ito_opts *defaults;
    assert_ok(ctx, ito_weighting_find(ctx, weighting, &def));
    assert_ok(ctx, ito_prediction_find(ctx, kind, &prediction));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &defaults));
    double w = ito_weighting_at(&(ito_weighting){def, opts ? opts : defaults}, at->process, &prediction, &at->t);
    ito_opts_destroy(defaults);
    return w;
}

static double factor(const char *weighting, const char *kind, const place *at)
{
    return factor_with(weighting, NULL, kind, at);
}

static ito_opts *options_of(const char *weighting, const char *name, const char *value)
{
    const ito_weighting_def *def;
    ito_opts *opts;
    assert_ok(ctx, ito_weighting_find(ctx, weighting, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    assert_ok(ctx, ito_opts_set(opts, weighting, name, value));
    return opts;
}

static void expect(double got, double want, const place *at)
{
    if (!(fabs(got - want) <= 1e-10 * fabs(want)))
        fail_msg("%s at t = %g: %.17g, expected %.17g", ito_process_get_def(at->process)->choice.name, at->t.t, got,
                 want);
}

static bool is_vp(const place *at)
{
    return ito_process_get_def(at->process)->is_variance_preserving;
}

static bool is_discrete(const place *at)
{
    return ito_process_n_timesteps(at->process) > 0;
}

/* EQ[salimans22:9] EQ[salimans22:s4]: section 4's table of weights of x_0's error, and what they are of others' */
static void test_snr_family(void **state)
{
    (void)state;
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        expect(factor("simple", "v", at), 1, at);
        expect(factor("snr", "x0", at), at->snr, at);
        expect(factor("snr", "eps", at), 1, at);
        expect(factor("truncated-snr", "x0", at), fmax(at->snr, 1), at);
        expect(factor("truncated-snr", "eps", at), fmax(1, 1 / at->snr), at);
        expect(factor("snr+1", "x0", at), at->snr + 1, at);
        /* the error of v, with the error of x_0 being -sigma times v's where the process is variance preserving */
        if (is_vp(at)) expect(factor("snr+1", "v", at), 1, at);
        /* rectified flow's velocity tells x_0 as x_t - t velocity */
        if (!strcmp(ito_process_get_def(at->process)->choice.name, "own-flow"))
            expect(factor("snr", "velocity", at), (1 - at->t.t) * (1 - at->t.t), at);
    }
}

/* EQ[minsnr:s3.4]: the paper's table: min(snr, gamma) of x_0, over snr of eps, over snr + 1 of v */
static void test_min_snr(void **state)
{
    (void)state;
    ito_opts *opts = options_of("min-snr", "gamma", "0.7");
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        expect(factor("min-snr", "x0", at), fmin(at->snr, 5), at);
        expect(factor("min-snr", "eps", at), fmin(at->snr, 5) / at->snr, at);
        if (is_vp(at)) expect(factor("min-snr", "v", at), fmin(at->snr, 5) / (at->snr + 1), at);
        expect(factor_with("min-snr", opts, "x0", at), fmin(at->snr, 0.7), at);
    }
    ito_opts_destroy(opts);
}

/* EQ[hdit:6]: below both snr and gamma, half of them where they are equal; and with gamma = 1 / sigma_data^2, EDM's
 * output has the factor (sigma sigma_data)^2 / (sigma^2 + sigma_data^2)^2 that the paper's code has. */
static void test_soft_min_snr(void **state)
{
    (void)state;
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        double sigma2 = 1 / at->snr, w = factor("soft-min-snr", "x0", at), hard = fmin(at->snr, 4);
        expect(w, at->snr * 4 / (at->snr + 4), at);
        assert_true(w < hard && w >= hard / 2);
        expect(factor("soft-min-snr", "edm", at), sigma2 * 0.25 / ((sigma2 + 0.25) * (sigma2 + 0.25)), at);
    }
}

/* EQ[p2:8] */
static void test_p2(void **state)
{
    (void)state;
    ito_opts *plain = options_of("p2", "gamma", "0"), *half = options_of("p2", "gamma", "0.5");
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        expect(factor("p2", "eps", at), 1 / (1 + at->snr), at);
        expect(factor("p2", "x0", at), at->snr / (1 + at->snr), at);
        expect(factor_with("p2", plain, "eps", at), 1, at);
        expect(factor_with("p2", half, "eps", at), 1 / sqrt(1 + at->snr), at);
    }
    ito_opts_destroy(plain);
    ito_opts_destroy(half);
}

/* EQ[edm:t1]: lambda c_out^2 = 1, so that F's own error counts the same everywhere */
static void test_edm(void **state)
{
    (void)state;
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        double sigma = at->t.sigma / at->t.signal, sd = 0.5;
        double lambda = (sigma * sigma + sd * sd) / (sigma * sd * sigma * sd);
        expect(factor("edm", "x0", at), lambda, at);
        expect(factor("edm", "edm", at), 1, at);
    }
}

/* d log_snr / dt by central differences of the process itself; inside a step of a discrete process log(alpha_bar) is
 * linear. */
static double fall_of(const place *at)
{
    double h = 1e-5 * fmin(at->t.t, ito_process_t_max(at->process) - at->t.t);
    if (is_discrete(at)) h = 1e-5;
    double t = is_discrete(at) ? at->t.t - 2 * h : at->t.t;
    return (ito_process_log_snr(at->process, t - h) - ito_process_log_snr(at->process, t + h)) / (2 * h);
}

/* EQ[vdm:s5]: -1/2 d snr / dt of x_0 is half the fall of log_snr of eps; and EQ[mle:7]: g^2 / sigma^2 is that fall. */
static void test_continuous_bound(void **state)
{
    (void)state;
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        double fall = at->g * at->g / (at->t.sigma * at->t.sigma);
        assert_true(fabs(fall_of(at) / fall - 1) < 1e-3);
        expect(factor("likelihood", "eps", at), fall, at);
        expect(factor("likelihood", "score", at), at->g * at->g, at);
        if (is_discrete(at)) continue;
        assert_true(fabs(fall_of(at) / fall - 1) < 1e-7);
        expect(factor("vlb", "eps", at), fall / 2, at);
        expect(factor("vlb", "x0", at), at->snr * fall / 2, at);
        expect(factor("likelihood", "velocity", at), 2 * factor("vlb", "velocity", at), at);
    }
    /* EDM's process: snr = t^-2 */
    const place at = {own_ve, ito_process_level(own_ve, 3), 1.0 / 9, 0};
    expect(factor("vlb", "x0", &at), 1.0 / 27, &at);
}

/* EQ[ddpm:8] EQ[survey:18] (errata: the variance, not its squared norm) EQ[vdm:s4]: DDPM's weight of eps,
 * beta^2 / (2 sd^2 (1 - beta) (1 - alpha_bar)), with sd^2 = beta_tilde; and the sum over all timesteps telescopes. */
static void test_discrete_bound(void **state)
{
    (void)state;
    double sum = 0;
    for (int t = 1; t <= 1000; t++) {
        const place at = {linear, ito_process_level(linear, t), 0, 0};
        double beta = 1e-4 + (0.02 - 1e-4) * (t - 1) / 999;
        double abar_t = ito_process_alpha_bar(linear, t), abar_s = ito_process_alpha_bar(linear, t - 1);
        double beta_tilde = (1 - abar_s) / (1 - abar_t) * beta, got = factor("vlb", "eps", &at);
        double want = beta * beta / (2 * beta_tilde * (1 - beta) * (1 - abar_t));
        if (t > 1) assert_true(fabs(got / want - 1) < 1e-9); /* 1 - abar loses digits at small t */
        if (t > 1) sum += factor("vlb", "x0", &at);
        /* the mean's own error by 1 / (2 sd^2) */
        if (t > 1) assert_true(fabs(factor("vlb", "mu", &at) * 2 * beta_tilde - 1) < 1e-9);
        if (t == 1) expect(factor("vlb", "x0", &at), 1 / (2 * 1e-4), &at); /* L_0: a Gaussian of variance beta_1 */
    }
    double snr_1 = exp(ito_process_log_snr(linear, 1)), snr_end = exp(ito_process_log_snr(linear, 1000));
    assert_true(fabs(sum / (0.5 * (snr_1 - snr_end)) - 1) < 1e-11);
}

/* EQ[kingma23:2] EQ[sid2:s2]: the bound's weight times the sigmoid, per unit of the share of time that has passed */
static void test_sigmoid(void **state)
{
    (void)state;
    ito_opts *opts = options_of("sigmoid", "bias", "-1");
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        double range = ito_process_t_max(at->process) - ito_process_t_min(at->process);
        double fall = at->g * at->g / (at->t.sigma * at->t.sigma) * range;
        expect(factor("sigmoid", "eps", at), 0.5 * fall / (1 + at->snr * exp(-2)), at);
        expect(factor_with("sigmoid", opts, "eps", at), 0.5 * fall / (1 + at->snr * exp(1)), at);
    }
    ito_opts_destroy(opts);
    /* in the integral over u the schedule drops out: E_u of the weight is that of 1/2 sigmoid over log_snr, whose
     * integral is softplus; 1e5 midpoints of the flow's middle, t = 0.2 .. 0.8 */
    double sum = 0, n = 100000, low = 2 * log(0.2 / 0.8), high = 2 * log(0.8 / 0.2);
    const ito_weighting_def *def;
    ito_opts *defaults;
    assert_ok(ctx, ito_weighting_find(ctx, "sigmoid", &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &defaults));
    for (int i = 0; i < n; i++) {
        ito_level t = ito_process_level(own_flow, 0.2 + 0.6 * (i + 0.5) / n);
        sum += def->weight(defaults, own_flow, &t) * 0.6 / n;
    }
    assert_true(fabs(sum - 0.5 * (log1p(exp(2 - low)) - log1p(exp(2 - high)))) < 1e-8);
    ito_opts_destroy(defaults);
}

/* EQ[ncsn:6] */
static void test_sigma2(void **state)
{
    (void)state;
    for (int i = 0; i < n_places; i++) {
        const place *at = &places[i];
        expect(factor("sigma2", "eps", at), 1, at);
        expect(factor("sigma2", "score", at), at->t.sigma * at->t.sigma, at);
        expect(factor("sigma2", "x0", at), at->snr, at);
    }
}

/* Where the quantity or the weight does not exist the factor is not finite; where both do, it is, at the ends too. */
static void test_ends(void **state)
{
    (void)state;
    const place noise = {own_flow, ito_process_level(own_flow, 1), 0, 0},
                data = {own_flow, ito_process_level(own_flow, 0), 0, 0};
    assert_true(factor("min-snr", "v", &noise) == 0 && factor("min-snr", "velocity", &noise) == 0);
    assert_true(factor("truncated-snr", "x0", &noise) == 1 && factor("truncated-snr", "velocity", &noise) == 1);
    assert_true(factor("edm", "edm", &noise) == 1 && factor("p2", "eps", &noise) == 0);
    assert_false(isfinite(factor("snr", "eps", &noise))); /* eps tells no x_0 */
    assert_false(isfinite(factor("snr", "x0", &data)));
    assert_false(isfinite(factor("vlb", "x0", &data)));
    assert_false(isfinite(factor("likelihood", "eps", &data)));
    assert_true(factor("min-snr", "x0", &data) == 0); /* x_0 is x_t there, whatever the output */
    const place middle = {own_flow, ito_process_level(own_flow, 0.5), 0, 0};
    assert_false(isfinite(factor("snr", "mu", &middle))); /* no t - 1 in continuous time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snr_family),
        cmocka_unit_test(test_min_snr),
        cmocka_unit_test(test_soft_min_snr),
        cmocka_unit_test(test_p2),
        cmocka_unit_test(test_edm),
        cmocka_unit_test(test_continuous_bound),
        cmocka_unit_test(test_discrete_bound),
        cmocka_unit_test(test_sigmoid),
        cmocka_unit_test(test_sigma2),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
