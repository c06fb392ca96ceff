/* Even steps in log-SNR over all that the process has of it, DPM-Solver's "logSNR" (Lu et al. 2022): the steps of solvers in lambda,
 * half of it, are then all alike. Ends without noise or signal are infinitely far: the steps begin and end at log_snr_min and
 * log_snr_max there. The first time is always t_max. */
#include <ito/spacing.h>

#include <math.h>

#include "spacing/sigma_span.h"

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)ctx;
    double low = ito_opts_real(opts, "log_snr_min"), high = ito_opts_real(opts, "log_snr_max");
    ito__sigma_span all = ito__sigma_span_of(process, exp(-0.5 * high), exp(-0.5 * low), n_steps);
    double from = log(all.max), span = log(all.min) - from;
    /* EQ[dpmsolver:s3.4]  lambda_k = lambda_T + k / N (lambda_0 - lambda_T) */
    for (int k = 0; k < n_steps; k++) ito__sigma_span_put(&all, k, exp(from + span * k / all.last), t);
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("log_snr_min", -12, -50, 0, "where the steps begin, no less than the process has"),
    ITO_OPT_REAL("log_snr_max", 12, 0, 50, "where the last begins, no more than the process has"),
    ITO_OPT_END,
};

const ito_spacing_def ito__spacing_log_snr = {
    .choice = {.name = "log-snr",
               .summary = "evenly in log-SNR, from end to end of the process",
               .formula = "lambda_k = lambda_T + k / N (lambda_0 - lambda_T)",
               .paper = "dpmsolver",
               .eq = "dpmsolver:s3.4",
               .file = "src/spacing/log_snr.c",
               .options = options},
    .fill = fill,
};
