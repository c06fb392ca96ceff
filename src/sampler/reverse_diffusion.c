/* Reverse diffusion sampling (Song et al. 2021, appendix E): the reverse SDE discretised as its forward process is. With
 * q(x_t | x_s) = N(a x_s, variance),
 *     x_s = (2 - a) x_t + variance score + sqrt(variance) z,    score = -eps / sigma.
 * Finite for every process; for many steps. The last step keeps its mean unless denoise is false. Tested in
 * tests/exact/test_reverse_sde.c. */
#include "sampler/reverse_step.h"

#include <math.h>

/* EQ[sde:46]  x_s = (2 - a) x_t + variance score + sqrt(variance) z, where q(x_t | x_s) = N(a x_s, variance) */
ito__reverse_step ito__reverse_diffusion(const ito_level *t, const ito_level *s)
{
    ito_transition q = ito_level_transition(t, s);
    return (ito__reverse_step){.of_x = 2 - q.scale, .of_eps = -q.variance / t->sigma, .sd = sqrt(q.variance)};
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    return ito__reverse_step_end(st, ITO__REVERSE_DIFFUSION, st->x, &e, ito_opts_bool(st->opts, "denoise"));
}

static const ito_opt_def options[] = {ITO__DENOISE_OPTION, ITO_OPT_END};

const ito_sampler_def ito__sampler_reverse_diffusion = {
    .choice = {.name = "reverse-diffusion",
               .summary = "the reverse SDE, discretised as the forward process is; for many steps",
               .formula = "x_s = (2 - a) x_t + variance score + sqrt(variance) z, q(x_t | x_s) = N(a x_s, variance)",
               .paper = "sde",
               .eq = "sde:46",
               .file = "src/sampler/reverse_diffusion.c",
               .options = options},
    .is_stochastic = true,
    .step = step,
};
