/* UNet2DModel as a network: its parameter list, fresh weights, what it refuses, dropout per sample. That its numbers are
 * diffusers' is golden/test_unet. */
#include "network_fixture.h"
#include "op_cases.h"

#define SMALL                                                                                                          \
    "\"_class_name\": \"UNet2DModel\", \"in_channels\": 1, \"out_channels\": 1, \"norm_num_groups\": 2,"               \
    " \"block_out_channels\": [4, 6], \"layers_per_block\": 1, \"down_block_types\": [\"DownBlock2D\","                \
    " \"AttnDownBlock2D\"], \"attention_head_dim\": 3, \"up_block_types\": [\"AttnUpBlock2D\", \"UpBlock2D\"]"

static fixture open_config(const char *text)
{
    return open_with_threads(text, 0);
}

static void build(fixture *f, int64_t n, int64_t height, int64_t width)
{
    ito_scope root = ito__net_scope(f->net);
    f->in = ito__network_inputs(f->network, f->g, ITO_F32, n, height, width);
    f->y = f->network->arch->build(&root, f->network->config, &f->in);
}

/* Counts that diffusers gives for the same configs. */
static void test_parameter_counts(void **state)
{
    (void)state;
    fixture f = open_config("{" SMALL "}");
    const ito_param *p;
    assert_int_equal(ito_param_list_n_weights(f.network->params), 7787);
    for (int i = 0; i < ito_param_list_count(f.network->params); i++) {
        p = ito_param_list_get(f.network->params, i);
        assert_int_equal(p->decay, strstr(p->name, "bias") == NULL && strstr(p->name, "norm") == NULL);
    }
    assert_int_equal(ito__network_find_param(f.network, "mid_block.attentions.0.proj_attn.weight"),
                     ito_param_list_find(f.network->params, "mid_block.attentions.0.to_out.0.weight"));
    assert_true(ito__network_find_param(f.network, "mid_block.attentions.0.query.bias") >= 0);
    assert_int_equal(ito__network_find_param(f.network, "mid_block.attentions.1.query.bias"), -1);
    close_fixture(&f);
}

static void test_ddpm_cifar10(void **state)
{
    (void)state;
    fixture f = open_config(
        "{\"_class_name\": \"UNet2DModel\", \"block_out_channels\": [128, 256, 256, 256], \"layers_per_block\": 2,"
        " \"attention_head_dim\": null, \"down_block_types\": [\"DownBlock2D\", \"AttnDownBlock2D\", \"DownBlock2D\","
        " \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\", \"AttnUpBlock2D\", \"UpBlock2D\"]}");
    assert_int_equal(ito_param_list_n_weights(f.network->params), 35746307);
    close_fixture(&f);
}

