/* The likelihood by the probability-flow ODE against a Gaussian's, whose flow keeps (x - mean) / sd. */
#include <math.h>

#include <ito/likelihood.h>

#include "process/angle.h"
#include "verify/verify_impl.h"

/* log density of x_0 under the ODE from N(0, prior_sd^2): that of x_t at the start, and what prior and marginal differ by at its end. */
static double expected(const ito_process *process, double mean, double sd, double x0)
{
    ito_level t = ito_process_level(process, ito__first_time(process)),
              end = ito_process_level(process, ito_process_t_max(process));
    double sd_t = hypot(t.signal * sd, t.sigma), sd_end = hypot(end.signal * sd, end.sigma);
    double z = t.signal * (x0 - mean) / sd_t, x_end = end.signal * mean + sd_end * z;
    double density = ito_gaussian_log_density(z, 0, 0) - log(sd_t) + log(t.signal);
    double prior = ito_gaussian_log_density(x_end, 0, 2 * log(ito_process_prior_sd(process)));
    return density + prior - (ito_gaussian_log_density(z, 0, 0) - log(sd_end));
}

static ito_status measure(ito_ctx *ctx, const ito_process *process, const ito_mixture *mixture, double mean, double sd,
                          int n, float *x, ito_nll_row *rows, double *error)
{
    ito_denoiser denoiser;
    ito_tensor xs = ito_tensor_view(ITO_F32, ITO_SHAPE(n, 1), x);
    const ito_nll_options o = {.probe = ITO_PROBE_EXACT};
    ito_mixture_draw(mixture, ITO_MIXTURE_ALL, 0, 0, n, x);
    ITO_TRY(ito_mixture_denoiser(ctx, mixture, process, "x0", &denoiser));
    ito_status st = ito_nll(ctx, process, &denoiser, &xs, NULL, NULL, &o, rows);
    ito_denoiser_clear(&denoiser);
    *error = 0;
    for (int i = 0; st == ITO_OK && i < n; i++)
        *error = fmax(*error, fabs(rows[i].log_density - expected(process, mean, sd, (double)x[i])));
    return st;
}

ito_status ito_verify_likelihood(ito_ctx *ctx, const ito_process *process, double mean, double sd, int n, double *error)
{
    ito_mixture *mixture = NULL;
    float *x = ito__alloc_array(ctx, (size_t)n, sizeof *x);
    ito_nll_row *rows = ito__alloc_array(ctx, (size_t)n, sizeof *rows);
    ito_status st = x && rows ? ITO_OK : ITO_MEMORY;
    const ito_mixture_options o = {.dim = 1, .n_components = 1, .mean = &mean, .sd = &sd};
    if (st == ITO_OK) st = ito_mixture_create(ctx, &o, &mixture);
    if (st == ITO_OK) st = measure(ctx, process, mixture, mean, sd, n, x, rows, error);
    ito_mixture_destroy(mixture);
    ito__free(ctx, rows);
    ito__free(ctx, x);
    return st;
}
