/* Self-conditioning: what the training graph feeds its second pass, who gets gradients of it, what samplers and guidance hand on, and
 * what a network makes of it. */
#include <math.h>

#include <ito/guidance.h>
#include <ito/ops.h>
#include <ito/rng.h>
#include <ito/sampler.h>

#include "networks.h"
#include "objective/extras.h"
#include "pipeline/net_denoiser.h"

enum { N = 3, SIDE = 4, SIZE = SIDE * SIDE };

static void normal(uint64_t sample, int n, float *out)
{
    ito_rng_normal((ito_rng_key){.seed = 3, .stream = ITO_STREAM_USER, .sample = sample}, 0, (size_t)n, out);
}

/* ---- in training ---- */

typedef struct training {
    ito_ctx *ctx;
    ito_graph *g;
    ito_denoise d;
    ito_value *output, *seen;
    float x0[N * SIZE], eps[N * SIZE], out[N * SIZE], columns[N * ITO_DENOISE_COLUMNS];
} training;

/* The second sample is one of those that see nothing. */
static training open_training(double limit)
{
    training f = {.ctx = ctx_open(1)};
    ito_process *process;
    ito_denoise_setup setup = {0};
    assert_ok(f.ctx, ito_process_create(f.ctx, "vp-cosine", NULL, &process));
    setup.process = process;
    assert_ok(f.ctx, ito_prediction_find(f.ctx, "v", &setup.prediction));
    assert_ok(f.ctx, ito_weighting_find(f.ctx, "simple", &setup.weighting.def));
    for (int i = 0; i < N; i++) {
        float *row = f.columns + i * ITO_DENOISE_COLUMNS;
        assert_ok(f.ctx, ito__denoise_columns(f.ctx, &setup, 100 + 400 * i, 1, row));
        assert_true(row[ITO_DENOISE_SEES_X0] == 0);
        row[ITO_DENOISE_SEES_X0] = i != 1;
    }
    ito_process_destroy(process);
    assert_ok(f.ctx, ito_graph_create(f.ctx, &f.g));
    f.d = ito__denoise_begin(f.g, ITO_SHAPE(N, SIDE, SIDE, 1), false, false);
    f.output = ito_graph_input(f.g, "output", ITO_F32, ITO_SHAPE(N, SIDE, SIDE, 1));
    f.seen = ito__self_condition(f.g, &f.d, f.output, limit);
    normal(1, N * SIZE, f.x0);
    normal(2, N * SIZE, f.eps);
    normal(3, N * SIZE, f.out);
    return f;
}

static ito_program *run_training(training *f, int n, ito_value **outputs)
{
    ito_program *p;
    assert_ok(f->ctx, ito_program_create(f->g, n, outputs, NULL, &p));
    assert_ok(f->ctx, ito_program_write(p, f->d.x0, f->x0));
    assert_ok(f->ctx, ito_program_write(p, f->d.eps, f->eps));
    assert_ok(f->ctx, ito_program_write(p, f->output, f->out));
    assert_ok(f->ctx, ito_program_write(p, f->d.coef, f->columns));
    assert_ok(f->ctx, ito_program_run(p));
    return p;
}

