/* Soft Min-SNR (Crowson et al. 2024): min-snr with a smooth bend. Half the harmonic mean of snr and gamma; the paper's
 * gamma is 1 / sigma_data^2 = 4. */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)process;
    double gamma = ito_opts_real(opts, "gamma");
    return 1 / (exp(-t->log_snr) + 1 / gamma); /* EQ[hdit:6]  1 / (1 / snr + 1 / gamma) */
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("gamma", 4, 1e-6, 1e12, "the most that the error of x_0 is weighed, in the limit"),
    ITO_OPT_END,
};

const ito_weighting_def ito__weighting_soft_min_snr = {
    .choice = {.name = "soft-min-snr",
               .summary = "min-snr with a smooth bend",
               .formula = "w(t) = snr gamma / (snr + gamma)",
               .paper = "hdit",
               .eq = "hdit:6",
               .file = "src/weighting/soft_min_snr.c",
               .options = options},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
