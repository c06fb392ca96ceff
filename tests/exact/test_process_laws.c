/* What holds for every process: coefficients, rates, drift and diffusion agree with one another, time inverts the log-SNR,
 * claims are kept, transitions and posteriors compose. Times are random, from a fixed seed. */
#include "exact/process_cases.h"

#include <ito/rng.h>

#define N_TIMES 60

typedef struct draw {
    ito_rng_key key;
    uint64_t index;
} draw;

static double uniform(draw *d)
{
    double u;
    ito_rng_uniform(d->key, d->index++, 1, &u);
    return u;
}

static void each(void (*check)(const process_case *c, const ito_process *p, draw *d))
{
    ito_ctx *ctx = ctx_open(1);
    for (int k = 0; k < N_PROCESS_CASES; k++) {
        ito_process *p = process_open(ctx, &process_cases[k]);
        draw d = {.key = {.seed = 11, .stream = ITO_STREAM_USER, .sample = (uint64_t)k}};
        check(&process_cases[k], p, &d);
        ito_process_destroy(p);
    }
    ito_ctx_destroy(ctx);
}

static double time_between(const ito_process *p, double w)
{
    return ito_process_t_min(p) + w * (ito_process_t_max(p) - ito_process_t_min(p));
}

/* Every built-in process is in the table. */
static void test_all_are_here(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    const ito_axis *axis = ito_axis_find("process");
    const ito_choice *choice;
    for (int i = 0; (choice = ito_choice_get(ctx, axis, i)); i++) {
        bool found = false;
        for (int k = 0; k < N_PROCESS_CASES; k++) found |= !strcmp(process_cases[k].name, choice->name);
        if (!found) fail_msg("no case tests the process %s", choice->name);
    }
    ito_ctx_destroy(ctx);
}

/* log_snr is that of the coefficients; signal falls or stays, noise grows, the log-SNR falls strictly; claims hold. */
static void check_levels(const process_case *c, const ito_process *p, draw *d)
{
    const ito_process_def *def = ito_process_get_def(p);
    ito_level before = ito_process_level(p, ito_process_t_min(p));
    (void)d;
    assert_true(def->is_discrete == (ito_process_n_timesteps(p) > 0));
    for (int i = 1; i <= 400; i++) {
        ito_level now = ito_process_level(p, time_between(p, i / 400.0));
        if (now.signal > 0 && now.sigma > 1e-3 && now.signal > 1e-3) {
            /* Where neither is so small that the other's rounding shows. */
            assert_near_at(c, now.t, now.log_snr, 2 * (logl(now.signal) - logl(now.sigma)), 1e-12);
        }
        assert_true(now.signal >= 0 && now.sigma > 0);
        assert_true(now.log_snr < before.log_snr);
        assert_true(now.signal <= before.signal && now.sigma >= before.sigma);
        if (def->is_variance_preserving)
            assert_near_at(c, now.t, now.signal * now.signal + now.sigma * now.sigma, 1, 1e-15);
        before = now;
    }
    double sd = sqrt(before.signal * before.signal * 0.25 + before.sigma * before.sigma); /* of data of deviation 1/2 */
    assert_true(ito_process_prior_sd(p) >= before.sigma * (1 - 1e-12) && ito_process_prior_sd(p) <= 2 * sd);
}

/* Between the table's integers and the ends, where all is smooth. */
static bool is_smooth(const ito_process *p, double t, double h)
{
    if (t - h <= ito_process_t_min(p) || t + h >= ito_process_t_max(p)) return false;
    return !ito_process_n_timesteps(p) || floor(t - h) == floor(t + h);
}

/* Rates by central differences; drift = d log(signal) / dt; g^2 = d sigma^2 / dt - 2 f sigma^2. The step is 1e-4 of the
 * distance to the nearest end, the error of a difference (h / t)^2 = 1e-8 and rounding / h = 1e-11: 1e-6 is safe. */
