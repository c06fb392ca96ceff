/* Plans: which algorithm computes what. Compiling a program chooses an algorithm for every operation by the backend's table;
 * a plan, handed to ito_program_create, decides for the problems it names, and a program tells the plan it was compiled by.
 * A checkpoint keeps its run's plan, so that a resumed run computes the same bits whatever the table says by then.
 *
 * A problem is a line of text: operation, inputs, outputs, attributes, and whether the weights are packed beforehand.
 * docs/formats.md has the JSON. */
#ifndef ITO_PLAN_H
#define ITO_PLAN_H

#include <ito/program.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Empty, for any backend until a program adds its own. The caller destroys *out. */
ito_status ito_plan_create(ito_ctx *ctx, ito_plan **out);
/* From JSON; where names the source in errors. ITO_FORMAT says what is wrong with it. */
ito_status ito_plan_parse(ito_ctx *ctx, const char *where, const char *json, ito_plan **out);
ito_status ito_plan_read(ito_ctx *ctx, const char *path, ito_plan **out);
ito_status ito_plan_write(ito_plan *plan, const char *path); /* as a file, whole or not at all */
void ito_plan_destroy(ito_plan *plan);

/* Its JSON in one line, good until the plan changes; NULL when memory runs out. */
const char *ito_plan_text(ito_plan *plan);
int ito_plan_count(const ito_plan *plan);                             /* problems */
const char *ito_plan_find(const ito_plan *plan, const char *problem); /* the algorithm, NULL: none recorded */
ito_status ito_plan_set(ito_plan *plan, const char *problem, const char *algorithm); /* replaces */

/* How many problems both name with the same algorithm. */
int ito_plan_common(const ito_plan *a, const ito_plan *b);

/* Adds what p computes with. ITO_STATE when the plan is of another backend or instruction set. */
ito_status ito_program_plan(const ito_program *p, ito_plan *plan);

#ifdef __cplusplus
}
#endif
#endif
