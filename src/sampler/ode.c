/* The probability-flow ODE as the classical solvers see it. */
#include "sampler/ode.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "sampler/solver.h"

#define MOST_SLOPES 4

const char *const ito__ode_spaces[] = {"sigma", "time", NULL};

static bool has_rates(const ito_level *t)
{
    return isfinite(t->signal_rate) && isfinite(t->sigma_rate);
}

static double variable(bool in_time, const ito_level *t)
{
    return in_time ? t->t : ito__level_sigma_hat(t);
}

ito_status ito__ode_begin(ito__ode *o, ito_step *st, ito_estimate *e, bool *is_whole)
{
    bool in_time = ito_opts_choice(st->opts, "space") == 1;
    *o = (ito__ode){st, in_time, variable(in_time, &st->t), variable(in_time, &st->s)};
    *is_whole = in_time ? has_rates(&st->t) && has_rates(&st->s) && st->t.sigma > 0 && st->s.sigma > 0
                        : ito__level_is_inner(&st->t) && ito__level_is_inner(&st->s);
    return ito_step_predict(st, 0, &st->t, st->x, e);
}

ito_level ito__ode_level(const ito__ode *o, double at)
{
    return o->in_time ? ito_process_level(o->st->process, at) : ito__level_at_sigma_hat(o->st->process, at);
}

void ito__ode_slope(const ito__ode *o, const ito_estimate *e, void *dst)
{
    /* EQ[edm:4] = EQ[sde:13]  dx/dt = signal' x_0 + sigma' eps; of x / signal along sigma / signal it is eps */
    if (o->in_time)
        ito_step_combine(o->st, 2, (const ito_term[]){{e->t.signal_rate, e->x0}, {e->t.sigma_rate, e->eps}}, dst);
    else
        ito_step_combine(o->st, 1, (const ito_term[]){{1, e->eps}}, dst);
}

ito_status ito__ode_go(const ito__ode *o, const ito_level *to, double step, int n, const double *weight,
                       void *const *slope, void *dst)
{
    double scale = o->in_time ? 1 : to->signal, of_x = o->in_time ? 1 : to->signal / o->st->t.signal;
    ito_term terms[1 + MOST_SLOPES] = {{of_x, o->st->x}};
    assert(n <= MOST_SLOPES);
    for (int k = 0; k < n; k++) terms[1 + k] = (ito_term){scale * step * weight[k], slope[k]};
    if (!dst) return ito_step_to(o->st, 1 + n, terms, 0);
    ito_step_combine(o->st, 1 + n, terms, dst);
    return ITO_OK;
}

ito_status ito__ode_euler(const ito__ode *o, const ito_estimate *e)
{
    ito_step *st = o->st;
    if (!o->in_time || !has_rates(&st->t)) return ito__step_ddim(st, e);
    double step = o->to - o->from;
    return ito_step_to(
        st, 3, (const ito_term[]){{1, st->x}, {step * st->t.signal_rate, e->x0}, {step * st->t.sigma_rate, e->eps}}, 0);
}
