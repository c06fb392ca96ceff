/* Predictions: every kind is defined here once more by its formula; all conversions are checked on numbers, and the
 * limits at signal = 0 and sigma = 0 are what the header and the kinds' files say. */

#include "exact/own_processes.h"

#include <math.h>
#include <string.h>

#include <ito/prediction.h>

#include "base/base.h"

enum { EPS, X0, V, SCORE, VELOCITY, EDM, MU, KINDS };
static const char *const names[KINDS] = {"eps", "x0", "v", "score", "velocity", "edm", "mu"};
#define SIGMA_DATA 0.5

static ito_prediction kinds[KINDS];

static int setup(void **state)
{
    all_processes_setup(state);
    for (int i = 0; i < KINDS; i++) assert_int_equal(ito_prediction_find(ctx, names[i], &kinds[i]), ITO_OK);
    return 0;
}

/* F of EDM by the paper's c_skip and c_out, in its frame. */
static double karras(const ito_level *t, double x0, double eps)
{
    double sigma = t->sigma / t->signal, total = sigma * sigma + SIGMA_DATA * SIGMA_DATA;
    double c_skip = SIGMA_DATA * SIGMA_DATA / total, c_out = sigma * SIGMA_DATA / sqrt(total);
    return (x0 - c_skip * (x0 + sigma * eps)) / c_out;
}

/* E[x_s | x_t, x_0] by Bayes' rule: the prior N(signal_s x_0, sigma_s^2) and x_t = a x_s + noise, weighed by their
 * precisions. */
static double bayes(const ito_level *t, const ito_level *s, double x0, double eps)
{
    double a = t->signal / s->signal, variance = t->sigma * t->sigma - a * a * s->sigma * s->sigma;
    double prior = 1 / (s->sigma * s->sigma), data = a * a / variance, x = t->signal * x0 + t->sigma * eps;
    return (prior * s->signal * x0 + data * x / a) / (prior + data);
}

/* EQ[survey:11] EQ[ddpm:15] EQ[ddpm:s3.2] EQ[salimans22:D] EQ[survey:21] EQ[sde:7] EQ[flow:15] EQ[edm:7] EQ[edm:t1]
 * EQ[ddpm:7] EQ[survey:17] */
static double output(int kind, const ito_level *t, const ito_level *s, double x0, double eps)
{
    switch (kind) {
    case EPS: return eps;
    case X0: return x0;
    case V: return t->signal * eps - t->sigma * x0;
    case SCORE: return -eps / t->sigma;
    case VELOCITY: return (t->signal_rate * x0 + t->sigma_rate * eps) / (t->u_rate > 0 ? t->u_rate : 1);
    case EDM: return karras(t, x0, eps);
    default: return bayes(t, s, x0, eps);
    }
}

static double log_snr(double signal, double sigma)
{
    return 2 * log(signal / sigma);
}

/* A pair of levels of no process in particular, s the cleaner one. */
static void random_levels(uint64_t seed, ito_level *t, ito_level *s)
{
    double u[6];
    random_numbers(seed, 6, u);
    double signal = 0.1 + 0.9 * u[0], sigma = 0.1 + 3 * u[1], signal_s = signal * (1 + u[4]),
           sigma_s = sigma * (0.1 + 0.8 * u[5]);
    *t = (ito_level){1, signal, sigma, log_snr(signal, sigma), -0.1 - u[2], 0.1 + u[3], seed % 2 ? 0 : 1 + u[2] * u[3]};
    *s = (ito_level){0.5, signal_s, sigma_s, log_snr(signal_s, sigma_s), 0, 0, 0};
}

/* Every kind into every kind and back, at 2,000 random levels, to 1e-12. */
static void test_every_pair_at_random_levels(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        ito_level t, s;
        double u[2], of_x, of_out, back_x, back_out;
        ito_prediction_map m[KINDS];
        random_levels(seed, &t, &s);
        random_numbers(seed + 10000, 2, u);
        double x0 = 2 * u[0] - 1, eps = 4 * u[1] - 2, x = t.signal * x0 + t.sigma * eps;
        for (int i = 0; i < KINDS; i++) m[i] = ito_prediction_map_to(&kinds[i], &t, &s);
        for (int i = 0; i < KINDS; i++) {
            double out = output(i, &t, &s, x0, eps);
            assert_true(m[i].has_x0 && m[i].has_eps);
            assert_true(fabs(m[i].out_x0 * x0 + m[i].out_eps * eps - out) < 1e-12);
            assert_true(fabs(m[i].x0_x * x + m[i].x0_out * out - x0) < 1e-12);
            assert_true(fabs(m[i].eps_x * x + m[i].eps_out * out - eps) < 1e-12);
            for (int j = 0; j < KINDS; j++) {
                assert_true(ito_prediction_map_convert(&m[i], &m[j], &of_x, &of_out));
                assert_true(ito_prediction_map_convert(&m[j], &m[i], &back_x, &back_out));
                double there = of_x * x + of_out * out;
                assert_true(fabs(there - output(j, &t, &s, x0, eps)) < 1e-12 * fmax(1, fabs(there)));
                assert_true(fabs(back_x * x + back_out * there - out) < 1e-12 * fmax(1, fabs(out)));
            }
        }
    }
}

