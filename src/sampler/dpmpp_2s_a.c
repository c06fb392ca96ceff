/* DPM-Solver++(2S) ancestral (k-diffusion, sample_dpmpp_2s_ancestral): the single-step method of order 2 on x_0 (Lu et al. 2022b,
 * algorithm 1 with r = 1/2) down, then fresh noise up to s:
 *     m halfway in log-SNR between t and the level that has `down`;  x_m = signal_m x_0 + sigma_m eps;  x0_m at (x_m, m);
 *     x_s = down / sigma_t x_t + (signal_s - down signal_t / sigma_t) x0_m + s_noise up z.
 * Two evaluations a step; Euler's where t has no signal or s no noise. eta = 0 is deterministic, of order 2. Tested in
 * tests/exact/test_ancestral.c. */
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
    ito_level m = ito__level_at_sigma_hat(st->process, sqrt(ito__level_sigma_hat(&st->t) * a.down / st->s.signal));
    ito__walk_to(st, &e, &m, st->scratch[0]);
    status = ito_step_predict(st, 1, &m, st->scratch[0], &mid);
    if (status != ITO_OK) return status;
    /* EQ[dpmpp:a1]  x_s = sigma_s / sigma_t x_t - signal_s expm1(-h) x0_m with sigma_s = down, and noise */
    double of_x = a.down / st->t.sigma;
    return ito_step_to(st, 2, (const ito_term[]){{of_x, st->x}, {st->s.signal - of_x * st->t.signal, mid.x0}},
                       s_noise * a.up);
}

static const ito_opt_def options[] = {ITO__ANCESTRAL_OPTIONS, ITO_OPT_END};

const ito_sampler_def ito__sampler_dpmpp_2s_a = {
    .choice = {.name = "dpmpp-2s-a",
               .summary = "DPM-Solver++ (2S) ancestral: two stages on x_0 and fresh noise in every step",
               .formula = "x_s = down / sigma_t x_t + (signal_s - down signal_t / sigma_t) x0_m + s_noise up z",
               .paper = "dpmpp",
               .eq = "dpmpp:a1",
               .file = "src/sampler/dpmpp_2s_a.c",
               .options = options},
    .is_stochastic = true,
    .n_estimates = 2,
    .n_scratch = 1,
    .is_noisy = ito__has_eta,
    .step = step,
};
