/* Denoisers: the seam between networks and samplers. A denoiser is a function of (x_t, t, condition) with a meaning
 * (its prediction kind); samplers, guidance and likelihoods ask for nothing else. A program fills the struct with its
 * own function; a network, the exact denoiser of a mixture and guidance do the same.
 *
 * The struct and what `self` points to belong to whoever filled it in. */
#ifndef ITO_DENOISER_H
#define ITO_DENOISER_H

#include <ito/condition.h>
#include <ito/prediction.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_denoiser {
    void *self; /* handed to the functions */

    /* Writes the output for x f32 [n, ...] at times t[0 .. n - 1] (the process's own time: 1..T when it is discrete)
     * into out f32, of x's shape. All tensors are dense. condition may be NULL. extra, when not NULL, receives the
     * extra output channels, f32 [n, ..., n_extra]. A row of the output depends on its own row of the inputs alone. */
    ito_status (*eval)(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                       ito_tensor *out, ito_tensor *extra);

    /* Optional. The same, and dx f32 [n, ...] = (d out / d x)^T dout: for likelihood, classifier and reconstruction
     * guidance. */
    ito_status (*vjp)(void *self, ito_ctx *ctx, const ito_tensor *x, const double *t, const ito_condition *condition,
                      const ito_tensor *dout, ito_tensor *out, ito_tensor *dx);

    /* Optional: frees self. Wrappers have one; ito_denoiser_clear calls it. */
    void (*destroy)(void *self);

    ito_prediction prediction; /* what out means */
    int n_extra;               /* extra output channels: learned variances */
    /* Self-conditioning (Chen, Zhang and Hinton 2023): the condition may hold ITO_CONDITION_X0, what was last thought of x_0; without
     * it the denoiser sees zeros. Samplers hand on their last estimate. */
    bool takes_x0;
} ito_denoiser;

/* Calls destroy when there is one and zeroes the struct. */
void ito_denoiser_clear(ito_denoiser *denoiser);

#ifdef __cplusplus
}
#endif
#endif
