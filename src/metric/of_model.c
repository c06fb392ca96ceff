/* The names of numbers that a denoiser has on data. Their functions are ito_denoising_error and those of ito/likelihood.h, which
 * take a denoiser and a process in place of samples. */
#include <ito/metric.h>

extern const ito_metric_def ito__metric_loss, ito__metric_vlb, ito__metric_nll, ito__metric_rate_distortion;

const ito_metric_def ito__metric_loss = {
    .choice = {.name = "loss",
               .summary = "mean squared error of the network's output over uniform times",
               .formula = "E |output - target|^2",
               .paper = "ddpm",
               .eq = "ddpm:14",
               .file = "src/metric/denoising_error.c"},
    .needs = ITO_METRIC_MODEL,
};

const ito_metric_def ito__metric_vlb = {
    .choice = {.name = "vlb",
               .summary = "variational bound of the negative log-likelihood, bits per dimension",
               .formula = "L_T + sum_{t > 1} L_{t-1} + L_0",
               .paper = "ddpm",
               .eq = "ddpm:5",
               .file = "src/likelihood/vlb.c"},
    .needs = ITO_METRIC_MODEL,
};

const ito_metric_def ito__metric_nll = {
    .choice = {.name = "nll",
               .summary = "negative log-likelihood by the probability-flow ODE, bits per dimension",
               .formula = "-log p(x_0) = -log p_1(x_1) - int_0^1 div f(x_u, u) du",
               .paper = "sde",
               .eq = "sde:39",
               .file = "src/likelihood/nll.c"},
    .needs = ITO_METRIC_MODEL,
};

const ito_metric_def ito__metric_rate_distortion = {
    .choice = {.name = "rate-distortion",
               .summary = "how many bits bring the predicted x_0 how near to the data",
               .formula = "rate(t) = L_T + sum_{s >= t} L_s, distortion(t) = sqrt(mean |x_0 - x0_hat|^2)",
               .paper = "ddpm",
               .eq = "ddpm:5",
               .file = "src/likelihood/vlb.c"},
    .needs = ITO_METRIC_MODEL,
};