/* The kinds that need one level, on a process; one rounding of x is magnified by 1 / signal or 1 / sigma. */
static void test_conversions_on_a_process(void **state)
{
    (void)state;
    const double x0 = 0.7, eps = -1.3;
    for (int time = 1; time <= 1000; time += 27) {
        ito_level t = ito_process_level(cosine, time);
        double x = t.signal * x0 + t.sigma * eps;
        for (int i = 0; i < MU; i++)
            for (int j = 0; j < MU; j++) {
                double of_x, of_out, out = output(i, &t, NULL, x0, eps), want = output(j, &t, NULL, x0, eps);
                double tolerance = 4e-15 / fmin(t.signal, t.sigma) * fmax(1, fabs(want));
                assert_true(ito_prediction_convert(&kinds[i], &kinds[j], &t, &of_x, &of_out));
                assert_true(fabs(of_x * x + of_out * out - want) < tolerance);
                if (i == j) assert_true(fabs(of_x) < 1e-11 * fmax(1, fabs(of_out)) && fabs(of_out - 1) < 1e-11);
            }
    }
}

/* mu is of the step to t - 1. What is left of x_0 in it is beta_t large, so that many roundings of the mean are seen in
 * x_0. */
static void test_mu_on_a_process(void **state)
{
    (void)state;
    const double x0 = 0.7, eps = -1.3;
    for (int time = 2; time <= 1000; time += 7) {
        ito_level t = ito_process_level(linear, time), s = ito_process_level(linear, time - 1);
        ito_prediction_map m = ito_prediction_map_in(&kinds[MU], linear, &t);
        double x = t.signal * x0 + t.sigma * eps, mu = output(MU, &t, &s, x0, eps);
        double beta = ito_process_beta(linear, time);
        /* EQ[survey:17]: the mean through eps, as DDPM's algorithm 2 has it */
        double through_eps = (x - beta / t.sigma * eps) / sqrt(1 - beta);
        assert_true(fabs(m.out_x0 * x0 + m.out_eps * eps - mu) < 1e-12);
        assert_true(fabs(m.out_x0 * x0 + m.out_eps * eps - through_eps) < 1e-12);
        assert_true(fabs(m.x0_x * x + m.x0_out * mu - x0) < 1e-14 / (beta * s.signal));
        assert_true(m.has_x0 && m.has_eps);
    }
    ito_level first = ito_process_level(linear, 1);
    ito_prediction_map m = ito_prediction_map_in(&kinds[MU], linear, &first); /* the step to the data: x_0 itself */
    assert_true(m.out_x0 == 1 && m.out_eps == 0 && fabs(m.x0_out - 1) < 1e-15 && fabs(m.x0_x) < 1e-15 && m.has_eps);
}

static void test_mu_needs_two_levels(void **state)
{
    (void)state;
    ito_level t = ito_process_level(linear, 500), middle = ito_process_level(own_flow, 0.5);
    double of_x, of_out;
    ito_prediction_map m = ito_prediction_map_at(&kinds[MU], &t);
    assert_true(isnan(m.out_x0) && isnan(m.out_eps) && isnan(m.x0_x) && isnan(m.eps_out) && !m.has_x0 && !m.has_eps);
    assert_false(ito_prediction_convert(&kinds[EPS], &kinds[MU], &t, &of_x, &of_out));
    assert_false(ito_prediction_convert(&kinds[MU], &kinds[EPS], &t, &of_x, &of_out));
    m = ito_prediction_map_in(&kinds[MU], own_flow, &middle);
    assert_true(isnan(m.out_x0) && !m.has_x0);
    assert_int_equal(ito_prediction_check(ctx, &kinds[MU], linear), ITO_OK);
    for (int i = 0; i < MU; i++) assert_int_equal(ito_prediction_check(ctx, &kinds[i], own_flow), ITO_OK);
    assert_fails(ctx, ITO_USAGE,
                 "mu prediction is about the step from t to t - 1, but time is continuous in process own-flow",
                 ito_prediction_check(ctx, &kinds[MU], own_flow));
    /* other kinds do not look at s, nor at the process */
    for (int i = 0; i < MU; i++) {
        ito_prediction_map at = ito_prediction_map_at(&kinds[i], &t), in = ito_prediction_map_in(&kinds[i], linear, &t);
        assert_true(at.out_x0 == in.out_x0 && at.out_eps == in.out_eps && at.x0_out == in.x0_out);
    }
}