static void check_rates(const process_case *c, const ito_process *p, draw *d)
{
    int n_checked = 0;
    for (int i = 0; i < 4 * N_TIMES; i++) {
        double t = time_between(p, 0.001 + 0.998 * uniform(d)),
               room = fmin(t - ito_process_t_min(p), ito_process_t_max(p) - t);
        double h = 1e-4 * fmin(room, ito_process_n_timesteps(p) ? 1 : room);
        if (!is_smooth(p, t, h)) continue;
        ito_level at = ito_process_level(p, t), up = ito_process_level(p, t + h), down = ito_process_level(p, t - h);
        double dt = up.t - down.t, f = ito_process_drift(p, t), g = ito_process_diffusion(p, t);
        double scale = fmax(fabs(at.signal_rate), at.signal / t), noise = fmax(at.sigma_rate, at.sigma / t);
        assert_near_at(c, t, (up.signal - down.signal) / dt / scale, at.signal_rate / scale, 1e-6);
        assert_near_at(c, t, (up.sigma - down.sigma) / dt / noise, at.sigma_rate / noise, 1e-6);
        assert_near_at(c, t, f * at.signal / scale, at.signal_rate / scale, 1e-12);
        double grown = 2 * at.sigma * at.sigma_rate, lost = -2 * f * at.sigma * at.sigma;
        assert_near_at(c, t, g * g / (grown + lost), 1, 1e-9);
        n_checked++;
    }
    assert_true(n_checked >= N_TIMES);
}

/* time(log_snr(t)) = t. Where the log-SNR is flat, rounding it by one part in 1e15 moves t by more: the bound follows from
 * its slope. */
static void check_time(const process_case *c, const ito_process *p, draw *d)
{
    double low = ito_process_t_min(p), high = ito_process_t_max(p);
    for (int i = 0; i < N_TIMES; i++) {
        double t = time_between(p, uniform(d));
        if (t <= low || t >= high) continue;
        ito_level at = ito_process_level(p, t);
        double slope = 2 * (at.sigma_rate / at.sigma - at.signal_rate / at.signal);
        double bound = 1e-14 * (high - low) + 4e-15 * (2 + fabs(at.log_snr)) / slope;
        double back = ito_process_time(p, at.log_snr);
        if (fabs(back - t) > bound) fail_msg("%s: time(log_snr(%.17g)) is %.17g", c->name, t, back);
    }
    assert_near_at(c, low, ito_process_time(p, ito_process_log_snr(p, low)), low, 1e-15);
    assert_near_at(c, high, ito_process_time(p, ito_process_log_snr(p, high)), high, 1e-14);
    assert_true(ito_process_time(p, (double)INFINITY) == low && ito_process_time(p, 1e4) >= low);
    assert_true(ito_process_time(p, -(double)INFINITY) == high && ito_process_time(p, -1e4) <= high);
    assert_true(ito_process_time(p, 1e4) < low + 1e-6 * (high - low) && ito_process_time(p, -1e4) > high * (1 - 1e-6));
}

/* Three times r < s < t, apart by at least a thousandth of all; for discrete processes integers where there are enough. */
static bool three_times(const ito_process *p, draw *d, ito_level *r, ito_level *s, ito_level *t)
{
    double w[3], a, b, c;
    for (int i = 0; i < 3; i++) w[i] = time_between(p, uniform(d));
    for (int i = 0; i < 3 && ito_process_n_timesteps(p) > 20; i++) w[i] = ceil(w[i]);
    a = fmin(fmin(w[0], w[1]), w[2]);
    c = fmax(fmax(w[0], w[1]), w[2]);
    b = w[0] + w[1] + w[2] - a - c;
    *r = ito_process_level(p, a);
    *s = ito_process_level(p, b);
    *t = ito_process_level(p, c);
    double gap = 1e-3 * (ito_process_t_max(p) - ito_process_t_min(p));
    return b - a > 0.5 * gap && c - b > 0.5 * gap;
}

/* q(x_t | x_s) q(x_s | x_r) = q(x_t | x_r): scales multiply, variances add up; and from the data on, the marginals. */
static void check_transitions(const process_case *c, const ito_process *p, draw *d)
{
    int n_checked = 0;
    for (int i = 0; i < N_TIMES; i++) {
        ito_level r, s, t;
        if (!three_times(p, d, &r, &s, &t)) continue;
        ito_transition ts = ito_level_transition(&t, &s), sr = ito_level_transition(&s, &r),
                       tr = ito_level_transition(&t, &r);
        assert_close_at(c, t.t, ts.scale * sr.scale, tr.scale, 1e-13);
        assert_close_at(c, t.t, ts.scale * ts.scale * sr.variance + ts.variance, tr.variance, 1e-11);
        assert_close_at(c, t.t, ts.scale * s.signal, t.signal, 1e-13);
        assert_close_at(c, t.t, ts.scale * ts.scale * s.sigma * s.sigma + ts.variance, t.sigma * t.sigma, 1e-11);
        n_checked++;
    }
    assert_true(n_checked > N_TIMES / 3);
}

