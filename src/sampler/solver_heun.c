/* Heun's method on the probability-flow ODE: EDM's deterministic sampler (Karras et al. 2022, algorithm 1). The mean of the slopes
 * at both ends of the step; where there is none at an end, at sigma = 0 above all, it is Euler's. Tested in
 * tests/exact/test_ode_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include "base/base.h"
#include "sampler/ode.h"

static ito_status step(ito_step *st)
{
    ito__ode o;
    ito_estimate e;
    bool is_whole;
    void *const *slope = st->scratch, *x = st->scratch[2];
    ITO_TRY(ito__ode_begin(&o, st, &e, &is_whole));
    if (!is_whole) return ito__ode_euler(&o, &e);
    double span = o.to - o.from;
    ito__ode_slope(&o, &e, slope[0]);
    ito__ode_go(&o, &st->s, span, 1, (const double[]){1}, slope, x);
    ITO_TRY(ito_step_predict(st, 1, &st->s, x, &e));
    ito__ode_slope(&o, &e, slope[1]);
    /* EQ[edm:a1]  y_s = y_t + (v_s - v_t) (d_t + d_s) / 2 */
    return ito__ode_go(&o, &st->s, span, 2, (const double[]){0.5, 0.5}, slope, NULL);
}

static const ito_opt_def options[] = {ITO__ODE_SPACE, ITO_OPT_END};

const ito_sampler_def ito__sampler_heun = {
    .choice = {.name = "heun",
               .summary = "Heun's method, EDM's: 2 evaluations a step",
               .formula =
                   "y_s = y_t + (v_s - v_t) (d_t + d_s) / 2; y = x / signal, v = sigma / signal, or y = x, v = t",
               .paper = "edm",
               .eq = "edm:a1",
               .file = "src/sampler/solver_heun.c",
               .options = options},
    .order = 2,
    .n_estimates = 2,
    .n_scratch = 3,
    .step = step,
};
