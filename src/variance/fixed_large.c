/* The forward step's variance, right for data that is itself standard normal (Ho, Jain, Abbeel 2020, section 3.2). DDPM's code
 * takes beta_tilde_2 in the last step, for this choice too. */
#include <ito/variance.h>

static double fixed(const ito_level *t, const ito_level *s)
{
    /* EQ[ddpm:s3.2]  beta: the variance of q(x_t | x_s) */
    return ito_level_transition(t, s).variance;
}

const ito_variance_def ito__variance_fixed_large = {
    .choice = {.name = "fixed_large",
               .summary = "beta, the variance of q(x_t | x_s)",
               .formula = "sigma_t^2 (1 - snr_t / snr_s); for s = t - 1: beta_t",
               .paper = "ddpm",
               .eq = "ddpm:s3.2",
               .file = "src/variance/fixed_large.c"},
    .fixed = fixed,
    .is_small_at_data = true,
};
