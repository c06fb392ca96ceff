/* Reading scheduler_config.json, which is not always JSON. Internal. */
#ifndef ITO_SCHEDULER_JSON_H
#define ITO_SCHEDULER_JSON_H

#include "base/json.h"

/* Python writes infinities and NaNs as words that JSON does not have; they are read as null, a field's default. The caller decrefs *out. */
ito_status ito__their_json_parse(ito_ctx *ctx, const char *where, const char *bytes, size_t n, json_t **out);
ito_status ito__their_json_read(ito_ctx *ctx, const char *path, json_t **out);

#endif
