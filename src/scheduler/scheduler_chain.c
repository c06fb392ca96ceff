/* The levels of the steps of the classes that go along training timesteps by alpha_bar, and of the ones with a way of their own. */
#include <math.h>

#include "base/base.h"
#include "process/vp_table.h"
#include "scheduler/scheduler_impl.h"

static const ito_level at_data = {.t = 0,
                                  .signal = 1,
                                  .sigma = 0,
                                  .log_snr = (double)INFINITY,
                                  .signal_rate = (double)NAN,
                                  .sigma_rate = (double)NAN};

/* diffusers counts timesteps from 0. */
static ito_level level_at(const ito_scheduler *s, int timestep)
{
    return ito__level_of_alpha_bar((double)s->alpha_bar[timestep], timestep + 1);
}

/* Where the last step ends: the data, or the first timestep's alpha_bar. */
static ito_level level_last(const ito_scheduler *s)
{
    return s->o.alpha_one ? at_data : ito__level_of_alpha_bar((double)s->alpha_bar[0], 0);
}

static ito_level level_or_last(const ito_scheduler *s, int timestep)
{
    return timestep >= 0 ? level_at(s, timestep) : level_last(s);
}

/* Timestep number i of n, counted from the noisy end. */
static int spaced(const ito_scheduler *s, int i, int n)
{
    const ito__their_options *o = &s->o;
    if (o->spacing == ITO__LEADING) return (n - 1 - i) * (o->T / n) + o->offset;
    if (o->spacing == ITO__TRAILING) return (int)ito__trailing(o->T, (double)o->T / n, i);
    return (int)rint(ito__np_linspace(0, o->T - 1, n - 1 - i, n));
}

static ito_status check_timestep(const ito_scheduler *s, int timestep)
{
    if (timestep >= 0 && timestep < s->o.T) return ITO_OK;
    return ito__fail(s->ctx, ITO_FORMAT, "%s: with steps_offset %d a step would start at timestep %d of 0 to %d",
                     s->where, s->o.offset, timestep, s->o.T - 1);
}

/* Room for n steps, or more, and s->times: the n timesteps. */
static ito_status begin(ito_scheduler *s, int n, int n_steps)
{
    if (n > s->o.T)
        return ito__fail(s->ctx, ITO_USAGE, "%s: %d steps asked for, but there are %d timesteps", s->where, n, s->o.T);
    ITO_TRY(ito__scheduler_room(s, ITO_MAX(n, n_steps)));
    s->n = n_steps;
    s->prior_sd = 1;
    for (int i = 0; i < n; i++) {
        s->times[i] = spaced(s, i, n);
        ITO_TRY(check_timestep(s, (int)s->times[i]));
    }
    return ITO_OK;
}

ito_status ito__fill_ddpm(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps;
    ITO_TRY(begin(s, n, n));
    for (int i = 0; i < n; i++) {
        s->levels[i].t = level_at(s, (int)s->times[i]);
        s->levels[i].s = i + 1 < n ? level_at(s, (int)s->times[i + 1]) : at_data;
    }
    return ITO_OK;
}

/* Every step goes floor(T / n) timesteps down, wherever the next one starts. */
ito_status ito__fill_ddim(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps;
    ITO_TRY(begin(s, n, n));
    for (int i = 0; i < n; i++) {
        s->levels[i].t = level_at(s, (int)s->times[i]);
        s->levels[i].s = level_or_last(s, (int)s->times[i] - s->o.T / n);
    }
    return ITO_OK;
}

/* Upward: the network is told the timestep that a step goes to, and asked about the one it comes from. */
ito_status ito__fill_inverse(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps;
    if (s->o.spacing == ITO__LINSPACE)
        return ito__fail(s->ctx, ITO_FORMAT, "%s: %s has no timestep_spacing \"linspace\"", s->where, s->class->name);
    ITO_TRY(begin(s, n, n));
    for (int i = 0; i < n; i++) {
        int to = spaced(s, n - 1 - i, n);
        s->times[i] = to;
        s->levels[i].t = level_or_last(s, to - s->o.T / n);
        s->levels[i].t.t = to + 1;
        s->levels[i].s = level_at(s, to);
    }
    return ITO_OK;
}

/* ---- PNDM: a step of the loop for every evaluation ---- */

static ito_status put_jump(ito_scheduler *s, int i, int told, int from, int to)
{
    ITO_TRY(check_timestep(s, told));
    ITO_TRY(check_timestep(s, from));
    s->levels[i].t = level_at(s, from);
    s->levels[i].t.t = told + 1;
    s->levels[i].s = level_or_last(s, to);
    return ITO_OK;
}

/* The second evaluation, at the end of the first step, takes that step again with the mean of both. */
static ito_status fill_plms(ito_scheduler *s, int n)
{
    int stride = s->o.T / n;
    for (int i = 0; i < s->n; i++) {
        int at = (int)s->times[i > 1 ? i - 1 : i];
        ITO_TRY(i == 1 ? put_jump(s, i, at, at + stride, at) : put_jump(s, i, at, at, at - stride));
    }
    return ITO_OK;
}

/* Three Runge-Kutta steps of four evaluations: at the start, twice half a stride below it, a stride below it. */
static ito_status fill_prk(ito_scheduler *s, int n)
{
    int half = s->o.T / n / 2;
    for (int i = 0; i < 12; i++) {
        int start = (int)s->times[i / 4], next = (int)s->times[i / 4 + 1], at = i % 4;
        int told = at == 0 ? start : at == 3 ? next : next + half;
        ITO_TRY(put_jump(s, i, told, start, i % 2 ? told : told - half));
    }
    for (int i = 12; i < s->n; i++) {
        int at = (int)s->times[i - 9];
        ITO_TRY(put_jump(s, i, at, at, at - s->o.T / n));
    }
    return ITO_OK;
}

