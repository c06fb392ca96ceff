/* Ancestral steps: down along the ODE, up by noise. */
#include "sampler/ancestral.h"

#include <math.h>

ito__ancestral ito__ancestral_step(const ito_level *t, const ito_level *s, double eta)
{
    if (!(eta > 0) || !(s->sigma > 0)) return (ito__ancestral){s->sigma, 0};
    /* EQ[kdiffusion:ancestral]  up^2 = eta^2 sigma_s^2 (1 - snr_t / snr_s), at most sigma_s^2; down^2 = sigma_s^2 - up^2 */
    double share = fmin(eta * sqrt(-expm1(t->log_snr - s->log_snr)), 1);
    return (ito__ancestral){s->sigma * sqrt(1 - share * share), s->sigma * share};
}

void ito__walk_to(ito_step *st, const ito_estimate *e, const ito_level *m, void *dst)
{
    ito_step_combine(st, 2, (const ito_term[]){{m->signal, e->x0}, {m->sigma, e->eps}}, dst);
}

ito_status ito__ancestral_euler(ito_step *st, const ito_estimate *e, double eta, double s_noise)
{
    ito__ancestral a = ito__ancestral_step(&st->t, &st->s, eta);
    return ito_step_to(st, 2, (const ito_term[]){{st->s.signal, e->x0}, {a.down, e->eps}}, s_noise * a.up);
}

bool ito__has_eta(const ito_opts *opts)
{
    return ito_opts_real(opts, "eta") > 0;
}
