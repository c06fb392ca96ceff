/* Loss forms: what is made of an error, element by element, before weights and means. A form appends nodes to a graph. */
#ifndef ITO_LOSS_H
#define ITO_LOSS_H

#include <ito/graph.h>
#include <ito/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_loss_def {
    ito_choice choice;
    /* Of error = output - target, of any shape; the same shape. opts: values of the choice's options, NULL when it has
     * none. */
    ito_value *(*build)(ito_graph *graph, const ito_opts *opts, ito_value *error);
} ito_loss_def;

ito_status ito_loss_register(ito_ctx *ctx, const ito_loss_def *def);
ito_status ito_loss_find(ito_ctx *ctx, const char *name, const ito_loss_def **out);

#ifdef __cplusplus
}
#endif
#endif
