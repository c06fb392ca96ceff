/* The MLP: its parameters, what it refuses, one time for all, and that what is saved opens again with the same bits. */
#include "network_fixture.h"
#include "op_cases.h"
#include "scratch.h"

#include <ito/model.h>
#include <ito/train.h>

#include "pipeline/model_dir.h"

#define SMALL "\"_class_name\": \"MLP\", \"in_channels\": 3, \"hidden_width\": 8, \"n_blocks\": 2"

static fixture open_config(const char *text)
{
    return open_with_threads(text, 2);
}

static void build(fixture *f)
{
    ito_scope root = ito__net_scope(f->net);
    f->y = f->network->arch->build(&root, f->network->config, &f->in);
}

/* Counted by hand: two layers of the time embedding, linear_in, in each block a norm, linear_1, emb_proj and linear_2, the last
 * norm and linear_out; with labels a table of 5 rows. */
static void test_parameters(void **state)
{
    (void)state;
    const int64_t square = 8 * 8 + 8, expected = 2 * square + (3 * 8 + 8) + 2 * (16 + 3 * square) + 16 + (8 * 3 + 3);
    fixture f = open_config("{" SMALL "}");
    assert_int_equal(ito_param_list_n_weights(f.network->params), expected);
    for (int i = 0; i < ito_param_list_count(f.network->params); i++) {
        const ito_param *p = ito_param_list_get(f.network->params, i);
        assert_int_equal(p->decay, strstr(p->name, "bias") == NULL && strstr(p->name, "norm") == NULL);
    }
    assert_true(ito_param_list_find(f.network->params, "blocks.1.emb_proj.weight") >= 0);
    assert_true(f.network->info.takes_time && f.network->info.height == 1 && f.network->info.width == 1);
    close_fixture(&f);
    f = open_config("{" SMALL ", \"num_class_embeds\": 5}");
    assert_int_equal(ito_param_list_n_weights(f.network->params), expected + 5 * 8);
    assert_int_equal(f.network->info.n_labels, 5);
    close_fixture(&f);
}

static void test_config_round_trip(void **state)
{
    (void)state;
    fixture f = open_config("{" SMALL ", \"out_channels\": 4, \"activation\": \"gelu\", \"time_scale\": 25.5,"
                            " \"num_class_embeds\": 7, \"sample_size\": 1}");
    json_t *first, *second;
    ito_network *again;
    assert_ok(f.ctx, f.network->arch->write(f.ctx, f.network->config, &first));
    assert_ok(f.ctx, ito__network_create(f.ctx, "again", first, &again));
    assert_ok(f.ctx, again->arch->write(f.ctx, again->config, &second));
    assert_true(json_equal(first, second));
    assert_string_equal(json_string_value(json_object_get(second, "activation")), "gelu");
    assert_true(json_real_value(json_object_get(second, "time_scale")) == 25.5);
    assert_int_equal(again->info.out_channels, 4);
    json_decref(first);
    json_decref(second);
    ito__network_destroy(again);
    close_fixture(&f);
}

static void refuse(ito_ctx *ctx, const char *fields, ito_status status, const char *words)
{
    char text[300];
    json_t *json;
    ito_network *network;
    snprintf(text, sizeof text, "{\"_class_name\": \"MLP\", %s}", fields);
    assert_ok(ctx, ito__json_parse(ctx, "config", text, strlen(text), &json));
    assert_fails(ctx, status, words, ito__network_create(ctx, "config.json", json, &network));
    json_decref(json);
}

static void test_refusals(void **state)
{
    (void)state;
    fixture f = open_config("{" SMALL "}");
    refuse(f.ctx, "\"hidden_width\": 7", ITO_FORMAT, "config.json: hidden_width is 7, expected an even number");
    refuse(f.ctx, "\"in_channels\": 0", ITO_FORMAT, "in_channels is 0");
    refuse(f.ctx, "\"n_blocks\": -1", ITO_FORMAT, "n_blocks is -1");
    refuse(f.ctx, "\"activation\": \"swish\"", ITO_FORMAT, "silu, mish, gelu or relu");
    refuse(f.ctx, "\"sample_size\": 32", ITO_SHAPE, "sample_size is 32: an MLP is for points");
    refuse(f.ctx, "\"sample_size\": [1, 8]", ITO_SHAPE, "sample_size is 8");
    f.in = ito__network_inputs(f.network, f.g, ITO_F32, 2, 4, 4);
    build(&f);
    assert_int_equal(ito_graph_status(f.g), ITO_SHAPE);
    assert_non_null(strstr(ito_last_error(f.ctx), "of height and width 1, found 4x4"));
    close_fixture(&f);
    f = open_config("{" SMALL ", \"num_class_embeds\": 4}");
    f.in = ito__network_inputs(f.network, f.g, ITO_F32, 2, 1, 1);
    f.in.label = NULL;
    build(&f);
    assert_int_equal(ito_graph_status(f.g), ITO_USAGE);
    close_fixture(&f);
}

