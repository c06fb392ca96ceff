/* The exact denoiser of a mixture, against integrals and differences computed here. Everything later rests on it. */

#include "exact/processes.h"

#include <math.h>
#include <string.h>

#include <ito/mixture.h>

#include "base/base.h"

static ito_mixture *line, *plane;

static const double line_weight[] = {1, 3}, line_mean[] = {-1, 0.5}, line_sd[] = {0.3, 0.1};
static const double plane_mean[] = {1, 0.5, -1, 0.2, 0.1, -0.8}, plane_sd[] = {0.2, 0.4, 0.3, 0.1, 0.5, 0.2};
static const int plane_label[] = {0, 1, 1};

static int setup(void **state)
{
    (void)state;
    processes_open(0);
    ito_mixture_options one = {.dim = 1, .n_components = 2, .weight = line_weight, .mean = line_mean, .sd = line_sd};
    ito_mixture_options two = {.dim = 2, .n_components = 3, .mean = plane_mean, .sd = plane_sd, .label = plane_label};
    assert_int_equal(ito_mixture_create(ctx, &one, &line), ITO_OK);
    assert_int_equal(ito_mixture_create(ctx, &two, &plane), ITO_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ito_mixture_destroy(line);
    ito_mixture_destroy(plane);
    processes_close();
    return 0;
}

static double line_density(double x0)
{
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        double z = (x0 - line_mean[k]) / line_sd[k];
        sum += line_weight[k] / 4 * exp(-0.5 * z * z) / (line_sd[k] * sqrt(2 * acos(-1.0)));
    }
    return sum;
}

/* E[x_0 | x_t] and log q(x_t) by the trapezoid rule over x_0, which converges beyond 1e-10 for these smooth tails. */
static void test_against_quadrature(void **state)
{
    (void)state;
    for (int time = 20; time <= 1000; time += 140) {
        ito_level t = ito_process_level(linear, time);
        for (int i = 0; i <= 5; i++) {
            double mass = 0, first = 0, h = 1e-3, x = -2 + 0.8 * i;
            for (int k = 0; k <= 8000; k++) {
                double x0 = -4 + k * h;
                double z = (x - t.signal * x0) / t.sigma;
                double p = line_density(x0) * exp(-0.5 * z * z) / (t.sigma * sqrt(2 * acos(-1.0)));
                mass += p * h;
                first += p * x0 * h;
            }
            double x0, eps;
            ito_mixture_estimate(line, &t, ITO_MIXTURE_ALL, &x, &x0, &eps);
            assert_true(fabs(x0 - first / mass) < 1e-8);
            assert_true(fabs(t.signal * x0 + t.sigma * eps - x) < 1e-12);
            assert_true(fabs(ito_mixture_log_density(line, &t, ITO_MIXTURE_ALL, &x) - log(mass)) < 1e-8);
        }
    }
}

/* EQ[survey:21] (errata: the log and the expectation over q(x_0 | x_t)): the score is the gradient of log q(x_t), by
 * central differences, and -eps / sigma. */
static void test_score(void **state)
{
    (void)state;
    const double x[] = {0.4, -0.3}, h = 1e-5;
    for (int label = -1; label < 2; label++)
        for (int time = 0; time <= 1000; time += 100) {
            ito_level t = ito_process_level(linear, time);
            double score[2], eps[2];
            ito_mixture_score(plane, &t, label, x, score);
            ito_mixture_estimate(plane, &t, label, x, NULL, eps);
            for (int j = 0; j < 2; j++) {
                double up[] = {x[0], x[1]}, down[] = {x[0], x[1]};
                up[j] += h;
                down[j] -= h;
                double difference =
                    (ito_mixture_log_density(plane, &t, label, up) - ito_mixture_log_density(plane, &t, label, down)) /
                    (2 * h);
                assert_true(fabs(score[j] - difference) < 1e-6 * fmax(1, fabs(difference)));
                assert_true(fabs(score[j] * t.sigma + eps[j]) < 1e-12);
            }
        }
}

/* Both ends: x_0 is known at the data, and nothing but the mean is where no signal is left. */
static void test_ends(void **state)
{
    (void)state;
    const double x[] = {0.4, -0.3};
    double x0[2], eps[2], mean[2], covariance[4];
    ito_level data = ito_process_level(linear, 0), noise = {.t = 1, .sigma = 1, .log_snr = -(double)INFINITY};
    ito_mixture_estimate(plane, &data, ITO_MIXTURE_ALL, x, x0, eps);
    assert_true(fabs(x0[0] - x[0]) < 1e-15 && fabs(x0[1] - x[1]) < 1e-15 && eps[0] == 0);
    ito_mixture_estimate(plane, &noise, ITO_MIXTURE_ALL, x, x0, eps);
    ito_mixture_moments(plane, ITO_MIXTURE_ALL, mean, covariance);
    for (int j = 0; j < 2; j++) assert_true(fabs(x0[j] - mean[j]) < 1e-15 && fabs(eps[j] - x[j]) < 1e-15);
}

