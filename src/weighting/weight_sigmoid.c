/* Sigmoid weighting (Kingma, Gao 2023; Hoogeboom et al. 2024). In the papers w = sigmoid(bias - log_snr) weighs the
 * error of eps per unit of log_snr, whatever times are drawn:
 *     loss = 1/2 E_u [ w(log_snr) (-d log_snr / du) |eps - eps_hat|^2 ],    u uniform in 0..1.
 * So the weight of the error at t has the factor -d log_snr / du too, u = (t - t_min) / (t_max - t_min): it is vlb's
 * times the sigmoid, but for vlb's being of one step or one unit of t. It is meant for uniform times; with other times
 * it is the paper's after dividing by their density. Of a discrete process the rate is that of the step that ends at t.
 * Infinite where signal or sigma is 0. */
#include <ito/weighting.h>

#include <math.h>

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    double range = ito_process_t_max(process) - ito_process_t_min(process);
    double fall = 2 * (t->sigma_rate / t->sigma - t->signal_rate / t->signal) * range; /* -d log_snr / du */
    /* EQ[kingma23:2] = EQ[sid2:s2]  1/2 sigmoid(bias - log_snr) (-d log_snr / du) of eps */
    return 0.5 * sigmoid(ito_opts_real(opts, "bias") - t->log_snr) * fall;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("bias", 2, -100, 100, "the log-SNR at which the weight has fallen to half"),
    ITO_OPT_END,
};

const ito_weighting_def ito__weighting_sigmoid = {
    .choice = {.name = "sigmoid",
               .summary = "the variational bound times a sigmoid of the log-SNR",
               .formula = "w(t) = 1/2 sigmoid(bias - log_snr) (-d log_snr/du), u = t as a share of its range",
               .paper = "kingma23",
               .eq = "kingma23:2",
               .file = "src/weighting/weight_sigmoid.c",
               .options = options},
    .error = ITO_ERROR_OF_EPS,
    .weight = weight,
};
