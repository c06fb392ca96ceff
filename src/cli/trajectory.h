/* The reverse path of the first few samples, seen through a hook on x_0: the state x_t and the prediction of x_0 at
 * evenly spread steps. */
#ifndef CLI_TRAJECTORY_H
#define CLI_TRAJECTORY_H

#include <ito/sampler.h>

#include "picture.h"
#include "sampling.h"

typedef struct trajectory {
    int n_rows, n_moments; /* samples; steps that are kept, without the end */
    int n_steps;
    size_t size;   /* floats in one image */
    int n_seen;    /* moments that came */
    double *t;     /* [n_moments] */
    float *x, *x0; /* [n_moments, n_rows, size] */
    ito_hook hook; /* to be run while sampling */
} trajectory;

/* The trajectory must not move between begin and clear: the hook points to it. */
void trajectory_begin(trajectory *t, const sampling *s);
/* After sampling: a grid with a band of x_t above a band of x_0. */
int trajectory_write(const trajectory *t, const sampling *s, const char *path, const cli_texts *texts);
void trajectory_clear(trajectory *t);

#endif