/* By default the last convolutions start at zero, so a fresh network predicts exactly zero; without, it does not. */
static void test_fresh_weights(void **state)
{
    (void)state;
    const char *const configs[] = {"{" SMALL "}", "{" SMALL ", \"_zero_init\": false}"};
    for (int i = 0; i < 2; i++) {
        fixture f = open_config(configs[i]);
        double x[32], t[2] = {3, 500}, most = 0;
        random_doubles(5, 32, -1, 1, x);
        build(&f, 2, 4, 4);
        compile(&f);
        write_doubles(f.p, f.ctx, f.in.x, x);
        write_doubles(f.p, f.ctx, f.in.t, t);
        assert_ok(f.ctx, ito_program_run(f.p));
        double *y = read_doubles(f.p, f.ctx, f.y);
        for (int k = 0; k < 32; k++) most = fmax(most, fabs(y[k]));
        assert_true(i ? most > 0.01 && most < 10 : most == 0);
        free(y);
        close_fixture(&f);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    fixture f = open_config("{" SMALL "}");
    build(&f, 1, 5, 4);
    assert_int_equal(ito_graph_status(f.g), ITO_SHAPE);
    assert_non_null(strstr(ito_last_error(f.ctx), "multiples of 2"));
    close_fixture(&f);

    f = open_config("{" SMALL ", \"num_class_embeds\": 4}");
    f.in = ito__network_inputs(f.network, f.g, ITO_F32, 1, 4, 4);
    assert_int_equal(ito_value_dtype(f.in.label), ITO_I32);
    f.in.label = NULL;
    ito_scope root = ito__net_scope(f.net);
    f.network->arch->build(&root, f.network->config, &f.in);
    assert_int_equal(ito_graph_status(f.g), ITO_USAGE);
    close_fixture(&f);
}

/* What dropout does to a sample depends on its key, not on where it stands in the batch. */
static void test_dropout_is_keyed_per_sample(void **state)
{
    (void)state;
    const int n[2] = {2, 1};
    int32_t keys[8] = {7, 0, 40, 3, 7, 0, 41, 3}; /* seed, seed, sample, step */
    double x[32], t[2] = {100, 100}, *y[2];
    random_doubles(5, 16, -1, 1, x);
    memcpy(x + 16, x, 16 * sizeof *x);
    for (int i = 0; i < 2; i++) {
        fixture f = open_config("{" SMALL ", \"_zero_init\": false, \"dropout\": 0.5}");
        f.net->training = true;
        f.net->keys = ito_graph_input(f.g, "keys", ITO_I32, ITO_SHAPE(n[i], 4));
        build(&f, n[i], 4, 4);
        compile(&f);
        write_doubles(f.p, f.ctx, f.in.x, x);
        write_doubles(f.p, f.ctx, f.in.t, t);
        assert_ok(f.ctx, ito_program_write(f.p, f.net->keys, keys + (i ? 4 : 0)));
        assert_ok(f.ctx, ito_program_run(f.p));
        y[i] = read_doubles(f.p, f.ctx, f.y);
        close_fixture(&f);
    }
    double same = 0, other = 0;
    for (int k = 0; k < 16; k++) {
        same = fmax(same, fabs(y[0][16 + k] - y[1][k]));
        other = fmax(other, fabs(y[0][k] - y[0][16 + k]));
    }
    assert_true(same <= 1e-5); /* another batch may be cut otherwise: rounding only */
    assert_true(other > 1e-2);
    free(y[0]);
    free(y[1]);
}

/* The gradients of every weight, as one flat set, computed with so many threads. The caller frees. */
static float *gradients(int n_threads, int64_t *size)
{
    fixture f = open_with_threads("{" SMALL ", \"_zero_init\": false}", n_threads);
    int n = ito_param_list_count(f.network->params);
    ito_value **dw = calloc((size_t)n, sizeof *dw);
    ito_params *flat;
    double x[3 * 64], t[3] = {3, 500, 999};
    random_doubles(5, 3 * 64, -1, 1, x);
    build(&f, 3, 8, 8);
    ito_value *loss = ito_op_sum(f.g, ito_op_square(f.g, f.y), ITO_ALL_AXES, false);
    assert_ok(f.ctx, ito__net_grad(f.net, loss, dw));
    assert_ok(f.ctx, ito_params_create(f.ctx, f.network->params, ITO_F32, &flat));
    assert_ok(f.ctx, ito_program_create(f.g, n, dw, &(ito_program_options){.n_bound = n}, &f.p));
    assert_ok(f.ctx, ito__net_bind(f.net, f.p, f.weights));
    for (int i = 0; i < n; i++) assert_ok(f.ctx, ito_program_bind(f.p, dw[i], ito_params_data(flat, i)));
    write_doubles(f.p, f.ctx, f.in.x, x);
    write_doubles(f.p, f.ctx, f.in.t, t);
    assert_ok(f.ctx, ito_program_run(f.p));
    *size = ito_param_list_size(f.network->params);
    float *out = calloc((size_t)*size, sizeof *out);
    memcpy(out, ito_params_flat(flat), (size_t)*size * sizeof *out);
    ito_params_destroy(flat);
    free(dw);
    close_fixture(&f);
    return out;
}

static void test_gradients_do_not_depend_on_threads(void **state)
{
    (void)state;
    const int n_threads[] = {2, 3, 8};
    int64_t size, size_again;
    float *one = gradients(1, &size);
    for (int i = 0; i < 3; i++) {
        float *many = gradients(n_threads[i], &size_again);
        assert_int_equal(size, size_again);
        assert_memory_equal(one, many, (size_t)size * sizeof *one);
        free(many);
    }
    free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_counts),
        cmocka_unit_test(test_ddpm_cifar10),
        cmocka_unit_test(test_fresh_weights),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_dropout_is_keyed_per_sample),
        cmocka_unit_test(test_gradients_do_not_depend_on_threads),
    };
    return cmocka_run_group_tests_name("U-Net", tests, NULL, NULL);
}
