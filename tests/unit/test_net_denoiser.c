/* A network run on batches: whether the samples share one timestep, which is then embedded once, or have one each makes no
 * difference beyond rounding, and changing between the two keeps both programs. */
#include <math.h>
#include <stdlib.h>

#include <ito/rng.h>

#include "networks.h"
#include "pipeline/net_denoiser.h"

#define COMMON                                                                                                         \
    "{\"_class_name\": \"UNet2DModel\", \"in_channels\": 1, \"out_channels\": 1, \"norm_num_groups\": 2,"              \
    " \"block_out_channels\": [8, 12], \"layers_per_block\": 1, \"attention_head_dim\": 4,"                            \
    " \"down_block_types\": [\"DownBlock2D\", \"AttnDownBlock2D\"],"                                                   \
    " \"up_block_types\": [\"AttnUpBlock2D\", \"UpBlock2D\"]"
#define N         3
#define SIDE      8
#define SIZE      (SIDE * SIDE)
#define TOLERANCE 1e-5 /* of values of about 1: products of one row and of three round differently */

static const struct config {
    const char *text;
    bool has_label;
} configs[] = {
    {COMMON "}", false},
    {COMMON ", \"num_class_embeds\": 5}", true},
    {COMMON ", \"resnet_time_scale_shift\": \"scale_shift\"}", false},
    {COMMON ", \"time_embedding_type\": \"fourier\"}", false},
    {COMMON ", \"time_embedding_type\": \"learned\", \"num_train_timesteps\": 20}", false},
};

typedef struct fixture {
    ito_ctx *ctx;
    ito_network *network;
    ito_params *weights;
    ito__runner *runner;
    const int32_t *labels;
} fixture;

/* Noise of a size that keeps values near 1; a new network's last layer would be zero. */
static void fill_weights(fixture *f)
{
    for (int i = 0; i < ito_param_list_count(f->network->params); i++) {
        ito_shape shape = ito_param_list_get(f->network->params, i)->shape;
        float *w = ito_params_data(f->weights, i);
        int64_t n = ito_shape_count(shape);
        double scale = shape.n_dims > 1 ? sqrt((double)shape.d[0] / (double)n) : 1;
        ito_rng_normal((ito_rng_key){.seed = 1, .stream = ITO_STREAM_INIT, .sample = (uint64_t)i}, 0, (size_t)n, w);
        for (int64_t k = 0; k < n; k++) w[k] *= (float)scale;
    }
}

static fixture open_config(const struct config *c)
{
    static const int32_t labels[N] = {4, 0, 2};
    fixture f = {.ctx = ctx_open(2), .labels = c->has_label ? labels : NULL};
    f.network = network_open(f.ctx, c->text);
    assert_ok(f.ctx, ito_params_create(f.ctx, f.network->params, ITO_F32, &f.weights));
    fill_weights(&f);
    assert_ok(f.ctx, ito__runner_create(f.ctx, f.network, f.weights, &f.runner));
    return f;
}

static void close_fixture(fixture *f)
{
    ito__runner_destroy(f->runner);
    ito_params_destroy(f->weights);
    ito__network_destroy(f->network);
    ito_ctx_destroy(f->ctx);
}

static void run(fixture *f, const float *t, float *out)
{
    float x[N * SIZE];
    for (int i = 0; i < N * SIZE; i++) x[i] = sinf((float)(7 * i));
    assert_ok(f->ctx,
              ito__runner_run(
                  f->runner,
                  &(ito__runner_batch){.n = N, .h = SIDE, .w = SIDE, .x = x, .t = t, .labels = f->labels, .out = out}));
}

/* The first n samples are the same; the largest difference of the others. */
static double compare(int n, const float *a, const float *b)
{
    double largest = 0;
    for (int i = 0; i < N * SIZE; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (i < n * SIZE && !(d < TOLERANCE)) fail_msg("value %d: %g and %g", i, (double)a[i], (double)b[i]);
        if (i >= n * SIZE) largest = fmax(largest, d);
    }
    return largest;
}

static void test_shared_time(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof configs / sizeof *configs; c++) {
        fixture f = open_config(&configs[c]);
        float shared[N * SIZE], each[N * SIZE], again[N * SIZE];
        run(&f, (const float[]){6, 6, 6}, shared);
        run(&f, (const float[]){6, 6, 17}, each);
        assert_true(compare(2, shared, each) > 100 * TOLERANCE); /* the last sample has another time */
        run(&f, (const float[]){17, 17, 17}, again);
        for (int i = 2 * SIZE; i < N * SIZE; i++) assert_true(fabsf(again[i] - each[i]) < (float)TOLERANCE);
        run(&f, (const float[]){6, 6, 6}, again);
        assert_memory_equal(shared, again, sizeof shared);
        close_fixture(&f);
    }
}

