/* The measures themselves: the exact flow against a Gaussian's closed form, orders of solvers whose order is known, broken ones found
 * out, weak errors against their algebra, and distances that see a shift. */

#include "exact/processes.h"

#include <math.h>

#include <ito/mixture.h>
#include <ito/sampler.h>
#include <ito/verify.h>

#include "base/base.h"
#include "verify/verify_impl.h"

#define MEAN 0.7
#define SD   0.4

static const char *const smooth[] = {"vp-sde", "subvp-sde", "ve-sde", "edm", "flow", "vdm"};

static ito_mixture *gaussian(void)
{
    ito_mixture *m;
    const double mean[] = {MEAN}, sd[] = {SD};
    assert_ok(ctx,
              ito_mixture_create(ctx, &(ito_mixture_options){.dim = 1, .n_components = 1, .mean = mean, .sd = sd}, &m));
    return m;
}

static ito_mixture *blobs(void)
{
    ito_mixture *m;
    const double mean[] = {1, 1, -1, 0.5, 0.2, -1}, sd[] = {0.4, 0.5, 0.5, 0.4, 0.5, 0.4};
    assert_ok(ctx,
              ito_mixture_create(ctx, &(ito_mixture_options){.dim = 2, .n_components = 3, .mean = mean, .sd = sd}, &m));
    return m;
}

/* EQ[flow:8]; a Gaussian's flow keeps (x - mean) / sd. */
static void test_flow(void **state)
{
    (void)state;
    ito_mixture *m = gaussian();
    for (int p = 0; p < ITO_COUNT(smooth); p++) {
        ito_process *process;
        ito__verify_times times;
        double x[8], path[8 * 41];
        assert_ok(ctx, ito_process_create(ctx, smooth[p], NULL, &process));
        ito_verify what = {.process = process, .mixture = m, .dim = 1};
        assert_ok(ctx, ito__verify_times_open(ctx, &what, &(ito_verify_grid){.n_steps = 10}, 3, &times));
        ito__verify_start(&what, &times, x);
        assert_ok(ctx, ito__verify_flow(ctx, &what, &times, x, path));
        for (int k = 0; k <= 40; k += 20)
            for (int i = 0; i < 8; i++) {
                ito_level a = ito_process_level(process, times.t[0]), b = ito_process_level(process, times.t[k]);
                double sd_a = hypot(a.signal * SD, a.sigma), sd_b = hypot(b.signal * SD, b.sigma);
                double want = b.signal * MEAN + sd_b / sd_a * (x[i] - a.signal * MEAN);
                assert_true(fabs(path[8 * k + i] - want) < 1e-8 * (1 + fabs(want)));
            }
        ito__verify_times_close(ctx, &times);
        ito_process_destroy(process);
    }
    ito_mixture_destroy(m);
}

/* DPM-Solver++ (2M) in the half log-SNR, or with what is wrong about it. */
static double wrong;

static ito_status two_steps(ito_step *st)
{
    ito_estimate e, before;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    double h = 0.5 * (st->s.log_snr - st->t.log_snr), of_before = 0;
    bool has = ito_step_history(st, 1, &before);
    if (has) of_before = -h / (st->t.log_snr - before.t.log_snr) * (1 + wrong);
    double gain = -st->s.signal * expm1(-h);
    const ito_term terms[] = {
        {st->s.sigma / st->t.sigma, st->x}, {gain * (1 - of_before), e.x0}, {gain * of_before, has ? before.x0 : e.x0}};
    return ito_step_to(st, 3, terms, 0);
}

static const ito_sampler_def own = {.choice = {.name = "two-steps", .summary = "a test's multistep solver"},
                                    .order = 2,
                                    .n_history = 1,
                                    .step = two_steps};

static void check_order(const ito_verify *what, double formula, double run)
{
    ito_verify_rate f, r;
    assert_ok(ctx, ito_verify_order(ctx, what, NULL, &f, &r));
    if (fabs(f.order - formula) > 0.25 || fabs(r.order - run) > 0.25)
        fail_msg("%s on %s: orders %.2f and %.2f, expected %g and %g", what->sampler,
                 ito_process_get_def(what->process)->choice.name, f.order, r.order, formula, run);
}

static void test_orders(void **state)
{
    (void)state;
    ito_mixture *m = blobs();
    assert_ok(ctx, ito_sampler_register(ctx, &own));
    for (int p = 0; p < ITO_COUNT(smooth); p++) {
        ito_process *process;
        assert_ok(ctx, ito_process_create(ctx, smooth[p], NULL, &process));
        ito_verify what = {.process = process, .mixture = m, .dim = 2, .sampler = "ddim"};
        check_order(&what, 1, 1);
        what.sampler = "two-steps";
        check_order(&what, 2, 2);
        wrong = 0.3;
        check_order(&what, 1, 1);
        wrong = 0;
        ito_process_destroy(process);
    }
    ito_mixture_destroy(m);
}

/* The exponential Euler method of the reverse SDE over log-SNR, noise along the path. */
static ito_status stroll(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status == ITO_OK) status = ito_step_brownian(st, 0, st->t.t, st->s.t, st->scratch[0]);
    if (status != ITO_OK) return status;
    double h = 0.5 * (st->s.log_snr - st->t.log_snr), share = -expm1(-2 * h);
    const ito_term terms[] = {{st->s.sigma / st->t.sigma * exp(-h), st->x},
                              {st->s.signal * share, e.x0},
                              {st->s.sigma * sqrt(share), st->scratch[0]}};
    return ito_step_to(st, 3, terms, 0);
}

