/* Three ways to take a step of the reverse SDE. */
#include "sampler/reverse_step.h"

#include <math.h>

#include "base/base.h"

/* EQ[sde:4] EQ[sde:47]  the mean of q(x_s | x_t, x_0), and its variance; or DDPM's beta where the process preserves variance */
static ito__reverse_step ancestral(const ito_process *process, const ito_level *t, const ito_level *s)
{
    ito_posterior q = ito_level_posterior(t, s);
    bool is_ddpm = ito_process_get_def(process)->is_variance_preserving;
    double variance = is_ddpm ? ito_level_transition(t, s).variance : q.variance;
    return (ito__reverse_step){.of_x = q.coef_x, .of_x0 = q.coef_x0, .sd = sqrt(variance)};
}

ito__reverse_step ito__reverse_step_between(ito__reverse_kind kind, const ito_process *process, const ito_level *t,
                                            const ito_level *s)
{
    if (kind == ITO__EULER_MARUYAMA) return ito__euler_maruyama(process, t, s);
    return kind == ITO__REVERSE_DIFFUSION ? ito__reverse_diffusion(t, s) : ancestral(process, t, s);
}

ito_status ito__reverse_step_end(ito_step *st, ito__reverse_kind kind, const void *x, const ito_estimate *e,
                                 bool denoise)
{
    ito__reverse_step r = ito__reverse_step_between(kind, st->process, &st->t, &st->s);
    if (!isfinite(r.of_x) || !isfinite(r.of_eps) || !isfinite(r.sd))
        return ito__fail(st->ctx, ITO_NUMERIC,
                         "the reverse SDE of process %s has an infinite rate at t = %g, where no signal is left: start "
                         "at an earlier time or choose reverse-diffusion or flow-sde",
                         ito_process_get_def(st->process)->choice.name, st->t.t);
    bool is_last = st->index == st->n_steps - 1;
    return ito_step_to(st, 3, (const ito_term[]){{r.of_x, x}, {r.of_x0, e->x0}, {r.of_eps, e->eps}},
                       is_last && denoise ? 0 : r.sd);
}
