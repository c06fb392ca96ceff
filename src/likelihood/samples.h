/* What the likelihoods ask of the data that they are given. */
#ifndef ITO_SAMPLES_H
#define ITO_SAMPLES_H

#include <ito/likelihood.h>
#include <ito/rng.h>

#include "base/base.h"

/* The denoiser can be asked and says what it predicts. */
ito_status ito__check_denoiser(ito_ctx *ctx, const ito_denoiser *denoiser);

/* x is f32, dense, [n, ...] with n >= 1 and the condition fits it. */
ito_status ito__check_samples(ito_ctx *ctx, const ito_tensor *x, const ito_condition *condition);

/* Every value lies within 1e-4 of 2 k / 255 - 1, k = 0..255. */
ito_status ito__check_8bit(ito_ctx *ctx, const ito_tensor *x);

/* Which elements of a sample of that shape lie in the rectangle, and so count: fills at, which has room for all, and *n. */
ito_status ito__inner_elements(ito_ctx *ctx, const ito_shape *shape, const ito_inner *inner, int64_t *at, int64_t *n);

/* Numbers of one sample for one purpose: row i's key. */
ito_rng_key ito__sample_key(uint64_t seed, ito_stream stream, uint32_t step, const uint64_t *samples, int64_t i);

#endif
