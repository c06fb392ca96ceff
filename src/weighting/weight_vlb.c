/* The variational bound's own weight (Ho, Jain, Abbeel 2020; Kingma et al. 2021), so that the sum over all timesteps,
 * or the integral over t, is the bound in nats but for its constant L_T:
 *     discrete t > 1    the KL divergence of q(x_s | x_t, x_0) and p(x_s | x_t), s = t - 1, both of variance beta_tilde
 *     t = 1             beta_tilde is 0 there; the decoder is a Gaussian around x_0 of variance beta_1, and its negative log
 *                       density stands for L_0, less the constant: 1 / (2 beta_1)
 *     continuous        the limit of many steps, -1/2 d snr / dt; infinite at the data */
#include <ito/weighting.h>

#include <math.h>

/* -1/2 d snr / dt */
static double continuous(const ito_level *t)
{
    double snr = exp(t->log_snr), rate = t->signal_rate / t->signal - t->sigma_rate / t->sigma;
    return -snr * rate; /* EQ[vdm:s5]  -1/2 d snr / dt, snr = signal^2 / sigma^2 */
}

static double discrete(const ito_level *t, const ito_level *s)
{
    ito_posterior q = ito_level_posterior(t, s);
    double variance = s->sigma > 0 ? q.variance : ito_level_transition(t, s).variance;
    /* EQ[ddpm:8] = EQ[survey:18] = EQ[vdm:s4]  |mu_tilde - mu|^2 / (2 sd^2) with mu_tilde - mu = coef_x0 (x_0 -
     * x0_hat); for sd^2 = beta_tilde it is 1/2 (snr_s - snr_t) |x_0 - x0_hat|^2 */
    return q.coef_x0 * q.coef_x0 / (2 * variance);
}

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    if (!ito_process_n_timesteps(process)) return continuous(t);
    ito_level s = ito_process_level(process, t->t - 1);
    return discrete(t, &s);
}

const ito_weighting_def ito__weighting_vlb = {
    .choice = {.name = "vlb",
               .summary = "the variational bound, in nats",
               .formula = "w(t) = 1/2 (snr_s - snr_t), s = t - 1; continuous: -1/2 d snr/dt",
               .paper = "ddpm",
               .eq = "ddpm:8",
               .file = "src/weighting/weight_vlb.c"},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
