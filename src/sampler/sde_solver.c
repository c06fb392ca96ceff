/* Steps of the reverse SDE that are exact for a constant x_0, and their noise. */
#include "sampler/sde_solver.h"

#include <math.h>

double ito__half_snr(const ito_level *t)
{
    return 0.5 * t->log_snr;
}

ito__sde_step ito__sde_step_between(const ito_level *t, const ito_level *s, double eta, double s_noise)
{
    double h = ito__half_snr(s) - ito__half_snr(t), noisy = eta > 0 ? eta * h : 0; /* 0 times infinity is meant as 0 */
    if (!(t->sigma > 0)) return (ito__sde_step){.h = h, .gain = s->signal};        /* upward from the data */
    /* EQ[dpmpp:s5]  x_s = sigma_s / sigma_t exp(-eta h) x_t + signal_s (1 - exp(-(1 + eta) h)) x_0
     * + sigma_s sqrt(1 - exp(-2 eta h)) z, for eta = 1 */
    double of_x = s->sigma / t->sigma * exp(-noisy);
    return (ito__sde_step){.h = h,
                           .of_x = of_x,
                           .sd = s_noise * s->sigma * sqrt(-expm1(-2 * noisy)),
                           .gain = isfinite(h) ? -s->signal * expm1(-h - noisy) : s->signal - of_x * t->signal};
}

ito_status ito__sde_step_end(ito_step *st, double sd, int draw, void *noise, int n_terms, ito_term *terms)
{
    if (!(sd > 0)) return ito_step_to(st, n_terms, terms, 0);
    ito_status status = ito_step_brownian(st, draw, st->t.t, st->s.t, noise);
    terms[n_terms] = (ito_term){sd, noise};
    return status == ITO_OK ? ito_step_to(st, n_terms + 1, terms, 0) : status;
}
