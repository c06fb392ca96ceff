/* Min-SNR (Hang et al. 2023): the error of x_0 times the signal-to-noise ratio, cut at gamma so that levels with little
 * noise do not outweigh the others. As a factor of the error of eps it is min(snr, gamma) / snr, of v min(snr, gamma) /
 * (snr + 1). */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)process;
    /* EQ[minsnr:s3.4]  min(snr, gamma) of x_0 */
    return fmin(exp(t->log_snr), ito_opts_real(opts, "gamma"));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("gamma", 5, 1e-6, 1e12, "the most that the error of x_0 is weighed"),
    ITO_OPT_END,
};

const ito_weighting_def ito__weighting_min_snr = {
    .choice = {.name = "min-snr",
               .summary = "the error of eps, but no more than gamma times that of x_0",
               .formula = "w(t) = min(snr, gamma)",
               .paper = "minsnr",
               .eq = "minsnr:s3.4",
               .file = "src/weighting/min_snr.c",
               .options = options},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
