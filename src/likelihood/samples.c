/* Checks of data before it is scored, and the keys of its random numbers. */
#include "likelihood/samples.h"

#include <math.h>

ito_status ito__check_denoiser(ito_ctx *ctx, const ito_denoiser *denoiser)
{
    if (denoiser->eval && denoiser->prediction.def) return ITO_OK;
    return ito__fail(ctx, ITO_USAGE, "the denoiser lacks %s", denoiser->eval ? "its prediction kind" : "eval");
}

ito_status ito__check_samples(ito_ctx *ctx, const ito_tensor *x, const ito_condition *condition)
{
    char text[ITO_SHAPE_TEXT];
    if (x->dtype != ITO_F32 || !ito_tensor_is_dense(x))
        return ito__fail(ctx, ITO_DTYPE, "likelihoods take samples as a dense f32 tensor, found %s%s",
                         ito_tensor_is_dense(x) ? "" : "strided ", ito_dtype_name(x->dtype));
    if (x->shape.n_dims < 2 || ito_shape_count(x->shape) < 1)
        return ito__fail(ctx, ITO_SHAPE, "samples to score must be [n, ...] with no empty axis, found %s",
                         ito_shape_text(x->shape, text));
    return ito_condition_check(ctx, condition, x->shape.d[0]);
}

ito_status ito__check_8bit(ito_ctx *ctx, const ito_tensor *x)
{
    const float *values = x->data;
    int64_t count = ito_shape_count(x->shape), size = count / x->shape.d[0];
    for (int64_t j = 0; j < count; j++) {
        double value = (double)values[j], k = fmin(fmax(round((value + 1) * 127.5), 0), 255);
        if (!(fabs(value - (k / 127.5 - 1)) <= 1e-4))
            return ito__fail(
                ctx, ITO_USAGE,
                "non-8-bit data: value %lld of sample %lld is %.7g, but 8-bit data in -1..1 lies on the grid 2 k "
                "/ 255 - 1 (the nearest is %.7g); score images as they were read, or say that the data is continuous",
                (long long)(j % size), (long long)(j / size), value, k / 127.5 - 1);
    }
    return ITO_OK;
}

static ito_status check_inner(ito_ctx *ctx, const ito_shape *s, const ito_inner *in)
{
    char text[ITO_SHAPE_TEXT];
    if (s->n_dims == 3 && in->top >= 0 && in->left >= 0 && in->height > 0 && in->width > 0 &&
        in->top + (int64_t)in->height <= s->d[0] && in->left + (int64_t)in->width <= s->d[1])
        return ITO_OK;
    return ito__fail(
        ctx, ITO_USAGE,
        "the scored rectangle of %d x %d at (%d, %d) does not lie inside samples of shape %s, which must be "
        "[H, W, C]",
        in->height, in->width, in->top, in->left, ito_shape_text(*s, text));
}

ito_status ito__inner_elements(ito_ctx *ctx, const ito_shape *shape, const ito_inner *inner, int64_t *at, int64_t *n)
{
    bool all = !inner->top && !inner->left && !inner->height && !inner->width;
    int64_t size = ito_shape_count(*shape);
    *n = 0;
    if (!all) ITO_TRY(check_inner(ctx, shape, inner));
    for (int64_t j = 0; j < size; j++) {
        int64_t pixel = all ? 0 : j / shape->d[2], y = all ? 0 : pixel / shape->d[1], x = all ? 0 : pixel % shape->d[1];
        bool inside =
            y >= inner->top && y < inner->top + inner->height && x >= inner->left && x < inner->left + inner->width;
        if (all || inside) at[(*n)++] = j;
    }
    return ITO_OK;
}

ito_rng_key ito__sample_key(uint64_t seed, ito_stream stream, uint32_t step, const uint64_t *samples, int64_t i)
{
    return (ito_rng_key){seed, (uint32_t)stream, step, samples ? samples[i] : (uint64_t)i};
}
