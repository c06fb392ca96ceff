/* Euler's ancestral sampler (k-diffusion, sample_euler_ancestral), for any s < t: an Euler step of x / signal down to less noise
 * than s has, and fresh noise up to it. With x_0 and eps that is
 *     x_s = signal_s x_0 + down eps + s_noise up z,
 * which is DDIM with sd = up; here under the name and with the options that it has in k-diffusion. eta = 1 samples like DDPM
 * with fixed_small. Tested in tests/exact/test_ancestral.c. */
#include "sampler/ancestral.h"

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    /* EQ[kdiffusion:euler-a]  x_s = signal_s x_0 + down eps + s_noise up z */
    return ito__ancestral_euler(st, &e, ito_opts_real(st->opts, "eta"), ito_opts_real(st->opts, "s_noise"));
}

static const ito_opt_def options[] = {ITO__ANCESTRAL_OPTIONS, ITO_OPT_END};

const ito_sampler_def ito__sampler_euler_a = {
    .choice = {.name = "euler-a",
               .summary = "Euler ancestral: DDIM with fresh noise in every step",
               .formula = "x_s = signal_s x_0 + down eps + s_noise up z, up^2 = eta^2 beta_tilde",
               .paper = "kdiffusion",
               .eq = "kdiffusion:euler-a",
               .file = "src/sampler/euler_a.c",
               .options = options},
    .is_stochastic = true,
    .is_noisy = ito__has_eta,
    .step = step,
};
