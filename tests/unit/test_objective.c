/* The denoising loss against its formula in double, for every prediction at several noise levels. */
#include <ito/prediction.h>
#include <ito/process.h>

#include "objective/denoise.h"
#include "op_cases.h"

enum { N = 3, H = 4, W = 5, C = 2, SIZE = H * W * C };

typedef struct sample {
    double x0[SIZE], eps[SIZE], output[SIZE];
    float coef[ITO_DENOISE_COLUMNS];
} sample;

static void fill(const ito_prediction *prediction, const ito_process *process, sample *s)
{
    for (int i = 0; i < N; i++) {
        random_doubles(10u + (unsigned)i, SIZE, -1, 1, s[i].x0);
        random_doubles(20u + (unsigned)i, SIZE, -2, 2, s[i].eps);
        random_doubles(30u + (unsigned)i, SIZE, -1, 1, s[i].output);
        ito_level level = ito_process_level(process, 1 + 400 * i);
        ito_prediction_map map = ito_prediction_map_at(prediction, &level);
        float coef[] = {(float)level.signal, (float)level.sigma, (float)map.out_x0, (float)map.out_eps};
        memcpy(s[i].coef, coef, sizeof coef);
    }
}

/* EQ[survey:3] EQ[survey:19] EQ[survey:20] EQ[ddpm:14], tolerance 1e-6: float32 sums of 40 terms. */
static void check_prediction(const char *name)
{
    ito_ctx *ctx = ctx_open(0);
    ito_graph *g;
    ito_process *process;
    ito_prediction prediction;
    ito_program *p;
    sample s[N];
    assert_ok(ctx, ito_process_create(ctx, "vp-cosine", NULL, &process));
    assert_ok(ctx, ito_prediction_find(ctx, name, &prediction));
    assert_ok(ctx, ito_graph_create(ctx, &g));
    fill(&prediction, process, s);
    ito_denoise d = ito__denoise_begin(g, ITO_SHAPE(N, H, W, C));
    ito_value *output = ito_graph_input(g, "output", ITO_F32, ITO_SHAPE(N, H, W, C));
    ito_value *values[] = {ito__denoise_loss(g, &d, output), d.x_t};
    assert_ok(ctx, ito_program_create(g, 2, values, NULL, &p));
    double x0[N * SIZE], eps[N * SIZE], out[N * SIZE], coef[N * ITO_DENOISE_COLUMNS];
    for (int i = 0; i < N; i++) {
        memcpy(x0 + i * SIZE, s[i].x0, sizeof s[i].x0);
        memcpy(eps + i * SIZE, s[i].eps, sizeof s[i].eps);
        memcpy(out + i * SIZE, s[i].output, sizeof s[i].output);
        for (int k = 0; k < ITO_DENOISE_COLUMNS; k++) coef[i * ITO_DENOISE_COLUMNS + k] = (double)s[i].coef[k];
    }
    write_doubles(p, ctx, d.x0, x0);
    write_doubles(p, ctx, d.eps, eps);
    write_doubles(p, ctx, d.coef, coef);
    write_doubles(p, ctx, output, out);
    assert_ok(ctx, ito_program_run(p));
    double *loss = read_doubles(p, ctx, values[0]), *x_t = read_doubles(p, ctx, d.x_t);
    for (int i = 0; i < N; i++) {
        const float *c = s[i].coef;
        double sum = 0;
        for (int k = 0; k < SIZE; k++) {
            double target = (double)c[ITO_DENOISE_OUT_X0] * s[i].x0[k] + (double)c[ITO_DENOISE_OUT_EPS] * s[i].eps[k];
            double noised = (double)c[ITO_DENOISE_SIGNAL] * s[i].x0[k] + (double)c[ITO_DENOISE_SIGMA] * s[i].eps[k];
            sum += (s[i].output[k] - target) * (s[i].output[k] - target);
            assert_true(fabs(x_t[i * SIZE + k] - noised) <= 1e-6);
        }
        assert_true(fabs(loss[i] - sum / SIZE) <= 1e-6 * sum);
    }
    free(loss);
    free(x_t);
    ito_program_destroy(p);
    ito_graph_destroy(g);
    ito_process_destroy(process);
    ito_ctx_destroy(ctx);
}

static void test_predictions(void **state)
{
    (void)state;
    check_prediction("eps");
    check_prediction("x0");
    check_prediction("v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_predictions)};
    return cmocka_run_group_tests_name("objective", tests, NULL, NULL);
}
