/* JSON through jansson, with errors that name the file, the field, what was expected and what was found.
 * A json_t that comes back is the caller's (json_decref), unless the function says borrowed. `where` is the file or
 * whatever else the reader of an error should look at. Internal. */
#ifndef ITO_BASE_JSON_H
#define ITO_BASE_JSON_H

#include <jansson.h>

#include "base/base.h"

#define ITO_JSON_MAX_BYTES ((size_t)64 << 20)

/* A repeated key is an error. */
ito_status ito__json_parse(ito_ctx *ctx, const char *where, const char *bytes, size_t n, json_t **out);
ito_status ito__json_read(ito_ctx *ctx, const char *path, json_t **out);
ito_status ito__json_write(ito_ctx *ctx, const char *path, const json_t *value); /* indented, keys in their order */

/* A field of an object. A missing or null field gives the fallback; another type or a number out of range is
 * ITO_FORMAT. Texts are borrowed. */
ito_status ito__json_int(ito_ctx *ctx, const char *where, const json_t *object, const char *field, int64_t fallback,
                         int64_t *out);
ito_status ito__json_real(ito_ctx *ctx, const char *where, const json_t *object, const char *field, double fallback,
                          double *out);
ito_status ito__json_bool(ito_ctx *ctx, const char *where, const json_t *object, const char *field, bool fallback,
                          bool *out);
ito_status ito__json_text(ito_ctx *ctx, const char *where, const json_t *object, const char *field,
                          const char *fallback, const char **out);

/* The field itself, borrowed; missing or of another type is ITO_FORMAT. */
ito_status ito__json_require(ito_ctx *ctx, const char *where, const json_t *object, const char *field, json_type type,
                             json_t **out);
/* At most capacity whole numbers of an array; a missing or null field gives *n == 0. */
ito_status ito__json_ints(ito_ctx *ctx, const char *where, const json_t *object, const char *field, int capacity,
                          int64_t *out, int *n);

/* "expected an integer, found "two"": for checks of one's own. Always returns ITO_FORMAT. */
ito_status ito__json_fail(ito_ctx *ctx, const char *where, const char *field, const char *expected,
                          const json_t *found);

#endif