/* EQ[chen23:a1]; x_0 = signal x_t - sigma v. */
static void test_second_pass(void **state)
{
    (void)state;
    for (int limit = 0; limit < 2; limit++) {
        training f = open_training(limit);
        ito_value *none = ito__self_condition(f.g, &f.d, NULL, limit);
        ito_program *p = run_training(&f, 2, (ito_value *[]){f.seen, none});
        float seen[2 * N * SIZE], nothing[2 * N * SIZE];
        assert_ok(f.ctx, ito_program_read(p, f.seen, seen));
        assert_ok(f.ctx, ito_program_read(p, none, nothing));
        for (int i = 0; i < N * SIZE; i++) {
            const float *row = f.columns + i / SIZE * ITO_DENOISE_COLUMNS;
            double a = (double)row[ITO_DENOISE_SIGNAL], b = (double)row[ITO_DENOISE_SIGMA];
            double x = a * (double)f.x0[i] + b * (double)f.eps[i], x0 = a * x - b * (double)f.out[i];
            if (limit) x0 = fmin(fmax(x0, -limit), limit);
            if (i / SIZE == 1) x0 = 0;
            assert_true(fabs((double)seen[2 * i] - x) < 1e-5 && fabs((double)seen[2 * i + 1] - x0) < 1e-5);
            assert_true(nothing[2 * i] == seen[2 * i] && nothing[2 * i + 1] == 0);
        }
        ito_program_destroy(p);
        ito_graph_destroy(f.g);
        ito_ctx_destroy(f.ctx);
    }
}

/* The first pass learns nothing from the second. */
static void test_gradient_stops(void **state)
{
    (void)state;
    training f = open_training(0);
    ito_value *loss = ito_op_mean(f.g, ito_op_square(f.g, f.seen), ITO_ALL_AXES, false), *grads[2];
    assert_ok(f.ctx, ito_graph_grad(f.g, 1, &loss, NULL, 2, (ito_value *[]){f.output, f.d.eps}, grads));
    ito_program *p = run_training(&f, 2, grads);
    float of_output[N * SIZE], of_eps[N * SIZE];
    assert_ok(f.ctx, ito_program_read(p, grads[0], of_output));
    assert_ok(f.ctx, ito_program_read(p, grads[1], of_eps));
    for (int i = 0; i < N * SIZE; i++) assert_true(of_output[i] == 0 && of_eps[i] != 0);
    ito_program_destroy(p);
    ito_graph_destroy(f.g);
    ito_ctx_destroy(f.ctx);
}

/* ---- in sampling ---- */

/* Thinks x_0 is x / 2 + half of what it was told, and says what it was told in every row. */
typedef struct half {
    int calls, told;
    int64_t rows;
} half;

static ito_status half_eval(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *c,
                            ito_tensor *out, ito_tensor *extra)
{
    half *h = self;
    const ito_tensor *x0 = ito_condition_get(c, ITO_CONDITION_X0);
    int64_t n = ito_shape_count(x->shape);
    (void)ctx;
    (void)t;
    (void)extra;
    if (x0) assert_true(ito_shape_equal(x0->shape, x->shape));
    for (int64_t i = 0; i < n; i++)
        ((float *)out->data)[i] = 0.5f * ((const float *)x->data)[i] + (x0 ? 0.5f * ((const float *)x0->data)[i] : 0);
    h->calls++;
    h->told += x0 != NULL;
    h->rows += x->shape.d[0];
    return ITO_OK;
}

/* DDIM written out with the recurrence of the estimates; clipped, the clipped estimate is handed on. */
static void check_hand_over(ito_ctx *ctx, const ito_process *process, const ito_denoiser *d, double limit, half *h)
{
    float start[N], x[N];
    const double times[] = {900, 700, 400, 150, 50};
    enum { STEPS = 5 };
    for (int i = 0; i < N; i++) start[i] = (float)i - 0.7f;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1), x);
    ito_sample_options o = {.n_steps = STEPS, .times = times, .start = start, .clip = limit > 0 ? "static" : NULL};
    *h = (half){0};
    assert_ok(ctx, ito_sample(ctx, process, d, NULL, &o, &xs));
    assert_int_equal(h->calls, STEPS);
    assert_int_equal(h->told, STEPS - 1);
    for (int i = 0; i < N; i++) {
        double state = (double)start[i], x0 = 0;
        for (int k = 0; k < STEPS; k++) {
            ito_level t = ito_process_level(process, times[k]);
            ito_level s = ito_process_level(process, k + 1 < STEPS ? times[k + 1] : 0);
            x0 = 0.5 * state + 0.5 * x0;
            if (limit > 0) x0 = fmin(fmax(x0, -limit), limit);
            state = s.signal * x0 + s.sigma * (state - t.signal * x0) / t.sigma;
        }
        assert_true(fabs((double)x[i] - state) < 1e-5);
    }
}

