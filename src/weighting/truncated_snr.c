/* The error of x_0 times the signal-to-noise ratio, but never less than 1: where little signal is left the network
 * still has to tell x_0 (Salimans, Ho 2022, section 4). */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    (void)process;
    return fmax(exp(t->log_snr), 1); /* EQ[salimans22:s4]  max(|x_0 - x0_hat|^2, |eps - eps_hat|^2) */
}

const ito_weighting_def ito__weighting_truncated_snr = {
    .choice = {.name = "truncated-snr",
               .summary = "the larger of the errors of x_0 and of eps",
               .formula = "w(t) = max(snr, 1)",
               .paper = "salimans22",
               .eq = "salimans22:s4",
               .file = "src/weighting/truncated_snr.c"},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
