/* Opening, building, differentiating and compiling a U-Net while the k-th allocation fails. */
#include "oom.h"

#include "arch/arch.h"

static const char *const config =
    "{\"_class_name\": \"UNet2DModel\", \"in_channels\": 1, \"out_channels\": 1, \"norm_num_groups\": 2,"
    " \"block_out_channels\": [2, 4], \"layers_per_block\": 1, \"attention_head_dim\": null, \"num_class_embeds\": 3,"
    " \"down_block_types\": [\"DownBlock2D\", \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\"]}";

typedef struct parts {
    json_t *config;
    ito_network *network;
    ito_graph *g;
    ito_net *net;
    ito_value **gradients;
    ito_program *program;
} parts;

static ito_status make(ito_ctx *ctx, parts *p)
{
    ITO_TRY(ito__network_create(ctx, "config", p->config, &p->network));
    ITO_TRY(ito_graph_create(ctx, &p->g));
    ITO_TRY(ito__net_create(p->g, p->network->params, ITO_F32, false, &p->net));
    int n = ito_param_list_count(p->network->params);
    p->gradients = ito__alloc_array(ctx, (size_t)n, sizeof(ito_value *));
    if (!p->gradients) return ITO_MEMORY;
    ito_arch_inputs in = ito__network_inputs(p->network, p->g, ITO_F32, 1, 4, 4);
    ito_scope root = ito__net_scope(p->net);
    ito_value *y = p->network->arch->build(&root, p->network->config, &in);
    ito_value *loss = ito_op_sum(p->g, ito_op_square(p->g, y), ITO_ALL_AXES, false);
    ITO_TRY(ito_graph_status(p->g));
    ITO_TRY(ito__net_grad(p->net, loss, p->gradients));
    return ito_program_create(p->g, n, p->gradients, NULL, &p->program);
}

static ito_status body(ito_ctx *ctx, void *arg)
{
    parts p = {.config = arg};
    ito_status st = make(ctx, &p);
    ito_program_destroy(p.program);
    ito__free(ctx, p.gradients);
    ito__net_destroy(p.net);
    ito_graph_destroy(p.g);
    ito__network_destroy(p.network);
    return st;
}

static void test_unet_without_memory(void **state)
{
    (void)state;
    json_t *object = json_loads(config, 0, NULL);
    assert_non_null(object);
    assert_true(oom_check(body, object) > 100);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unet_without_memory)};
    return cmocka_run_group_tests_name("U-Net without memory", tests, NULL, NULL);
}
