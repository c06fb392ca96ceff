/* The closed set of functions on arrays that steps are made of: linear combinations, norms, noise, and for float32 clamps and
 * quantiles. */
#include <assert.h>

#include "kernel/vec64.h"
#include "sampler/sampler_impl.h"

void ito__sampler_combine_each(ito_sampler *s, int n_terms, const double *coef, const void *const *src, void *dst)
{
    int64_t n = s->step.n, size = s->step.size;
    const float *f32[ITO_VEC_MAX_TERMS];
    const double *f64[ITO_VEC_MAX_TERMS];
    assert(n_terms >= 0 && n_terms <= ITO_VEC_MAX_TERMS);
    for (int k = 0; k < n_terms; k++) {
        f32[k] = src[k];
        f64[k] = src[k];
    }
    if (s->dtype == ITO_F64)
        ito__vec64_lincomb(n, size, n_terms, coef, f64, dst);
    else
        s->vec->lincomb(&s->queue, n, size, n_terms, coef, f32, dst);
}

void ito__sampler_combine(ito_sampler *s, int n_terms, const ito_term *terms, void *dst)
{
    const void *src[ITO_VEC_MAX_TERMS];
    int64_t n = s->step.n;
    assert(n_terms >= 0 && n_terms <= ITO_VEC_MAX_TERMS);
    for (int k = 0; k < n_terms; k++) {
        src[k] = terms[k].src;
        for (int64_t i = 0; i < n; i++) s->coef[k * n + i] = terms[k].coef;
    }
    ito__sampler_combine_each(s, n_terms, s->coef, src, dst);
}

void ito_step_combine(ito_step *step, int n_terms, const ito_term *terms, void *dst)
{
    ito__sampler_combine(step->sampler, n_terms, terms, dst);
}

void ito_step_combine_each(ito_step *step, int n_terms, const double *coef, const void *const *src, void *dst)
{
    ito__sampler_combine_each(step->sampler, n_terms, coef, src, dst);
}

void ito__sampler_norm(ito_sampler *s, const void *x, double *out)
{
    if (s->dtype == ITO_F64)
        ito__vec64_norm(s->step.n, s->step.size, x, out);
    else
        s->vec->norm(&s->queue, s->step.n, s->step.size, x, out);
}

void ito_step_norm(ito_step *step, const void *x, double *out)
{
    ito__sampler_norm(step->sampler, x, out);
}

ito_status ito__sampler_noise(ito_sampler *s, ito_stream stream, uint32_t step, void *dst)
{
    const ito_noise *noise = s->options.noise;
    int64_t n = s->step.n;
    if (noise) return noise->fill(noise->self, s->step.ctx, stream, step, n, s->samples, s->step.size, dst);
    for (int64_t i = 0; i < n; i++) s->keys[i] = (ito_rng_key){s->options.seed, (uint32_t)stream, step, s->samples[i]};
    if (s->dtype == ITO_F64)
        ito__vec64_normal(n, s->step.size, s->keys, dst);
    else
        s->vec->normal(&s->queue, n, s->step.size, s->keys, dst);
    return ITO_OK;
}

ito_status ito_step_noise(ito_step *step, int draw, void *dst)
{
    assert(draw >= 0 && draw < ITO_NOISE_DRAWS - 1);
    return ito__sampler_noise(step->sampler, ITO_STREAM_STEP, ito__sampler_draw(step->sampler, draw), dst);
}

void ito_step_clamp(ito_step *step, const double *limit, bool divide, float *x)
{
    ito_sampler *s = step->sampler;
    s->vec->clamp(&s->queue, step->n, step->size, limit, divide, x);
}

void ito_step_abs_quantile(ito_step *step, double level, const float *x, double *out)
{
    ito_sampler *s = step->sampler;
    s->vec->abs_quantile(&s->queue, step->n, step->size, level, x, s->noise, out);
}
