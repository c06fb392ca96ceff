/* What a sampler's step is made of besides functions on arrays: asking the denoiser, and the end of the step. */
#include <assert.h>
#include <math.h>

#include "sampler/sampler_impl.h"

/* What the denoiser is told: the caller's condition, and what was last thought of x_0 if it asks for that. */
static ito_status fill_condition(const ito_sampler *s, ito_condition *out)
{
    *out = s->condition ? *s->condition : (ito_condition){0};
    if (!s->denoiser->takes_x0 || !s->last_x0 || ito_condition_get(out, ITO_CONDITION_X0)) return ITO_OK;
    return ito_condition_add(s->step.ctx, out, ITO_CONDITION_X0,
                             ito_tensor_view(s->dtype, s->shape, (void *)s->last_x0));
}

/* The denoiser's output at (x, t) into s->out; t[i * stride] is the level of sample i. */
static ito_status evaluate(ito_sampler *s, const ito_level *t, int stride, const bool *active, const void *x)
{
    ito_condition condition;
    /* A view cannot be const; the denoiser's contract is to read x only. */
    ito_tensor in = ito_tensor_view(s->dtype, s->shape, (void *)x);
    ito_tensor out = ito_tensor_view(s->dtype, s->shape, s->out), extra = ito_tensor_view(ITO_F32, s->shape, s->extra);
    for (int64_t i = 0; i < s->step.n; i++) {
        s->times_of[i] = t[i * stride].t;
        s->evals[i] += !active || active[i];
    }
    ITO_TRY(fill_condition(s, &condition));
    return s->denoiser->eval(s->denoiser->self, s->step.ctx, &in, s->times_of, &condition, &out,
                             s->uses_extra ? &extra : NULL);
}

/* eps = (x_t - signal x_0) / sigma: after x_0 was changed. At sigma = 0 there is no noise to speak of. */
static void refit_eps(ito_sampler *s, const ito_level *t, int stride, const void *x, ito__slot *slot)
{
    int64_t n = s->step.n;
    for (int64_t i = 0; i < n; i++) {
        const ito_level *at = &t[i * stride];
        s->coef[i] = at->sigma > 0 ? 1 / at->sigma : 0;
        s->coef[n + i] = at->sigma > 0 ? -at->signal / at->sigma : 0;
    }
    ito__sampler_combine_each(s, 2, s->coef, (const void *const[]){x, slot->x0}, slot->eps);
}

static ito_status clip_and_hook(ito_sampler *s, const ito_level *t, int stride, const void *x, ito__slot *slot)
{
    if (s->clip->apply) {
        ITO_TRY(s->clip->apply(&s->step, s->clip_opts, s->per_sample, slot->x0));
        if (!s->options.keep_eps) refit_eps(s, t, stride, x, slot);
    }
    for (int i = 0; i < s->options.n_hooks; i++) {
        const ito_hook *hook = &s->options.hooks[i];
        if (!hook->on_x0) continue;
        if (!stride)
            ITO_TRY(hook->on_x0(hook->user, &s->step, t, x, slot->x0));
        else
            return ito__fail(s->step.ctx, ITO_USAGE,
                             "sampler %s takes steps of its own for every sample, which hooks on x_0 cannot follow: "
                             "choose another sampler",
                             s->def->choice.name);
        refit_eps(s, t, stride, x, slot);
    }
    return ITO_OK;
}

/* x_0 and eps as combinations of x and the output, of every sample: four rows of s->coef. */
static ito_status map_output(ito_sampler *s, const ito_level *t, int stride)
{
    int64_t n = s->step.n;
    const ito_prediction *prediction = &s->denoiser->prediction;
    ito_prediction_map m = {0};
    for (int64_t i = 0; i < n; i++) {
        if (stride || i == 0) m = ito_prediction_map_in(prediction, s->step.process, &t[i * stride]);
        if (!m.has_x0)
            return ito__fail(s->step.ctx, ITO_NUMERIC,
                             "%s prediction cannot tell x_0 at t = %g, where no signal is left (log-SNR %g): start at "
                             "an earlier time or use v or x0 prediction",
                             prediction->def->choice.name, t[i * stride].t, t[i * stride].log_snr);
        s->coef[i] = m.x0_x;
        s->coef[n + i] = m.x0_out;
        s->coef[2 * n + i] = m.has_eps ? m.eps_x : 0;
        s->coef[3 * n + i] = m.has_eps ? m.eps_out : 0;
    }
    return ITO_OK;
}

/* stride: 0 where all samples share *t, 1 where each has its own. */
static ito_status predict(ito_sampler *s, ito__slot *slot, const ito_level *t, int stride, const bool *active,
                          const void *x)
{
    const void *const src[] = {x, s->out};
    ITO_TRY(map_output(s, t, stride));
    ITO_TRY(evaluate(s, t, stride, active, x));
    slot->t = *t;
    ito__sampler_combine_each(s, 2, s->coef, src, slot->x0);
    ito__sampler_combine_each(s, 2, s->coef + 2 * s->step.n, src, slot->eps);
    ITO_TRY(clip_and_hook(s, t, stride, x, slot));
    if (slot != s->estimates) return ITO_OK;
    s->has_estimate = true;
    s->last_x0 = slot->x0;
    return ITO_OK;
}

static ito_status predict_slot(ito_step *step, int index, const ito_level *t, int stride, const bool *active,
                               const void *x, ito_estimate *out)
{
    ito_sampler *s = step->sampler;
    assert(index >= 0 && index < ITO_MAX(s->def->n_estimates, 1));
    ito__slot *slot = &s->estimates[index];
    ITO_TRY(predict(s, slot, t, stride, active, x));
    *out = (ito_estimate){*t, slot->x0, slot->eps, s->extra};
    return ITO_OK;
}

ito_status ito_step_predict(ito_step *step, int slot, const ito_level *t, const void *x, ito_estimate *out)
{
    return predict_slot(step, slot, t, 0, NULL, x, out);
}

ito_status ito_step_predict_each(ito_step *step, int slot, const ito_level *t, const bool *active, const void *x,
                                 ito_estimate *out)
{
    return predict_slot(step, slot, t, 1, active, x, out);
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
