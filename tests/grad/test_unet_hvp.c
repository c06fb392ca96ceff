/* A Hessian-vector product through a whole U-Net with attention, and through an MLP, in float64 on the reference kernels: the gradient of
 * <dL/dw, v> in w must equal (dL/dw (w + h v) - dL/dw (w - h v)) / 2h. That takes the second derivative of every op in the
 * network at once: convolution with and without stride, group norm, attention, resampling, concatenation, embedding.
 *
 * h = 1e-6: the difference errs by h^2 / 6 third derivatives, here about 4e-9 of the largest element, and by 1e-16 / h =
 * 1e-10 of rounding; held to 1e-7 of the largest element. */
#include "networks.h"
#include "op_cases.h"

#define STEP      1e-6
#define TOLERANCE 1e-7

static const char *const plain =
    "{\"_class_name\": \"UNet2DModel\", \"_zero_init\": false, \"in_channels\": 1, \"out_channels\": 2,"
    " \"block_out_channels\": [4, 6], \"norm_num_groups\": 2, \"layers_per_block\": 1, \"attention_head_dim\": 3,"
    " \"num_class_embeds\": 3, \"down_block_types\": [\"DownBlock2D\", \"AttnDownBlock2D\"],"
    " \"up_block_types\": [\"AttnUpBlock2D\", \"UpBlock2D\"]}";

static const char *const adm =
    "{\"_class_name\": \"UNet2DModel\", \"_zero_init\": false, \"in_channels\": 2, \"out_channels\": 2,"
    " \"block_out_channels\": [4, 6], \"norm_num_groups\": 2, \"layers_per_block\": 1, \"attention_head_dim\": null,"
    " \"resnet_time_scale_shift\": \"scale_shift\", \"downsample_type\": \"resnet\", \"upsample_type\": \"resnet\","
    " \"act_fn\": \"gelu\", \"down_block_types\": [\"AttnDownBlock2D\", \"DownBlock2D\"],"
    " \"up_block_types\": [\"AttnUpBlock2D\", \"ResnetUpsampleBlock2D\"]}";

static const char *const mlp =
    "{\"_class_name\": \"MLP\", \"in_channels\": 3, \"hidden_width\": 6, \"n_blocks\": 2, \"num_class_embeds\": 3,"
    " \"activation\": \"gelu\"}";

typedef struct problem {
    ito_ctx *ctx;
    ito_network *network;
    ito_graph *g;
    ito_net *net;
    ito_arch_inputs in;
    int n; /* parameters */
    ito_value **dw, **v, **hv;
    ito_program *p;
    ito_params *w, *direction;
} problem;

/* L = |y|^2 / 2,  dw = dL/dw,  hv = d <dw, v> / dw. */
static void differentiate(problem *q)
{
    ito_scope root = ito__net_scope(q->net);
    ito_value *y = q->network->arch->build(&root, q->network->config, &q->in);
    ito_value *loss = ito_op_scale(q->g, ito_op_sum(q->g, ito_op_square(q->g, y), ITO_ALL_AXES, false), 0.5, 0);
    assert_ok(q->ctx, ito__net_grad(q->net, loss, q->dw));
    ito_value *slope = ito_op_full(q->g, ITO_F64, ITO_SCALAR, 0);
    for (int i = 0; i < q->n; i++) {
        q->v[i] = ito_graph_input(q->g, "v", ITO_F64, ito_param_list_get(q->network->params, i)->shape);
        slope = ito_op_add(q->g, slope, ito_op_sum(q->g, ito_op_mul(q->g, q->dw[i], q->v[i]), ITO_ALL_AXES, false));
    }
    assert_ok(q->ctx, ito__net_grad(q->net, slope, q->hv));
}

static void compile(problem *q)
{
    ito_value **outputs = calloc((size_t)q->n * 2, sizeof *outputs);
    memcpy(outputs, q->dw, (size_t)q->n * sizeof *outputs);
    memcpy(outputs + q->n, q->hv, (size_t)q->n * sizeof *outputs);
    assert_ok(q->ctx, ito_program_create(q->g, 2 * q->n, outputs, &(ito_program_options){.backend = "ref"}, &q->p));
    assert_ok(q->ctx, ito__net_bind(q->net, q->p, q->w));
    free(outputs);
}