ito_status ito__fill_pndm(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps;
    bool skips = s->o.skip_prk;
    if (!skips && n < 4)
        return ito__fail(s->ctx, ITO_USAGE,
                         "%s: %d steps asked for, but without skip_prk_steps there must be 4 or more", s->where, n);
    ITO_TRY(begin(s, n, skips ? n + (n > 1) : n + 9));
    return skips ? fill_plms(s, n) : fill_prk(s, n);
}

/* ---- few steps ---- */

/* Every (T / original_steps)-th timestep is one that networks were distilled for; n of them. */
ito_status ito__fill_lcm(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps, original = s->o.original_steps;
    if (original > s->o.T || n > original)
        return ito__fail(s->ctx, ITO_USAGE, "%s: %d steps asked for, with %d original_inference_steps of %d timesteps",
                         s->where, n, original, s->o.T);
    ITO_TRY(ito__scheduler_room(s, n));
    s->prior_sd = 1;
    int apart = s->o.T / original;
    double stride = (double)original / n;
    for (int i = 0; i < n; i++) s->times[i] = (original - (int)floor(i * stride)) * apart - 1;
    for (int i = 0; i < n; i++) {
        s->levels[i].t = level_at(s, (int)s->times[i]);
        s->levels[i].s = i + 1 < n                 ? level_at(s, (int)s->times[i + 1])
                         : s->class->ends_at_first ? level_at(s, 0)
                                                   : at_data;
    }
    return ITO_OK;
}

ito_status ito__fill_consistency(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps, stride = s->o.T / n;
    if (n > s->o.T || s->o.T < 2)
        return ito__fail(s->ctx, ITO_USAGE, "%s: %d steps asked for, but there are %d timesteps", s->where, n, s->o.T);
    ITO_TRY(ito__scheduler_room(s, n));
    for (int i = 0; i < n; i++) {
        double first = pow(s->o.sigma_max, 1 / s->o.rho), last = pow(s->o.sigma_min, 1 / s->o.rho);
        s->sigmas[i] = (double)(float)pow(first + (double)i * stride / (s->o.T - 1) * (last - first), s->o.rho);
    }
    s->sigmas[n] = (double)(float)s->o.sigma_min;
    for (int i = 0; i < n; i++) {
        s->levels[i].t = ito__level_exploding(s->sigmas[i], s->sigmas[i]);
        s->levels[i].s = ito__level_exploding(s->sigmas[i + 1], s->sigmas[i + 1]);
    }
    s->prior_sd = s->o.sigma_max;
    return ITO_OK;
}

/* ---- the others ---- */

/* Predictor steps go along sigmas that are even in their logarithm, from sigma_max to 0; the network is told the sigma of a time that
 * falls from 1 to sampling_eps. */
ito_status ito__fill_score(ito_scheduler *s, const ito_scheduler_use *use)
{
    int n = use->n_steps;
    ITO_TRY(ito__scheduler_room(s, n));
    for (int i = 0; i < n; i++) {
        s->times[i] = ito__vp_linspace(1, s->o.sampling_eps, i, n);
        int at = (int)((float)s->times[i] * (float)(n - 1));
        s->sigmas[i] = (double)expf((float)ito__vp_linspace(log(s->o.sigma_min), log(s->o.sigma_max), at, n));
    }
    s->sigmas[n] = 0;
    for (int i = 0; i < n; i++) {
        s->levels[i].t = ito__level_exploding(s->sigmas[i], s->times[i]);
        s->levels[i].s = ito__level_exploding(s->sigmas[i + 1], i + 1 < n ? s->times[i + 1] : 0);
    }
    s->prior_sd = s->o.sigma_max;
    return ITO_OK;
}

/* sigma = sin(pi / 2 u)^2 and the signal that goes with it, for u from 1 to 0. */
ito_status ito__fill_ipndm(ito_scheduler *s, const ito_scheduler_use *use)
{
    const double half_pi = 1.5707963267948966;
    int n = use->n_steps;
    const json_t *list = json_object_get(s->config, "trained_betas");
    bool is_list = list && !json_is_null(list);
    if (is_list && json_array_size(list) != (size_t)n + 1)
        return ito__fail(s->ctx, ITO_USAGE, "%s: trained_betas has %zu numbers, but %d steps take %d", s->where,
                         json_array_size(list), n, n + 1);
    ITO_TRY(ito__scheduler_room(s, n));
    for (int i = 0; i <= n; i++) {
        double sine = sin((i < n ? ito__vp_linspace(1, 0, i, n + 1) : 0) * half_pi);
        s->sigmas[i] = (double)(float)(is_list ? json_number_value(json_array_get(list, (size_t)i)) : sine * sine);
        double signal = sqrt(fmax(1 - s->sigmas[i] * s->sigmas[i], 0));
        ito_level level = {atan2(s->sigmas[i], signal) / half_pi,
                           signal,
                           s->sigmas[i],
                           2 * log(signal / s->sigmas[i]),
                           (double)NAN,
                           (double)NAN,
                           0};
        if (i < n) s->levels[i].t = level;
        if (i < n) s->times[i] = level.t;
        if (i > 0) s->levels[i - 1].s = level;
    }
    s->prior_sd = 1;
    return ITO_OK;
}
