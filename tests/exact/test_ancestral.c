/* EDM's sampler and the ancestral ones: each update against its paper's or program's own form, written out in x / signal over sigma /
 * signal for one Gaussian; the limits without noise; orders of those limits. */
#include "exact/solo.h"

enum { N = 3, STEPS = 12, SEED = 5, FIRST = 40 };

/* Times with even steps in the logarithm of sigma / signal, from the first time to 0.02, then the end. */
static int fill_times(const ito_process *p, double *times)
{
    double from = ito_process_t_max(p), top = -0.5 * ito_process_log_snr(p, from), low = log(0.02);
    for (int k = 0; k < STEPS; k++)
        times[k] = k ? ito_process_time(p, -2 * (top + (low - top) * k / (STEPS - 1))) : from;
    return STEPS;
}

/* A step of y = x / signal from sigma `from` to `to`. */
typedef double (*rule)(double y, double from, double to, int k, uint64_t sample, const double *opt);

static double down_of(double from, double to, double eta, double *up)
{
    *up = fmin(to, eta * sqrt(to * to * (from * from - to * to) / (from * from)));
    return sqrt(to * to - *up * *up);
}

static double euler_a(double y, double from, double to, int k, uint64_t sample, const double *opt)
{
    double up, down = down_of(from, to, opt[0], &up);
    return y + eps_of(y, from) * (down - from) + (up > 0 ? drawn(k, 0, sample, SEED) * opt[1] * up : 0);
}

static double dpm2_a(double y, double from, double to, int k, uint64_t sample, const double *opt)
{
    double up, down = down_of(from, to, opt[0], &up), d = eps_of(y, from);
    if (!(down > 0)) return y + d * (down - from) + drawn(k, 0, sample, SEED) * opt[1] * up;
    double mid = exp((log(from) + log(down)) / 2), y2 = y + d * (mid - from);
    return y + eps_of(y2, mid) * (down - from) + drawn(k, 0, sample, SEED) * opt[1] * up;
}

static double dpmpp_2s_a(double y, double from, double to, int k, uint64_t sample, const double *opt)
{
    double up, down = down_of(from, to, opt[0], &up);
    if (!(down > 0)) return y + eps_of(y, from) * (down - from) + drawn(k, 0, sample, SEED) * opt[1] * up;
    double t = -log(from), next = -log(down), h = next - t, s = t + h / 2;
    double y2 = exp(-s) / exp(-t) * y - expm1(-h / 2) * x0_of(y, from);
    return exp(-next) / exp(-t) * y - expm1(-h) * x0_of(y2, exp(-s)) + drawn(k, 0, sample, SEED) * opt[1] * up;
}

/* EQ[edm:a2]; opt: churn, s_min, s_max, s_noise, the largest sigma. */
static double edm_step(double y, double from, double to, int k, uint64_t sample, const double *opt)
{
    double gamma = from >= opt[1] && from <= opt[2] ? fmin(opt[0] / STEPS, sqrt(2) - 1) : 0;
    double hat = fmin(from + gamma * from, opt[4]);
    if (hat > from) y += sqrt(hat * hat - from * from) * opt[3] * drawn(k, 0, sample, SEED);
    double d = (y - x0_of(y, hat)) / hat, next = y + (to - hat) * d;
    if (to > 0) next = y + (to - hat) * (d + (next - x0_of(next, to)) / to) / 2;
    return next;
}

