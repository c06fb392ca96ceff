/* The networks that benches time: a preset or a model's, opened for one forward pass as in sampling or for training steps. The
 * data is noise; the arithmetic is that of a real run. */
#include <stdio.h>
#include <string.h>

#include "bench/bench_impl.h"
#include "objective/denoise.h"

/* DDPM's CIFAR-10 U-Net (Ho, Jain and Abbeel 2020, appendix B) and a small one for 32x32 grey images. */
static const struct preset {
    const char *name, *config;
    int batch;
} presets[] = {
    {"ddpm-cifar10",
     "{\"_class_name\": \"UNet2DModel\", \"sample_size\": 32, \"in_channels\": 3, \"out_channels\": 3,"
     " \"block_out_channels\": [128, 256, 256, 256], \"layers_per_block\": 2,"
     " \"down_block_types\": [\"DownBlock2D\", \"AttnDownBlock2D\", \"DownBlock2D\", \"DownBlock2D\"],"
     " \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\", \"AttnUpBlock2D\", \"UpBlock2D\"],"
     " \"attention_head_dim\": null, \"downsample_padding\": 0, \"flip_sin_to_cos\": false, \"freq_shift\": 1,"
     " \"norm_eps\": 1e-6}",
     16},
    {"small",
     "{\"_class_name\": \"UNet2DModel\", \"sample_size\": 32, \"in_channels\": 1, \"out_channels\": 1,"
     " \"block_out_channels\": [32, 64, 64], \"layers_per_block\": 2,"
     " \"down_block_types\": [\"DownBlock2D\", \"DownBlock2D\", \"AttnDownBlock2D\"],"
     " \"up_block_types\": [\"AttnUpBlock2D\", \"UpBlock2D\", \"UpBlock2D\"],"
     " \"attention_head_dim\": null, \"norm_num_groups\": 8}",
     64},
};

static ito_status find_preset(ito_ctx *ctx, const char *name, const struct preset **out)
{
    const char *names[ITO_COUNT(presets)];
    for (int i = 0; i < ITO_COUNT(presets); i++) {
        names[i] = presets[i].name;
        *out = &presets[i];
        if (!strcmp(names[i], name)) return ITO_OK;
    }
    const char *near = ito__nearest(name, ITO_COUNT(names), names);
    return ito__fail(ctx, ITO_NOT_FOUND, "no preset is named '%s'; %s%s", name,
                     near ? "did you mean " : "known are ddpm-cifar10 and ", near ? near : "small");
}

/* The size asked for, or the network's own. */
static ito_status set_size(ito_bench_net *b, const ito_network *network, int size)
{
    b->height = size > 0 ? size : network->info.height;
    b->width = size > 0 ? size : network->info.width;
    if (!b->height || !b->width)
        return ito__fail(b->ctx, ITO_USAGE, "%s does not say how large its images are: give a size", b->model);
    return network->arch->check_size(b->ctx, network->config, b->height, b->width);
}

/* Noise; labels are the first class. */
static ito_status fill_input(ito_bench_net *b, const ito_value *v)
{
    return v ? ito__bench_write(b->ctx, b->program, v, 0, 0) : ITO_OK;
}

static ito_status open_forward(ito_bench_net *b, const char *name, const json_t *config, const ito_bench_options *o)
{
    ITO_TRY(ito__network_create(b->ctx, name, config, &b->network));
    ITO_TRY(set_size(b, b->network, o->size));
    ITO_TRY(ito_graph_create(b->ctx, &b->g));
    ITO_TRY(ito__net_create(b->g, b->network->params, ITO_F32, false, &b->net));
    ito_arch_inputs in = ito__network_inputs(b->network, b->g, ITO_F32, b->batch, b->height, b->width);
    ito_scope root = ito__net_scope(b->net);
    b->out = b->network->arch->build(&root, b->network->config, &in);
    ITO_TRY(ito_params_create(b->ctx, b->network->params, ITO_F32, &b->params));
    ito_params_init(b->params, 1);
    ito_program_options options = {.freeze_params = true, .plan = o->plan, .precision = o->precision};
    ITO_TRY(ito_program_create(b->g, 1, &b->out, &options, &b->program));
    ITO_TRY(ito__net_bind(b->net, b->program, b->params));
    ITO_TRY(fill_input(b, in.x));
    ITO_TRY(fill_input(b, in.t));
    return fill_input(b, in.label);
}

