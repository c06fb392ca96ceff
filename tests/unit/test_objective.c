/* Objectives against their formulas in double, for several predictions, weightings and levels: the weighed error, the terms of the
 * variational bound with a learned variance, and who gets gradients from it. Images are of 8 bits, with both ends of the
 * range among their values. */
#include <ito/ops.h>

#include "objective/objective.h"
#include "op_cases.h"

enum { N = 4, H = 4, W = 5, C = 2, SIZE = H * W * C, TIMESTEPS = 1000 };

static const double times[N] = {1, 2, 400, 1000};

typedef struct fixture {
    ito_ctx *ctx;
    ito_graph *g;
    ito_process *process;
    ito_denoise_setup setup;
    ito_denoise d;
    ito_objective_parts parts;
    double x0[N * SIZE], eps[N * SIZE], output[N * SIZE], extra[N * SIZE];
    float columns[N * ITO_DENOISE_COLUMNS];
} fixture;

static void open_fixture(fixture *f, const char *prediction, const char *weighting, const char *loss)
{
    *f = (fixture){.ctx = ctx_open(0)};
    assert_ok(f->ctx, ito_process_create(f->ctx, "vp-cosine", NULL, &f->process));
    f->setup.process = f->process;
    assert_ok(f->ctx, ito_prediction_find(f->ctx, prediction, &f->setup.prediction));
    assert_ok(f->ctx, ito_weighting_find(f->ctx, weighting, &f->setup.weighting.def));
    assert_ok(f->ctx, ito_variance_find(f->ctx, "learned_range", &f->setup.variance));
    assert_ok(f->ctx, ito_graph_create(f->ctx, &f->g));
    f->d = ito__denoise_begin(f->g, ITO_SHAPE(N, H, W, C), false, false);
    f->parts = (ito_objective_parts){.g = f->g, .noised = &f->d, .n_timesteps = TIMESTEPS};
    f->parts.output = ito_graph_input(f->g, "output", ITO_F32, ITO_SHAPE(N, H, W, C));
    f->parts.extra = ito_graph_input(f->g, "extra", ITO_F32, ITO_SHAPE(N, H, W, C));
    assert_ok(f->ctx, ito_loss_find(f->ctx, loss, &f->parts.loss));
    random_doubles(1, N * SIZE, -1, 1, f->x0);
    random_doubles(2, N * SIZE, -2, 2, f->eps);
    random_doubles(3, N * SIZE, -1, 1, f->output);
    random_doubles(4, N * SIZE, -1, 1, f->extra);
    for (int i = 0; i < N * SIZE; i++) f->x0[i] = rint(127.5 * (f->x0[i] + 1)) / 127.5 - 1;
    f->x0[0] = -1;
    f->x0[1] = 1;
    for (int i = 0; i < N; i++)
        assert_ok(f->ctx,
                  ito__denoise_columns(f->ctx, &f->setup, times[i], 0.5 + i, f->columns + i * ITO_DENOISE_COLUMNS));
}

static void close_fixture(fixture *f)
{
    ito_graph_destroy(f->g);
    ito_process_destroy(f->process);
    ito_ctx_destroy(f->ctx);
}

static ito_program *run(fixture *f, int n, ito_value *const *values)
{
    ito_program *p;
    double columns[N * ITO_DENOISE_COLUMNS];
    for (int i = 0; i < ITO_COUNT(columns); i++) columns[i] = (double)f->columns[i];
    assert_ok(f->ctx, ito_program_create(f->g, n, values, NULL, &p));
    write_doubles(p, f->ctx, f->d.x0, f->x0);
    write_doubles(p, f->ctx, f->d.eps, f->eps);
    write_doubles(p, f->ctx, f->d.coef, columns);
    write_doubles(p, f->ctx, f->parts.output, f->output);
    write_doubles(p, f->ctx, f->parts.extra, f->extra);
    assert_ok(f->ctx, ito_program_run(p));
    return p;
}

/* ---- references, from the schedule itself ---- */

