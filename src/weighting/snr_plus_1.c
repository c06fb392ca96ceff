/* The error of x_0 times one more than the signal-to-noise ratio: the sum of the errors of x_0 and of eps, which is the
 * error of v where the process is variance preserving (Salimans, Ho 2022, section 4). */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    (void)process;
    return exp(t->log_snr) + 1; /* EQ[salimans22:s4]  |x_0 - x0_hat|^2 + |eps - eps_hat|^2 */
}

const ito_weighting_def ito__weighting_snr_plus_1 = {
    .choice = {.name = "snr+1",
               .summary = "the sum of the errors of x_0 and of eps; the error of v",
               .formula = "w(t) = snr + 1",
               .paper = "salimans22",
               .eq = "salimans22:s4",
               .file = "src/weighting/snr_plus_1.c"},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
