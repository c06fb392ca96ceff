/* The denoising error of the exact denoiser of Gaussian data, whose value at every level is known. */
#include "exact/processes.h"

#include <math.h>

#include <ito/metric.h>
#include <ito/mixture.h>

enum { N = 400, DIM = 4, TIMES = 200 };

/* EQ[ddpm:14]: data N(0, s^2), eps guessed from x_t with the error signal^2 s^2 / (signal^2 s^2 + sigma^2). The mean over times is
 * within 5 of its standard errors: a sample's error is a mean of TIMES times DIM squares. */
static void test_gaussian(void **state)
{
    (void)state;
    const double mean[DIM] = {0}, sd[DIM] = {0.5, 0.5, 0.5, 0.5};
    ito_mixture *data;
    ito_denoiser exact;
    float x[N * DIM];
    double error[N], again[N], want = 0, got = 0, squares = 0;
    assert_ok(ctx, ito_mixture_create(
                       ctx, &(ito_mixture_options){.dim = DIM, .n_components = 1, .mean = mean, .sd = sd}, &data));
    assert_ok(ctx, ito_mixture_denoiser(ctx, data, cosine, "eps", &exact));
    ito_mixture_draw(data, ITO_MIXTURE_ALL, 3, 0, N, x);
    ito_tensor all = ito_tensor_view(ITO_F32, ITO_SHAPE(N, DIM), x);
    const ito_denoising_options o = {.n_times = TIMES, .seed = 9};
    assert_ok(ctx, ito_denoising_error(ctx, cosine, &exact, &all, NULL, &o, error));
    for (int t = 1; t <= 1000; t++) {
        ito_level l = ito_process_level(cosine, t);
        double power = l.signal * l.signal * 0.25;
        want += power / (power + l.sigma * l.sigma) / 1000;
    }
    for (int i = 0; i < N; i++) {
        got += error[i] / N;
        squares += error[i] * error[i] / N;
    }
    double se = sqrt((squares - got * got) / N);
    assert_true(se < 0.01 && fabs(got - want) < 5 * se);
    /* a part of the batch gives the same numbers */
    uint64_t samples[3] = {7, 8, 9};
    ito_tensor part = ito_tensor_view(ITO_F32, ITO_SHAPE(3, DIM), x + 7 * DIM);
    ito_denoising_options of_part = o;
    of_part.samples = samples;
    assert_ok(ctx, ito_denoising_error(ctx, cosine, &exact, &part, NULL, &of_part, again));
    for (int i = 0; i < 3; i++) assert_true(again[i] == error[7 + i]);
    ito_denoiser_clear(&exact);
    ito_mixture_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gaussian)};
    return cmocka_run_group_tests(tests, processes_setup, processes_teardown);
}