static double signal_of(const fixture *f, double t)
{
    return sqrt(ito_process_alpha_bar(f->process, t));
}

static double target_of(const char *prediction, double signal, double sigma, double x0, double eps)
{
    if (!strcmp(prediction, "eps")) return eps;
    return !strcmp(prediction, "x0") ? x0 : signal * eps - sigma * x0;
}

static double x0_of(const char *prediction, double signal, double sigma, double x, double output)
{
    if (!strcmp(prediction, "eps")) return (x - sigma * output) / signal;
    return !strcmp(prediction, "x0") ? output : signal * x - sigma * output;
}

/* EQ[ddpm:7]  the posterior's mean in DDPM's letters, the target of "mu" */
static double mean_of(const fixture *f, double t, double x0, double x_t)
{
    double ab_t = ito_process_alpha_bar(f->process, t), ab_s = ito_process_alpha_bar(f->process, t - 1);
    double beta = 1 - ab_t / ab_s;
    return sqrt(ab_s) * beta / (1 - ab_t) * x0 + sqrt(1 - beta) * (1 - ab_s) / (1 - ab_t) * x_t;
}

/* EQ[survey:3] EQ[survey:19] EQ[survey:20] EQ[ddpm:14], tolerance 1e-6: float32 sums of 40 terms. */
static void check_error(const char *prediction)
{
    fixture f;
    const ito_objective_def *error;
    open_fixture(&f, prediction, "simple", "l2");
    assert_ok(f.ctx, ito__objective_find(f.ctx, "error", &error));
    ito_value *values[] = {error->build(&f.parts), f.d.x_t};
    ito_program *p = run(&f, 2, values);
    double *loss = read_doubles(p, f.ctx, values[0]), *x_t = read_doubles(p, f.ctx, values[1]);
    for (int i = 0; i < N; i++) {
        double signal = signal_of(&f, times[i]), sigma = sqrt(1 - signal * signal), sum = 0;
        for (int k = i * SIZE; k < (i + 1) * SIZE; k++) {
            double x = signal * f.x0[k] + sigma * f.eps[k];
            double target = strcmp(prediction, "mu") ? target_of(prediction, signal, sigma, f.x0[k], f.eps[k])
                                                     : mean_of(&f, times[i], f.x0[k], x);
            double away = f.output[k] - target;
            sum += away * away;
            assert_true(fabs(x_t[k] - x) <= 1e-6);
        }
        assert_true(fabs(loss[i] - (0.5 + i) * sum / SIZE) <= 1e-6 * sum);
    }
    free(loss);
    free(x_t);
    ito_program_destroy(p);
    close_fixture(&f);
}

static void test_error(void **state)
{
    (void)state;
    check_error("eps");
    check_error("x0");
    check_error("v");
    check_error("mu");
}