static problem begin(const char *config, int64_t side)
{
    problem q = {.ctx = ctx_open(0)};
    q.network = network_open(q.ctx, config);
    q.n = ito_param_list_count(q.network->params);
    q.dw = calloc((size_t)q.n, sizeof(ito_value *));
    q.v = calloc((size_t)q.n, sizeof(ito_value *));
    q.hv = calloc((size_t)q.n, sizeof(ito_value *));
    assert_ok(q.ctx, ito_params_create(q.ctx, q.network->params, ITO_F64, &q.w));
    assert_ok(q.ctx, ito_params_create(q.ctx, q.network->params, ITO_F64, &q.direction));
    ito_params_init(q.w, 1);
    assert_ok(q.ctx, ito_graph_create(q.ctx, &q.g));
    assert_ok(q.ctx, ito__net_create(q.g, q.network->params, ITO_F64, false, &q.net));
    q.in = ito__network_inputs(q.network, q.g, ITO_F64, 2, side, side);
    differentiate(&q);
    compile(&q);
    return q;
}

static void end(problem *q)
{
    ito_program_destroy(q->p);
    ito__net_destroy(q->net);
    ito_graph_destroy(q->g);
    ito_params_destroy(q->w);
    ito_params_destroy(q->direction);
    ito__network_destroy(q->network);
    ito_ctx_destroy(q->ctx);
    free(q->dw);
    free(q->v);
    free(q->hv);
}

static void write_random(problem *q, const ito_value *v, uint64_t seed, double low, double high)
{
    int64_t n = ito_shape_count(ito_value_shape(v));
    double *x = calloc((size_t)n + 1, sizeof *x);
    random_doubles(seed, n, low, high, x);
    write_doubles(q->p, q->ctx, v, x);
    free(x);
}

static void write_inputs_of(problem *q)
{
    write_random(q, q->in.x, 11, -1, 1);
    write_random(q, q->in.t, 12, 0, 1000);
    if (q->in.label) write_random(q, q->in.label, 13, 0, 3);
    for (int i = 0; i < q->n; i++) {
        int64_t count = ito_param_list_get(q->network->params, i)->count;
        double *v = ito_params_data(q->direction, i);
        random_doubles(100u + (unsigned)i, count, -1, 1, v);
        assert_ok(q->ctx, ito_program_write(q->p, q->v[i], v));
    }
}

/* Runs with the weights moved by h along the direction. */
static void run_at(problem *q, double h)
{
    int64_t size = ito_param_list_size(q->network->params);
    double *w = ito_params_flat(q->w);
    const double *v = ito_params_flat(q->direction);
    for (int64_t i = 0; i < size; i++) w[i] += h * v[i];
    assert_ok(q->ctx, ito_program_run(q->p));
    for (int64_t i = 0; i < size; i++) w[i] -= h * v[i];
}

static void check(const char *config, int64_t side)
{
    problem q = begin(config, side);
    double **plus = calloc((size_t)q.n, sizeof *plus), largest = 0, worst = 0;
    write_inputs_of(&q);
    run_at(&q, STEP);
    for (int i = 0; i < q.n; i++) plus[i] = read_doubles(q.p, q.ctx, q.dw[i]);
    run_at(&q, -STEP);
    for (int i = 0; i < q.n; i++) {
        double *minus = read_doubles(q.p, q.ctx, q.dw[i]);
        int64_t count = ito_param_list_get(q.network->params, i)->count;
        for (int64_t k = 0; k < count; k++) plus[i][k] = (plus[i][k] - minus[k]) / (2 * STEP);
        free(minus);
    }
    run_at(&q, 0);
    for (int i = 0; i < q.n; i++) {
        double *hv = read_doubles(q.p, q.ctx, q.hv[i]);
        int64_t count = ito_param_list_get(q.network->params, i)->count;
        for (int64_t k = 0; k < count; k++) {
            largest = fmax(largest, fabs(hv[k]));
            worst = fmax(worst, fabs(hv[k] - plus[i][k]));
        }
        free(hv);
        free(plus[i]);
    }
    print_message("  largest element %.3g, largest difference %.3g\n", largest, worst);
    assert_true(largest > 1e-3);
    assert_true(worst <= TOLERANCE * largest);
    free(plus);
    end(&q);
}

static void test_attention_unet(void **state)
{
    (void)state;
    check(plain, 4);
}

static void test_adm_unet(void **state)
{
    (void)state;
    check(adm, 4);
}

static void test_mlp(void **state)
{
    (void)state;
    check(mlp, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_unet),
        cmocka_unit_test(test_adm_unet),
        cmocka_unit_test(test_mlp),
    };
    return cmocka_run_group_tests_name("U-Net Hessian-vector products", tests, NULL, NULL);
}