static void test_samplers_hand_on(void **state)
{
    ito_ctx *ctx = *state;
    ito_process *process;
    half h;
    ito_denoiser d = {.self = &h, .eval = half_eval, .takes_x0 = true}, guided;
    assert_ok(ctx, ito_process_create(ctx, "vp-cosine", NULL, &process));
    assert_ok(ctx, ito_prediction_find(ctx, "x0", &d.prediction));
    check_hand_over(ctx, process, &d, 0, &h);
    check_hand_over(ctx, process, &d, 1, &h);
    for (int scale = 0; scale <= 3; scale++) { /* it has no condition else, so that both halves agree */
        assert_ok(ctx, ito_guidance_cfg(ctx, &d, NULL, scale, &guided));
        assert_true(guided.takes_x0);
        check_hand_over(ctx, process, &guided, 0, &h);
        assert_int_equal(h.rows, 5 * N * (scale > 1 ? 2 : 1));
        ito_denoiser_clear(&guided);
    }
    d.takes_x0 = false; /* who does not ask is not told */
    float x[N];
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(N, 1), x);
    h = (half){0};
    assert_ok(ctx, ito_sample(ctx, process, &d, NULL, &(ito_sample_options){.n_steps = 4}, &xs));
    assert_true(h.calls == 4 && h.told == 0);
    ito_process_destroy(process);
}

/* ---- in a network ---- */

#define CONFIG                                                                                                         \
    "{\"_class_name\": \"UNet2DModel\", \"in_channels\": 2, \"out_channels\": 2, \"norm_num_groups\": 2,"              \
    " \"block_out_channels\": [4, 8], \"layers_per_block\": 1, \"down_block_types\": [\"DownBlock2D\","                \
    " \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\"]}"

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < N * SIZE; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

typedef struct net {
    ito_ctx *ctx;
    ito_network *network;
    ito_params *weights;
    ito__runner *runner;
    ito_process *process;
    ito_denoiser d;
} net;

/* edm scales what the network sees of x_t, not of x_0. */
static net open_net(void)
{
    net f = {.ctx = ctx_open(2)};
    f.network = network_open(f.ctx, CONFIG);
    assert_ok(f.ctx, ito_params_create(f.ctx, f.network->params, ITO_F32, &f.weights));
    for (int i = 0; i < ito_param_list_count(f.network->params); i++) {
        int64_t n = ito_shape_count(ito_param_list_get(f.network->params, i)->shape);
        float *w = ito_params_data(f.weights, i);
        normal(100 + (uint64_t)i, (int)n, w);
        for (int64_t k = 0; k < n; k++) w[k] *= 0.3f;
    }
    assert_ok(f.ctx, ito__runner_create(f.ctx, f.network, f.weights, &f.runner));
    assert_ok(f.ctx, ito_process_create(f.ctx, "edm", NULL, &f.process));
    ito__net_use use = {.process = f.process, .takes_x0 = true};
    assert_ok(f.ctx, ito_prediction_find(f.ctx, "edm", &use.prediction));
    assert_ok(f.ctx, ito__net_denoiser(f.ctx, f.runner, &use, false, &f.d));
    return f;
}

static void close_net(net *f)
{
    ito_denoiser_clear(&f->d);
    ito_process_destroy(f->process);
    ito__runner_destroy(f->runner);
    ito_params_destroy(f->weights);
    ito__network_destroy(f->network);
    ito_ctx_destroy(f->ctx);
}

static ito_tensor images(float *data)
{
    return ito_tensor_view(ITO_F32, ITO_SHAPE(N, SIDE, SIDE, 1), data);
}