/* EQ[edm:t1]: c_in x_hat is what the network sees, so that it has unit variance for data of deviation sigma_data. */
static void test_scale_in(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        ito_level t, s;
        random_levels(seed, &t, &s);
        double sigma = t.sigma / t.signal, c_in = 1 / sqrt(sigma * sigma + SIGMA_DATA * SIGMA_DATA);
        assert_true(fabs(ito_prediction_scale_in(&kinds[EDM], &t) * t.signal - c_in) < 1e-14 * c_in);
        for (int i = 0; i < KINDS; i++)
            if (i != EDM) assert_true(ito_prediction_scale_in(&kinds[i], &t) == 1);
    }
    /* with sigma_data = 1 and a variance preserving level EDM's output is -v and nothing is scaled */
    ito_opts *opts;
    assert_ok(ctx, ito_opts_create(ctx, kinds[EDM].def->choice.options, &opts));
    assert_ok(ctx, ito_opts_set(opts, "edm", "sigma_data", "1"));
    ito_prediction unit = {kinds[EDM].def, opts};
    ito_level t = ito_process_level(cosine, 400);
    ito_prediction_map a = ito_prediction_map_at(&unit, &t), v = ito_prediction_map_at(&kinds[V], &t);
    assert_true(fabs(a.out_x0 + v.out_x0) < 1e-14 && fabs(a.out_eps + v.out_eps) < 1e-14);
    assert_true(fabs(ito_prediction_scale_in(&unit, &t) - 1) < 1e-14);
    ito_opts_destroy(opts);
}

static ito_level level_of(double signal, double sigma)
{
    return (ito_level){.t = 1,
                       .signal = signal,
                       .sigma = sigma,
                       .log_snr = log_snr(signal, sigma),
                       .signal_rate = -1,
                       .sigma_rate = 1};
}

/* Which kinds tell x_0 and eps where no signal is left: rectified flow's noise, or zero terminal SNR. */
static void test_limit_of_no_signal(void **state)
{
    (void)state;
    const ito_level noise = level_of(0, 1), s = level_of(0.6, 0.8);
    ito_prediction_map m[KINDS];
    for (int i = 0; i < KINDS; i++) m[i] = ito_prediction_map_to(&kinds[i], &noise, &s);
    const bool has_x0[KINDS] = {[X0] = true, [V] = true, [VELOCITY] = true, [EDM] = true, [MU] = true};
    for (int i = 0; i < KINDS; i++) {
        assert_true(m[i].has_x0 == has_x0[i] && m[i].has_eps);
        assert_true(m[i].has_x0 ? m[i].x0_x == (i == VELOCITY) : isnan(m[i].x0_x) && isnan(m[i].x0_out));
        assert_true(m[i].eps_x == 1 && m[i].eps_out == 0);
    }
    assert_true(m[X0].x0_out == 1 && m[V].x0_out == -1 && m[VELOCITY].x0_out == -1 && m[EDM].x0_out == SIGMA_DATA);
    assert_true(fabs(m[MU].x0_out - 1 / 0.6) < 1e-15); /* mu = signal_s x_0 */
    assert_true(m[SCORE].out_eps == -1 && m[EDM].out_eps == 0 && m[EDM].out_x0 == 1 / SIGMA_DATA);
    assert_true(ito_prediction_scale_in(&kinds[EDM], &noise) == 1);
    double of_x, of_out;
    assert_false(ito_prediction_convert(&kinds[EPS], &kinds[X0], &noise, &of_x, &of_out)); /* eps tells no x_0 */
    assert_false(ito_prediction_convert(&kinds[SCORE], &kinds[V], &noise, &of_x, &of_out));
    assert_true(ito_prediction_convert(&kinds[EPS], &kinds[SCORE], &noise, &of_x, &of_out));
    assert_true(ito_prediction_convert(&kinds[X0], &kinds[V], &noise, &of_x, &of_out));
    assert_true(of_x == 0 && of_out == -1);
    assert_true(ito_prediction_convert(&kinds[VELOCITY], &kinds[X0], &noise, &of_x, &of_out));
    assert_true(of_x == 1 && of_out == -1);
}

