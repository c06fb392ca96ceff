/* A network from the text of its config.json. */
#ifndef ITO_TESTS_NETWORKS_H
#define ITO_TESTS_NETWORKS_H

#include "testing.h"

#include "arch/arch.h"

static inline ito_network *network_open(ito_ctx *ctx, const char *config)
{
    json_t *json;
    ito_network *network;
    assert_ok(ctx, ito__json_parse(ctx, "config", config, strlen(config), &json));
    assert_ok(ctx, ito__network_create(ctx, "config", json, &network));
    json_decref(json);
    return network;
}

#endif
