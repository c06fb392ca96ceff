/* The classical Runge-Kutta method of order 4 on the probability-flow ODE. Euler's where there is no slope at an end. Tested in
 * tests/exact/test_ode_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include "base/base.h"
#include "sampler/ode.h"

/* Slope number k, at `to`, reached along slope k - 1. */
static ito_status ask(const ito__ode *o, int k, double share, const ito_level *to)
{
    ito_estimate e;
    void *const *slope = o->st->scratch, *x = o->st->scratch[4];
    ito__ode_go(o, to, share * (o->to - o->from), 1, (const double[]){1}, slope + k - 1, x);
    ITO_TRY(ito_step_predict(o->st, 1, to, x, &e));
    ito__ode_slope(o, &e, slope[k]);
    return ITO_OK;
}

static ito_status step(ito_step *st)
{
    ito__ode o;
    ito_estimate e;
    bool is_whole;
    ITO_TRY(ito__ode_begin(&o, st, &e, &is_whole));
    if (!is_whole) return ito__ode_euler(&o, &e);
    ito_level half = ito__ode_level(&o, 0.5 * (o.from + o.to));
    ito__ode_slope(&o, &e, st->scratch[0]);
    ITO_TRY(ask(&o, 1, 0.5, &half));
    ITO_TRY(ask(&o, 2, 0.5, &half));
    ITO_TRY(ask(&o, 3, 1, &st->s));
    /* EQ[hairer:t1.2]  y_s = y_t + (v_s - v_t) (d_1 + 2 d_2 + 2 d_3 + d_4) / 6 */
    return ito__ode_go(&o, &st->s, o.to - o.from, 4, (const double[]){1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0}, st->scratch,
                       NULL);
}

static const ito_opt_def options[] = {ITO__ODE_SPACE, ITO_OPT_END};

const ito_sampler_def ito__sampler_rk4 = {
    .choice = {.name = "rk4",
               .summary = "Runge and Kutta's method of order 4: 4 evaluations a step",
               .formula =
                   "y_s = y_t + (v_s - v_t) (d_1 + 2 d_2 + 2 d_3 + d_4) / 6; y = x / signal, v = sigma / signal, or "
                   "y = x, v = t",
               .paper = "hairer",
               .eq = "hairer:t1.2",
               .file = "src/sampler/solver_rk4.c",
               .options = options},
    .order = 4,
    .n_estimates = 2,
    .n_scratch = 5,
    .step = step,
};
