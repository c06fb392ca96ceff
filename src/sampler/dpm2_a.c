/* DPM2 ancestral (k-diffusion, sample_dpm_2_ancestral): the midpoint rule of DPM-Solver-2 (Lu et al. 2022) down, in x / signal over
 * sigma / signal with the middle taken in log-SNR, then fresh noise up to s:
 *     m between t and the level that has `down`;  x_m = signal_m x_0 + sigma_m eps;  eps_m at (x_m, m);
 *     x_s = signal_s (x_t / signal_t - sigma_t / signal_t eps_m) + down eps_m + s_noise up z.
 * Two evaluations a step. Where t has no signal or s no noise there is no such middle, and the step is Euler's. eta = 0 is a
 * deterministic method of order 2. Tested in tests/exact/test_ancestral.c. */
#include "sampler/ancestral.h"

#include <math.h>

static ito_status step(ito_step *st)
{
    ito_estimate e, mid;
    double eta = ito_opts_real(st->opts, "eta"), s_noise = ito_opts_real(st->opts, "s_noise");
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    if (!ito__level_is_inner(&st->t) || !ito__level_is_inner(&st->s)) return ito__ancestral_euler(st, &e, eta, s_noise);
    ito__ancestral a = ito__ancestral_step(&st->t, &st->s, eta);
    if (!(a.down > 0)) return ito__ancestral_euler(st, &e, eta, s_noise);
    double from = ito__level_sigma_hat(&st->t), down = a.down / st->s.signal;
    ito_level m = ito__level_at_sigma_hat(st->process, sqrt(from * down));
    ito__walk_to(st, &e, &m, st->scratch[0]);
    status = ito_step_predict(st, 1, &m, st->scratch[0], &mid);
    if (status != ITO_OK) return status;
    /* EQ[kdiffusion:dpm2]  x_s / signal_s = x_t / signal_t + (down - sigma_t / signal_t) eps_m, and noise */
    double scale = st->s.signal / st->t.signal;
    return ito_step_to(st, 2, (const ito_term[]){{scale, st->x}, {a.down - scale * st->t.sigma, mid.eps}},
                       s_noise * a.up);
}

static const ito_opt_def options[] = {ITO__ANCESTRAL_OPTIONS, ITO_OPT_END};

const ito_sampler_def ito__sampler_dpm2_a = {
    .choice = {.name = "dpm2-a",
               .summary = "DPM2 ancestral: the midpoint rule with fresh noise in every step",
               .formula = "x_s / signal_s = x_t / signal_t + (down - sigma_t / signal_t) eps_m + s_noise up z",
               .paper = "kdiffusion",
               .eq = "kdiffusion:dpm2",
               .file = "src/sampler/dpm2_a.c",
               .options = options},
    .is_stochastic = true,
    .n_estimates = 2,
    .n_scratch = 1,
    .is_noisy = ito__has_eta,
    .step = step,
};