static const ito_sampler_def strolling = {.choice = {.name = "stroll", .summary = "a test's stochastic solver"},
                                          .is_stochastic = true,
                                          .n_scratch = 1,
                                          .follows_path = true,
                                          .step = stroll};

static void test_strong(void **state)
{
    (void)state;
    ito_mixture *m = blobs();
    ito_process *process;
    ito_verify_rate strong;
    assert_ok(ctx, ito_sampler_register(ctx, &strolling));
    for (int p = 0; p < ITO_COUNT(smooth); p++) {
        assert_ok(ctx, ito_process_create(ctx, smooth[p], NULL, &process));
        ito_verify what = {.process = process, .mixture = m, .dim = 2, .sampler = "stroll"};
        assert_ok(ctx, ito_verify_strong(ctx, &what, &(ito_verify_grid){.n_points = 64}, &strong));
        if (!(strong.order > 0.8 && strong.error[4] < 0.05))
            fail_msg("%s: strong order %.2f, error %g", smooth[p], strong.order, strong.error[4]);
        ito_process_destroy(process);
    }
    ito_mixture_destroy(m);
}

/* Against the recurrence of mean and variance written out. */
static void test_weak(void **state)
{
    (void)state;
    ito_mixture *m = gaussian(), *many = blobs();
    ito_verify_rate mean, sd;
    ito_verify what = {.process = linear, .mixture = m, .dim = 1, .sampler = "ddpm"};
    assert_ok(ctx, ito_verify_weak(ctx, &what, NULL, &mean, &sd));
    for (int k = 0; k < ITO_VERIFY_RUNS; k++) {
        int n = 20 << k;
        ito_level t = ito_process_level(linear, ito_process_time(linear, -4)), end;
        double mu = t.signal * MEAN, v = t.signal * t.signal * SD * SD + t.sigma * t.sigma;
        for (int i = 1; i <= n; i++) {
            ito_level s = ito_process_level(linear, ito_process_time(linear, -4 + 8.0 * i / n));
            ito_posterior q = ito_level_posterior(&t, &s);
            double gain = t.signal * SD * SD / (t.signal * t.signal * SD * SD + t.sigma * t.sigma);
            double a = q.coef_x + q.coef_x0 * gain, c = q.coef_x0 * (MEAN - gain * t.signal * MEAN);
            mu = c + a * mu;
            v = a * a * v + q.variance;
            t = s;
        }
        end = t;
        double want = fabs(sqrt(v) - hypot(end.signal * SD, end.sigma));
        assert_true(fabs(sd.error[k] - want) < 1e-5);
        assert_true(fabs(mean.error[k] - fabs(mu - end.signal * MEAN)) < 1e-5);
    }
    assert_true(sd.order > 0.8);
    what = (ito_verify){.process = linear, .mixture = many, .dim = 2, .sampler = "ddpm"};
    assert_fails(ctx, ITO_USAGE, "of one dimension, found 2", ito_verify_weak(ctx, &what, NULL, &mean, &sd));
    ito_mixture_destroy(m);
    ito_mixture_destroy(many);
}

static ito_status shifted(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    return ito_step_to(st, 2, (const ito_term[]){{0.9 * st->s.signal, e.x0}, {st->s.sigma, e.eps}}, 0);
}

static void test_energy(void **state)
{
    (void)state;
    static const ito_sampler_def def = {.choice = {.name = "shifted", .summary = "a test's bad sampler"},
                                        .step = shifted};
    ito_mixture *m = blobs();
    double distance, floor;
    ito_verify what = {.process = cosine, .mixture = m, .dim = 2, .sampler = "ddim"};
    const ito_verify_samples samples = {.n = 500, .n_steps = 100, .n_pairs = 20};
    assert_ok(ctx, ito_verify_energy(ctx, &what, &samples, &distance, &floor));
    assert_true(floor > 0 && distance < 1.5 * floor);
    assert_ok(ctx, ito_sampler_register(ctx, &def));
    what.sampler = "shifted";
    assert_ok(ctx, ito_verify_energy(ctx, &what, &samples, &distance, &floor));
    assert_true(distance > 3 * floor);
    ito_mixture_destroy(m);
}

static void test_mistakes(void **state)
{
    (void)state;
    ito_mixture *m = gaussian();
    ito_verify_rate a, b;
    ito_verify what = {.process = linear, .mixture = m, .dim = 1, .sampler = "ddim"};
    assert_fails(ctx, ITO_USAGE, "log-SNR -40 to 4, but process vp-linear",
                 ito_verify_order(ctx, &what, &(ito_verify_grid){.noisy = -40, .clean = 4}, &a, &b));
    what.dim = 0;
    assert_fails(ctx, ITO_USAGE, "1 to 64 dimensions, found 0", ito_verify_order(ctx, &what, NULL, &a, &b));
    what.dim = 1;
    what.sampler = "dmid";
    assert_fails(ctx, ITO_NOT_FOUND, "did you mean 'ddim'", ito_verify_order(ctx, &what, NULL, &a, &b));
    ito_mixture_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow), cmocka_unit_test(test_orders), cmocka_unit_test(test_strong),
        cmocka_unit_test(test_weak), cmocka_unit_test(test_energy), cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, processes_setup, processes_teardown);
}
