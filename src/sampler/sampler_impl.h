/* The inside of the sampler loop, shared by sampler.c (making one, the loop) and step.c (what a step is made of). */
#ifndef ITO_SAMPLER_IMPL_H
#define ITO_SAMPLER_IMPL_H

#include <ito/clip.h>
#include <ito/sampler.h>

#include "base/base.h"
#include "kernel/kernel.h"

/* Arrays of one estimate. */
typedef struct ito__slot {
    ito_level t;
    float *x0, *eps;
} ito__slot;

struct ito_sampler {
    ito_step step; /* what the sampler's function sees; step.x is the state */
    const ito_sampler_def *def;
    const ito_denoiser *denoiser;
    const ito_condition *condition;
    const ito_clip_def *clip;
    const ito_opts *clip_opts;
    ito_opts *own_opts, *own_clip_opts; /* defaults made here */
    ito_sample_options options;
    const ito_vec *vec;
    ito_queue queue;

    ito_shape shape;
    double *times;  /* n_steps + 1, the end included */
    uint32_t visit; /* steps made so far, repeated ones included: keys the noise */
    int n_evals;

    ito__slot *estimates, *history;
    int n_history; /* how many of the history are filled */
    const float *last_x0;
    bool uses_extra;
    bool has_estimate, has_next; /* in this step: was slot 0 asked for, was ito_step_to called? */

    float *slab; /* every array of floats below lies in it */
    float *x, *x_next, *out, *noise;
    float *extra, *sd; /* NULL unless the sampler uses the denoiser's extra output */
    float **scratch;
    uint64_t *samples;
    ito_rng_key *keys;
    double *coef;       /* ITO_VEC_MAX_TERMS * n */
    double *times_of;   /* n copies of a time, for the denoiser */
    double *per_sample; /* n numbers */
};

ito_status ito__sampler_noise(ito_sampler *s, ito_stream stream, uint32_t step, float *dst);
void ito__sampler_combine(ito_sampler *s, int n_terms, const ito_term *terms, float *dst);

#endif
