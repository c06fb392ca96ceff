/* DDIM (Song, Meng, Ermon 2021), for any s < t:
 *     x_s = signal_s x_0 + sqrt(sigma_s^2 - sd^2) eps + sd z,    sd^2 = eta^2 beta_tilde(t, s).
 * eta = 0 is deterministic and follows the probability-flow ODE with order 1, so the same noise gives the same image
 * with any number of steps; eta = 1 samples like DDPM with fixed_small. Good from about 20 steps.
 * (The survey's text has sigma^2 = eta beta_tilde; the paper's eta is a factor of the deviation: docs/errata.md.)
 * Tested on exact denoisers in tests/exact/test_sampler.c. */
#include <ito/sampler.h>

#include <math.h>

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    double eta = ito_opts_real(st->opts, "eta");
    /* EQ[ddim:16] = EQ[survey:28]  sd^2 = eta^2 beta_tilde, the variance of q(x_s | x_t, x_0) for any s < t */
    double variance = eta > 0 ? eta * eta * ito_level_posterior(&st->t, &st->s).variance : 0;
    /* EQ[ddim:12] = EQ[survey:27] = EQ[survey:29]  x_s = signal_s x_0 + sqrt(sigma_s^2 - sd^2) eps + sd z */
    double of_eps = sqrt(st->s.sigma * st->s.sigma - variance);
    return ito_step_to(st, 2, (const ito_term[]){{st->s.signal, e.x0}, {of_eps, e.eps}}, sqrt(variance));
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_real(opts, "eta") > 0;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("eta", 0, 0, 1, "0 is deterministic, 1 injects as much noise as DDPM"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_ddim = {
    .choice = {.name = "ddim",
               .summary = "deterministic (eta = 0) or less noisy ancestral steps, for 20 and more steps",
               .formula = "x_s = signal_s x_0 + sqrt(sigma_s^2 - sd^2) eps + sd z, sd^2 = eta^2 beta_tilde",
               .paper = "ddim",
               .eq = "ddim:12",
               .file = "src/sampler/ddim.c",
               .options = options},
    .order = 1,
    .is_stochastic = false,
    .is_noisy = is_noisy,
    .step = step,
};
