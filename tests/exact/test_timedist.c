/* Time distributions against their closed distribution functions, the normal quantile against erfc, and importance
 * sampling against the definition written out once more. */

#include "exact/own_processes.h"

#include <stdlib.h>

#include <ito/timedist.h>

#include "base/base.h"
#include "timedist/normal_quantile.h"

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* One digit of x's last place changes its probability by x^2 1e-16 of itself in the tails, and so does rounding the
 * argument of erfc: so 1e-14, and 4e-16 x^2 beyond |x| = 5. x itself against long double, to its last places. */
static void test_normal_quantile(void **state)
{
    (void)state;
    for (int i = 1; i < 4000; i++) {
        double p = i / 4000.0, tail = exp(-34.0 * p) / 2; /* 2^-50 .. 1/2 */
        double x = ito__normal_quantile(p), y = ito__normal_quantile(tail);
        assert_true(fabs(normal_cdf(x) / p - 1) < 1e-14);
        assert_true(fabs(normal_cdf(y) / tail - 1) < fmax(1e-14, 4e-16 * y * y));
        assert_true(x > ito__normal_quantile((i - 1) / 4000.0)); /* rises */
    }
    for (int i = 1; i <= 370; i++) { /* x = -0.1 .. -37 */
        double x = -0.1 * i;
        long double p = 0.5L * erfcl((long double)-x / sqrtl(2));
        double density = exp(-0.5 * x * x) / sqrt(6.283185307179586);
        /* p's own rounding moves x by p / density 1e-16 */
        assert_true(fabs(ito__normal_quantile((double)p) - x) < 2e-15 * fabs(x) + 2.3e-16 * (double)p / density);
    }
    for (int i = 1; i <= 52; i++) /* 1 - u is exact here, and so is the symmetry */
        assert_true(ito__normal_quantile(1 - ldexp(1, -i - 1)) == -ito__normal_quantile(ldexp(1, -i - 1)));
    assert_true(fabs(ito__normal_quantile(0.5)) < 1e-16);
    assert_true(fabs(ito__normal_quantile(0.975) - 1.9599639845400542) < 1e-15);
    assert_true(ito__normal_quantile(0) == (double)-INFINITY && ito__normal_quantile(1) == (double)INFINITY);
}