static double cdf(double x)
{
    return 0.5 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

/* EQ[ddpm:13]: -log p of one value. */
static double decoder(double x0, double mean, double log_variance)
{
    double inverse = exp(-0.5 * log_variance), above = cdf(inverse * (x0 - mean + 1.0 / 255)),
           below = cdf(inverse * (x0 - mean - 1.0 / 255));
    double p = x0 < -0.999 ? above : x0 > 0.999 ? 1 - below : above - below;
    return -log(fmax(p, 1e-12));
}

/* One element's term at t, in nats; EQ[ddpm:5] EQ[ddpm:8] EQ[iddpm:15]. */
static double term(const fixture *f, const char *prediction, double t, int k)
{
    double ab_t = ito_process_alpha_bar(f->process, t), ab_s = ito_process_alpha_bar(f->process, t - 1);
    double signal = sqrt(ab_t), sigma = sqrt(1 - ab_t), beta = 1 - ab_t / ab_s;
    double x = signal * f->x0[k] + sigma * f->eps[k], x0 = x0_of(prediction, signal, sigma, x, f->output[k]);
    double of_x0 = sqrt(ab_s) * beta / (1 - ab_t), of_x = sqrt(1 - beta) * (1 - ab_s) / (1 - ab_t);
    double ab_2 = ito_process_alpha_bar(f->process, 2), ab_1 = ito_process_alpha_bar(f->process, 1);
    double tilde = t > 1 ? (1 - ab_s) / (1 - ab_t) * beta : (1 - ab_1) / (1 - ab_2) * (1 - ab_2 / ab_1);
    double v = 0.5 * (f->extra[k] + 1), log_p = v * log(beta) + (1 - v) * log(tilde);
    double away = of_x0 * (f->x0[k] - x0);
    if (t < 1.5) return decoder(f->x0[k], of_x * x + of_x0 * x0, log_p);
    return 0.5 * (log_p - log(tilde) - 1 + tilde / exp(log_p) + away * away / exp(log_p));
}

/* EQ[survey:23]; 2e-5 of the bound, and of one bit/dim where a term of 1000 is nearly nothing: exponentials of float32 logarithms
 * near -10, and e^x - 1 of small x. */
static void check_bound(const char *prediction)
{
    fixture f;
    const ito_objective_def *vlb, *hybrid, *error;
    ito_opts *opts;
    open_fixture(&f, prediction, "simple", "l2");
    assert_ok(f.ctx, ito__objective_find(f.ctx, "vlb", &vlb));
    assert_ok(f.ctx, ito__objective_find(f.ctx, "hybrid", &hybrid));
    assert_ok(f.ctx, ito__objective_find(f.ctx, "error", &error));
    assert_ok(f.ctx, ito_opts_create(f.ctx, hybrid->choice.options, &opts));
    f.parts.opts = opts;
    ito_value *values[] = {vlb->build(&f.parts), hybrid->build(&f.parts), error->build(&f.parts)};
    ito_program *p = run(&f, 3, values);
    double *bound = read_doubles(p, f.ctx, values[0]), *both = read_doubles(p, f.ctx, values[1]);
    double *simple = read_doubles(p, f.ctx, values[2]);
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int k = i * SIZE; k < (i + 1) * SIZE; k++) sum += term(&f, prediction, times[i], k);
        double want = (0.5 + i) * TIMESTEPS * sum / SIZE / log(2);
        if (!(fabs(bound[i] - want) <= 2e-5 * (fabs(want) + 0.5 + i)))
            fail_msg("%s, t = %g: %.9g, expected %.9g", prediction, times[i], bound[i], want);
        assert_true(fabs(both[i] - simple[i] - 0.001 * want) <= 1e-5 * fabs(both[i]));
    }
    free(bound);
    free(both);
    free(simple);
    ito_program_destroy(p);
    ito_opts_destroy(opts);
    close_fixture(&f);
}

static void test_bound(void **state)
{
    (void)state;
    check_bound("x0");
    check_bound("v");
}

/* What L_vlb adds to L_hybrid teaches the variance alone: the mean's gradient is L_simple's, bit for bit. */
static void test_stopped_gradient(void **state)
{
    (void)state;
    fixture f;
    const ito_objective_def *hybrid, *error;
    ito_opts *opts;
    open_fixture(&f, "v", "simple", "l2");
    assert_ok(f.ctx, ito__objective_find(f.ctx, "hybrid", &hybrid));
    assert_ok(f.ctx, ito__objective_find(f.ctx, "error", &error));
    assert_ok(f.ctx, ito_opts_create(f.ctx, hybrid->choice.options, &opts));
    f.parts.opts = opts;
    ito_value *losses[] = {hybrid->build(&f.parts), error->build(&f.parts)}, *grads[3];
    assert_ok(f.ctx,
              ito_graph_grad(f.g, 1, &losses[0], NULL, 2, (ito_value *[]){f.parts.output, f.parts.extra}, grads));
    assert_ok(f.ctx, ito_graph_grad(f.g, 1, &losses[1], NULL, 1, &f.parts.output, grads + 2));
    ito_program *p = run(&f, 3, grads);
    double *of_hybrid = read_doubles(p, f.ctx, grads[0]), *of_error = read_doubles(p, f.ctx, grads[2]);
    double *of_extra = read_doubles(p, f.ctx, grads[1]), largest = 0;
    for (int i = 0; i < N * SIZE; i++) {
        assert_true(of_hybrid[i] == of_error[i]);
        largest = fmax(largest, fabs(of_extra[i]));
    }
    assert_true(largest > 0);
    free(of_hybrid);
    free(of_error);
    free(of_extra);
    ito_program_destroy(p);
    ito_opts_destroy(opts);
    close_fixture(&f);
}

