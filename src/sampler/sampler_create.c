/* Making a sampler: the checks, the times, one slab for every array, and the state it starts from. */
#include <math.h>
#include <string.h>

#include "sampler/sampler_impl.h"

#include <ito/spacing.h>

#define DEFAULT_STEPS 50
#define ALIGN         64

static ito_status check_arguments(ito_ctx *ctx, const ito_denoiser *denoiser, const ito_condition *condition,
                                  ito_shape shape, const ito_sample_options *o)
{
    char text[ITO_SHAPE_TEXT];
    if (!denoiser->eval || !denoiser->prediction.def)
        return ito__fail(ctx, ITO_USAGE, "the denoiser lacks %s", denoiser->eval ? "its prediction kind" : "eval");
    if (shape.n_dims < 1 || ito_shape_count(shape) < 1)
        return ito__fail(ctx, ITO_SHAPE, "samples of shape %s cannot be made: it must be [n, ...] with no empty axis",
                         ito_shape_text(shape, text));
    if (o->n_steps < 0 || ((o->times || o->levels) && !o->n_steps))
        return ito__fail(ctx, ITO_USAGE, "n_steps is %d, but must be positive%s", o->n_steps,
                         o->times || o->levels ? ": it tells how many times there are" : " (or 0 for the default)");
    if (o->dtype != ITO_F32 && o->dtype != ITO_F64)
        return ito__fail(ctx, ITO_DTYPE, "samples are f32 or f64, found %s", ito_dtype_name(o->dtype));
    if (o->dtype == ITO_F64 && (o->n_hooks || o->progress || o->noise))
        return ito__fail(ctx, ITO_USAGE,
                         "hooks, progress functions and noise sources see floats: a run in f64 has none");
    if (o->encode && !o->start)
        return ito__fail(ctx, ITO_USAGE, "encode goes from x_0 to its noise: start must hold x_0");
    return ito_condition_check(ctx, condition, shape.d[0]);
}

static ito_status check_times(const ito_sampler *s)
{
    const ito_process *process = s->step.process;
    int n = s->step.n_steps;
    double before = nextafter(ito_process_t_max(process), (double)INFINITY);
    for (int i = 0; i <= n; i++) {
        if (!(s->times[i] < before) || s->times[i] < ito_process_t_min(process))
            return ito__fail(s->step.ctx, ITO_USAGE,
                             "times must fall strictly from at most %g to the end at %g; time %d of %d is %g",
                             ito_process_t_max(process), s->times[n], i, n, s->times[i]);
        before = s->times[i];
    }
    return ITO_OK;
}

/* Levels need not fall: a schedule may jump, and a step may go nowhere. */
static ito_status use_levels(ito_sampler *s)
{
    int n = s->step.n_steps;
    for (int i = 0; i < n; i++) {
        const ito_step_levels *l = &s->options.levels[i];
        const double positive[] = {l->t.signal, l->t.sigma, l->s.signal, l->s.sigma};
        for (int k = 0; k < ITO_COUNT(positive); k++)
            if (!(positive[k] >= 0 && isfinite(positive[k])) || !isfinite(l->t.t) || !isfinite(l->s.t))
                return ito__fail(s->step.ctx, ITO_USAGE,
                                 "levels of step %d: signal %g and sigma %g to signal %g and sigma %g at t = %g to %g, "
                                 "but all must be finite, and none of the former negative",
                                 i, l->t.signal, l->t.sigma, l->s.signal, l->s.sigma, l->t.t, l->s.t);
        s->times[i] = l->t.t;
    }
    s->times[n] = s->options.levels[n - 1].s.t;
    return ITO_OK;
}

static void reverse(int n, double *x)
{
    for (int i = 0; i < n / 2; i++) {
        double kept = x[i];
        x[i] = x[n - 1 - i];
        x[n - 1 - i] = kept;
    }
}

/* times[0 .. n_steps]: the caller's, or the spacing's, then the end; upward to encode. */
static ito_status fill_times(ito_sampler *s)
{
    const ito_sample_options *o = &s->options;
    const ito_process *process = s->step.process;
    int n = s->step.n_steps;
    const char *spacing = o->spacing ? o->spacing : "trailing";
    if (o->levels) return use_levels(s);
    if (o->times)
        memcpy(s->times, o->times, (size_t)n * sizeof *s->times);
    else
        ITO_TRY(ito_spacing_fill(s->step.ctx, spacing, o->spacing_opts, process, n, s->times));
    s->times[n] = o->t_end != 0 ? o->t_end : ito_process_t_min(process);
    ITO_TRY(check_times(s));
    if (o->encode) reverse(n + 1, s->times);
    return ITO_OK;
}

