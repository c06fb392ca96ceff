/* What the SDE forms of DPM-Solver++ share (k-diffusion's dpmpp_2m_sde, 3m_sde; Lu et al. 2022b, section 5, for eta = 1). With
 * lambda half the log-SNR, h = lambda_s - lambda_t and K = 1 + eta, the reverse SDE whose noise is eta times DDPM's is solved
 * exactly but for x_0's change along the step:
 *     x_s = sigma_s / sigma_t exp(-eta h) x_t + signal_s K int_0^h exp(-K (h - u)) x_0(u) du
 *           + s_noise sigma_s sqrt(1 - exp(-2 eta h)) z. */
#ifndef ITO_SDE_SOLVER_H
#define ITO_SDE_SOLVER_H

#include <ito/sampler.h>

typedef struct ito__sde_step {
    double h;        /* may be infinite: at the data, and where no signal is left */
    double of_x, sd; /* factor of x_t, deviation of the noise */
    double gain;     /* signal_s (1 - exp(-K h)): of x_0 where it is constant */
} ito__sde_step;

double ito__half_snr(const ito_level *t); /* lambda */
ito__sde_step ito__sde_step_between(const ito_level *t, const ito_level *s, double eta, double s_noise);

/* The end of the step: terms has room for one more, the noise of the path. noise is a scratch array. */
ito_status ito__sde_step_end(ito_step *st, double sd, int draw, void *noise, int n_terms, ito_term *terms);

/* The options of all of them. */
#define ITO__SDE_OPTIONS                                                                                               \
    ITO_OPT_REAL("eta", 1, 0, 10, "0 is deterministic, 1 injects as much noise as DDPM"),                              \
        ITO_OPT_REAL("s_noise", 1, 0, 10, "factor of the injected noise")

#endif
