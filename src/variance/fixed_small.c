/* The posterior's own variance, right for data at a single point (Ho, Jain, Abbeel 2020, section 3.2). */
#include <ito/variance.h>

static double fixed(const ito_level *t, const ito_level *s)
{
    /* EQ[ddpm:s3.2] = EQ[survey:28]  beta_tilde: the variance of q(x_s | x_t, x_0) */
    return ito_level_posterior(t, s).variance;
}

const ito_variance_def ito__variance_fixed_small = {
    .choice = {.name = "fixed_small",
               .summary = "beta tilde, the variance of q(x_s | x_t, x_0)",
               .formula = "sigma_s^2 (1 - snr_t / snr_s); for s = t - 1: (1 - alpha_bar_s) / (1 - alpha_bar_t) beta_t",
               .paper = "ddpm",
               .eq = "ddpm:s3.2",
               .file = "src/variance/fixed_small.c"},
    .fixed = fixed,
};