static ito_timedist *open_with(const char *name, const ito_process *process, const char *option, const char *value)
{
    const ito_timedist_def *def;
    ito_timedist *d;
    ito_opts *opts;
    assert_ok(ctx, ito_timedist_find(ctx, name, &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    if (option) assert_ok(ctx, ito_opts_set(opts, name, option, value));
    assert_ok(ctx, ito_timedist_create(ctx, name, opts, process, &d));
    assert_ptr_equal(ito_timedist_get_def(d), def);
    ito_opts_destroy(opts);
    return d;
}

static ito_timedist *open(const char *name, const ito_process *process)
{
    return open_with(name, process, NULL, NULL);
}

/* P(share <= x) of the distributions of shares of the range. */
static double uniform_cdf(double x)
{
    return x;
}

static double logit_normal_cdf(double x) /* EQ[esser24:19] */
{
    return normal_cdf(log(x / (1 - x)));
}

static double cosine_cdf(double x) /* EQ[esser24:s3.1]: the integral of 2 / (pi - 2 pi t + 2 pi t^2) */
{
    return 0.5 + atan(2 * x - 1) * 2 / 3.14159265358979323846;
}

/* The quantile of u is where the distribution function is u; on a discrete process, of the n points of an even grid the
 * first n F(k / T) fall on timesteps up to k, give or take the one at the edge. */
static void check_shares(const char *name, double (*cdf)(double))
{
    ito_timedist *flow = open(name, own_flow), *discrete = open(name, linear);
    double factor;
    int n = 20000, up_to = 0;
    for (int i = 0; i < n; i++) {
        double u = (i + 0.5) / n, t = ito_timedist_quantile(flow, u, &factor);
        assert_true(factor == 1 && fabs(cdf(t) - u) < 1e-14);
    }
    for (int k = 1; k <= 1000; k++) {
        for (; up_to < n; up_to++) {
            double t = ito_timedist_quantile(discrete, (up_to + 0.5) / n, &factor);
            assert_true(factor == 1 && t == rint(t) && t >= 1 && t <= 1000);
            if (t > k) break;
        }
        assert_true(fabs(up_to - n * cdf(k / 1000.0)) < 1);
    }
    double last = ito_timedist_quantile(discrete, 1 - ldexp(1, -53), &factor);
    assert_true(ito_timedist_quantile(discrete, 0, &factor) == 1 && last > 900 && last <= 1000);
    size_t bytes = 1;
    assert_true(!ito_timedist_history(discrete, &bytes) && bytes == 0);
    ito_timedist_destroy(flow);
    ito_timedist_destroy(discrete);
}

/* EQ[ddpm:a1] */
static void test_shares(void **state)
{
    (void)state;
    check_shares("uniform", uniform_cdf);
    check_shares("logit-normal", logit_normal_cdf);
    check_shares("cosine", cosine_cdf);
    double factor;
    ito_timedist *d = open_with("logit-normal", own_flow, "mean", "0.6"),
                 *wide = open_with("logit-normal", own_flow, "scale", "2");
    assert_true(fabs(ito_timedist_quantile(d, 0.5, &factor) - 1 / (1 + exp(-0.6))) < 1e-15);
    assert_true(fabs(ito_timedist_quantile(wide, normal_cdf(1), &factor) - 1 / (1 + exp(-2))) < 1e-14);
    ito_timedist_destroy(d);
    ito_timedist_destroy(wide);
    ito_timedist *ve = open("cosine", own_ve); /* shares of t_min..t_max */
    assert_true(fabs(ito_timedist_quantile(ve, 0.5, &factor) - (0.002 + 0.5 * (80 - 0.002))) < 1e-12);
    ito_timedist_destroy(ve);
}

/* EQ[sde:C]: of continuous times a share next to the data may be left out; timesteps stay as they are. */
static void test_skip(void **state)
{
    (void)state;
    double factor;
    ito_timedist *flow = open_with("uniform", own_flow, "skip", "1e-5"),
                 *ve = open_with("uniform", own_ve, "skip", "0.5"),
                 *discrete = open_with("uniform", linear, "skip", "0.5");
    assert_true(ito_timedist_quantile(flow, 0, &factor) == 1e-5 && factor == 1);
    for (int i = 0; i < 1000; i++) {
        double u = i / 1000.0;
        assert_true(fabs(ito_timedist_quantile(flow, u, &factor) - (1e-5 + u * (1 - 1e-5))) < 1e-15);
        assert_true(fabs(ito_timedist_quantile(ve, u, &factor) - (40.001 + u * 39.999)) < 1e-12);
        assert_true(ito_timedist_quantile(discrete, u + 5e-4, &factor) == i + 1);
    }
    ito_timedist_destroy(flow);
    ito_timedist_destroy(ve);
    ito_timedist_destroy(discrete);
}

/* EQ[esser24:s3.1]: rectified flow's log-SNR at cosine times is distributed as the cosine schedule's at uniform ones. */
static void test_cosine_is_cosine(void **state)
{
    (void)state;
    ito_timedist *d = open("cosine", own_flow);
    double factor, half_pi = 1.5707963267948966;
    for (int i = 1; i < 1000; i++) {
        double u = i / 1000.0, t = ito_timedist_quantile(d, u, &factor);
        assert_true(fabs(ito_process_log_snr(own_flow, t) - 2 * log(cos(half_pi * u) / sin(half_pi * u))) < 1e-11);
    }
    ito_timedist_destroy(d);
}

/* EQ[edm:t1]: ln(sigma / signal) ~ N(-1.2, 1.2^2), on EDM's process, on rectified flow, and, rounded, on timesteps. */
static void test_log_normal(void **state)
{
    (void)state;
    const ito_process *const smooth[] = {own_ve, own_flow};
    double factor;
    int n = 20000, up_to = 0;
    for (int k = 0; k < 2; k++) {
        ito_timedist *d = open("log-normal", smooth[k]);
        for (int i = 0; i < n; i++) {
            double u = (i + 0.5) / n, t = ito_timedist_quantile(d, u, &factor);
            assert_true(factor == 1);
            if (t == ito_process_t_min(smooth[k])) continue; /* what lies beyond the end is seen there */
            assert_true(fabs(normal_cdf((-0.5 * ito_process_log_snr(smooth[k], t) + 1.2) / 1.2) - u) < 1e-13);
        }
        assert_true(ito_timedist_quantile(d, 0, &factor) == ito_process_t_min(smooth[k]));
        ito_timedist_destroy(d);
    }
    ito_timedist *d = open("log-normal", linear), *shifted = open_with("log-normal", own_ve, "mean", "0.5");
    for (int k = 1; k < 1000; k++) { /* timesteps up to k: times up to k + 1/2 */
        for (; up_to < n; up_to++) {
            double t = ito_timedist_quantile(d, (up_to + 0.5) / n, &factor);
            assert_true(t == rint(t) && t >= 1 && t <= 1000);
            if (t > k) break;
        }
        assert_true(fabs(up_to - n * normal_cdf((-0.5 * ito_process_log_snr(linear, k + 0.5) + 1.2) / 1.2)) < 1);
    }
    assert_true(fabs(ito_timedist_quantile(shifted, 0.5, &factor) - exp(0.5)) < 1e-14);
    ito_timedist_destroy(d);
    ito_timedist_destroy(shifted);
}

/* ---- importance ---- */

#define T 7

static ito_process *short_process(void)
{
    const ito_process_def *def;
    ito_process *process;
    ito_opts *opts;
    assert_ok(ctx, ito_process_find(ctx, "vp-linear", &def));
    assert_ok(ctx, ito_opts_create(ctx, def->choice.options, &opts));
    assert_ok(ctx, ito_opts_set_number(opts, "vp-linear", "T", T));
    assert_ok(ctx, ito_process_create(ctx, "vp-linear", opts, &process));
    ito_opts_destroy(opts);
    return process;
}

/* The definition with lists: the last ten losses of every timestep, the newest last. */
typedef struct lists {
    int n[T];
    double loss[T][10];
} lists;

static void append(lists *l, int t, double loss)
{
    double *list = l->loss[t - 1];
    if (l->n[t - 1] == 10) {
        for (int k = 0; k < 9; k++) list[k] = list[k + 1];
        l->n[t - 1]--;
    }
    list[l->n[t - 1]++] = loss;
}

/* EQ[iddpm:18] and the code's 0.001 of uniform times; uniform until every timestep has ten losses. */
static void probabilities(const lists *l, double p[T])
{
    double sum = 0;
    bool warm = true;
    for (int t = 0; t < T; t++) {
        double moment = 0;
        for (int k = 0; k < 10; k++) moment += l->loss[t][k] * l->loss[t][k] / 10;
        p[t] = sqrt(moment);
        sum += p[t];
        warm = warm && l->n[t] == 10;
    }
    for (int t = 0; t < T; t++) p[t] = warm ? 0.999 * p[t] / sum + 0.001 / T : 1.0 / T;
}

static void check_against(const ito_timedist *d, const double p[T])
{
    double factor, sum = 0, mean = 0;
    for (int t = 1; t <= T; t++) {
        assert_true(ito_timedist_quantile(d, sum + 1e-9, &factor) == t);
        assert_true(fabs(factor - 1 / (T * p[t - 1])) < 1e-10 * factor);
        sum += p[t - 1];
        assert_true(ito_timedist_quantile(d, sum - 1e-9, &factor) == t);
        mean += p[t - 1] * factor * t * t; /* unbiased: the mean of t^2 under uniform times */
    }
    assert_true(fabs(mean - (T + 1) * (2 * T + 1) / 6.0) < 1e-8);
}

static void test_importance(void **state)
{
    (void)state;
    ito_process *process = short_process();
    ito_timedist *d = open("importance", process);
    lists l = {0};
    double p[T], u[32];
    int warm_batches = 0;
    for (uint64_t batch = 0; batch < 120; batch++) {
        enum { n = 16 };
        double t[n], loss[n], factor;
        random_numbers(batch, 2 * n, u);
        for (int i = 0; i < n; i++) {
            t[i] = batch < 40 ? 1 + floor(u[i] * T) : ito_timedist_quantile(d, u[i], &factor);
            loss[i] = t[i] * t[i] * u[n + i]; /* large where there is much noise */
            append(&l, (int)t[i], loss[i]);
        }
        ito_timedist_observe(d, n, t, loss);
        probabilities(&l, p);
        check_against(d, p);
        warm_batches += p[0] != p[1];
    }
    assert_true(warm_batches > 100 && p[T - 1] > 4 * p[0]);
    const double bad_t[] = {3, 4}, bad[] = {(double)NAN, (double)INFINITY};
    ito_timedist_observe(d, 2, bad_t, bad); /* a run that ends must not spoil its checkpoint */
    check_against(d, p);
    ito_timedist_destroy(d);
    ito_process_destroy(process);
}

/* The mean of losses times factors over an even grid is the mean over uniform times, and so it is over random times:
 * 1e5 of them within 5 standard errors. */
static void test_factor_is_unbiased(void **state)
{
    (void)state;
    enum { n = 100000 };
    ito_timedist *d = open("importance", linear);
    double t[1000], loss[1000], factor, even = 0, random = 0, squares = 0, want = 0;
    static double u[n];
    for (int k = 0; k < 10; k++) {
        random_numbers(70 + (uint64_t)k, 1000, loss);
        for (int i = 0; i < 1000; i++) t[i] = i + 1, loss[i] = (0.5 + loss[i]) / (1 + i);
        ito_timedist_observe(d, 1000, t, loss);
    }
    random_numbers(7, n, u);
    for (int i = 0; i < n; i++) {
        double at = ito_timedist_quantile(d, (i + 0.5) / n, &factor);
        even += factor / at / n;
        at = ito_timedist_quantile(d, u[i], &factor);
        random += factor / at / n;
        squares += factor / at * factor / at / n;
    }
    for (int i = 1; i <= 1000; i++) want += 1e-3 / i;
    assert_true(fabs(even / want - 1) < 2e-3); /* a thousand edges, half a point of 1e5 each at most */
    assert_true(fabs(random - want) < 5 * sqrt((squares - random * random) / n));
    assert_true(squares - random * random <
                0.05 * want * want); /* which is why: uniform times have 200 times as much */
    ito_timedist_destroy(d);
}

/* A checkpoint writes the block and reads it into a fresh distribution: the same bits, now and later. */
static void test_history_is_everything(void **state)
{
    (void)state;
    ito_process *process = short_process();
    ito_timedist *a = open("importance", process);
    double t[10 * T], loss[10 * T], factors[2];
    for (int round = 0; round < 3; round++) { /* fresh, half filled, warm */
        ito_timedist *b = open("importance", process);
        size_t bytes, same;
        void *from = ito_timedist_history(a, &bytes), *to = ito_timedist_history(b, &same);
        assert_true(bytes == same && bytes == (T * 12 + 1) * sizeof(double));
        memcpy(to, from, bytes);
        random_numbers(5 + (uint64_t)round, 10 * T, loss);
        for (int i = 0; i < 10 * T; i++) t[i] = 1 + i % T;
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 1000; i++) {
                double x = ito_timedist_quantile(a, i / 1000.0, &factors[0]),
                       y = ito_timedist_quantile(b, i / 1000.0, &factors[1]);
                assert_true(x == y && factors[0] == factors[1]);
            }
            int n = round == 0 ? 2 * T : 5 * T;
            ito_timedist_observe(a, n, t + half * T, loss);
            ito_timedist_observe(b, n, t + half * T, loss);
        }
        assert_memory_equal(from, to, bytes);
        ito_timedist_destroy(b);
    }
    ito_timedist_destroy(a);
    ito_process_destroy(process);
}

static void test_errors(void **state)
{
    (void)state;
    ito_timedist *d;
    assert_fails(ctx, ITO_USAGE, "time is continuous in process own-flow",
                 ito_timedist_create(ctx, "importance", NULL, own_flow, &d));
    assert_null(d);
    assert_fails(ctx, ITO_NOT_FOUND, "did you mean 'log-normal'",
                 ito_timedist_create(ctx, "lognormal", NULL, own_ve, &d));
    ito_timedist_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_quantile),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_cosine_is_cosine),
        cmocka_unit_test(test_log_normal),
        cmocka_unit_test(test_importance),
        cmocka_unit_test(test_factor_is_unbiased),
        cmocka_unit_test(test_history_is_everything),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, all_processes_setup, all_processes_teardown);
}
