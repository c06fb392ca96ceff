/* The network predicts the mean of the next step, mu_tilde of q(x_s | x_t, x_0) with s = t - 1 (Ho, Jain, Abbeel 2020,
 * section 3.2). At t = 1 it is x_0 itself, and where no signal is left (zero terminal SNR) signal_s x_0: x_0 is known
 * at every t >= 1. At sigma_t = 0 there is no step. The nearer the two levels, the less of the output is x_0: errors of
 * the output are those of x_0 times 1 - snr_t / snr_s. */
#include <ito/prediction.h>

static void row_to(const ito_opts *opts, const ito_level *t, const ito_level *s, double r[2])
{
    ito_posterior q = ito_level_posterior(t, s);
    (void)opts;
    /* EQ[ddpm:7] = EQ[survey:17]  output = coef_x x_t + coef_x0 x_0 = mu_tilde, with x_t = signal_t x_0 + sigma_t eps */
    r[0] = q.coef_x * t->signal + q.coef_x0;
    r[1] = q.coef_x * t->sigma;
}

const ito_prediction_def ito__prediction_mu = {
    .choice = {.name = "mu",
               .summary = "the mean of the next step",
               .formula = "mu_tilde = coef_x x_t + coef_x0 x_0, the mean of q(x_s | x_t, x_0) with s = t - 1",
               .paper = "ddpm",
               .eq = "ddpm:7",
               .file = "src/prediction/mu.c"},
    .row_to = row_to,
};