static ito_status open_train(ito_bench_net *b, const char *name, const json_t *config, const ito_bench_options *o)
{
    ito_trained_net_config c = {.where = name,
                                .architecture = config,
                                .update = {0.9, 0.999, 1e-8, 0.01, 1, 0.999, o->precision},
                                .seed = 1,
                                .batch = b->batch,
                                .plan = o->plan,
                                .max_memory = o->max_memory,
                                .precision = o->precision};
    ITO_TRY(ito__trained_net_create(b->ctx, &c, &b->trained));
    ito_trained_net *t = b->trained;
    ITO_TRY(set_size(b, t->network, o->size));
    ito_denoise d =
        ito__denoise_begin(t->g, ITO_SHAPE(b->batch, b->height, b->width, t->network->info.in_channels), false, false);
    ito_arch_inputs in = ito__network_inputs(t->network, t->g, ITO_F32, b->batch, b->height, b->width);
    in.x = d.x_t;
    ito_scope root = ito__net_scope(t->net);
    ito_value *error = ito__denoise_error(t->g, &d, t->network->arch->build(&root, t->network->config, &in));
    ito_value *loss = ito_op_mean(t->g, ito_op_square(t->g, error), ITO_ALL_AXES, false);
    ito_graph_push(t->g, ITO_BENCH_BACKWARD); /* what compiling adds is the gradient */
    ITO_TRY(ito__trained_net_compile(t, 1, &loss));
    ito_graph_pop(t->g);
    b->network = t->network;
    b->program = t->program;
    ito_value *inputs[] = {d.x0, d.eps, d.coef, in.t, in.label};
    for (int i = 0; i < ITO_COUNT(inputs); i++) ITO_TRY(fill_input(b, inputs[i]));
    b->positions = ito__alloc_array(b->ctx, (size_t)b->batch, sizeof *b->positions);
    if (!b->positions) return ITO_MEMORY;
    for (int i = 0; i < b->batch; i++) b->positions[i] = i;
    return ITO_OK;
}

/* The config of a preset, or of a model directory. */
static ito_status read_config(ito_bench_net *b, const struct preset *preset, json_t **out)
{
    char path[4096];
    if (!b->model) return ito__json_parse(b->ctx, preset->name, preset->config, strlen(preset->config), out);
    snprintf(path, sizeof path, "%s/unet/config.json", b->model);
    return ito__json_read(b->ctx, path, out);
}

static ito_status open_config(ito_bench_net *b, const struct preset *preset, const ito_bench_options *o)
{
    json_t *config;
    const char *name = o->model ? o->model : preset->name;
    ITO_TRY(read_config(b, preset, &config));
    ito_status st = o->train ? open_train(b, name, config, o) : open_forward(b, name, config, o);
    json_decref(config);
    return st;
}

void ito__bench_net_close(ito_bench_net *b)
{
    if (!b->ctx) return;
    ito__free(b->ctx, b->positions);
    ito__trained_net_destroy(b->trained);
    if (!b->trained) {
        ito_program_destroy(b->program);
        ito__net_destroy(b->net);
        ito_graph_destroy(b->g);
        ito_params_destroy(b->params);
        ito__network_destroy(b->network);
    }
    *b = (ito_bench_net){0};
}

ito_status ito__bench_net_open(ito_ctx *ctx, const ito_bench_options *o, ito_bench_net *out)
{
    const struct preset *preset;
    *out = (ito_bench_net){.ctx = ctx, .model = o->model};
    ITO_TRY(find_preset(ctx, o->preset ? o->preset : "small", &preset));
    out->batch = o->batch > 0 ? o->batch : o->model ? 16 : preset->batch;
    ito_status st = open_config(out, preset, o);
    if (st != ITO_OK) ito__bench_net_close(out);
    return st;
}

ito_status ito__bench_net_run(void *net)
{
    ito_bench_net *b = net;
    double loss, norm;
    return b->trained ? ito__trained_net_step(b->trained, b->positions, 1e-6, &loss, &norm)
                      : ito_program_run(b->program);
}
