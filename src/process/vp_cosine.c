/* Improved DDPM's schedule: alpha_bar falls like a squared cosine (Nichol, Dhariwal 2021, section 3.2). */
#include "process/vp_table.h"

#include <math.h>

/* The angle whose squared cosine is f(t). */
static double angle(double t, double n_timesteps, double s)
{
    return (t / n_timesteps + s) / (1 + s) * 1.5707963267948966;
}

static double beta(const ito_opts *opts, int t, int n_timesteps)
{
    double s = ito_opts_real(opts, "s"), max_beta = ito_opts_real(opts, "max_beta");
    double a = angle(t - 1, n_timesteps, s), b = angle(t, n_timesteps, s), cos_a = cos(a);
    /* EQ[iddpm:17] = EQ[survey:22]  beta_t = min(1 - f(t) / f(t - 1), max_beta),
     * f(t) = cos((t/T + s) / (1 + s) pi/2)^2, alpha_bar_t = prod (1 - beta_i) */
    double unclipped = sin(b - a) * sin(b + a) / (cos_a * cos_a); /* cos^2 a - cos^2 b without cancellation */
    return fmin(unclipped, max_beta);
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    return ito__vp_create(ctx, "vp-cosine", opts, (int)ito_opts_int(opts, "T"), beta, ends, state);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("T", 1000, 1, 1000000, "number of timesteps"),
    ITO_OPT_REAL("s", 0.008, 0, 1, "offset that keeps the first betas from vanishing"),
    ITO_OPT_REAL("max_beta", 0.999, 0, 1, "no beta is larger, so that some signal is left at T"),
    ITO__VP_ZERO_SNR,
    ITO__VP_TABLES,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_cosine = {
    .choice = {.name = "vp-cosine",
               .summary = "variance preserving, alpha_bar falls like a squared cosine (improved DDPM)",
               .formula = "alpha_bar_t = f(t) / f(0), f(t) = cos((t/T + s) / (1 + s) pi/2)^2, beta_t <= max_beta",
               .paper = "iddpm",
               .eq = "iddpm:17",
               .file = "src/process/vp_cosine.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
