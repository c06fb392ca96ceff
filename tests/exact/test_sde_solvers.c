/* DPM-Solver++'s SDE forms and SA-Solver: updates against their programs' form, written out in x / signal over -log(sigma / signal) for
 * one Gaussian with paths drawn again from their keys; the limits without noise; strong convergence along one path. */
#include "exact/solo.h"

enum { N = 2, STEPS = 10, SEED = 9, FIRST = 7 };

static void fill_times(const ito_process *p, double *times)
{
    double from = ito_process_t_max(p), top = -0.5 * ito_process_log_snr(p, from), low = log(0.03);
    for (int k = 0; k < STEPS; k++)
        times[k] = k ? ito_process_time(p, -2 * (top + (low - top) * pow((double)k / (STEPS - 1), 0.8))) : from;
}

/* What a run knows of its process, and of the steps before. */
typedef struct run {
    const ito_process *p;
    double times[STEPS + 1], sigma[STEPS + 1], opt[4];
    uint64_t sample;
    double x0[STEPS];
    double y, noise, state; /* of SA-Solver: the state before, its noise */
} run;

typedef double (*rule)(run *r, int k, double y);

static double path_noise(const run *r, double t, double s)
{
    return increment(r->p, t, s, r->sample, SEED);
}

static double step_noise(const run *r, int k)
{
    return path_noise(r, r->times[k], r->times[k + 1]);
}

/* EQ[kdiffusion:2m-sde] EQ[dpmpp:s5]; opt: eta, s_noise, heun? */
static double sde_2m(run *r, int k, double y)
{
    double from = r->sigma[k], to = r->sigma[k + 1], eta = r->opt[0], d = r->x0[k] = x0_of(y, from);
    if (!(to > 0)) return d;
    double h = log(from) - log(to), eta_h = eta * h, x = to / from * exp(-eta_h) * y - expm1(-h - eta_h) * d;
    if (k) {
        double ratio = (log(r->sigma[k - 1]) - log(from)) / h, change = (d - r->x0[k - 1]) / ratio;
        x += (r->opt[2] > 0 ? expm1(-h - eta_h) / (h + eta_h) + 1 : -0.5 * expm1(-h - eta_h)) * change;
    }
    if (eta > 0) x += step_noise(r, k) * to * sqrt(-expm1(-2 * eta_h)) * r->opt[1];
    return x;
}

/* EQ[kdiffusion:3m-sde] */
static double sde_3m(run *r, int k, double y)
{
    double from = r->sigma[k], to = r->sigma[k + 1], eta = r->opt[0], d = r->x0[k] = x0_of(y, from);
    if (!(to > 0)) return d;
    double h = log(from) - log(to), h_eta = h * (eta + 1), x = exp(-h_eta) * y - expm1(-h_eta) * d;
    double phi2 = expm1(-h_eta) / h_eta + 1, phi3 = phi2 / h_eta - 0.5;
    double r0 = k > 0 ? (log(r->sigma[k - 1]) - log(from)) / h : 0;
    if (k > 1) {
        double r1 = (log(r->sigma[k - 2]) - log(r->sigma[k - 1])) / h;
        double d10 = (d - r->x0[k - 1]) / r0, d11 = (r->x0[k - 1] - r->x0[k - 2]) / r1;
        double d1 = d10 + (d10 - d11) * r0 / (r0 + r1), d2 = (d10 - d11) / (r0 + r1);
        x += phi2 * d1 - phi3 * d2;
    } else if (k == 1) {
        x += phi2 * (d - r->x0[0]) / r0;
    }
    if (eta > 0) x += step_noise(r, k) * to * sqrt(-expm1(-2 * h * eta)) * r->opt[1];
    return x;
}

static double ancestral(double from, double to, double eta, double *up)
{
    *up = fmin(to, eta * sqrt(to * to * (from * from - to * to) / (from * from)));
    return sqrt(to * to - *up * *up);
}

/* EQ[kdiffusion:sde]; opt: eta, s_noise, r. */
static double sde(run *r, int k, double y)
{
    double from = r->sigma[k], to = r->sigma[k + 1], eta = r->opt[0], share = r->opt[2], d = x0_of(y, from), up;
    if (!(to > 0)) return d;
    double t = -log(from), next = -log(to), s = t + share * (next - t), factor = 1 / (2 * share);
    double down = ancestral(from, exp(-s), eta, &up), s_down = -log(down), t_mid = ito_process_time(r->p, 2 * s);
    double y2 = down / from * y - expm1(t - s_down) * d;
    if (eta > 0) y2 += path_noise(r, r->times[k], t_mid) * r->opt[1] * up;
    double d2 = x0_of(y2, exp(-s));
    down = ancestral(from, to, eta, &up);
    double x = down / from * y - expm1(t + log(down)) * ((1 - factor) * d + factor * d2);
    return eta > 0 ? x + step_noise(r, k) * r->opt[1] * up : x;
}