/* The posterior by Bayes' rule with precisions, its marginal, and q(x_r | x_s, x_0) after q(x_s | x_t, x_0) = q(x_r | x_t, x_0). */
static void check_posteriors(const process_case *c, const ito_process *p, draw *d)
{
    for (int i = 0; i < N_TIMES; i++) {
        ito_level r, s, t;
        if (!three_times(p, d, &r, &s, &t)) continue;
        ito_posterior st = ito_level_posterior(&t, &s), rs = ito_level_posterior(&s, &r),
                      rt = ito_level_posterior(&t, &r);
        ito_transition ts = ito_level_transition(&t, &s);
        long double forward = ts.variance, var_s = (long double)s.sigma * s.sigma, a = ts.scale;
        long double precision = a * a / forward + 1 / var_s;
        assert_close_at(c, t.t, st.variance, 1 / precision, 1e-11);
        assert_close_at(c, t.t, st.coef_x, a / forward / precision, 1e-11);
        assert_close_at(c, t.t, st.coef_x0, s.signal / var_s / precision, 1e-11);
        assert_close_at(c, t.t, st.coef_x * t.signal + st.coef_x0, s.signal, 1e-12);
        assert_close_at(c, t.t, rs.coef_x * st.coef_x, rt.coef_x, 1e-12);
        assert_near_at(c, t.t, rs.coef_x * st.coef_x0 + rs.coef_x0, rt.coef_x0, 1e-12);
        assert_close_at(c, t.t, rs.coef_x * rs.coef_x * st.variance + rs.variance, rt.variance, 1e-11);
    }
}

/* Nothing is 0/0: at both ends, and between them, every function has a value, if an infinite one. */
static void check_ends(const process_case *c, const ito_process *p, draw *d)
{
    (void)d;
    ito_level data = ito_process_level(p, ito_process_t_min(p)), end = ito_process_level(p, ito_process_t_max(p));
    const ito_level *ends[] = {&data, &end};
    for (int i = 0; i < 2; i++) {
        double t = ends[i]->t;
        const double values[] = {ends[i]->signal,
                                 ends[i]->sigma,
                                 ends[i]->log_snr,
                                 ends[i]->signal_rate,
                                 ends[i]->sigma_rate,
                                 ito_process_drift(p, t),
                                 ito_process_diffusion(p, t),
                                 ito_process_label(p, t)};
        for (int k = 0; k < 8; k++)
            if (isnan(values[k])) fail_msg("%s at t = %g: value %d is NaN", c->name, t, k);
        assert_true(isfinite(ends[i]->signal) && isfinite(ends[i]->sigma) && isfinite(ito_process_label(p, t)));
        assert_true(ends[i]->signal_rate <= 0 && ends[i]->sigma_rate >= 0 && ito_process_drift(p, t) <= 0);
    }
    ito_transition q = ito_level_transition(&end, &data);
    ito_posterior r = ito_level_posterior(&end, &data);
    assert_near_at(c, end.t, q.scale, end.signal / data.signal, 1e-15);
    assert_near_at(c, end.t, q.variance, end.sigma * end.sigma - q.scale * q.scale * data.sigma * data.sigma, 1e-12);
    assert_near_at(c, end.t, r.coef_x * end.signal + r.coef_x0, data.signal, 1e-12);
    assert_true(r.variance >= 0 && r.variance <= data.sigma * data.sigma);
}

static void test_ends(void **state)
{
    (void)state;
    each(check_ends);
}

static void test_levels(void **state)
{
    (void)state;
    each(check_levels);
}

static void test_rates(void **state)
{
    (void)state;
    each(check_rates);
}

static void test_time(void **state)
{
    (void)state;
    each(check_time);
}

static void test_transitions_compose(void **state)
{
    (void)state;
    each(check_transitions);
}

static void test_posteriors_compose(void **state)
{
    (void)state;
    each(check_posteriors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_here),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_transitions_compose),
        cmocka_unit_test(test_posteriors_compose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
