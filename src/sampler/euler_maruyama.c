/* Euler and Maruyama's method on the reverse SDE (Song et al. 2021, equation 6), dx = (f x - g^2 score) dt + g dw:
 *     x_s = x_t - (f x_t - g^2 score) (t - s) + g sqrt(t - s) z,    score = -eps / sigma,
 * rates taken at t. Weak order 1, for many steps. The last step keeps its mean, as score_sde does, unless denoise is false. Not from
 * times where the drift is infinite, such as t = 1 of flows. Tested in tests/exact/test_reverse_sde.c. */
#include "sampler/reverse_step.h"

#include <math.h>

/* EQ[sde:6]  x_s = x_t - (f x_t - g^2 score) (t - s) + g sqrt(t - s) z: Euler and Maruyama's, backward in time */
ito__reverse_step ito__euler_maruyama(const ito_process *process, const ito_level *t, const ito_level *s)
{
    double f = ito_process_drift(process, t->t), g = ito_process_diffusion(process, t->t), dt = t->t - s->t;
    return (ito__reverse_step){.of_x = 1 - f * dt, .of_eps = -g * g * dt / t->sigma, .sd = g * sqrt(dt)};
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    return ito__reverse_step_end(st, ITO__EULER_MARUYAMA, st->x, &e, ito_opts_bool(st->opts, "denoise"));
}

static const ito_opt_def options[] = {ITO__DENOISE_OPTION, ITO_OPT_END};

const ito_sampler_def ito__sampler_euler_maruyama = {
    .choice = {.name = "euler-maruyama",
               .summary = "the reverse SDE by the Euler-Maruyama method, for many steps",
               .formula = "x_s = x_t - (f x_t - g^2 score) (t - s) + g sqrt(t - s) z",
               .paper = "sde",
               .eq = "sde:6",
               .file = "src/sampler/euler_maruyama.c",
               .options = options},
    .is_stochastic = true,
    .step = step,
};
