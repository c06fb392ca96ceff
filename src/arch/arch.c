/* The axis "architecture", and opening a config. */
#include "arch/arch.h"

#define ITO_CHOICE_LIST "arch/arch_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(architecture, .question = "what computes the prediction?");

ito_status ito__arch_find(ito_ctx *ctx, const char *name, const ito_arch_def **out)
{
    return ito__def_find(ctx, &ito__axis_architecture, name, out);
}

ito_arch_inputs ito__network_inputs(const ito_network *network, ito_graph *g, ito_dtype dtype, int64_t n,
                                    int64_t height, int64_t width)
{
    ito_arch_inputs in = {.x = ito_graph_input(g, "x", dtype, ITO_SHAPE(n, height, width, network->info.in_channels))};
    if (network->info.takes_time) in.t = ito_graph_input(g, "t", dtype, ITO_SHAPE(n));
    if (network->info.label_width)
        in.label = ito_graph_input(g, "label", dtype, ITO_SHAPE(n, network->info.label_width));
    else if (network->info.n_labels)
        in.label = ito_graph_input(g, "label", ITO_I32, ITO_SHAPE(n));
    return in;
}

/* Builds once, only for the names and shapes of the parameters: they do not depend on the size of the image. */
static ito_status list_params(ito_network *network)
{
    ito_graph *g = NULL;
    ito_net *net = NULL;
    ito_status st;
    int64_t side = network->info.size_multiple;
    ITO_GO(ito_graph_create(network->ctx, &g));
    ITO_GO(ito__net_create(g, network->params, ITO_F32, true, &net));
    ito_arch_inputs in = ito__network_inputs(network, g, ITO_F32, 1, side, side);
    ito_scope root = ito__net_scope(net);
    network->arch->build(&root, network->config, &in);
    ITO_GO(ito_graph_status(g));
done:
    ito__net_destroy(net);
    ito_graph_destroy(g);
    return st;
}

ito_status ito__network_create(ito_ctx *ctx, const char *where, const json_t *config, ito_network **out)
{
    const char *name;
    ito_status st;
    *out = NULL;
    ITO_TRY(ito__json_text(ctx, where, config, "_class_name", NULL, &name));
    if (!name) return ito__fail(ctx, ITO_FORMAT, "%s: no _class_name, so the architecture is unknown", where);
    ito_network *network = ito__alloc(ctx, sizeof *network);
    if (!network) return ITO_MEMORY;
    network->ctx = ctx;
    ITO_GO(ito__arch_find(ctx, name, &network->arch));
    ITO_GO(network->arch->parse(ctx, where, config, &network->config));
    network->info = network->arch->info(network->config);
    ITO_GO(ito_param_list_create(ctx, &network->params));
    ITO_GO(list_params(network));
    *out = network;
    return ITO_OK;
done:
    ito__network_destroy(network);
    return st;
}

void ito__network_destroy(ito_network *network)
{
    if (!network) return;
    ito_param_list_destroy(network->params);
    ito__free(network->ctx, network->config);
    ito__free(network->ctx, network);
}

int ito__network_find_param(const ito_network *network, const char *name)
{
    char text[256];
    const ito_arch_def *arch = network->arch;
    return ito_param_list_find(network->params, arch->rename ? arch->rename(name, text, sizeof text) : name);
}