/* Runs the rule along the same levels. Doubles through a time and back lose up to 1e-7 where a table is interpolated. */
static void check(const ito_process *p, const char *sampler, const char *text, rule step, const double *opt)
{
    double times[STEPS], got[N];
    ito_level level[STEPS + 1];
    ito_sample_options o = {.sampler = sampler, .seed = SEED, .first_sample = FIRST, .times = times, .n_steps = STEPS};
    fill_levels(p, times, fill_times(p, times), ito_process_t_min(p), level);
    sample(p, gaussian, text, o, N, got);
    for (uint64_t i = 0; i < N; i++) {
        double y = ito_process_prior_sd(p) * normal(ITO_STREAM_PRIOR, 0, FIRST + i, SEED) / level[0].signal;
        for (int k = 0; k < STEPS; k++) y = step(y, ratio(&level[k]), ratio(&level[k + 1]), k, FIRST + i, opt);
        if (!(fabs(got[i] - level[STEPS].signal * y) < 1e-6))
            print_error("%s %s: %.12g for %.12g\n", sampler, text, got[i], y);
        assert_true(fabs(got[i] - level[STEPS].signal * y) < 1e-6);
    }
}

/* EQ[kdiffusion:ancestral] EQ[kdiffusion:euler-a] EQ[kdiffusion:dpm2] EQ[dpmpp:a1]: for processes with all kinds of signal. */
static void test_ancestral_updates(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, vp, edm};
    const char *const texts[] = {"", "eta=0.6 s_noise=1.1", "eta=0"};
    const double opts[][2] = {{1, 1}, {0.6, 1.1}, {0, 1}};
    for (int p = 0; p < ITO_COUNT(processes); p++)
        for (int k = 0; k < ITO_COUNT(texts); k++) {
            check(processes[p], "euler-a", texts[k], euler_a, opts[k]);
            check(processes[p], "dpm2-a", texts[k], dpm2_a, opts[k]);
            check(processes[p], "dpmpp-2s-a", texts[k], dpmpp_2s_a, opts[k]);
        }
}

/* EQ[edm:a2] EQ[edm:a1] */
static void test_edm_updates(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, vp, edm};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        ito_level top = ito_process_level(processes[p], ito_process_t_max(processes[p]));
        const double none[] = {0, 0, 1e9, 1, ratio(&top)}, some[] = {5, 0.05, 20, 1.01, ratio(&top)};
        check(processes[p], "edm", "", edm_step, none);
        check(processes[p], "edm", "s_churn=5 s_min=0.05 s_max=20 s_noise=1.01", edm_step, some);
    }
}

/* eta = 1 is DDPM with the posterior's variance, any eta is DDIM's. */
static void test_euler_a_is_ddim(void **state)
{
    (void)state;
    double a[2 * N], b[2 * N];
    ito_sample_options o = {.sampler = "euler-a", .n_steps = 20, .seed = 3};
    for (int k = 0; k < 2; k++) {
        const char *text = k ? "eta=0.4" : "eta=1";
        const ito_process *p = k ? flow : linear;
        o.sampler = "euler-a";
        sample(p, blobs, text, o, N, a);
        o.sampler = "ddim";
        sample(p, blobs, text, o, N, b);
        for (int i = 0; i < 2 * N; i++) assert_true(fabs(a[i] - b[i]) < 1e-9);
    }
}

static void test_orders_without_noise(void **state)
{
    (void)state;
    const struct {
        const char *sampler, *text;
        double order;
    } cases[] = {{"edm", "", 2}, {"euler-a", "eta=0", 1}, {"dpm2-a", "eta=0", 2}, {"dpmpp-2s-a", "eta=0", 2}};
    const ito_process *const processes[] = {vp, edm, flow};
    for (int c = 0; c < ITO_COUNT(cases); c++)
        for (int p = 0; p < ITO_COUNT(processes); p++) {
            double before = flow_error(processes[p], cases[c].sampler, cases[c].text, 20);
            for (int n = 40; n <= 320; n *= 2) {
                double error = flow_error(processes[p], cases[c].sampler, cases[c].text, n);
                if (!(log2(before / error) > cases[c].order - 0.3))
                    print_error("%s, %d steps: %g after %g\n", cases[c].sampler, n, error, before);
                assert_true(log2(before / error) > cases[c].order - 0.3);
                before = error;
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ancestral_updates),
        cmocka_unit_test(test_edm_updates),
        cmocka_unit_test(test_euler_a_is_ddim),
        cmocka_unit_test(test_orders_without_noise),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
