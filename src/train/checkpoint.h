/* Checkpoints: everything with state registers by name, and one atomic file holds it all. Resuming fails on a missing or an
 * unknown entry, so nothing that matters can be forgotten in silence. */
#ifndef ITO_CHECKPOINT_H
#define ITO_CHECKPOINT_H

#include <ito/params.h>

#include "base/base.h"

typedef struct ito__checkpoint ito__checkpoint;

ito_status ito__checkpoint_create(ito_ctx *ctx, ito__checkpoint **out);
void ito__checkpoint_destroy(ito__checkpoint *c);

/* The memory is borrowed: save reads it, load fills it. */
ito_status ito__checkpoint_add_params(ito__checkpoint *c, const char *name, ito_params *params);
ito_status ito__checkpoint_add_i64(ito__checkpoint *c, const char *name, int64_t *value);
ito_status ito__checkpoint_add_f64(ito__checkpoint *c, const char *name, double *value);
ito_status ito__checkpoint_add_bytes(ito__checkpoint *c, const char *name, void *data, size_t bytes);

/* texts: key, value, key, value, ..., NULL: kept beside the state and compared by load (what must agree to go on). */
ito_status ito__checkpoint_save(ito__checkpoint *c, const char *path, const char *const *texts);
/* One of the texts of a checkpoint, to be freed with ito__free; ITO_FORMAT when it has none of that key. */
ito_status ito__checkpoint_text(ito_ctx *ctx, const char *path, const char *key, char **out);
/* ITO_STATE, naming the key and both values, when a text differs; ITO_FORMAT on a missing or unknown entry. Nothing is
 * changed when it fails. */
ito_status ito__checkpoint_load(ito__checkpoint *c, const char *path, const char *const *texts);

#endif
