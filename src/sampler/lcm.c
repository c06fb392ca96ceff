/* Latent consistency models' multistep sampling (Luo et al. 2023, algorithm 3): consistency sampling whose function is made of the
 * network's x_0 by the boundary's factors,
 *     f = c_skip x_t + c_out x_0,    c_skip = d^2 / (k^2 + d^2),  c_out = k / sqrt(k^2 + d^2),  k = timestep_scaling n(t),
 *     x_s = signal_s f + sigma_s z,
 * d = sigma_data. n counts timesteps as diffusers does, from 0 to T - 1; continuous time is cut into a thousand. The last step ends
 * with f. Tested in tests/exact/test_few_step.c. */
#include <ito/sampler.h>

#include <math.h>

static double timestep(const ito_step *st)
{
    double first = ito_process_t_min(st->process), span = ito_process_t_max(st->process) - first;
    return ito_process_n_timesteps(st->process) ? st->t.t - 1 : 999 * (st->t.t - first) / span;
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    double k = ito_opts_real(st->opts, "timestep_scaling") * timestep(st), d = ito_opts_real(st->opts, "sigma_data");
    /* EQ[survey:30] = EQ[consistency:5]  f = c_skip x + c_out F, with c_skip = 1 and c_out = 0 at the data */
    double c_skip = d * d / (k * k + d * d), c_out = k / sqrt(k * k + d * d);
    bool is_last = st->index == st->n_steps - 1;
    /* EQ[lcm:a3]  x_s = signal_s f + sigma_s z */
    double signal = is_last ? 1 : st->s.signal;
    return ito_step_to(st, 2, (const ito_term[]){{signal * c_skip, st->x}, {signal * c_out, e.x0}},
                       is_last ? 0 : st->s.sigma);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("sigma_data", 0.5, 1e-6, 1e6, "of c_skip and c_out"),
    ITO_OPT_REAL("timestep_scaling", 10, 0, 1e9, "of c_skip and c_out: larger: nearer to the network's own x_0"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_lcm = {
    .choice = {.name = "lcm",
               .summary = "latent consistency models' multistep sampling",
               .formula = "x_s = signal_s (c_skip x_t + c_out x_0) + sigma_s z",
               .paper = "lcm",
               .eq = "lcm:a3",
               .file = "src/sampler/lcm.c",
               .options = options},
    .has_no_limit = true,
    .is_stochastic = true,
    .step = step,
};
