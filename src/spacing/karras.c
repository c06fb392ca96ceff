/* EDM's spacing (Karras, Aittala, Aila, Laine 2022): sigma_hat = sigma / signal falls evenly in its power 1 / rho, so that
 * most steps are spent on little noise, where the paths to the data bend. For every process, whose own ends bound the range;
 * the first time is always t_max, where sampling starts. */
#include <ito/spacing.h>

#include <math.h>

#include "base/base.h"

static double sigma_hat_at(const ito_process *process, double t)
{
    return exp(-0.5 * ito_process_level(process, t).log_snr);
}

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)ctx;
    bool whole = ito_process_n_timesteps(process) > 0;
    double inverse = 1 / ito_opts_real(opts, "rho"), end = sigma_hat_at(process, ito_process_t_min(process));
    double max = fmin(ito_opts_real(opts, "sigma_max"), sigma_hat_at(process, ito_process_t_max(process)));
    double min = fmax(ito_opts_real(opts, "sigma_min"), whole ? sigma_hat_at(process, 1) : end);
    /* The end of the process comes after the last step: it is sigma = 0 after sigma_min, or, where it has more, sigma_min. */
    int last = end < min ? n_steps - 1 : n_steps;
    double from = pow(max, inverse), span = pow(min, inverse) - from;
    t[0] = ito_process_t_max(process);
    for (int k = 1; k < n_steps; k++) {
        /* EQ[edm:5]  sigma_k = (sigma_max^(1/rho) + k / (N - 1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho */
        double sigma = pow(from + span * k / last, 1 / inverse);
        double at = ito_process_time(process, -2 * log(sigma));
        t[k] = whole ? rint(at) : at;
    }
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("rho", 7, 0.1, 100, "1: evenly in sigma; more: more steps at little noise"),
    ITO_OPT_REAL("sigma_min", 0.002, 1e-6, 1e6,
                 "sigma / signal where the last step starts, no less than the process has"),
    ITO_OPT_REAL("sigma_max", 80, 1e-6, 1e6, "sigma / signal of the first step, no more than the process has"),
    ITO_OPT_END,
};

const ito_spacing_def ito__spacing_karras = {
    .choice = {.name = "karras",
               .summary = "EDM's: evenly in sigma^(1/rho), denser where there is little noise",
               .formula = "sigma_k = (sigma_max^(1/rho) + k / (N - 1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho",
               .paper = "edm",
               .eq = "edm:5",
               .file = "src/spacing/karras.c",
               .options = options},
    .fill = fill,
};