/* EQ[ssm:7] EQ[ssm:8] for the network a x + b x^3, whose slope is a + 3 b x^2; 1e-5: float32 cubes. */
static void check_sliced(const char *reduced)
{
    const double a = 0.7, b = -0.3;
    fixture f;
    const ito_objective_def *sliced;
    ito_opts *opts;
    double probe[N * SIZE];
    open_fixture(&f, "eps", "simple", "l2");
    assert_ok(f.ctx, ito__objective_find(f.ctx, "sliced", &sliced));
    assert_ok(f.ctx, ito_opts_create(f.ctx, sliced->choice.options, &opts));
    assert_ok(f.ctx, ito_opts_set(opts, "sliced", "variance_reduced", reduced));
    random_doubles(5, N * SIZE, -2, 2, probe);
    f.d.probe = ito_graph_input(f.g, "probe", ITO_F32, ITO_SHAPE(N, H, W, C));
    f.parts.opts = opts;
    ito_value *cube = ito_op_mul(f.g, f.d.x_t, ito_op_square(f.g, f.d.x_t)), *output = f.parts.output;
    f.parts.output = ito_op_add(f.g, ito_op_scale(f.g, f.d.x_t, a, 0), ito_op_scale(f.g, cube, b, 0));
    ito_value *loss = sliced->build(&f.parts);
    f.parts.output = output;
    ito_value *values[] = {loss, output, f.parts.extra};
    ito_program *p;
    double columns[N * ITO_DENOISE_COLUMNS];
    for (int i = 0; i < ITO_COUNT(columns); i++) columns[i] = (double)f.columns[i];
    assert_ok(f.ctx, ito_program_create(f.g, 3, values, NULL, &p));
    write_doubles(p, f.ctx, f.d.x0, f.x0);
    write_doubles(p, f.ctx, f.d.eps, f.eps);
    write_doubles(p, f.ctx, f.d.coef, columns);
    write_doubles(p, f.ctx, f.d.probe, probe);
    assert_ok(f.ctx, ito_program_run(p));
    double *got = read_doubles(p, f.ctx, loss);
    for (int i = 0; i < N; i++) {
        double signal = signal_of(&f, times[i]), sigma = sqrt(1 - signal * signal), curve = 0, size = 0, along = 0;
        for (int k = i * SIZE; k < (i + 1) * SIZE; k++) {
            double x = signal * f.x0[k] + sigma * f.eps[k], score = -(a * x + b * x * x * x) / sigma;
            curve -= probe[k] * probe[k] * (a + 3 * b * x * x) / sigma;
            size += score * score;
            along += probe[k] * score;
        }
        double rest = !strcmp(reduced, "true") ? size : along * along;
        double want =
            (0.5 + i) * sigma * sigma * (curve + 0.5 * rest) / SIZE; /* eps's weight is 1, so the score's sigma^2 */
        assert_true(fabs(got[i] - want) <= 1e-5 * (0.5 + i) * sigma * sigma * (fabs(curve) + rest) / SIZE);
    }
    free(got);
    ito_program_destroy(p);
    ito_opts_destroy(opts);
    close_fixture(&f);
}

static void test_sliced(void **state)
{
    (void)state;
    check_sliced("true");
    check_sliced("false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sliced), cmocka_unit_test(test_error),
                                       cmocka_unit_test(test_bound), cmocka_unit_test(test_stopped_gradient)};
    return cmocka_run_group_tests_name("objective", tests, NULL, NULL);
}
