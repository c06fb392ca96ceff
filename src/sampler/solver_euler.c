/* Euler's method on the probability-flow ODE. In sigma / signal it is DDIM without noise, finite at both ends; in time it is what
 * flow models are sampled with, and the same there. Tested in tests/exact/test_ode_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include "base/base.h"
#include "sampler/ode.h"

static ito_status step(ito_step *st)
{
    ito__ode o;
    ito_estimate e;
    bool is_whole;
    ITO_TRY(ito__ode_begin(&o, st, &e, &is_whole));
    /* EQ[hairer:I.7]  y_s = y_t + (v_s - v_t) dy/dv */
    return ito__ode_euler(&o, &e);
}

static const ito_opt_def options[] = {ITO__ODE_SPACE, ITO_OPT_END};

const ito_sampler_def ito__sampler_euler = {
    .choice = {.name = "euler",
               .summary = "Euler's method: 1 evaluation a step",
               .formula = "y_s = y_t + (v_s - v_t) dy/dv; y = x / signal, v = sigma / signal, or y = x, v = t",
               .paper = "hairer",
               .eq = "hairer:I.7",
               .file = "src/sampler/solver_euler.c",
               .options = options},
    .order = 1,
    .step = step,
};
