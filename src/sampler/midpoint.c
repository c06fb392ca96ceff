/* The midpoint method on the probability-flow ODE, which k-diffusion calls DPM2 (diffusers: KDPM2). The slope of the whole step is
 * that at its middle: the geometric mean of sigma / signal, half-way in log-SNR, or half-way in time. Euler's where there is
 * no slope at an end. Tested in tests/exact/test_ode_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include <math.h>

#include "base/base.h"
#include "sampler/ode.h"

static ito_status step(ito_step *st)
{
    ito__ode o;
    ito_estimate e;
    bool is_whole;
    void *const *slope = st->scratch, *x = st->scratch[1];
    const double one[] = {1};
    ITO_TRY(ito__ode_begin(&o, st, &e, &is_whole));
    if (!is_whole) return ito__ode_euler(&o, &e);
    double middle = o.in_time ? 0.5 * (o.from + o.to) : sqrt(o.from * o.to);
    ito_level at = ito__ode_level(&o, middle);
    ito__ode_slope(&o, &e, slope[0]);
    ito__ode_go(&o, &at, middle - o.from, 1, one, slope, x);
    ITO_TRY(ito_step_predict(st, 1, &at, x, &e));
    ito__ode_slope(&o, &e, slope[0]);
    /* EQ[hairer:II.1]  y_s = y_t + (v_s - v_t) d_m, d_m the slope at v_m and y_t + (v_m - v_t) d_t */
    return ito__ode_go(&o, &st->s, o.to - o.from, 1, one, slope, NULL);
}

static const ito_opt_def options[] = {ITO__ODE_SPACE, ITO_OPT_END};

const ito_sampler_def ito__sampler_midpoint = {
    .choice = {.name = "midpoint",
               .summary = "the midpoint method, k-diffusion's DPM2: 2 evaluations a step",
               .formula =
                   "y_s = y_t + (v_s - v_t) d_m, the slope half-way; y = x / signal, v = sigma / signal, or y = x, "
                   "v = t",
               .paper = "hairer",
               .eq = "hairer:II.1",
               .file = "src/sampler/midpoint.c",
               .options = options},
    .order = 2,
    .n_estimates = 2,
    .n_scratch = 2,
    .step = step,
};
