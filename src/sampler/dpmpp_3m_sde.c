/* DPM-Solver++(3M) SDE (k-diffusion, sample_dpmpp_3m_sde): x_0 along the step by Newton's polynomial through the last three
 * estimates. With h_1, h_2 the two steps before in lambda, x = K h, K = 1 + eta,
 *     d_0 = (x0 - x0_1) h / h_1,  d_1 = (x0_1 - x0_2) h / h_2,
 *     slope = d_0 + (d_0 - d_1) h_1 / (h_1 + h_2),  bend = (d_0 - d_1) h / (h_1 + h_2),
 *     x_s = of_x x_t + gain x_0 + signal_s (phi_2 slope - phi_3 bend) + sd z,
 *     phi_2 = 1 - (1 - exp(-x)) / x,  phi_3 = phi_2 / x - 1/2,
 * coefficients and path as in sampler/sde_solver.h. One evaluation a step; order rises over the first three. eta = 0 is
 * deterministic, of order 3. Tested in tests/exact/test_sde_solvers.c. */
#include <math.h>

#include "sampler/ancestral.h"
#include "sampler/sde_solver.h"

/* phi_2 and phi_3 of x = K h. */
typedef struct phis {
    double two, three;
} phis;

static phis phis_of(double x)
{
    double two = expm1(-x) / x + 1;
    return (phis){two, two / x - 0.5};
}

/* Adds what the estimates before say; the number of terms. */
static int add_history(const ito_step *st, const ito__sde_step *c, ito_term *terms)
{
    ito_estimate one, two;
    phis phi = phis_of((1 + ito_opts_real(st->opts, "eta")) * c->h);
    if (!ito_step_history(st, 1, &one)) return 2;
    double h1 = ito__half_snr(&st->t) - ito__half_snr(&one.t), first = c->h / h1, a = phi.two, b = 0;
    terms[3].coef = 0;
    if (ito_step_history(st, 2, &two)) {
        double h2 = ito__half_snr(&one.t) - ito__half_snr(&two.t), share = h1 / (h1 + h2), bend = c->h / (h1 + h2);
        /* EQ[kdiffusion:3m-sde]  phi_2 slope - phi_3 bend = a d_0 - b' d_1 */
        a = phi.two * (1 + share) - phi.three * bend;
        b = (phi.two * share - phi.three * bend) * c->h / h2;
        terms[3] = (ito_term){st->s.signal * b, two.x0};
    }
    terms[1].coef += st->s.signal * a * first;
    terms[2] = (ito_term){-st->s.signal * (a * first + b), one.x0};
    return terms[3].src ? 4 : 3;
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    ito__sde_step c =
        ito__sde_step_between(&st->t, &st->s, ito_opts_real(st->opts, "eta"), ito_opts_real(st->opts, "s_noise"));
    ito_term terms[5] = {{c.of_x, st->x}, {c.gain, e.x0}};
    int n = isfinite(c.h) ? add_history(st, &c, terms) : 2;
    return ito__sde_step_end(st, c.sd, 0, st->scratch[0], n, terms);
}

static const ito_opt_def options[] = {ITO__SDE_OPTIONS, ITO_OPT_END};

const ito_sampler_def ito__sampler_dpmpp_3m_sde = {
    .choice = {.name = "dpmpp-3m-sde",
               .summary = "DPM-Solver++ (3M) of the reverse SDE, along a Brownian path",
               .formula = "x_s = of_x x_t + gain x_0 + signal_s (phi_2 slope - phi_3 bend) + sd z",
               .paper = "kdiffusion",
               .eq = "kdiffusion:3m-sde",
               .file = "src/sampler/dpmpp_3m_sde.c",
               .options = options},
    .is_stochastic = true,
    .n_history = 2,
    .n_scratch = 1,
    .follows_path = true,
    .is_noisy = ito__has_eta,
    .step = step,
};
