/* Timing a U-Net: forward as in sampling (weights packed once), or a whole training step (forward, backward, clipping, AdamW,
 * moving average). The data is noise; the arithmetic is that of a real run. */
#include <ito/bench.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "bench/bench_impl.h"
#include "objective/denoise.h"
#include "train/trained_net.h"

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

typedef struct bench {
    ito_ctx *ctx;
    const char *model;
    int batch;
    int64_t height, width;
    ito_trained_net *trained; /* when training is timed: it owns network and program; else the bench does */
    ito_network *network;
    ito_params *params;
    ito_graph *g;
    ito_net *net;
    ito_program *program;
    int64_t *positions; /* of a batch of training */
} bench;

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
static ito_status set_size(bench *b, const ito_network *network, int size)
{
    b->height = size > 0 ? size : network->info.height;
    b->width = size > 0 ? size : network->info.width;
    if (!b->height || !b->width)
        return ito__fail(b->ctx, ITO_USAGE, "%s does not say how large its images are: give a size", b->model);
    return network->arch->check_size(b->ctx, network->config, b->height, b->width);
}

/* Noise; labels are the first class. */
static ito_status fill_input(bench *b, const ito_value *v)
{
    return v ? ito__bench_write(b->ctx, b->program, v, 0, 0) : ITO_OK;
}

static ito_status open_forward(bench *b, const char *name, const json_t *config, int size)
{
    ITO_TRY(ito__network_create(b->ctx, name, config, &b->network));
    ITO_TRY(set_size(b, b->network, size));
    ITO_TRY(ito_graph_create(b->ctx, &b->g));
    ITO_TRY(ito__net_create(b->g, b->network->params, ITO_F32, false, &b->net));
    ito_arch_inputs in = ito__network_inputs(b->network, b->g, ITO_F32, b->batch, b->height, b->width);
    ito_scope root = ito__net_scope(b->net);
    ito_value *out = b->network->arch->build(&root, b->network->config, &in);
    ITO_TRY(ito_params_create(b->ctx, b->network->params, ITO_F32, &b->params));
    ito_params_init(b->params, 1);
    ITO_TRY(ito_program_create(b->g, 1, &out, &(ito_program_options){.freeze_params = true}, &b->program));
    ITO_TRY(ito__net_bind(b->net, b->program, b->params));
    ITO_TRY(fill_input(b, in.x));
    ITO_TRY(fill_input(b, in.t));
    return fill_input(b, in.label);
}

