/* NCSN's weight (Song, Ermon 2019): the error of the score by the variance of the noise, so that all levels are alike.
 * The score is -eps / sigma, so this is the error of eps, DDPM's L_simple. */
#include <ito/weighting.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    (void)process;
    (void)t;
    return 1; /* EQ[ncsn:6]  sigma^2 |score - score_hat|^2 = |eps - eps_hat|^2 */
}

const ito_weighting_def ito__weighting_sigma2 = {
    .choice = {.name = "sigma2",
               .summary = "the error of the score by sigma^2: NCSN",
               .formula = "w(t) = 1, which is sigma_t^2 of the score",
               .paper = "ncsn",
               .eq = "ncsn:6",
               .file = "src/weighting/sigma2.c"},
    .error = ITO_ERROR_OF_EPS,
    .weight = weight,
};
