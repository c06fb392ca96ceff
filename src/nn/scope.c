/* Nets and scopes: parameter names on one side, graph values on the other. */
#include "nn/scope.h"

#include <stdio.h>
#include <string.h>

ito_status ito__net_create(ito_graph *g, ito_param_list *list, ito_dtype dtype, bool grows, ito_net **out)
{
    ito_ctx *ctx = ito_graph_ctx(g);
    *out = ito__alloc(ctx, sizeof **out);
    if (!*out) return ITO_MEMORY;
    **out = (ito_net){.ctx = ctx, .g = g, .list = list, .dtype = dtype, .grows = grows};
    return ITO_OK;
}

void ito__net_destroy(ito_net *net)
{
    if (!net) return;
    ito__free(net->ctx, net->values);
    ito__free(net->ctx, net);
}

ito_status ito__net_bind(const ito_net *net, ito_program *program, ito_params *set)
{
    for (int i = 0; i < net->capacity && i < ito_param_list_count(net->list); i++)
        if (net->values[i]) ITO_TRY(ito_program_bind(program, net->values[i], ito_params_data(set, i)));
    return ITO_OK;
}

/* Creates the value of parameter i at first use. */
static ito_value *value_of(ito_net *net, int i)
{
    const ito_param *p = ito_param_list_get(net->list, i);
    if (ito__grow(net->ctx, &net->values, sizeof *net->values, &net->capacity, i + 1) != ITO_OK)
        return ito__graph_fail(net->g, ITO_MEMORY, "%s", ito_last_error(net->ctx));
    if (!net->values[i]) net->values[i] = ito_graph_param(net->g, p->name, net->dtype, p->shape);
    return net->values[i];
}

ito_status ito__net_grad(ito_net *net, ito_value *loss, ito_value **grads)
{
    int n = ito_param_list_count(net->list);
    for (int i = 0; i < n; i++) value_of(net, i);
    ITO_TRY(ito_graph_status(net->g));
    return ito_graph_grad(net->g, 1, &loss, NULL, n, net->values, grads);
}

ito_scope ito__net_scope(ito_net *net)
{
    return (ito_scope){.net = net, .g = net->g};
}

ito_scope ito__scope(const ito_scope *outer, const char *format, ...)
{
    ito_scope s = *outer;
    size_t used = strlen(s.path);
    va_list args;
    va_start(args, format);
    int length = vsnprintf(s.path + used, sizeof s.path - used, format, args);
    va_end(args);
    ito_graph_push(s.g, s.path + used);
    if (length < 0 || used + (size_t)length + 2 > sizeof s.path)
        ito__graph_fail(s.g, ITO_USAGE, "the parameter path %s is longer than %zu characters", s.path,
                        sizeof s.path - 2);
    else
        strcat(s.path, ".");
    return s;
}

void ito__scope_end(const ito_scope *scope)
{
    ito_graph_pop(scope->g);
}

ito_value *ito__param(const ito_scope *s, const char *name, ito_shape shape, ito_init init, double scale, bool decay)
{
    ito_net *net = s->net;
    char full[256], want[ITO_SHAPE_TEXT], have[ITO_SHAPE_TEXT];
    snprintf(full, sizeof full, "%s%s", s->path, name);
    int i = ito_param_list_find(net->list, full);
    if (i < 0 && !net->grows) return ito__graph_fail(s->g, ITO_NOT_FOUND, "the parameter list has no '%s'", full);
    if (i < 0) {
        ito_status st = ito_param_list_add(net->list, full, shape, init, scale, decay, &i);
        if (st != ITO_OK) return ito__graph_fail(s->g, st, "%s", ito_last_error(net->ctx));
    }
    const ito_param *p = ito_param_list_get(net->list, i);
    if (!ito_shape_equal(p->shape, shape))
        return ito__graph_fail(s->g, ITO_SHAPE, "parameter '%s' is %s, the network expects %s", full,
                               ito_shape_text(p->shape, have), ito_shape_text(shape, want));
    return value_of(net, i);
}