/* ---- as a denoiser ---- */

static const struct config learned = {"{\"_class_name\": \"UNet2DModel\", \"in_channels\": 1, \"out_channels\": 2,"
                                      " \"norm_num_groups\": 2, \"block_out_channels\": [8, 12],"
                                      " \"layers_per_block\": 1, \"down_block_types\": [\"DownBlock2D\","
                                      " \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\"]}",
                                      false};

static ito_tensor images(float *data)
{
    return ito_tensor_view(ITO_F32, ITO_SHAPE(N, SIDE, SIDE, 1), data);
}

/* A kind whose network sees x_t halved. */
static void halved_row(const ito_opts *opts, const ito_level *t, double row[2])
{
    (void)opts;
    (void)t;
    row[0] = 0;
    row[1] = 1;
}

static double halved_scale(const ito_opts *opts, const ito_level *t)
{
    (void)opts;
    (void)t;
    return 0.5;
}

static const ito_prediction_def halved = {
    .choice = {.name = "halved", .summary = "eps of x / 2"}, .row = halved_row, .scale_in = halved_scale};

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < N * SIZE; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static void normal(uint64_t sample, float *out)
{
    ito_rng_normal((ito_rng_key){.seed = 3, .stream = ITO_STREAM_USER, .sample = sample}, 0, N * SIZE, out);
}

/* out and extra are the two channels of the network's own output for half of x; dx is out's derivative along a direction by
 * differences, through the scaling (tolerance: float32 differences over 2e-2). */
static void check_denoiser(const ito_prediction *prediction, float scale)
{
    fixture f = open_config(&learned);
    const double t[N] = {1, 500, 900};
    float x[N * SIZE], away[N * SIZE], dout[N * SIZE], both[2 * N * SIZE], scaled[N * SIZE], labels[N] = {0, 499, 899};
    float o[4][N * SIZE], extra_data[N * SIZE];
    ito_tensor X = images(x), out = images(o[0]), extra = images(extra_data), dx = images(o[1]), d = images(dout);
    ito_process *process;
    ito_denoiser net;
    assert_ok(f.ctx, ito_process_create(f.ctx, "vp-cosine", NULL, &process));
    assert_ok(f.ctx, ito__net_denoiser(f.ctx, f.runner, &(ito__net_use){process, *prediction, false}, false, &net));
    assert_int_equal(net.n_extra, 1);
    normal(1, x);
    normal(2, away);
    normal(3, dout);
    assert_ok(f.ctx, net.eval(net.self, f.ctx, &X, t, NULL, &out, &extra));
    for (int i = 0; i < N * SIZE; i++) scaled[i] = scale * x[i];
    assert_ok(f.ctx,
              ito__runner_run(
                  f.runner, &(ito__runner_batch){.n = N, .h = SIDE, .w = SIDE, .x = scaled, .t = labels, .out = both}));
    for (int i = 0; i < N * SIZE; i++) assert_true(o[0][i] == both[2 * i] && extra_data[i] == both[2 * i + 1]);
    assert_ok(f.ctx, net.vjp(net.self, f.ctx, &X, t, NULL, &d, &out, &dx));
    double along = dot(o[1], away), h = 1e-2;
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < N * SIZE; i++) x[i] += (float)(side ? -2 * h : h) * away[i];
        ito_tensor moved = images(o[2 + side]);
        assert_ok(f.ctx, net.eval(net.self, f.ctx, &X, t, NULL, &moved, NULL));
    }
    double difference = (dot(o[2], dout) - dot(o[3], dout)) / (2 * h);
    assert_true(fabs(along - difference) < 2e-3 * (1 + fabs(difference)));
    ito_denoiser_clear(&net);
    ito_process_destroy(process);
    close_fixture(&f);
}

static void test_denoiser(void **state)
{
    (void)state;
    ito_ctx *ctx = ctx_open(1);
    ito_prediction eps;
    assert_ok(ctx, ito_prediction_find(ctx, "eps", &eps));
    check_denoiser(&eps, 1);
    check_denoiser(&(ito_prediction){.def = &halved}, 0.5f);
    ito_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared_time), cmocka_unit_test(test_denoiser)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
