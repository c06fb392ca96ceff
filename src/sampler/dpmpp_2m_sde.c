/* DPM-Solver++(2M) SDE (k-diffusion, sample_dpmpp_2m_sde): a multistep method on x_0, whose slope is that between the last two
 * estimates:
 *     x_s = of_x x_t + gain x_0 + slope (x_0 - before) h / h_before + sd z
 * with sampler/sde_solver.h's coefficients and, for K = 1 + eta,
 *     slope = gain / 2                                              (midpoint)
 *           = signal_s (1 - (1 - exp(-K h)) / (K h))                (heun).
 * One evaluation a step. The noise follows a Brownian path that belongs to the sample and its seed, so that more steps refine the
 * same image. The first step and one to the data or from pure noise are of first order. eta = 0 is deterministic, of order 2.
 * Tested in tests/exact/test_sde_solvers.c. */
#include <math.h>

#include "sampler/ancestral.h"
#include "sampler/sde_solver.h"

enum { MIDPOINT, HEUN };

static double slope(const ito_step *st, const ito__sde_step *c)
{
    if (ito_opts_choice(st->opts, "solver") == MIDPOINT) return 0.5 * c->gain;
    double kh = (1 + ito_opts_real(st->opts, "eta")) * c->h;
    /* EQ[kdiffusion:2m-sde]  signal_s (1 - (1 - exp(-K h)) / (K h)), the integral of K exp(-K (h - u)) u / h */
    return st->s.signal * (1 + expm1(-kh) / kh);
}

static ito_status step(ito_step *st)
{
    ito_estimate e, before;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    ito__sde_step c =
        ito__sde_step_between(&st->t, &st->s, ito_opts_real(st->opts, "eta"), ito_opts_real(st->opts, "s_noise"));
    ito_term terms[4] = {{c.of_x, st->x}, {c.gain, e.x0}};
    int n = 2;
    if (isfinite(c.h) && ito_step_history(st, 1, &before)) {
        double weight = slope(st, &c) * c.h / (ito__half_snr(&st->t) - ito__half_snr(&before.t));
        terms[1].coef += weight;
        terms[n++] = (ito_term){-weight, before.x0};
    }
    return ito__sde_step_end(st, c.sd, 0, st->scratch[0], n, terms);
}

static const char *const solvers[] = {"midpoint", "heun", NULL};
static const ito_opt_def options[] = {
    ITO__SDE_OPTIONS,
    ITO_OPT_CHOICE("solver", MIDPOINT, solvers, "how x_0's slope counts"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_dpmpp_2m_sde = {
    .choice = {.name = "dpmpp-2m-sde",
               .summary = "DPM-Solver++ (2M) of the reverse SDE, along a Brownian path",
               .formula = "x_s = of_x x_t + gain x_0 + slope (x_0 - before) h / h_before + sd z",
               .paper = "kdiffusion",
               .eq = "kdiffusion:2m-sde",
               .file = "src/sampler/dpmpp_2m_sde.c",
               .options = options},
    .is_stochastic = true,
    .n_history = 1,
    .n_scratch = 1,
    .follows_path = true,
    .is_noisy = ito__has_eta,
    .step = step,
};