static void check(const ito_process *p, const char *sampler, const char *text, rule step, const double *opt, int n_opt)
{
    run r = {.p = p};
    double got[N];
    ito_level level[STEPS + 1];
    fill_times(p, r.times);
    ito_sample_options o = {
        .sampler = sampler, .seed = SEED, .first_sample = FIRST, .times = r.times, .n_steps = STEPS};
    fill_levels(p, r.times, STEPS, ito_process_t_min(p), level);
    r.times[STEPS] = ito_process_t_min(p);
    for (int k = 0; k <= STEPS; k++) r.sigma[k] = ratio(&level[k]);
    for (int k = 0; k < n_opt; k++) r.opt[k] = opt[k];
    sample(p, gaussian, text, o, N, got);
    for (uint64_t i = 0; i < N; i++) {
        r.sample = FIRST + i;
        double y = ito_process_prior_sd(p) * normal(ITO_STREAM_PRIOR, 0, r.sample, SEED) / level[0].signal;
        for (int k = 0; k < STEPS; k++) y = step(&r, k, y);
        if (!(fabs(got[i] - level[STEPS].signal * y) < 1e-6))
            print_error("%s %s: %.12g for %.12g\n", sampler, text, got[i], y);
        assert_true(fabs(got[i] - level[STEPS].signal * y) < 1e-6);
    }
}

static void test_updates(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, vp, edm};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        const ito_process *at = processes[p];
        check(at, "dpmpp-2m-sde", "", sde_2m, (const double[]){1, 1, 0}, 3);
        check(at, "dpmpp-2m-sde", "eta=0.5 s_noise=1.2 solver=heun", sde_2m, (const double[]){0.5, 1.2, 1}, 3);
        check(at, "dpmpp-3m-sde", "", sde_3m, (const double[]){1, 1}, 2);
        check(at, "dpmpp-3m-sde", "eta=0", sde_3m, (const double[]){0, 1}, 2);
        check(at, "dpmpp-sde", "", sde, (const double[]){1, 1, 0.5}, 3);
        check(at, "dpmpp-sde", "eta=0.7 s_noise=0.9 r=0.4", sde, (const double[]){0.7, 0.9, 0.4}, 3);
    }
}

/* ---- SA-Solver ---- */

/* K int_0^h exp(-K (h - u)) u^k du by Simpson's rule. */
static double moment(double big_k, double h, int k)
{
    enum { n = 2000 };
    double sum = 0;
    for (int i = 0; i <= n; i++) {
        double u = h * i / n, value = big_k * exp(-big_k * (h - u)) * pow(u, k);
        sum += value * (i == 0 || i == n ? 1 : i % 2 ? 4 : 2);
    }
    return sum * h / n / 3;
}

/* The integral of Lagrange's polynomial of node j, nodes r[0 .. n - 1]. */
static double weight(double big_k, double h, const double *r, int n, int j, bool few_steps)
{
    double m[3] = {moment(big_k, h, 0), moment(big_k, h, 1), moment(big_k, h, 2)};
    if (n == 2 && few_steps) m[1] = big_k * h * h / 2;
    if (n == 1) return m[0];
    int a = (j + 1) % n, b = (j + 2) % n;
    if (n == 2) return (m[1] - r[a] * m[0]) / (r[j] - r[a]);
    return (m[2] - (r[a] + r[b]) * m[1] + r[a] * r[b] * m[0]) / (r[j] - r[a]) / (r[j] - r[b]);
}

/* One update from level `from` of the run to `to`, with the estimates of levels newest, newest - 1, ... */
static double adams(const run *r, int from, int to, int newest, int n, double y, double z)
{
    double tau = r->sigma[from] >= 0.05 && r->sigma[from] <= 1 ? r->opt[2] : 0, lambda[STEPS + 1], nodes[3];
    if (!(r->sigma[to] > 0)) return r->x0[newest];
    for (int k = 0; k <= to; k++) lambda[k] = -log(r->sigma[k]);
    double h = lambda[to] - lambda[from], big_k = 1 + tau * tau, ratio = r->sigma[to] / r->sigma[from];
    for (int j = 0; j < n; j++) nodes[j] = lambda[newest - j] - lambda[from];
    double sum = ratio * exp(-tau * tau * h) * y + r->sigma[to] * sqrt(-expm1(-2 * tau * tau * h)) * z;
    for (int j = 0; j < n; j++) sum += weight(big_k, h, nodes, n, j, r->opt[3] > 0) * r->x0[newest - j];
    return sum;
}

