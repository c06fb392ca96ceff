/* What descriptors of processes share. Internal. */
#ifndef ITO_PROCESS_IMPL_H
#define ITO_PROCESS_IMPL_H

#include <ito/process.h>

void ito__state_free(ito_ctx *ctx, void *state); /* a destroy() for a state that is one block */

#endif
