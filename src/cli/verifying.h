/* ito verify in two files: solvers on closed forms, and on a model. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include <ito/sampler.h>

#include "cli.h"

/* The samplers asked for, or all that suit: chosen() is called with each of the program's. n of them into names (borrowed), at most
 * MOST_SAMPLERS; 0 or the exit status. */
#define MOST_SAMPLERS 128
int verify_samplers(cli *app, const args *a, const ito_sampler_def *samplers[MOST_SAMPLERS], int *n);

/* Tables on `out`; 0, 1 when a claim is not kept, or the exit status of a failure. */
int verify_solvers(cli *app, const args *a, FILE *out);
int verify_model(cli *app, const args *a, const char *path, FILE *out);

#endif