/* EQ[sa:a1] EQ[sa:s6]; opt: predictor_order, corrector_order, tau, few_steps. */
static double sa(run *r, int k, double y)
{
    r->x0[k] = x0_of(y, r->sigma[k]);
    int corrector = (int)fmin(fmin(r->opt[1], k + 1), STEPS - k + 2),
        predictor = (int)fmin(fmin(r->opt[0], k + 1), STEPS - k);
    if (k && corrector) y = adams(r, k - 1, k, k, corrector, r->state, r->noise);
    r->state = y;
    r->noise = step_noise(r, k);
    return adams(r, k, k + 1, k, predictor, y, r->noise);
}

static void test_sa_solver(void **state)
{
    (void)state;
    const ito_process *const processes[] = {linear, edm};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        const ito_process *at = processes[p];
        check(at, "sa-solver", "", sa, (const double[]){2, 2, 1, 1}, 4);
        check(at, "sa-solver", "few_steps=false tau=0.6", sa, (const double[]){2, 2, 0.6, 0}, 4);
        check(at, "sa-solver", "predictor_order=3 corrector_order=3", sa, (const double[]){3, 3, 1, 1}, 4);
        check(at, "sa-solver", "predictor_order=3 corrector_order=0 tau=0", sa, (const double[]){3, 0, 0, 1}, 4);
        check(at, "sa-solver", "predictor_order=1 corrector_order=1", sa, (const double[]){1, 1, 1, 1}, 4);
    }
}

/* What a hook does between the steps stays done: over a short way what is added at the end of step 4 is still there. */
static ito_status shift(void *user, ito_step *step, float *x, int *go_to)
{
    (void)go_to;
    for (int64_t i = 0; i < step->n * step->size; i++) x[i] += step->index == 4 ? *(float *)user : 0;
    return ITO_OK;
}

static void test_sa_solver_keeps_edits(void **state)
{
    (void)state;
    float by[] = {0, 0.5F}, x[2];
    const double times[] = {300, 298, 296, 294, 292, 290, 288};
    for (int k = 0; k < 2; k++) {
        const ito_hook hook = {.user = &by[k], .on_step = shift};
        ito_sample_options o = {.sampler = "sa-solver",
                                .n_steps = 7,
                                .times = times,
                                .seed = 1,
                                .hooks = &hook,
                                .n_hooks = 1,
                                .t_end = 286};
        assert_ok(ctx, try_sample(linear, gaussian, &o, ITO_F32, 1, &x[k]));
    }
    assert_true(fabsf(x[1] - x[0] - 0.5F) < 0.05F);
}

/* ---- without noise ---- */

/* Orders of whole runs, with the steps of lower order that they start with; 3M's shows as 2 so. */
static void test_orders_without_noise(void **state)
{
    (void)state;
    const struct {
        const char *sampler, *text;
        double order;
    } cases[] = {{"dpmpp-sde", "eta=0", 2},
                 {"dpmpp-2m-sde", "eta=0", 2},
                 {"dpmpp-2m-sde", "eta=0 solver=heun", 2},
                 {"dpmpp-3m-sde", "eta=0", 2},
                 {"sa-solver", "tau=0", 2},
                 {"sa-solver", "tau=0 predictor_order=1 corrector_order=0", 1},
                 {"sa-solver", "tau=0 few_steps=false", 2}};
    const ito_process *const processes[] = {vp, edm, flow};
    for (int c = 0; c < ITO_COUNT(cases); c++)
        for (int p = 0; p < ITO_COUNT(processes); p++) {
            double before = flow_error(processes[p], cases[c].sampler, cases[c].text, 80);
            for (int n = 160; n <= 640; n *= 2) {
                double error = flow_error(processes[p], cases[c].sampler, cases[c].text, n);
                if (!(log2(before / error) > cases[c].order - 0.3))
                    print_error("%s %s, %d steps: %g after %g\n", cases[c].sampler, cases[c].text, n, error, before);
                assert_true(log2(before / error) > cases[c].order - 0.3);
                before = error;
            }
        }
}

/* More estimates, smaller errors: five times at 80 steps. */
static void test_sa_solver_orders(void **state)
{
    (void)state;
    const ito_process *const processes[] = {vp, edm, flow};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        double two = flow_error(processes[p], "sa-solver", "tau=0", 80);
        double three = flow_error(processes[p], "sa-solver",
                                  "tau=0 predictor_order=3 corrector_order=3 lower_order_final=false", 80);
        if (!(three < two / 5)) print_error("process %d: %g, %g\n", p, two, three);
        assert_true(three < two / 5);
    }
}

