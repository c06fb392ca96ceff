/* A small class-conditional U-Net with attention, group norm, resampling and dropout, compiled for training or for sampling:
 * what tests of whole programs run. */
#ifndef ITO_TEST_TINY_UNET_H
#define ITO_TEST_TINY_UNET_H

#include "networks.h"
#include "objective/denoise.h"
#include "op_cases.h"
#include "train/optimizer.h"

typedef struct tiny_unet {
    ito_ctx *ctx;
    ito_network *network;
    ito_optimizer *optimizer;
    ito_graph *g;
    ito_net *net;
    ito_value *loss;
    ito_value **grads;
    ito_program *program;
    size_t max_memory;   /* of training; 0: no limit */
    ito_dtype precision; /* of training */
} tiny_unet;

static inline void tiny_unet_noise(tiny_unet *u, ito_value *v)
{
    int64_t n = ito_shape_count(ito_value_shape(v));
    float *x = calloc((size_t)n, sizeof *x);
    ito_rng_normal((ito_rng_key){.seed = 3, .stream = ITO_STREAM_NOISE}, 0, (size_t)n, x);
    assert_ok(u->ctx, ito_program_write(u->program, v, x));
    free(x);
}

static inline tiny_unet tiny_unet_open(int n_threads)
{
    static const char config[] =
        "{\"_class_name\": \"UNet2DModel\", \"sample_size\": 16, \"in_channels\": 3, \"out_channels\": 3,"
        "\"block_out_channels\": [16, 32], \"layers_per_block\": 1, \"norm_num_groups\": 4, \"attention_head_dim\": 8,"
        "\"down_block_types\": [\"DownBlock2D\", \"AttnDownBlock2D\"], \"dropout\": 0.1, \"num_class_embeds\": 5,"
        "\"up_block_types\": [\"AttnUpBlock2D\", \"UpBlock2D\"]}";
    tiny_unet u = {.ctx = ctx_open(n_threads)};
    u.network = network_open(u.ctx, config);
    ito_optimizer_config o = {0.9, 0.99, 1e-8, 0.01, 1, 0.99, ITO_F32};
    assert_ok(u.ctx, ito__optimizer_create(u.ctx, u.network->params, &o, 7, &u.optimizer));
    assert_ok(u.ctx, ito_graph_create(u.ctx, &u.g));
    assert_ok(u.ctx, ito__net_create(u.g, u.network->params, ITO_F32, false, &u.net));
    return u;
}

/* Loss and all gradients, bound to the optimizer's sets; inputs are noise and labels 0. */
static inline void tiny_unet_compile_train(tiny_unet *u, int batch)
{
    int n = ito_param_list_count(u->network->params);
    ito_denoise d = ito__denoise_begin(u->g, ITO_SHAPE(batch, 16, 16, 3), false, false);
    ito_arch_inputs in = {.x = d.x_t,
                          .t = ito_graph_input(u->g, "t", ITO_F32, ITO_SHAPE(batch)),
                          .label = ito_graph_input(u->g, "label", ITO_I32, ITO_SHAPE(batch))};
    u->net->training = true;
    u->net->keys = ito_graph_input(u->g, "keys", ITO_I32, ITO_SHAPE(batch, 4));
    ito_scope root = ito__net_scope(u->net);
    ito_value *out = u->network->arch->build(&root, u->network->config, &in);
    ito_value *error = ito__denoise_error(u->g, &d, out);
    u->loss = ito_op_mean(u->g, ito_op_square(u->g, error), ITO_ALL_AXES, false);
    u->grads = calloc((size_t)n + 1, sizeof *u->grads);
    assert_ok(u->ctx, ito__net_grad(u->net, u->loss, u->grads));
    u->grads[n] = u->loss;
    ito_program_options options = {.n_bound = n, .max_memory = u->max_memory, .precision = u->precision};
    assert_ok(u->ctx, ito_program_create(u->g, n + 1, u->grads, &options, &u->program));
    assert_ok(u->ctx, ito__net_bind(u->net, u->program, u->optimizer->weights));
    for (int i = 0; i < n; i++)
        assert_ok(u->ctx, ito_program_bind(u->program, u->grads[i], ito_params_data(u->optimizer->grads, i)));
    ito_value *inputs[] = {d.x0, d.eps, d.coef, in.t};
    for (int i = 0; i < 4; i++) tiny_unet_noise(u, inputs[i]);
}

static inline void tiny_unet_compile_forward(tiny_unet *u, int batch)
{
    ito_arch_inputs in = ito__network_inputs(u->network, u->g, ITO_F32, batch, 16, 16);
    ito_scope root = ito__net_scope(u->net);
    ito_value *out = u->network->arch->build(&root, u->network->config, &in);
    assert_ok(u->ctx, ito_program_create(u->g, 1, &out, &(ito_program_options){.freeze_params = true}, &u->program));
    assert_ok(u->ctx, ito__net_bind(u->net, u->program, u->optimizer->weights));
    tiny_unet_noise(u, in.x);
    tiny_unet_noise(u, in.t);
}

static inline void tiny_unet_close(tiny_unet *u)
{
    free(u->grads);
    ito_program_destroy(u->program);
    ito__net_destroy(u->net);
    ito_graph_destroy(u->g);
    ito__optimizer_destroy(u->optimizer);
    ito__network_destroy(u->network);
    ito_ctx_destroy(u->ctx);
}

#endif
