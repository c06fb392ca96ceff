/* Architectures: whole networks built from their config.json. An architecture is a descriptor; a network is an opened
 * config, a parameter list, and the function that appends it to a graph. Internal; model directories are opened by
 * pipeline/. */
#ifndef ITO_ARCH_H
#define ITO_ARCH_H

#include <ito/registry.h>

#include "base/json.h"
#include "nn/scope.h"

/* What a network is fed. x: [N, H, W, C]. Others are NULL when the network does not take them. */
typedef struct ito_arch_inputs {
    ito_value *x;
    ito_value *t;     /* [N], or [1] for all, of the network's dtype: the timestep as a file counts it (from 0) */
    ito_value *label; /* i32 [N], or [N, label_width] of the network's dtype */
} ito_arch_inputs;

typedef struct ito_arch_info {
    int64_t in_channels, out_channels; /* out_channels: of the image, or classes */
    int64_t height, width;             /* usual size; 0 when the config does not say */
    int64_t size_multiple;             /* of height and width */
    int64_t n_labels;                  /* rows of the class table, null label included; 0: no numbered labels */
    int64_t label_width;               /* of labels that are vectors; 0: they are numbers, or there are none */
    bool takes_time;
    bool any_size; /* images of other sizes are scaled to height x width before they come in (ito_model_features_of) */
    int64_t n_features; /* of what features() gives; 0: there is none */
} ito_arch_info;

typedef struct ito_arch_def {
    ito_choice choice; /* name: "_class_name" of the config */
    /* Reads and checks a config.json object into a struct from ito__alloc, freed with ito__free. where: the file. */
    ito_status (*parse)(ito_ctx *ctx, const char *where, const json_t *object, void **config);
    ito_status (*write)(ito_ctx *ctx, const void *config,
                        json_t **out); /* "_class_name" first; caller's to json_decref */
    ito_arch_info (*info)(const void *config);
    ito_status (*check_size)(ito_ctx *ctx, const void *config, int64_t height, int64_t width);
    /* [N, H, W, out_channels], or logits [N, classes] */
    ito_value *(*build)(const ito_scope *s, const void *config, const ito_arch_inputs *in);
    /* Of a classifier: the features [N, n_features] that its last layer reads, and the logits that head() makes of them. build()
     * is the one behind the other. */
    ito_value *(*features)(const ito_scope *s, const void *config, const ito_arch_inputs *in);
    ito_value *(*head)(const ito_scope *s, const void *config, ito_value *features);
    /* What a parameter of an older file is called now: into text, or name itself. NULL: names never changed. */
    const char *(*rename)(const char *name, char *text, size_t size);
    /* Is this entry of a weights file nothing that the network has, and no mistake? NULL: there are none. */
    bool (*skips)(const char *name);
} ito_arch_def;

ito_status ito__arch_find(ito_ctx *ctx, const char *name, const ito_arch_def **out);

/* An opened config with its parameter list: build it any number of times. */
typedef struct ito_network {
    ito_ctx *ctx;
    const ito_arch_def *arch;
    void *config;
    ito_arch_info info;
    ito_param_list *params;
} ito_network;

/* From a config object with "_class_name". The parameter list is complete: found by building once at a small size. The
 * caller destroys *out. */
ito_status ito__network_create(ito_ctx *ctx, const char *where, const json_t *config, ito_network **out);
void ito__network_destroy(ito_network *network);

/* The parameter of that name in a file, old names included; -1 when there is none. */
int ito__network_find_param(const ito_network *network, const char *name);

/* The network's inputs for a batch, made in g. */
ito_arch_inputs ito__network_inputs(const ito_network *network, ito_graph *g, ito_dtype dtype, int64_t n,
                                    int64_t height, int64_t width);

#endif