static void expect_same(const ito_process *p, const char *one, const char *text, const char *other,
                        const char *other_text)
{
    double a[4], b[4];
    ito_sample_options o = {.sampler = one, .n_steps = 9, .seed = 6};
    sample(p, blobs, text, o, 2, a);
    o.sampler = other;
    sample(p, blobs, other_text, o, 2, b);
    for (int i = 0; i < 4; i++) {
        if (!(fabs(a[i] - b[i]) < 1e-8)) print_error("%s, %s: %.12g, %.12g\n", one, other, a[i], b[i]);
        assert_true(fabs(a[i] - b[i]) < 1e-8);
    }
}

/* Where two methods are one: with tau^2 for eta along the same path, and without noise and history DDIM. */
static void test_samplers_that_meet(void **state)
{
    (void)state;
    const char *const adams_2 = "predictor_order=2 corrector_order=0 few_steps=false lower_order_final=false tau_min=0 "
                                "tau_max=1e9 tau=";
    const char *const taus[] = {"0", "0.7", "1"}, *const etas[] = {"0", "0.49", "1"};
    const ito_process *const processes[] = {linear, edm, flow};
    for (int p = 0; p < ITO_COUNT(processes); p++) {
        for (int k = 0; k < (p == 2 ? 1 : 3); k++) { /* SA-Solver's tau ends below pure noise */
            char sa_text[256], text[64];
            snprintf(sa_text, sizeof sa_text, "%s%s", adams_2, taus[k]);
            snprintf(text, sizeof text, "solver=heun eta=%s", etas[k]);
            expect_same(processes[p], "sa-solver", sa_text, "dpmpp-2m-sde", text);
        }
        expect_same(processes[p], "sa-solver", "tau=0 predictor_order=1 corrector_order=0", "ddim", "");
        expect_same(processes[p], "euler-a", "eta=0", "ddim", "");
    }
}

/* ---- along one path ---- */

/* Root mean square distance of n steps from `fine`, of 200 samples, between two levels inside the process. */
static double strong_error(const ito_process *p, const char *sampler, const char *text, int n, const double *fine,
                           double *x)
{
    enum { count = 200 };
    double times[MOST_LEVELS], sum = 0;
    double top = ito_process_time(p, -2 * log(5.0)), low = ito_process_time(p, -2 * log(0.1));
    for (int k = 0; k < n; k++) times[k] = top + (low - top) * k / n;
    ito_sample_options o = {.sampler = sampler, .times = times, .n_steps = n, .t_end = low, .seed = 4};
    sample(p, gaussian, text, o, count, x);
    for (int i = 0; fine && i < count; i++) sum += (x[i] - fine[i]) * (x[i] - fine[i]) / count;
    return sqrt(sum);
}

/* Noise is additive, so its increment over its deviation gives strong order 1. Measured from 32 to 128 steps against 1024: 0.93 for
 * dpmpp-sde, 1.1 to 1.6 for the others, whose error of the drift is not yet the smaller one. */
static void test_strong_convergence(void **state)
{
    (void)state;
    static double fine[200], x[200];
    const struct {
        const char *sampler, *text;
    } cases[] = {{"dpmpp-sde", ""}, {"dpmpp-2m-sde", ""}, {"dpmpp-3m-sde", ""}, {"sa-solver", "tau_max=100 tau_min=0"}};
    const ito_process *const processes[] = {vp, flow};
    for (int c = 0; c < ITO_COUNT(cases); c++)
        for (int p = 0; p < ITO_COUNT(processes); p++) {
            const char *sampler = cases[c].sampler, *text = cases[c].text;
            strong_error(processes[p], sampler, text, 1024, NULL, fine);
            double first = strong_error(processes[p], sampler, text, 32, fine, x);
            double last = strong_error(processes[p], sampler, text, 128, fine, x), order = log2(first / last) / 2;
            if (!(order > 0.8 && last < 0.02)) print_error("%s: strong order %g, %g after 128\n", sampler, order, last);
            assert_true(order > 0.8 && last < 0.02);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_sa_solver),
        cmocka_unit_test(test_sa_solver_keeps_edits),
        cmocka_unit_test(test_orders_without_noise),
        cmocka_unit_test(test_sa_solver_orders),
        cmocka_unit_test(test_samplers_that_meet),
        cmocka_unit_test(test_strong_convergence),
    };
    return cmocka_run_group_tests(tests, sampling_setup, sampling_teardown);
}
