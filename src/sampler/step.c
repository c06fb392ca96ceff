/* What a sampler's step is made of: asking the denoiser, linear combinations, noise, and the end of the step. The only
 * tensor work is the closed set of vector functions (struct ito_vec). */
#include <assert.h>
#include <math.h>

#include "sampler/sampler_impl.h"

void ito__sampler_combine(ito_sampler *s, int n_terms, const ito_term *terms, float *dst)
{
    const float *src[ITO_VEC_MAX_TERMS];
    int64_t n = s->step.n;
    assert(n_terms >= 0 && n_terms <= ITO_VEC_MAX_TERMS);
    for (int k = 0; k < n_terms; k++) {
        src[k] = terms[k].src;
        for (int64_t i = 0; i < n; i++) s->coef[k * n + i] = terms[k].coef;
    }
    s->vec->lincomb(&s->queue, n, s->step.size, n_terms, s->coef, src, dst);
}

void ito_step_combine(ito_step *step, int n_terms, const ito_term *terms, float *dst)
{
    ito__sampler_combine(step->sampler, n_terms, terms, dst);
}

ito_status ito__sampler_noise(ito_sampler *s, ito_stream stream, uint32_t step, float *dst)
{
    const ito_noise *noise = s->options.noise;
    int64_t n = s->step.n;
    if (noise) return noise->fill(noise->self, s->step.ctx, stream, step, n, s->samples, s->step.size, dst);
    for (int64_t i = 0; i < n; i++) s->keys[i] = (ito_rng_key){s->options.seed, (uint32_t)stream, step, s->samples[i]};
    s->vec->normal(&s->queue, n, s->step.size, s->keys, dst);
    return ITO_OK;
}

