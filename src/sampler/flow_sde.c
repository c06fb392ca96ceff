/* A stochastic sampler for flows with the flow's own marginals (Ma et al. 2024, section 2; Albergo et al. 2023): for any w >= 0
 * the SDE, backward in time,
 *     dx = (v(x, t) - w / 2 score) dt + sqrt(w) dw,    v = signal' x_0 + sigma' eps,  score = -eps / sigma,
 * has the marginals of dx/dt = v. Here w = 2 eta sigma sigma', the papers' choice w proportional to sigma up to the speed of time,
 * which is finite where no signal is left and vanishes at the data. Over a step w integrates to sd^2 = eta (sigma_t^2 - sigma_s^2),
 * and what noise is injected is taken from eps, so that the deviation stays sigma_s for any step:
 *     x_s = signal_s x_0 + sqrt(sigma_s^2 - sd^2) eps + sd z,    sd <= sigma_s.
 * eta = 0 is Euler's method of the flow. For every process. Tested in tests/exact/test_reverse_sde.c. */
#include <ito/sampler.h>

#include <math.h>

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    double eta = ito_opts_real(st->opts, "eta"), end = st->s.sigma * st->s.sigma;
    /* EQ[sit:s2]  sd^2 = int w dt = eta (sigma_t^2 - sigma_s^2), w = 2 eta sigma sigma' */
    double variance = eta > 0 ? fmin(fmax(eta * (st->t.sigma * st->t.sigma - end), 0), end) : 0;
    return ito_step_to(st, 2, (const ito_term[]){{st->s.signal, e.x0}, {sqrt(end - variance), e.eps}}, sqrt(variance));
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_real(opts, "eta") > 0;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("eta", 1, 0, 100, "how much noise: w = 2 eta sigma sigma'; 0: the flow's ODE"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_flow_sde = {
    .choice = {.name = "flow-sde",
               .summary = "an SDE with the marginals of the flow, finite from pure noise on",
               .formula = "x_s = signal_s x_0 + sqrt(sigma_s^2 - sd^2) eps + sd z, sd^2 = eta (sigma_t^2 - sigma_s^2)",
               .paper = "sit",
               .eq = "sit:s2",
               .file = "src/sampler/flow_sde.c",
               .options = options},
    .is_stochastic = true,
    .is_noisy = is_noisy,
    .step = step,
};
