/* Trajectory consistency distillation's sampling (Zheng et al. 2024, section 4.3, "strategic stochastic sampling"): along the
 * trajectory past s to r, and by noise back to s,
 *     x_r = signal_r x_0 + sigma_r eps,    x_s ~ q(x_s | x_r),    r = (1 - gamma) s.
 * gamma = 0 is DDIM, gamma = 1 consistency sampling. Times are counted from the process's first, on discrete processes in timesteps
 * from 0, of which r is a whole one, as in diffusers. The last step ends at r without noise. Tested in
 * tests/exact/test_few_step.c. */
#include <ito/sampler.h>

#include <math.h>

static double time_past(const ito_step *st, double gamma)
{
    double s = st->s.t, first = ito_process_n_timesteps(st->process) ? 1 : ito_process_t_min(st->process);
    if (s <= first) return s;
    double r = (1 - gamma) * (s - first);
    return first + (ito_process_n_timesteps(st->process) ? floor(r) : r);
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    double gamma = ito_opts_real(st->opts, "gamma");
    ito_level r = ito_process_level(st->process, gamma > 0 ? time_past(st, gamma) : st->s.t);
    bool is_noisy = r.t < st->s.t && st->index < st->n_steps - 1;
    ito_transition q = is_noisy ? ito_level_transition(&st->s, &r) : (ito_transition){1, 0};
    /* EQ[tcd:s4.3]  x_s = a (signal_r x_0 + sigma_r eps) + sqrt(variance) z, q(x_s | x_r) = N(a x_r, variance) */
    return ito_step_to(st, 2, (const ito_term[]){{q.scale * r.signal, e.x0}, {q.scale * r.sigma, e.eps}},
                       sqrt(q.variance));
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_real(opts, "gamma") > 0;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("gamma", 0.3, 0, 1, "how far each step goes past its end (eta of diffusers): 0 is deterministic"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_tcd = {
    .choice = {.name = "tcd",
               .summary = "trajectory consistency sampling: past the next time, and by noise back",
               .formula = "x_s ~ q(x_s | x_r), x_r = signal_r x_0 + sigma_r eps, r = (1 - gamma) s",
               .paper = "tcd",
               .eq = "tcd:s4.3",
               .file = "src/sampler/tcd.c",
               .options = options},
    .has_no_limit = true,
    .is_stochastic = true,
    .is_noisy = is_noisy,
    .step = step,
};
