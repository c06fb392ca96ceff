/* The levels of the steps of the classes whose noise is given by sigmas. */
#include <math.h>
#include <string.h>

#include "process/vp_table.h"
#include "scheduler/scheduler_impl.h"

static double rate(void)
{
    return (double)NAN; /* of levels that are no process's times: there is none */
}

ito_level ito__level_of_alpha_bar(double alpha_bar, double t)
{
    double variance = 1 - alpha_bar;
    return (ito_level){t, sqrt(alpha_bar), sqrt(variance), log(alpha_bar) - log(variance), rate(), rate(), 0};
}

ito_level ito__level_of_sigma(double sigma, double t)
{
    double signal = 1 / sqrt(sigma * sigma + 1);
    return (ito_level){t, signal, sigma * signal, -2 * log(sigma), rate(), rate(), 0};
}

ito_level ito__level_exploding(double sigma, double t)
{
    return (ito_level){t, 1, sigma, -2 * log(sigma), 0, 1, 0};
}

ito_level ito__level_flow(double sigma, double t)
{
    return (ito_level){t, 1 - sigma, sigma, 2 * (log(1 - sigma) - log(sigma)), -1, 1, 0};
}

ito_status ito__scheduler_room(ito_scheduler *s, int n)
{
    ito__free(s->ctx, s->levels);
    ito__free(s->ctx, s->times);
    ito__free(s->ctx, s->sigmas);
    s->n = n;
    s->levels = ito__alloc_array(s->ctx, (size_t)n, sizeof *s->levels);
    s->times = ito__alloc_array(s->ctx, (size_t)n, sizeof *s->times);
    s->sigmas = ito__alloc_array(s->ctx, (size_t)n + 1, sizeof *s->sigmas);
    return s->levels && s->times && s->sigmas ? ITO_OK : ITO_MEMORY;
}

/* From level i to level i + 1, n of them and the end. */
static void chain(ito_scheduler *s, ito_level (*level)(double sigma, double t),
                  double (*time)(const ito_scheduler *s, int i))
{
    for (int i = 0; i < s->n; i++) {
        s->levels[i].t = level(s->sigmas[i], time(s, i));
        s->levels[i].s = level(s->sigmas[i + 1], time(s, i + 1));
    }
}

/* Timesteps count from 0; the end is told to no network. */
static double discrete_time(const ito_scheduler *s, int i)
{
    return i < s->n ? s->times[i] + 1 : 0;
}

static double sigma_time(const ito_scheduler *s, int i)
{
    return s->sigmas[i];
}

/* A flow's time is sigma, rounded down to a whole timestep. */
static double whole_flow_time(const ito_scheduler *s, int i)
{
    return i < s->n ? s->times[i] / s->o.T : 0;
}

ito_status ito__fill_plain(ito_scheduler *s, const ito_scheduler_use *use)
{
    ITO_TRY(ito__scheduler_room(s, use->n_steps));
    ITO_TRY(ito__sigmas_plain(s));
    double first = s->sigmas[0], whole = sqrt(first * first + 1);
    s->prior_sd = s->o.spacing == ITO__LEADING ? whole : first;
    if (s->o.timestep_type == 1 && s->o.prediction == ITO__THEIR_V) {
        chain(s, ito__level_exploding, sigma_time);
        return ITO_OK;
    }
    /* The state of diffusers is x / signal; what the network sees is x. */
    s->prior_sd /= whole;
    chain(s, ito__level_of_sigma, discrete_time);
    s->levels[s->n - 1].s = ito__level_exploding(s->sigmas[s->n], 0);
    return ITO_OK;
}

ito_status ito__fill_lambda(ito_scheduler *s, const ito_scheduler_use *use)
{
    ITO_TRY(ito__scheduler_room(s, use->n_steps));
    ITO_TRY(ito__sigmas_lambda(s));
    s->prior_sd = 1;
    if (s->o.flow)
        chain(s, ito__level_flow, whole_flow_time);
    else
        chain(s, ito__level_of_sigma, discrete_time);
    return ITO_OK;
}