/* Hands out parts of the slab, or only counts while it does not exist yet. */
static void *take(ito_sampler *s, int64_t *used)
{
    void *at = s->slab ? (char *)s->slab + *used : NULL;
    int64_t bytes = s->step.n * s->step.size * (int64_t)ito_dtype_size(s->dtype);
    *used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static int64_t lay_out(ito_sampler *s)
{
    int64_t used = 0;
    s->x = take(s, &used);
    s->x_next = take(s, &used);
    s->out = take(s, &used);
    s->noise = take(s, &used);
    if (s->uses_extra) {
        s->extra = take(s, &used);
        s->sd = take(s, &used);
    }
    for (int i = 0; i < ITO_MAX(s->def->n_estimates, 1); i++) {
        s->estimates[i].x0 = take(s, &used);
        s->estimates[i].eps = take(s, &used);
    }
    for (int i = 0; i < s->def->n_history; i++) {
        s->history[i].x0 = take(s, &used);
        s->history[i].eps = take(s, &used);
    }
    for (int i = 0; i < s->def->n_scratch; i++) s->scratch[i] = take(s, &used);
    for (int i = 0; s->def->follows_path && i < ITO__PATH_ARRAYS; i++) s->path[i] = take(s, &used);
    return used;
}

static ito_status allocate(ito_sampler *s)
{
    ito_ctx *ctx = s->step.ctx;
    size_t n = (size_t)s->step.n;
    s->times = ito__alloc_array(ctx, (size_t)s->step.n_steps + 1, sizeof *s->times);
    s->estimates = ito__alloc_array(ctx, (size_t)ITO_MAX(s->def->n_estimates, 1), sizeof *s->estimates);
    s->history = ito__alloc_array(ctx, (size_t)s->def->n_history, sizeof *s->history);
    s->scratch = ito__alloc_array(ctx, (size_t)s->def->n_scratch, sizeof *s->scratch);
    s->samples = ito__alloc_array(ctx, n, sizeof *s->samples);
    s->keys = ito__alloc_array(ctx, n, sizeof *s->keys);
    s->coef = ito__alloc_array(ctx, n, ITO_VEC_MAX_TERMS * sizeof *s->coef);
    s->times_of = ito__alloc_array(ctx, n, sizeof *s->times_of);
    s->per_sample = ito__alloc_array(ctx, n, sizeof *s->per_sample);
    s->evals = ito__alloc_array(ctx, n, sizeof *s->evals);
    s->number = ito__alloc_array(ctx, (size_t)s->def->n_numbers, sizeof *s->number);
    s->numbers = ito__alloc_array(ctx, n * (size_t)s->def->n_numbers, sizeof *s->numbers);
    if (!s->times || !s->estimates || !s->history || !s->scratch || !s->samples || !s->keys || !s->coef ||
        !s->times_of || !s->per_sample || !s->evals || !s->number || !s->numbers)
        return ITO_MEMORY;
    for (int k = 0; k < s->def->n_numbers; k++) s->number[k] = s->numbers + k * s->step.n;
    s->slab = ito__alloc(ctx, (size_t)lay_out(s));
    if (!s->slab) return ITO_MEMORY;
    lay_out(s);
    s->step.scratch = s->scratch;
    s->step.number = s->number;
    return ITO_OK;
}

/* A learned variance takes one extra output channel for each channel of x. */
static ito_status check_extra(ito_sampler *s)
{
    int channels = s->shape.n_dims > 1 ? (int)s->shape.d[s->shape.n_dims - 1] : 1, n_extra = s->denoiser->n_extra;
    s->uses_extra = s->def->uses_extra && s->def->uses_extra(s->step.ctx, s->step.opts);
    if (s->uses_extra && s->dtype == ITO_F64)
        return ito__fail(s->step.ctx, ITO_USAGE, "a learned variance is float32: a run in f64 has none");
    if (!s->uses_extra || n_extra == channels) return ITO_OK;
    return ito__fail(
        s->step.ctx, ITO_USAGE,
        "sampler %s is asked for a learned variance, but the denoiser has %d extra output channels, expected "
        "%d, one for each channel of x: choose a fixed variance (`ito list variance`) or a model that was "
        "trained with a learned one",
        s->def->choice.name, n_extra, channels);
}

static ito_status check_encode(const ito_sampler *s)
{
    const ito_sampler_def *def = s->def;
    bool is_noisy = def->is_noisy ? def->is_noisy(s->step.opts) : def->is_stochastic;
    if (!s->options.encode || !is_noisy) return ITO_OK;
    return ito__fail(s->step.ctx, ITO_USAGE,
                     "sampler %s injects noise, so it has no way back from an image to its noise: choose a "
                     "deterministic one (`ito list sampler`)",
                     def->choice.name);
}

static ito_status choose(ito_sampler *s)
{
    ito_ctx *ctx = s->step.ctx;
    const ito_sample_options *o = &s->options;
    ITO_TRY(ito_sampler_find(ctx, o->sampler ? o->sampler : "ddim", &s->def));
    ITO_TRY(ito_choice_opts(ctx, &s->def->choice, o->sampler_opts, &s->own_opts, &s->step.opts));
    if (s->def->check) ITO_TRY(s->def->check(ctx, s->step.opts));
    ITO_TRY(check_encode(s));
    ITO_TRY(check_extra(s));
    ITO_TRY(ito_clip_find(ctx, o->clip ? o->clip : "none", &s->clip));
    if (s->clip->apply && s->dtype == ITO_F64)
        return ito__fail(ctx, ITO_USAGE, "clipping is of float32: a run in f64 has none");
    return ito_choice_opts(ctx, &s->clip->choice, o->clip_opts, &s->own_clip_opts, &s->clip_opts);
}

/* The state at the first time: the caller's, or prior_sd times noise. */
static ito_status start(ito_sampler *s)
{
    const ito_sample_options *o = &s->options;
    for (int64_t i = 0; i < s->step.n; i++) s->samples[i] = o->samples ? o->samples[i] : o->first_sample + (uint64_t)i;
    if (o->start) {
        ito__sampler_combine(s, 1, (const ito_term[]){{1, o->start}}, s->x);
        return ITO_OK;
    }
    ITO_TRY(ito__sampler_noise(s, ITO_STREAM_PRIOR, 0, s->noise));
    double sd = o->prior_sd > 0 ? o->prior_sd : ito_process_prior_sd(s->step.process);
    ito__sampler_combine(s, 1, (const ito_term[]){{sd, s->noise}}, s->x);
    return ITO_OK;
}

ito_status ito_sampler_create(ito_ctx *ctx, const ito_process *process, const ito_denoiser *denoiser,
                              const ito_condition *condition, ito_shape shape, const ito_sample_options *options,
                              ito_sampler **out)
{
    ito_sample_options o = options ? *options : (ito_sample_options){0};
    const ito_backend *backend;
    ito_status st;
    *out = NULL;
    ITO_TRY(check_arguments(ctx, denoiser, condition, shape, &o));
    ito_sampler *s = ito__alloc(ctx, sizeof *s);
    if (!s) return ITO_MEMORY;
    s->step = (ito_step){.ctx = ctx, .process = process, .n_steps = o.n_steps ? o.n_steps : DEFAULT_STEPS};
    s->step.n = shape.d[0];
    s->step.size = ito_shape_count(shape) / shape.d[0];
    s->step.sampler = s;
    s->denoiser = denoiser;
    s->condition = condition;
    s->options = o;
    s->shape = shape;
    s->dtype = o.dtype;
    s->queue = (ito_queue){ito_ctx_n_threads(ctx)};
    ITO_GO(ito__backend_open(ctx, NULL, &backend));
    s->vec = backend->vec;
    ITO_GO(ito_prediction_check(ctx, &denoiser->prediction, process));
    ITO_GO(choose(s));
    ITO_GO(allocate(s));
    ITO_GO(fill_times(s));
    ITO_GO(start(s));
done:
    if (st == ITO_OK)
        *out = s;
    else
        ito_sampler_destroy(s);
    return st;
}

void ito_sampler_destroy(ito_sampler *s)
{
    if (!s) return;
    ito_ctx *ctx = s->step.ctx;
    void *const parts[] = {s->slab, s->times,    s->estimates,  s->history, s->scratch, s->samples, s->keys,
                           s->coef, s->times_of, s->per_sample, s->evals,   s->number,  s->numbers};
    for (int i = 0; i < ITO_COUNT(parts); i++) ito__free(ctx, parts[i]);
    ito_opts_destroy(s->own_opts);
    ito_opts_destroy(s->own_clip_opts);
    ito__free(ctx, s);
}