/* The network's own output for channels side by side, and the first channel's derivative along a direction by differences. */
static void test_network_sees_it(void **state)
{
    (void)state;
    net f = open_net();
    const double t[N] = {0.1, 1, 20};
    float x[N * SIZE], x0[N * SIZE], both[2 * N * SIZE], labels[N], all[2 * N * SIZE], dout[N * SIZE], away[N * SIZE];
    float o[4][N * SIZE], more[N * SIZE];
    ito_condition condition = {0};
    ito_tensor X = images(x), out = images(o[0]), extra = images(more), dx = images(o[1]), direction = images(dout);
    assert_true(f.d.takes_x0);
    assert_int_equal(f.d.n_extra, 1);
    normal(1, N * SIZE, x);
    normal(2, N * SIZE, x0);
    normal(3, N * SIZE, dout);
    normal(4, N * SIZE, away);
    assert_ok(f.ctx, ito_condition_add(f.ctx, &condition, ITO_CONDITION_X0, images(x0)));
    for (int told = 0; told < 2; told++) {
        const ito_condition *c = told ? &condition : NULL;
        assert_ok(f.ctx, f.d.eval(f.d.self, f.ctx, &X, t, c, &out, &extra));
        for (int i = 0; i < N * SIZE; i++) {
            ito_level level = ito_process_level(f.process, t[i / SIZE]);
            labels[i / SIZE] = (float)ito_process_label(f.process, level.t);
            both[2 * i] = (float)ito_prediction_scale_in(&f.d.prediction, &level) * x[i];
            both[2 * i + 1] = told ? x0[i] : 0;
        }
        const ito__runner_batch batch = {.n = N, .h = SIDE, .w = SIDE, .x = both, .t = labels, .out = all};
        assert_ok(f.ctx, ito__runner_run(f.runner, &batch));
        for (int i = 0; i < N * SIZE; i++) assert_true(o[0][i] == all[2 * i] && more[i] == all[2 * i + 1]);
        assert_ok(f.ctx, f.d.vjp(f.d.self, f.ctx, &X, t, c, &direction, &out, &dx));
        double along = dot(o[1], away), step = 1e-2;
        for (int side = 0; side < 2; side++) {
            float moved[N * SIZE];
            for (int i = 0; i < N * SIZE; i++) moved[i] = x[i] + (float)(side ? -step : step) * away[i];
            ito_tensor from = images(moved), to = images(o[2 + side]);
            assert_ok(f.ctx, f.d.eval(f.d.self, f.ctx, &from, t, c, &to, NULL));
        }
        double difference = (dot(o[2], dout) - dot(o[3], dout)) / (2 * step);
        assert_true(fabs(along - difference) < 5e-3 * (1 + fabs(difference)));
    }
    close_net(&f);
}

static void test_mistakes(void **state)
{
    (void)state;
    net f = open_net();
    const double t[N] = {1, 1, 1};
    float data[2 * N * SIZE] = {0}, o[N * SIZE];
    ito_tensor wide = ito_tensor_view(ITO_F32, ITO_SHAPE(N, SIDE, SIDE, 2), data), x = images(data), out = images(o);
    ito_condition condition = {0};
    assert_ok(f.ctx, ito_condition_add(f.ctx, &condition, ITO_CONDITION_X0, wide));
    assert_fails(f.ctx, ITO_SHAPE, "expects images [n, H, W, 1]",
                 f.d.eval(f.d.self, f.ctx, &wide, t, NULL, &out, NULL));
    assert_fails(f.ctx, ITO_SHAPE, "x0 must be f32 of the samples' shape",
                 f.d.eval(f.d.self, f.ctx, &x, t, &condition, &out, NULL));
    close_net(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_pass),
        cmocka_unit_test(test_gradient_stops),
        cmocka_unit_test_setup_teardown(test_samplers_hand_on, ctx_setup, ctx_teardown),
        cmocka_unit_test(test_network_sees_it),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
