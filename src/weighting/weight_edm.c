/* EDM's weight (Karras et al. 2022): the error of x_0 by 1 / c_out^2, which is the plain error of EDM's own output F,
 * so that all levels start out alike. sigma_hat = sigma / signal is the noise in EDM's frame. */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)process;
    double sd = ito_opts_real(opts, "sigma_data");
    /* EQ[edm:t1]  (sigma_hat^2 + sigma_data^2) / (sigma_hat sigma_data)^2, sigma_hat^2 = 1 / snr */
    return exp(t->log_snr) + 1 / (sd * sd);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("sigma_data", 0.5, 1e-6, 1e6, "standard deviation of the data"),
    ITO_OPT_END,
};

const ito_weighting_def ito__weighting_edm = {
    .choice = {.name = "edm",
               .summary = "EDM's: all levels alike for its preconditioned output",
               .formula = "w(t) = (sigma_hat^2 + sigma_data^2) / (sigma_hat sigma_data)^2, sigma_hat = sigma / signal",
               .paper = "edm",
               .eq = "edm:t1",
               .file = "src/weighting/weight_edm.c",
               .options = options},
    .error = ITO_ERROR_OF_X0,
    .weight = weight,
};
