/* The inside of the sampler loop: sampler_create.c makes one, sampler.c is the loop, step.c what a step asks of the denoiser and how
 * it ends, arrays.c the closed set of functions on arrays, brownian.c the paths. */
#ifndef ITO_SAMPLER_IMPL_H
#define ITO_SAMPLER_IMPL_H

#include <ito/clip.h>
#include <ito/sampler.h>

#include "base/base.h"
#include "kernel/kernel.h"

/* Arrays of one estimate. Every array of the loop is [n, size], of the run's dtype. */
typedef struct ito__slot {
    ito_level t;
    void *x0, *eps;
} ito__slot;

#define ITO__PATH_ARRAYS 4

struct ito_sampler {
    ito_step step; /* what the sampler's function sees; step.x is the state */
    const ito_sampler_def *def;
    const ito_denoiser *denoiser;
    const ito_condition *condition;
    const ito_clip_def *clip;
    const ito_opts *clip_opts;
    ito_opts *own_opts, *own_clip_opts; /* defaults made here */
    ito_sample_options options;
    const ito_vec *vec; /* of float32 */
    ito_queue queue;
    ito_dtype dtype;

    ito_shape shape;
    double *times;  /* n_steps + 1, the end included */
    uint32_t visit; /* steps made so far, repeated ones included: keys the noise */
    int64_t *evals; /* [n] */

    ito__slot *estimates, *history;
    int n_history; /* how many of the history are filled */
    const void *last_x0;
    bool uses_extra;
    bool has_estimate, has_next; /* in this step: was slot 0 asked for, was ito_step_to called? */

    void *slab; /* every array of the run's dtype below lies in it */
    void *x, *x_next, *out, *noise;
    float *extra, *sd;            /* NULL unless the sampler uses the denoiser's extra output */
    void *path[ITO__PATH_ARRAYS]; /* NULL unless it follows a path */
    void **scratch;
    double **number, *numbers;
    uint64_t *samples;
    ito_rng_key *keys;
    double *coef;       /* ITO_VEC_MAX_TERMS * n */
    double *times_of;   /* times for the denoiser, [n] */
    double *per_sample; /* n numbers */
};

/* ---- arrays.c ---- */

void ito__sampler_combine(ito_sampler *s, int n_terms, const ito_term *terms, void *dst);
/* coef[k * n + i] */
void ito__sampler_combine_each(ito_sampler *s, int n_terms, const double *coef, const void *const *src, void *dst);
void ito__sampler_norm(ito_sampler *s, const void *x, double *out);
/* Of the default source, or of the program's. */
ito_status ito__sampler_noise(ito_sampler *s, ito_stream stream, uint32_t step, void *dst);

/* Noise of this step. */
static inline uint32_t ito__sampler_draw(const ito_sampler *s, int draw)
{
    return s->visit * ITO_NOISE_DRAWS + (uint32_t)draw;
}

#endif
