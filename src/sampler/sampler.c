/* The sampler loop: takes the state from the first time to the end, one step of the chosen sampler after the other.
 * It knows no network and no sampler by name. A step allocates nothing. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sampler/sampler_impl.h"

static void rotate_history(ito_sampler *s)
{
    int n = s->def->n_history;
    if (n && s->has_estimate) {
        ito__slot oldest = s->history[n - 1];
        for (int i = n - 1; i > 0; i--) s->history[i] = s->history[i - 1];
        s->history[0] = s->estimates[0];
        s->estimates[0] = oldest;
        s->n_history = ITO_MIN(s->n_history + 1, n);
    }
}

static ito_status check_finite(ito_sampler *s)
{
    ito__sampler_norm(s, s->x_next, s->per_sample);
    for (int64_t i = 0; i < s->step.n; i++)
        if (!isfinite(s->per_sample[i]))
            return ito__fail(s->step.ctx, ITO_NUMERIC,
                             "sample %lld is not finite after step %d of %d (%s, t = %g to %g): the denoiser's output "
                             "is not finite or grows without bound; try clip = static",
                             (long long)i, s->step.index + 1, s->step.n_steps, s->def->choice.name, s->step.t.t,
                             s->step.s.t);
    return ITO_OK;
}

static ito_level level_at(const ito_sampler *s, int index)
{
    if (s->options.levels) return s->options.levels[index].t;
    return ito_process_level(s->step.process, s->times[index]);
}

static ito_level level_after(const ito_sampler *s, int index)
{
    if (s->options.levels) return s->options.levels[index].s;
    return ito_process_level(s->step.process, s->times[index + 1]);
}

/* Noises x from level s to the time of step `index` through the process: q(x_t | x_s). */
static ito_status send_back(ito_sampler *s, int index)
{
    if (index < 0 || index > s->step.index)
        return ito__fail(s->step.ctx, ITO_USAGE,
                         "a hook sent the state from step %d to step %d, but only steps 0 to %d "
                         "lie behind it",
                         s->step.index, index, s->step.index);
    ito_level to = level_at(s, index);
    ito_transition q = ito_level_transition(&to, &s->step.s);
    ITO_TRY(ito__sampler_noise(s, ITO_STREAM_STEP, ito__sampler_draw(s, ITO_NOISE_DRAWS - 1), s->noise));
    ito__sampler_combine(s, 2, (const ito_term[]){{q.scale, s->x_next}, {sqrt(q.variance), s->noise}}, s->x_next);
    return ITO_OK;
}

static ito_status run_step_hooks(ito_sampler *s, int *next)
{
    for (int i = 0; i < s->options.n_hooks; i++) {
        const ito_hook *hook = &s->options.hooks[i];
        int go_to = *next;
        if (!hook->on_step) continue;
        ITO_TRY(hook->on_step(hook->user, &s->step, s->x_next, &go_to));
        if (go_to == *next) continue;
        ITO_TRY(send_back(s, go_to));
        *next = go_to;
        s->n_history = 0;
        s->has_estimate = false; /* the estimate is of another path */
        break;
    }
    return ITO_OK;
}

static ito_status report(ito_sampler *s)
{
    if (!s->options.progress) return ITO_OK;
    ito_progress p = {
        s->step.index, s->step.n_steps, ito_sampler_n_evals(s),   s->step.t.t, s->step.s.t, s->step.n, s->step.size,
        s->x_next,     s->last_x0,      ito_sampler_mean_evals(s)};
    if (s->options.progress(s->options.user, &p)) return ITO_OK;
    return ito__fail(s->step.ctx, ITO_CANCELLED, "sampling was cancelled after step %d of %d", s->step.index + 1,
                     s->step.n_steps);
}

ito_status ito_sampler_step(ito_sampler *s)
{
    ito_step *step = &s->step;
    if (ito_sampler_is_done(s)) return ito__fail(step->ctx, ITO_STATE, "all %d steps are done", step->n_steps);
    step->t = level_at(s, step->index);
    step->s = level_after(s, step->index);
    step->x = s->x;
    s->has_estimate = s->has_next = false;
    ITO_TRY(s->def->step(step));
    if (!s->has_next)
        return ito__fail(step->ctx, ITO_USAGE, "sampler %s ended a step without ito_step_to", s->def->choice.name);
    int next = step->index + 1;
    ITO_TRY(run_step_hooks(s, &next));
    ITO_TRY(check_finite(s));
    ito_status st = report(s);
    rotate_history(s);
    void *spare = s->x;
    s->x = s->x_next;
    s->x_next = spare;
    s->visit++;
    step->index = next;
    return st;
}

bool ito_sampler_is_done(const ito_sampler *s)
{
    return s->step.index >= s->step.n_steps;
}

int ito_sampler_index(const ito_sampler *s)
{
    return s->step.index;
}

int ito_sampler_n_steps(const ito_sampler *s)
{
    return s->step.n_steps;
}

int ito_sampler_n_evals(const ito_sampler *s)
{
    int64_t most = 0;
    for (int64_t i = 0; i < s->step.n; i++) most = ITO_MAX(most, s->evals[i]);
    return (int)most;
}

double ito_sampler_mean_evals(const ito_sampler *s)
{
    double sum = 0;
    for (int64_t i = 0; i < s->step.n; i++) sum += (double)s->evals[i];
    return sum / (double)s->step.n;
}

double ito_sampler_time(const ito_sampler *s, int index)
{
    assert(index >= 0 && index <= s->step.n_steps);
    return s->times[index];
}

const float *ito_sampler_x(const ito_sampler *s)
{
    return s->dtype == ITO_F32 ? s->x : NULL;
}

const float *ito_sampler_x0(const ito_sampler *s)
{
    return s->dtype == ITO_F32 ? s->last_x0 : NULL;
}

void ito_sampler_get_x(const ito_sampler *s, void *x)
{
    memcpy(x, s->x, (size_t)(s->step.n * s->step.size) * ito_dtype_size(s->dtype));
}

void ito_sampler_set_x(ito_sampler *s, const void *x)
{
    memcpy(s->x, x, (size_t)(s->step.n * s->step.size) * ito_dtype_size(s->dtype));
}

ito_status ito_sample(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                      const ito_condition *condition, const ito_sample_options *options, ito_tensor *x)
{
    ito_sampler *s;
    ito_sample_options o = options ? *options : (ito_sample_options){0};
    o.dtype = x->dtype;
    if (!ito_tensor_is_dense(x)) return ito__fail(ctx, ITO_DTYPE, "ito_sample: x must be a dense tensor");
    ITO_TRY(ito_sampler_create(ctx, process, denoiser, condition, x->shape, &o, &s));
    ito_status st = ITO_OK;
    while (st == ITO_OK && !ito_sampler_is_done(s)) st = ito_sampler_step(s);
    if (st == ITO_OK) ito_sampler_get_x(s, x->data);
    ito_sampler_destroy(s);
    return st;
}