ito_status ito_step_noise(ito_step *step, int draw, float *dst)
{
    ito_sampler *s = step->sampler;
    assert(draw >= 0 && draw < ITO_NOISE_DRAWS - 1);
    return ito__sampler_noise(s, ITO_STREAM_STEP, s->visit * ITO_NOISE_DRAWS + (uint32_t)draw, dst);
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

/* What the denoiser is told: the caller's condition, and what was last thought of x_0 if it asks for that. */
static ito_status fill_condition(const ito_sampler *s, ito_condition *out)
{
    *out = s->condition ? *s->condition : (ito_condition){0};
    if (!s->denoiser->takes_x0 || !s->last_x0 || ito_condition_get(out, ITO_CONDITION_X0)) return ITO_OK;
    return ito_condition_add(s->step.ctx, out, ITO_CONDITION_X0,
                             ito_tensor_view(ITO_F32, s->shape, (void *)s->last_x0));
}

/* The denoiser's output at (x, t) into s->out. */
static ito_status evaluate(ito_sampler *s, const ito_level *t, const float *x)
{
    ito_condition condition;
    /* A view cannot be const; the denoiser's contract is to read x only. */
    ito_tensor in = ito_tensor_view(ITO_F32, s->shape, (void *)x);
    ito_tensor out = ito_tensor_view(ITO_F32, s->shape, s->out), extra = ito_tensor_view(ITO_F32, s->shape, s->extra);
    for (int64_t i = 0; i < s->step.n; i++) s->times_of[i] = t->t;
    s->n_evals++;
    ITO_TRY(fill_condition(s, &condition));
    return s->denoiser->eval(s->denoiser->self, s->step.ctx, &in, s->times_of, &condition, &out,
                             s->uses_extra ? &extra : NULL);
}

/* eps = (x_t - signal x_0) / sigma: after x_0 was changed. At sigma = 0 there is no noise to speak of. */
static void refit_eps(ito_sampler *s, const ito_level *t, const float *x, ito__slot *slot)
{
    if (t->sigma > 0)
        ito__sampler_combine(s, 2, (const ito_term[]){{1 / t->sigma, x}, {-t->signal / t->sigma, slot->x0}}, slot->eps);
}

static ito_status clip_and_hook(ito_sampler *s, const ito_level *t, const float *x, ito__slot *slot)
{
    if (s->clip->apply) {
        ITO_TRY(s->clip->apply(&s->step, s->clip_opts, s->per_sample, slot->x0));
        if (!s->options.keep_eps) refit_eps(s, t, x, slot);
    }
    for (int i = 0; i < s->options.n_hooks; i++) {
        const ito_hook *hook = &s->options.hooks[i];
        if (!hook->on_x0) continue;
        ITO_TRY(hook->on_x0(hook->user, &s->step, t, x, slot->x0));
        refit_eps(s, t, x, slot);
    }
    return ITO_OK;
}

ito_status ito_step_predict(ito_step *step, int slot_index, const ito_level *t, const float *x, ito_estimate *out)
{
    ito_sampler *s = step->sampler;
    assert(slot_index >= 0 && slot_index < ITO_MAX(s->def->n_estimates, 1));
    ito__slot *slot = &s->estimates[slot_index];
    ito_prediction_map m = ito_prediction_map_in(&s->denoiser->prediction, step->process, t);
    if (!m.has_x0)
        return ito__fail(step->ctx, ITO_NUMERIC,
                         "%s prediction cannot tell x_0 at t = %g, where no signal is left (log-SNR %g): start at an "
                         "earlier time or use v or x0 prediction",
                         s->denoiser->prediction.def->choice.name, t->t, t->log_snr);
    ITO_TRY(evaluate(s, t, x));
    slot->t = *t;
    ito__sampler_combine(s, 2, (const ito_term[]){{m.x0_x, x}, {m.x0_out, s->out}}, slot->x0);
    if (m.has_eps)
        ito__sampler_combine(s, 2, (const ito_term[]){{m.eps_x, x}, {m.eps_out, s->out}}, slot->eps);
    else
        ito__sampler_combine(s, 0, NULL, slot->eps);
    ITO_TRY(clip_and_hook(s, t, x, slot));
    if (slot_index == 0) {
        s->has_estimate = true;
        s->last_x0 = slot->x0;
    }
    *out = (ito_estimate){*t, slot->x0, slot->eps, s->extra};
    return ITO_OK;
}

bool ito_step_history(const ito_step *step, int back, ito_estimate *out)
{
    const ito_sampler *s = step->sampler;
    assert(back >= 1 && back <= s->def->n_history);
    if (back > s->n_history) return false;
    const ito__slot *slot = &s->history[back - 1];
    *out = (ito_estimate){slot->t, slot->x0, slot->eps, NULL};
    return true;
}

/* x_s = mean + sqrt(variance) z, or mean + sqrt(variance) sd z of each element. */
static void add_noise(ito_sampler *s, const ito_moments *moments)
{
    int64_t n = s->step.n;
    double sd = sqrt(moments->variance);
    if (!moments->sd) {
        /* EQ[survey:2] = EQ[survey:5.2]  x_s = mean + sd z, z standard normal */
        ito__sampler_combine(s, 2, (const ito_term[]){{1, s->x_next}, {sd, s->noise}}, s->x_next);
        return;
    }
    for (int64_t i = 0; i < n; i++) s->coef[i] = sd;
    s->vec->muladd(&s->queue, n, s->step.size, s->coef, moments->sd, s->noise, s->x_next);
}

/* The end of a step whose deviations, where each element has its own, are in s->sd. */
static ito_status finish(ito_step *step, int n_terms, const ito_term *terms, ito_moments moments)
{
    ito_sampler *s = step->sampler;
    assert(!s->has_next);
    s->has_next = true;
    ito__sampler_combine(s, n_terms, terms, s->x_next);
    for (int i = 0; i < s->options.n_hooks; i++) {
        const ito_hook *hook = &s->options.hooks[i];
        if (hook->on_moments) ITO_TRY(hook->on_moments(hook->user, step, &moments));
    }
    if (!(moments.variance > 0)) return ITO_OK;
    ITO_TRY(ito_step_noise(step, 0, s->noise));
    add_noise(s, &moments);
    return ITO_OK;
}

ito_status ito_step_to(ito_step *step, int n_terms, const ito_term *terms, double sd)
{
    assert(sd >= 0);
    return finish(step, n_terms, terms, (ito_moments){step->sampler->x_next, sd * sd, NULL});
}

ito_status ito_step_to_learned(ito_step *step, int n_terms, const ito_term *terms, double shift, double scale,
                               const float *extra)
{
    ito_sampler *s = step->sampler;
    int64_t n = step->n;
    assert(s->uses_extra && extra);
    for (int64_t i = 0; i < n; i++) {
        s->coef[i] = 0.5 * shift; /* of the deviation */
        s->coef[n + i] = 0.5 * scale;
    }
    s->vec->exp(&s->queue, n, step->size, s->coef, s->coef + n, extra, s->sd);
    return finish(step, n_terms, terms, (ito_moments){s->x_next, 1, s->sd});
}
