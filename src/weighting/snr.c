/* The error of x_0 times the signal-to-noise ratio: the same as the error of eps, DDPM's (Salimans, Ho 2022). */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    (void)process;
    return exp(t->log_snr); /* EQ[salimans22:9]  snr |x_0 - x0_hat|^2 = |eps - eps_hat|^2 */
}

const ito_weighting_def ito__weighting_snr = {
    .choice = {.name = "snr",
               .summary = "the error of eps, whatever the network predicts",
               .formula = "w(t) = snr",
               .paper = "salimans22",
               .eq = "salimans22:9",
               .file = "src/weighting/snr.c"},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
