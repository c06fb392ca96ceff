/* Multistep consistency sampling (Song, Dhariwal, Chen, Sutskever 2023, algorithm 1), for a denoiser whose x_0 is a consistency
 * function: one jump to the end of the run, and noise back to the next time,
 *     x <- f(x_t, t),    x_s = a x + sqrt(variance) z,  q(x_s | x_end) = N(a x_end, variance);
 * with variance exploding x_s = x + sqrt(sigma_s^2 - sigma_end^2) z. The last step ends with the jump. With any denoiser it is the
 * sampler that forgets eps altogether, DDIM's with sd = sigma_s; diffusers' stochastic flow sampling is that. Tested in
 * tests/exact/test_few_step.c. */
#include <ito/sampler.h>

#include <math.h>

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    if (st->index == st->n_steps - 1) return ito_step_to(st, 1, (const ito_term[]){{1, e.x0}}, 0);
    ito_level end = ito_process_level(st->process, ito_sampler_time(st->sampler, st->n_steps));
    /* EQ[consistency:a1]  x_s = f(x_t, t) + sqrt(sigma_s^2 - sigma_end^2) z */
    ito_transition q = ito_level_transition(&st->s, &end);
    return ito_step_to(st, 1, (const ito_term[]){{q.scale, e.x0}},
                       ito_opts_real(st->opts, "s_noise") * sqrt(q.variance));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("s_noise", 1, 0, 100, "factor of the injected noise"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_consistency = {
    .choice = {.name = "consistency",
               .summary = "multistep consistency sampling: jump to the data, noise back; for consistency functions",
               .formula = "x_s = a f(x_t, t) + sqrt(variance) z, q(x_s | x_end) = N(a x_end, variance)",
               .paper = "consistency",
               .eq = "consistency:a1",
               .file = "src/sampler/consistency.c",
               .options = options},
    .has_no_limit = true,
    .is_stochastic = true,
    .step = step,
};
