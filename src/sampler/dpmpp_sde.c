/* DPM-Solver++ SDE (k-diffusion, sample_dpmpp_sde): two stages on x_0, each an ancestral step with noise of one Brownian path:
 *     m at the share r of the way from t to s in log-SNR;  x_m = signal_m x_0 + down_m eps + s_noise up_m z(t, m);
 *     x_s = down_s / sigma_t x_t + (signal_s - down_s signal_t / sigma_t) x0' + s_noise up_s z(t, s),
 *     x0' = (1 - 1 / (2 r)) x_0 + 1 / (2 r) x0_m,  down and up as in sampler/ancestral.h.
 * Two evaluations a step; of first order where t has no signal or s no noise. eta = 0 is deterministic, of order 2. A program's
 * own noise is asked for draw 0, of m, then 1. Tested in tests/exact/test_sde_solvers.c. */
#include <math.h>

#include "sampler/ancestral.h"
#include "sampler/sde_solver.h"

static ito_status euler(ito_step *st, const ito_estimate *e, ito__ancestral a, double s_noise)
{
    ito_term terms[3] = {{st->s.signal, e->x0}, {a.down, e->eps}};
    return ito__sde_step_end(st, s_noise * a.up, 1, st->scratch[1], 2, terms);
}

/* The state at m into scratch[0]. */
static ito_status walk_to(ito_step *st, const ito_estimate *e, const ito_level *m, double eta, double s_noise)
{
    ito__ancestral a = ito__ancestral_step(&st->t, m, eta);
    void *x = st->scratch[0], *z = st->scratch[1];
    bool is_noisy = s_noise * a.up > 0;
    ito_status status = is_noisy ? ito_step_brownian(st, 0, st->t.t, m->t, z) : ITO_OK;
    if (status != ITO_OK) return status;
    ito_step_combine(st, is_noisy ? 3 : 2,
                     (const ito_term[]){{m->signal, e->x0}, {a.down, e->eps}, {s_noise * a.up, z}}, x);
    return ITO_OK;
}

static ito_status step(ito_step *st)
{
    ito_estimate e, mid;
    double eta = ito_opts_real(st->opts, "eta"), s_noise = ito_opts_real(st->opts, "s_noise");
    double r = ito_opts_real(st->opts, "r"), share = 1 / (2 * r);
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    ito__ancestral a = ito__ancestral_step(&st->t, &st->s, eta);
    if (!ito__level_is_inner(&st->t) || !ito__level_is_inner(&st->s)) return euler(st, &e, a, s_noise);
    double log_snr = st->t.log_snr + r * (st->s.log_snr - st->t.log_snr);
    ito_level m = ito_process_level(st->process, ito_process_time(st->process, log_snr));
    status = walk_to(st, &e, &m, eta, s_noise);
    if (status == ITO_OK) status = ito_step_predict(st, 1, &m, st->scratch[0], &mid);
    if (status != ITO_OK) return status;
    /* EQ[kdiffusion:sde]  x_s = down / sigma_t x_t + (signal_s - down signal_t / sigma_t) x0' + up z */
    double of_x = a.down / st->t.sigma, gain = st->s.signal - of_x * st->t.signal;
    ito_term terms[4] = {{of_x, st->x}, {gain * (1 - share), e.x0}, {gain * share, mid.x0}};
    return ito__sde_step_end(st, s_noise * a.up, 1, st->scratch[1], 3, terms);
}

static const ito_opt_def options[] = {
    ITO__ANCESTRAL_OPTIONS,
    ITO_OPT_REAL("r", 0.5, 0.01, 1, "where the second stage stands, as a share of the step in log-SNR"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_dpmpp_sde = {
    .choice = {.name = "dpmpp-sde",
               .summary = "DPM-Solver++ SDE: two ancestral stages on x_0 along a Brownian path",
               .formula = "x_s = down / sigma_t x_t + (signal_s - down signal_t / sigma_t) x0' + s_noise up z",
               .paper = "kdiffusion",
               .eq = "kdiffusion:sde",
               .file = "src/sampler/dpmpp_sde.c",
               .options = options},
    .is_stochastic = true,
    .n_estimates = 2,
    .n_scratch = 2,
    .follows_path = true,
    .is_noisy = ito__has_eta,
    .step = step,
};
