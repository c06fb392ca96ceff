/* Opening, building, differentiating and compiling a U-Net while the k-th allocation fails. */
#include "oom.h"

#include "arch/arch.h"

static const char *const config =
    "{\"_class_name\": \"UNet2DModel\", \"in_channels\": 1, \"out_channels\": 1, \"norm_num_groups\": 2,"
    " \"block_out_channels\": [2, 4], \"layers_per_block\": 1, \"attention_head_dim\": null, \"num_class_embeds\": 3,"
    " \"down_block_types\": [\"DownBlock2D\", \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\"]}";

typedef struct parts {
    json_t *config;
    int64_t size; /* of the images */
    size_t max_memory;
    ito_dtype precision;
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
    ito_arch_inputs in = ito__network_inputs(p->network, p->g, ITO_F32, 1, p->size, p->size);
    ito_scope root = ito__net_scope(p->net);
    ito_value *y = p->network->arch->build(&root, p->network->config, &in);
    ito_value *loss = ito_op_sum(p->g, ito_op_square(p->g, y), ITO_ALL_AXES, false);
    ITO_TRY(ito_graph_status(p->g));
    ITO_TRY(ito__net_grad(p->net, loss, p->gradients));
    /* The reference kernels need no scratch memory, which would outweigh images as small as these. */
    ito_program_options options = {.n_bound = n, .max_memory = p->max_memory, .backend = p->max_memory ? "ref" : NULL};
    options.precision = p->precision;
    return ito_program_create(p->g, n, p->gradients, &options, &p->program);
}

static void destroy(ito_ctx *ctx, parts *p)
{
    ito_program_destroy(p->program);
    ito__free(ctx, p->gradients);
    ito__net_destroy(p->net);
    ito_graph_destroy(p->g);
    ito__network_destroy(p->network);
}

static ito_status body(ito_ctx *ctx, void *arg)
{
    parts p = *(const parts *)arg;
    ito_status st = make(ctx, &p);
    destroy(ctx, &p);
    return st;
}

static void test_unet_without_memory(void **state)
{
    (void)state;
    parts p = {.config = json_loads(config, 0, NULL), .size = 4};
    assert_non_null(p.config);
    assert_true(oom_check(body, &p) > 100);
    json_decref(p.config);
}

static void test_bf16_unet_without_memory(void **state)
{
    (void)state;
    parts p = {.config = json_loads(config, 0, NULL), .size = 4, .precision = ITO_BF16};
    assert_true(oom_check(body, &p) > 100);
    json_decref(p.config);
}

/* The same under a limit that makes it recompute. */
static void test_limited_unet_without_memory(void **state)
{
    (void)state;
    parts p = {.config = json_loads(config, 0, NULL), .size = 32}, unlimited = p;
    ito_ctx *ctx = ctx_open(1);
    assert_ok(ctx, make(ctx, &unlimited));
    ito_program_memory_info m = ito_program_memory(unlimited.program);
    p.max_memory = (m.slab_bytes + m.const_bytes + m.packed_bytes) * 9 / 10;
    destroy(ctx, &unlimited);
    ito_ctx_destroy(ctx);
    assert_true(oom_check(body, &p) > 70);
    json_decref(p.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unet_without_memory),
                                       cmocka_unit_test(test_bf16_unet_without_memory),
                                       cmocka_unit_test(test_limited_unet_without_memory)};
    return cmocka_run_group_tests_name("U-Net without memory", tests, NULL, NULL);
}