/* The mean and covariance of 40,000 draws: 5 standard errors are about 0.02 here. */
static void test_draws_have_the_moments(void **state)
{
    (void)state;
    enum { n = 40000 };
    static float x[2 * n];
    for (int label = -1; label < 2; label++) {
        double mean[2], covariance[4], sum[2] = {0}, product[4] = {0};
        ito_mixture_moments(plane, label, mean, covariance);
        ito_mixture_draw(plane, label, 11, 0, n, x);
        for (int i = 0; i < 2 * n; i++) sum[i % 2] += (double)x[i] / n;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < 4; j++)
                product[j] += ((double)x[2 * i + j / 2] - sum[j / 2]) * ((double)x[2 * i + j % 2] - sum[j % 2]) / n;
        for (int j = 0; j < 2; j++) assert_true(fabs(sum[j] - mean[j]) < 0.025);
        for (int j = 0; j < 4; j++) assert_true(fabs(product[j] - covariance[j]) < 0.025);
    }
    float again[2];
    ito_mixture_draw(plane, 1, 11, 7, 1, again);
    assert_memory_equal(again, x + 14, sizeof again);
}

/* The output in every prediction kind follows from the estimate; the vjp is that of the output, by differences. */
static void test_denoiser(void **state)
{
    (void)state;
    const char *const kinds[] = {"eps", "x0", "v"};
    const double times[] = {0, 30, 500, 1000};
    int32_t labels[] = {0, 1, 9, -1};
    float x[] = {0.5F, 0.25F, -1, 0.125F, 0, 0, 1, -1}, out[8], dout[] = {1, 2, -1, 0.5F, 3, 1, 0, 1}, dx[8];
    ito_condition condition = {0};
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(4, 2), x), outs = ito_tensor_view(ITO_F32, ITO_SHAPE(4, 2), out);
    ito_tensor douts = ito_tensor_view(ITO_F32, ITO_SHAPE(4, 2), dout),
               dxs = ito_tensor_view(ITO_F32, ITO_SHAPE(4, 2), dx);
    assert_int_equal(ito_condition_add(ctx, &condition, "label", ito_tensor_view(ITO_I32, ITO_SHAPE(4), labels)),
                     ITO_OK);
    for (int k = 0; k < 3; k++) {
        ito_denoiser d;
        assert_int_equal(ito_mixture_denoiser(ctx, plane, linear, kinds[k], &d), ITO_OK);
        assert_int_equal(d.eval(d.self, ctx, &xs, times, &condition, &outs, NULL), ITO_OK);
        for (int i = 0; i < 4; i++) {
            ito_level t = ito_process_level(linear, times[i]);
            ito_prediction_map m = ito_prediction_map_at(&d.prediction, &t);
            double in[] = {(double)x[2 * i], (double)x[2 * i + 1]}, x0[2], eps[2];
            ito_mixture_estimate(plane, &t, labels[i], in, x0, eps);
            for (int j = 0; j < 2; j++)
                assert_true(fabs((double)out[2 * i + j] - (m.out_x0 * x0[j] + m.out_eps * eps[j])) < 1e-6);
        }
        assert_int_equal(d.vjp(d.self, ctx, &xs, times, &condition, &douts, &outs, &dxs), ITO_OK);
        const float h = 0x1p-9F; /* exact in float; the difference's error is about h^2 and 1e-7 / h */
        for (int c = 0; c < 8; c++) {
            float keep = x[c], up[8], down[8];
            double slope = 0;
            x[c] = keep + h;
            outs.data = up;
            assert_int_equal(d.eval(d.self, ctx, &xs, times, &condition, &outs, NULL), ITO_OK);
            x[c] = keep - h;
            outs.data = down;
            assert_int_equal(d.eval(d.self, ctx, &xs, times, &condition, &outs, NULL), ITO_OK);
            x[c] = keep;
            outs.data = out;
            for (int j = c / 2 * 2; j < c / 2 * 2 + 2; j++)
                slope += (double)dout[j] * ((double)up[j] - (double)down[j]) / (2 * (double)h);
            assert_true(fabs(slope - (double)dx[c]) < 2e-3 * fmax(1, fabs(slope)));
        }
        ito_denoiser_clear(&d);
        assert_null(d.eval);
    }
}

static void test_bad_input(void **state)
{
    (void)state;
    ito_mixture *m;
    const double mean[] = {0}, zero[] = {0}, sd[] = {1}, weight[] = {-1};
    assert_int_equal(
        ito_mixture_create(ctx, &(ito_mixture_options){.dim = 1, .n_components = 1, .mean = mean, .sd = zero}, &m),
        ITO_USAGE);
    assert_int_equal(
        ito_mixture_create(
            ctx, &(ito_mixture_options){.dim = 1, .n_components = 1, .mean = mean, .sd = sd, .weight = weight}, &m),
        ITO_USAGE);
    assert_int_equal(
        ito_mixture_create(ctx, &(ito_mixture_options){.dim = 0, .n_components = 1, .mean = mean, .sd = sd}, &m),
        ITO_USAGE);
    assert_null(m);
    ito_denoiser d;
    float x[3] = {0};
    const double times[] = {1};
    ito_tensor wrong = ito_tensor_view(ITO_F32, ITO_SHAPE(1, 3), x);
    assert_int_equal(ito_mixture_denoiser(ctx, plane, linear, "epsilon", &d), ITO_NOT_FOUND);
    assert_int_equal(ito_mixture_denoiser(ctx, plane, linear, "eps", &d), ITO_OK);
    assert_int_equal(d.eval(d.self, ctx, &wrong, times, NULL, &wrong, NULL), ITO_SHAPE);
    ito_denoiser_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_quadrature),
        cmocka_unit_test(test_score),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_draws_have_the_moments),
        cmocka_unit_test(test_denoiser),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