static ito_status open_train(bench *b, const char *name, const json_t *config, int size)
{
    ito_trained_net_config c = {.where = name,
                                .architecture = config,
                                .update = {0.9, 0.999, 1e-8, 0.01, 1, 0.999},
                                .seed = 1,
                                .batch = b->batch};
    ITO_TRY(ito__trained_net_create(b->ctx, &c, &b->trained));
    ito_trained_net *t = b->trained;
    ITO_TRY(set_size(b, t->network, size));
    ito_denoise d = ito__denoise_begin(t->g, ITO_SHAPE(b->batch, b->height, b->width, t->network->info.in_channels));
    ito_arch_inputs in = ito__network_inputs(t->network, t->g, ITO_F32, b->batch, b->height, b->width);
    in.x = d.x_t;
    ito_scope root = ito__net_scope(t->net);
    ito_value *out = t->network->arch->build(&root, t->network->config, &in);
    ito_value *loss = ito_op_mean(t->g, ito__denoise_loss(t->g, &d, out), ITO_ALL_AXES, false);
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
static ito_status read_config(bench *b, const struct preset *preset, json_t **out)
{
    char path[4096];
    if (!b->model) return ito__json_parse(b->ctx, preset->name, preset->config, strlen(preset->config), out);
    snprintf(path, sizeof path, "%s/unet/config.json", b->model);
    return ito__json_read(b->ctx, path, out);
}

static ito_status open_bench(bench *b, const struct preset *preset, const ito_bench_options *o)
{
    json_t *config;
    const char *name = o->model ? o->model : preset->name;
    ITO_TRY(read_config(b, preset, &config));
    ito_status st = o->train ? open_train(b, name, config, o->size) : open_forward(b, name, config, o->size);
    json_decref(config);
    return st;
}

static ito_status run_once(void *arg)
{
    bench *b = arg;
    double loss, norm;
    return b->trained ? ito__trained_net_step(b->trained, b->positions, 1e-6, &loss, &norm)
                      : ito_program_run(b->program);
}

static ito_status measure(bench *b, int repeats, ito_bench_result *r)
{
    double ms[ITO_BENCH_MAX_REPEATS];
    ITO_TRY(run_once(b));
    for (int i = 0; i < repeats; i++) {
        double start = ito__now();
        ITO_TRY(run_once(b));
        ms[i] = 1e3 * (ito__now() - start);
    }
    double median = ito__bench_median(repeats, ms); /* sorts */
    ito_program_memory_info m = ito_program_memory(b->program);
    size_t forward_bytes = m.slab_bytes + m.packed_bytes + m.const_bytes + m.bound_bytes;
    *r = (ito_bench_result){.ms = median,
                            .ms_min = ms[0],
                            .ms_max = ms[repeats - 1],
                            .peak_bytes = b->trained ? ito__trained_net_bytes(b->trained) : forward_bytes,
                            .n_weights = ito_param_list_n_weights(b->network->params),
                            .batch = b->batch,
                            .height = (int)b->height,
                            .width = (int)b->width};
    r->images_per_second = 1e3 * b->batch / r->ms;
    r->gflops = ito_program_flops(b->program) / r->ms * 1e-6;
    return ITO_OK;
}

/* What AdamW with clipping and moving average must move: the gradient twice, for its norm and for the step; weights, both
 * moments and the average in and out. */
static ito_bench_row update_row(const bench *b, const ito_bench_roofs *roofs, double seconds)
{
    int64_t n = ito_param_list_n_weights(b->network->params);
    ito_bench_row row = {.name = "",
                         .pass = "update",
                         .op = "optimizer",
                         .algorithm = "adamw+ema",
                         .n_in = 1,
                         .in = {ITO_SHAPE(n)},
                         .out = ITO_SHAPE(n),
                         .ms = 1e3 * seconds,
                         .bytes = 10.0 * sizeof(float) * (double)n};
    ito_bench_rate(roofs, &row);
    return row;
}

static ito_status profile(bench *b, const ito_bench_options *o, int repeats, ito_bench_row_fn steps, void *user)
{
    int n = ito_program_n_steps(b->program);
    double *seconds = ito__alloc_array(b->ctx, (size_t)n + 1, sizeof *seconds);
    if (!seconds) return ITO_MEMORY;
    ito_status st = ito__bench_profile(b->ctx, b->program, repeats, HUGE_VAL, run_once, b, seconds);
    for (int i = 0; i <= n && st == ITO_OK; i++) {
        ito_bench_row row;
        if (i < n) {
            ito_program_step step = ito_program_step_get(b->program, i);
            row = ito__bench_step_row(o->roofs, &step, seconds[i]);
        } else {
            row = update_row(b, o->roofs, seconds[i]);
        }
        if (i < n || b->trained) steps(user, &row);
    }
    ito__free(b->ctx, seconds);
    return st;
}

static void close_bench(bench *b)
{
    ito__free(b->ctx, b->positions);
    if (b->trained) {
        ito__trained_net_destroy(b->trained);
        return;
    }
    ito_program_destroy(b->program);
    ito__net_destroy(b->net);
    ito_graph_destroy(b->g);
    ito_params_destroy(b->params);
    ito__network_destroy(b->network);
}

ito_status ito_bench_unet(ito_ctx *ctx, const ito_bench_options *options, ito_bench_result *result,
                          ito_bench_row_fn steps, void *user)
{
    const struct preset *preset;
    bench b = {.ctx = ctx, .model = options->model};
    int repeats = ITO_MIN(options->repeats > 0 ? options->repeats : 5, ITO_BENCH_MAX_REPEATS);
    ito_status st;
    ITO_TRY(find_preset(ctx, options->preset ? options->preset : "small", &preset));
    b.batch = options->batch > 0 ? options->batch : options->model ? 16 : preset->batch;
    ITO_GO(open_bench(&b, preset, options));
    ITO_GO(measure(&b, repeats, result));
    if (steps) ITO_GO(profile(&b, options, repeats, steps, user));
done:
    close_bench(&b);
    return st;
}
