/* What ancestral samplers share. They think in x / signal, whose noise sigma / signal is k-diffusion's and EDM's sigma. A step
 * goes down, along the probability-flow ODE, to less noise than s has, and up again by fresh noise:
 *     up = eta sigma_s sqrt(1 - snr_t / snr_s),  down = sqrt(sigma_s^2 - up^2),
 * so that eta = 1 injects the posterior's variance (DDPM's fixed_small) and eta = 0 none. */
#ifndef ITO_ANCESTRAL_H
#define ITO_ANCESTRAL_H

#include "sampler/solver.h"

typedef struct ito__ancestral {
    double down, up; /* of x_s: multiples of eps and of fresh noise */
} ito__ancestral;

ito__ancestral ito__ancestral_step(const ito_level *t, const ito_level *s, double eta);

/* x_m = signal_m x_0 + sigma_m eps: from where e was asked straight to level m. */
void ito__walk_to(ito_step *st, const ito_estimate *e, const ito_level *m, void *dst);
/* The step of first order: x_s = signal_s x_0 + down eps + s_noise up z. */
ito_status ito__ancestral_euler(ito_step *st, const ito_estimate *e, double eta, double s_noise);

/* The options of k-diffusion's ancestral samplers. */
#define ITO__ANCESTRAL_OPTIONS                                                                                         \
    ITO_OPT_REAL("eta", 1, 0, 1, "0 is deterministic, 1 injects the posterior's variance"),                            \
        ITO_OPT_REAL("s_noise", 1, 0, 10, "factor of the injected noise")

/* is_noisy: without noise of its own, s_noise = 0, a step with eta is no step of the ODE either. */
bool ito__has_eta(const ito_opts *opts);

#endif