/* At the data. The score of a point does not exist, nor does a step from it. */
static void test_limit_of_no_noise(void **state)
{
    (void)state;
    const ito_level data = level_of(1, 0);
    ito_prediction_map m[KINDS];
    for (int i = 0; i < KINDS; i++) m[i] = ito_prediction_map_to(&kinds[i], &data, &data);
    const bool has_eps[KINDS] = {[EPS] = true, [V] = true, [VELOCITY] = true, [EDM] = true};
    for (int i = 0; i < KINDS; i++) {
        assert_true(m[i].has_x0 && m[i].x0_x == 1 && m[i].x0_out == 0);
        assert_true(m[i].has_eps == has_eps[i] && isnan(m[i].eps_x) != has_eps[i]);
    }
    assert_true(m[EPS].eps_out == 1 && m[V].eps_out == 1 && m[VELOCITY].eps_out == 1 && m[VELOCITY].eps_x == 1);
    assert_true(m[EDM].eps_out == -1 && m[EDM].out_x0 == 0 && isnan(m[SCORE].out_eps) && isnan(m[MU].out_x0));
    assert_true(ito_prediction_scale_in(&kinds[EDM], &data) == 1 / SIGMA_DATA);
    double of_x, of_out;
    assert_false(ito_prediction_convert(&kinds[X0], &kinds[EPS], &data, &of_x, &of_out));
    assert_false(ito_prediction_convert(&kinds[EPS], &kinds[SCORE], &data, &of_x, &of_out));
    assert_true(ito_prediction_convert(&kinds[EPS], &kinds[X0], &data, &of_x, &of_out));
    assert_true(of_x == 1 && of_out == 0);
    /* a variance preserving process starts with an infinite rate: no velocity, but x_0 = x_t */
    ito_level start = ito_process_level(linear, 0);
    ito_prediction_map velocity = ito_prediction_map_at(&kinds[VELOCITY], &start);
    assert_true(!isfinite(start.sigma_rate) && isnan(velocity.out_eps) && velocity.has_x0 && velocity.x0_x == 1);
    assert_false(velocity.has_eps);
}

/* A program's own kind: eps in units of the data. */
static void own_row(const ito_opts *opts, const ito_level *t, double row[2])
{
    (void)opts;
    row[0] = 0;
    row[1] = t->sigma > 0 ? t->sigma : (double)NAN;
}

static void own_row_to(const ito_opts *opts, const ito_level *t, const ito_level *s, double row[2])
{
    own_row(opts, t, row);
    row[1] -= s->sigma;
}

static void test_registered_kind(void **state)
{
    (void)state;
    static const ito_prediction_def noise = {.choice = {.name = "my-noise", .summary = "sigma eps"}, .row = own_row};
    ito_prediction mine;
    const ito_level t = level_of(0.6, 0.8), data = level_of(1, 0);
    double of_x, of_out;
    assert_int_equal(ito_prediction_register(ctx, &noise), ITO_OK);
    assert_int_equal(ito_prediction_find(ctx, "my-noise", &mine), ITO_OK);
    assert_true(ito_prediction_convert(&kinds[EPS], &mine, &t, &of_x, &of_out));
    assert_true(fabs(of_x) < 1e-15 && fabs(of_out - 0.8) < 1e-15);
    assert_false(ito_prediction_convert(&kinds[EPS], &mine, &data, &of_x, &of_out));
    static const ito_prediction_def empty = {.choice = {.name = "empty", .summary = "nothing"}},
                                    both = {.choice = {.name = "both", .summary = "two"},
                                            .row = own_row,
                                            .row_to = own_row_to};
    assert_int_equal(ito_prediction_register(ctx, &empty), ITO_USAGE);
    assert_int_equal(ito_prediction_register(ctx, &both), ITO_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair_at_random_levels),
        cmocka_unit_test(test_conversions_on_a_process),
        cmocka_unit_test(test_mu_on_a_process),
        cmocka_unit_test(test_mu_needs_two_levels),
        cmocka_unit_test(test_scale_in),
        cmocka_unit_test(test_limit_of_no_signal),
        cmocka_unit_test(test_limit_of_no_noise),
        cmocka_unit_test(test_registered_kind),
    };
    return cmocka_run_group_tests(tests, setup, all_processes_teardown);
}
