/* Likelihood weighting (Song, Durkan, Murray, Ermon 2021): the error of the score by the squared diffusion coefficient
 * bounds the likelihood of the probability flow. Twice vlb's weight in continuous time. Infinite at the data, of which the
 * paper leaves times up to 1e-5 out (uniform's skip), and where no signal is left. */
#include <ito/weighting.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    double g = ito_process_diffusion(process, t->t);
    return g * g / (t->sigma * t->sigma); /* EQ[mle:7]  g^2 |score - score_hat|^2, score = -eps / sigma */
}

const ito_weighting_def ito__weighting_likelihood = {
    .choice = {.name = "likelihood",
               .summary = "the error of the score by g^2: maximum likelihood",
               .formula = "w(t) = g(t)^2 / sigma_t^2, which is g(t)^2 of the score",
               .paper = "mle",
               .eq = "mle:7",
               .file = "src/weighting/likelihood.c"},
    .error = ITO_ERROR_OF_EPS,
    .weight = weight,
};