/* EDM's solvers differ in where they round: in float32 (is_float), or at the end. */
static double edm_sigma(const ito_scheduler *s, int i)
{
    const ito__their_options *o = &s->o;
    int n = s->n;
    if (o->sigma_schedule == 1)
        return (double)expf((float)ito__vp_linspace(log(o->sigma_min), log(o->sigma_max), n - 1 - i, n));
    if (!s->class->is_float) return ito__karras(o->sigma_max, o->sigma_min, o->rho, i, n);
    float first = (float)pow(o->sigma_max, 1 / o->rho),
          span = (float)(pow(o->sigma_min, 1 / o->rho) - pow(o->sigma_max, 1 / o->rho));
    float root = first + (float)ito__vp_linspace(0, 1, i, n) * span;
    return (double)powf(root, (float)o->rho);
}

ito_status ito__fill_edm(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps;
    ITO_TRY(ito__scheduler_room(s, n));
    for (int i = 0; i < n; i++) s->sigmas[i] = (double)(float)edm_sigma(s, i);
    s->sigmas[n] = s->o.final == ITO__FINAL_SIGMA_MIN ? s->sigmas[n - 1] : 0;
    if (s->o.final == ITO__FINAL_SIGMA_MIN && s->class->is_float) s->sigmas[n] = (double)(float)s->o.sigma_min;
    s->prior_sd = sqrt(s->o.sigma_max * s->o.sigma_max + 1);
    chain(s, ito__level_exploding, sigma_time);
    return ITO_OK;
}

/* ---- flow matching ---- */

static double shifted(double shift, double sigma)
{
    return shift * sigma / (1 + (shift - 1) * sigma);
}

/* The shift that goes with the size of the image. */
static double dynamic_shift(const ito_scheduler *s, const ito_scheduler_use *use, double sigma)
{
    const ito__their_options *o = &s->o;
    int tokens = use->n_tokens > 0 ? use->n_tokens : o->base_tokens;
    double slope = (o->max_shift - o->base_shift) / (o->max_tokens - o->base_tokens);
    double mu = o->base_shift + slope * (tokens - o->base_tokens);
    double shift = o->time_shift ? mu : exp(mu);
    return shift / (shift + (1 / sigma - 1));
}

static void shift_sigmas(ito_scheduler *s, const ito_scheduler_use *use)
{
    const ito__their_options *o = &s->o;
    int n = s->n;
    for (int i = 0; i < n; i++)
        s->sigmas[i] = o->dynamic ? dynamic_shift(s, use, s->sigmas[i]) : shifted(o->shift, s->sigmas[i]);
    double scale = o->shift_terminal > 0 ? (1 - s->sigmas[n - 1]) / (1 - o->shift_terminal) : 1;
    for (int i = 0; i < n; i++) s->sigmas[i] = 1 - (1 - s->sigmas[i]) / scale;
    double from = s->sigmas[0], to = s->sigmas[n - 1];
    for (int i = 0; i < n; i++) {
        if (o->karras) s->sigmas[i] = ito__karras(from, to, 7, i, n);
        if (o->exponential) s->sigmas[i] = ito__exponential(from, to, i, n);
        if (o->beta) s->sigmas[i] = ito__beta_spaced(from, to, i, n);
    }
}

ito_status ito__fill_flow(ito_scheduler *s, const ito_scheduler_use *use)
{
    const ito__their_options *o = &s->o;
    int n = use->n_steps;
    ITO_TRY(ito__scheduler_room(s, n));
    /* The least sigma has the shift in it already, and gets it again. */
    float shift = (float)o->shift, least = 1.0f / (float)o->T;
    if (!o->dynamic) least = shift * least / (1 + (shift - 1) * least);
    for (int i = 0; i < n; i++) s->sigmas[i] = ito__np_linspace(o->T, (double)least * o->T, i, n) / o->T;
    shift_sigmas(s, use);
    for (int i = 0; i < n; i++) {
        float sigma = (float)s->sigmas[i];
        s->sigmas[i] = (double)(o->invert ? 1 - sigma : sigma);
    }
    s->sigmas[n] = o->invert;
    s->prior_sd = 1;
    chain(s, ito__level_flow, sigma_time);
    return ITO_OK;
}