/* A time for each of three samples, all equal, or one for all: the same up to rounding; another time gives something else. */
static void test_one_time_for_all(void **state)
{
    (void)state;
    double x[9], result[3][9], worst = 0, moved = 0;
    random_doubles(3, 9, -1, 1, x);
    for (int k = 0; k < 3; k++) {
        fixture f = open_config("{" SMALL "}");
        f.in = ito__network_inputs(f.network, f.g, ITO_F32, 3, 1, 1);
        if (k == 1) f.in.t = ito_graph_input(f.g, "t", ITO_F32, ITO_SHAPE(1));
        build(&f);
        compile(&f);
        write_doubles(f.p, f.ctx, f.in.x, x);
        double t[3] = {k == 2 ? 30 : 400, 400, 400};
        write_doubles(f.p, f.ctx, f.in.t, t);
        assert_ok(f.ctx, ito_program_run(f.p));
        double *y = read_doubles(f.p, f.ctx, f.y);
        memcpy(result[k], y, sizeof result[k]);
        free(y);
        close_fixture(&f);
    }
    for (int i = 0; i < 9; i++) worst = fmax(worst, fabs(result[0][i] - result[1][i]));
    for (int i = 0; i < 3; i++) moved = fmax(moved, fabs(result[0][i] - result[2][i]));
    assert_true(worst < 1e-6);
    assert_true(moved > 1e-3);
}

/* What a program trained on a table opens as: the same weights bit for bit, and the table's units and names. */
static void test_saved_and_opened(void **state)
{
    scratch *s = *state;
    char table[1024], out[1024], path[1100];
    const char *text = "left,right\n1,100\n2,150\n4,170\n8,100\n";
    snprintf(table, sizeof table, "%s", scratch_path(s, "t.csv"));
    snprintf(out, sizeof out, "%s", scratch_path(s, "model"));
    scratch_put(table, text, strlen(text));
    ito_train_result result;
    const char *settings[] = {"steps=3", "batch=4", "architecture.hidden_width=16", "ema_decay=0", NULL};
    assert_ok(s->ctx,
              ito_train(s->ctx, &(ito_train_options){.data = table, .out = out, .settings = settings}, &result));
    ito_model *model;
    assert_ok(s->ctx, ito_model_open(s->ctx, out, &model));
    const ito_model_info *info = ito_model_get_info(model);
    assert_string_equal(info->architecture, "MLP");
    assert_true(info->channels == 2 && info->n_classes == 0);
    assert_true(fabs(info->offset[0] - 3.75) < 1e-12 && fabs(info->offset[1] - 130) < 1e-12);
    assert_true(fabs(info->scale[1] - 2 * sqrt((900 + 400 + 1600 + 900) / 4.0)) < 1e-9);
    assert_string_equal(info->channel_names[0], "left");
    ito_model_destroy(model);
    /* read, written elsewhere and read again */
    json_t *config;
    ito_network *network;
    ito_params *first, *second;
    snprintf(path, sizeof path, "%s/unet/config.json", out);
    assert_ok(s->ctx, ito__json_read(s->ctx, path, &config));
    assert_ok(s->ctx, ito__network_create(s->ctx, path, config, &network));
    assert_ok(s->ctx, ito_params_create(s->ctx, network->params, ITO_F32, &first));
    assert_ok(s->ctx, ito_params_create(s->ctx, network->params, ITO_F32, &second));
    snprintf(path, sizeof path, "%s/unet/diffusion_pytorch_model.safetensors", out);
    assert_ok(s->ctx, ito__weights_read(s->ctx, path, network, first));
    assert_ok(s->ctx, ito__weights_write(s->ctx, scratch_path(s, "w.safetensors"), network, first));
    assert_ok(s->ctx, ito__weights_read(s->ctx, s->path, network, second));
    size_t n = (size_t)ito_param_list_size(network->params);
    assert_memory_equal(ito_params_flat(first), ito_params_flat(second), n * sizeof(float));
    ito_params_init(second, 99);
    assert_memory_not_equal(ito_params_flat(first), ito_params_flat(second), n * sizeof(float));
    ito_params_destroy(first);
    ito_params_destroy(second);
    ito__network_destroy(network);
    json_decref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),       cmocka_unit_test(test_config_round_trip),
        cmocka_unit_test(test_refusals),         cmocka_unit_test(test_one_time_for_all),
        cmocka_unit_test(test_saved_and_opened),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
