/* What compiling asks of a plan. */
#ifndef ITO_PLAN_IMPL_H
#define ITO_PLAN_IMPL_H

#include <ito/plan.h>

#include "kernel/kernel.h"

/* ITO_STATE when the plan was made for another backend or instruction set. */
ito_status ito__plan_check(const ito_plan *plan, ito_ctx *ctx, const ito_backend *backend);
/* Prepares k by the plan's algorithm when it has one for the problem, by the backend's choice otherwise. ITO_STATE, saying
 * what was recorded and what there is, when the backend lacks the algorithm. plan may be NULL. */
ito_status ito__plan_prepare(const ito_plan *plan, const ito_backend *backend, ito_kernel *k, const char *op);

#endif
