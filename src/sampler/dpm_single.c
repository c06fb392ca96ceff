/* DPM-Solver (Lu et al. 2022) and DPM-Solver++ (Lu et al. 2022), singlestep: a step of order k asks the denoiser k times, at levels
 * between t and s that lie evenly in lambda, half the log-SNR, and keeps nothing. DPM-Solver follows eps; DPM-Solver++ follows
 * x_0, which stands clipping and strong guidance. Of order 1 both are DDIM. A step to or from an end of the process, where
 * lambda is infinite, is of order 1. The weights that both papers write out are those of the polynomial through the
 * estimates (exp_integrator.h), or "midpoint", which has half of psi_1 for psi_2. Tested in
 * tests/exact/test_exp_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include "base/base.h"
#include "sampler/exp_integrator.h"
#include "sampler/solver.h"

enum { MIDPOINT, HEUN };
static const char *const types[] = {"midpoint", "heun", NULL};

typedef struct stages {
    ito_step *st;
    bool of_x0;
    ito__exp_step whole;
    ito_estimate e[3];
} stages;

/* The estimate at t; *is_inner: can more than a step of order 1 follow? */
static ito_status begin(stages *g, ito_step *st, bool of_x0, bool *is_inner)
{
    *g = (stages){.st = st, .of_x0 = of_x0};
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &g->e[0]));
    *is_inner = ito__exp_step_between(of_x0, &st->t, &st->s, &g->whole);
    return ITO_OK;
}

/* of_x x_t + gain (sum of w_j m_j over the first n estimates) */
static int collect(const stages *g, const ito__exp_step *part, int n, const double *w, ito_term *terms)
{
    terms[0] = (ito_term){part->of_x, g->st->x};
    for (int j = 0; j < n; j++) terms[1 + j] = (ito_term){part->gain * w[j], ito__exp_model(g->of_x0, &g->e[j])};
    return 1 + n;
}

/* Estimate number k, at lambda_t + r h, where the first k with weights w lead. */
static ito_status ask_at(stages *g, int k, double r, const double *w)
{
    ito_step *st = g->st;
    ito__exp_step part;
    ito_term terms[4];
    ito_level at = ito__level_at_lambda(st->process, 0.5 * st->t.log_snr + r * g->whole.h);
    ito__exp_step_between(g->of_x0, &st->t, &at, &part);
    ito_step_combine(st, collect(g, &part, k, w, terms), terms, st->scratch[0]);
    return ito_step_predict(st, k, &at, st->scratch[0], &g->e[k]);
}

static ito_status finish(const stages *g, int n, const double *w)
{
    ito_term terms[4];
    return ito_step_to(g->st, collect(g, &g->whole, n, w, terms), terms, 0);
}

static ito_status first(ito_step *st, bool of_x0)
{
    stages g;
    bool is_inner;
    ITO_TRY(begin(&g, st, of_x0, &is_inner));
    if (!is_inner) return ito__step_ddim(st, &g.e[0]);
    /* EQ[dpmsolver:3.7] = EQ[dpmpp:s4]  x_s = of_x x_t + gain psi_1(z) m_t: signal_s / signal_t x_t - sigma_s expm1(h) eps,
     * and sigma_s / sigma_t x_t - signal_s expm1(-h) x_0 */
    return finish(&g, 1, (const double[]){ito__psi(1, g.whole.z)});
}

static ito_status second(ito_step *st, bool of_x0)
{
    stages g;
    bool is_inner;
    double w[2];
    ITO_TRY(begin(&g, st, of_x0, &is_inner));
    if (!is_inner) return ito__step_ddim(st, &g.e[0]);
    double z = g.whole.z;
    /* EQ[dpmsolver:a1] = EQ[dpmpp:a1]  r_1 = 1/2; u = of_x x_t + gain psi_1(r_1 z) m_t,
     * x_s = of_x x_t + gain psi_1(z) (m_t + (m_u - m_t) / (2 r_1)) */
    ITO_TRY(ask_at(&g, 1, 0.5, (const double[]){ito__psi(1, 0.5 * z)}));
    w[0] = 0;
    w[1] = ito__psi(1, z);
    if (ito_opts_choice(st->opts, "solver_type") == HEUN) ito__exp_weights(z, 2, (const double[]){0, 0.5}, w);
    return finish(&g, 2, w);
}

static ito_status third(ito_step *st, bool of_x0)
{
    stages g;
    bool is_inner;
    double w[3];
    ITO_TRY(begin(&g, st, of_x0, &is_inner));
    if (!is_inner) return ito__step_ddim(st, &g.e[0]);
    const double z = g.whole.z, r1 = 1 / 3.0, r2 = 2 / 3.0, nodes[] = {0, r1, r2};
    /* EQ[dpmsolver:a2] = EQ[dpmpp:code]  r_1 = 1/3, r_2 = 2/3; u_1 = of_x x_t + gain psi_1(r_1 z) m_t,
     * u_2 = of_x x_t + gain (psi_1(r_2 z) m_t + r_2 / r_1 psi_2(r_2 z) (m_1 - m_t)),
     * x_s = of_x x_t + gain (psi_1(z) m_t + psi_2(z) / r_2 (m_2 - m_t)) */
    ITO_TRY(ask_at(&g, 1, r1, (const double[]){ito__psi(1, r1 * z)}));
    ito__exp_weights(r2 * z, 2, (const double[]){0, r1 / r2}, w);
    ITO_TRY(ask_at(&g, 2, r2, w));
    if (ito_opts_choice(st->opts, "solver_type") == HEUN) {
        ito__exp_weights(z, 3, nodes, w);
    } else {
        w[2] = ito__psi(2, z) / r2;
        w[1] = 0;
        w[0] = ito__psi(1, z) - w[2];
    }
    return finish(&g, 3, w);
}

static ito_status step_dpm_1(ito_step *st)
{
    return first(st, false);
}

static ito_status step_dpm_2(ito_step *st)
{
    return second(st, false);
}

static ito_status step_dpm_3(ito_step *st)
{
    return third(st, false);
}

static ito_status step_dpmpp_1(ito_step *st)
{
    return first(st, true);
}

static ito_status step_dpmpp_2s(ito_step *st)
{
    return second(st, true);
}

static ito_status step_dpmpp_3s(ito_step *st)
{
    return third(st, true);
}

static const ito_opt_def options[] = {
    ITO_OPT_CHOICE("solver_type", MIDPOINT, types,
                   "what the estimates weigh: as the paper has it, or their polynomial"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_dpm_1 = {
    .choice = {.name = "dpm-1",
               .summary = "DPM-Solver-1, which is DDIM",
               .formula = "x_s = signal_s / signal_t x_t - sigma_s expm1(h) eps, h = lambda_s - lambda_t",
               .paper = "dpmsolver",
               .eq = "dpmsolver:3.7",
               .file = "src/sampler/dpm_single.c"},
    .order = 1,
    .step = step_dpm_1,
};

const ito_sampler_def ito__sampler_dpm_2 = {
    .choice = {.name = "dpm-2",
               .summary = "DPM-Solver-2, singlestep: 2 evaluations a step",
               .formula = "x_s = signal_s / signal_t x_t - sigma_s expm1(h) eps_u, u half-way in lambda",
               .paper = "dpmsolver",
               .eq = "dpmsolver:a1",
               .file = "src/sampler/dpm_single.c",
               .options = options},
    .order = 2,
    .n_estimates = 2,
    .n_scratch = 1,
    .step = step_dpm_2,
};

const ito_sampler_def ito__sampler_dpm_3 = {
    .choice = {.name = "dpm-3",
               .summary = "DPM-Solver-3, singlestep: 3 evaluations a step",
               .formula = "x_s = signal_s / signal_t x_t - sigma_s (psi_1(h) eps + 3/2 psi_2(h) (eps_2 - eps))",
               .paper = "dpmsolver",
               .eq = "dpmsolver:a2",
               .file = "src/sampler/dpm_single.c",
               .options = options},
    .order = 3,
    .n_estimates = 3,
    .n_scratch = 1,
    .step = step_dpm_3,
};

const ito_sampler_def ito__sampler_dpmpp_1 = {
    .choice = {.name = "dpmpp-1",
               .summary = "DPM-Solver++ of order 1, which is DDIM",
               .formula = "x_s = sigma_s / sigma_t x_t - signal_s expm1(-h) x_0, h = lambda_s - lambda_t",
               .paper = "dpmpp",
               .eq = "dpmpp:s4",
               .file = "src/sampler/dpm_single.c"},
    .order = 1,
    .step = step_dpmpp_1,
};

const ito_sampler_def ito__sampler_dpmpp_2s = {
    .choice = {.name = "dpmpp-2s",
               .summary = "DPM-Solver++ (2S), singlestep: 2 evaluations a step, for strong guidance",
               .formula = "x_s = sigma_s / sigma_t x_t - signal_s expm1(-h) x_0 of u, u half-way in lambda",
               .paper = "dpmpp",
               .eq = "dpmpp:a1",
               .file = "src/sampler/dpm_single.c",
               .options = options},
    .order = 2,
    .n_estimates = 2,
    .n_scratch = 1,
    .step = step_dpmpp_2s,
};

const ito_sampler_def ito__sampler_dpmpp_3s = {
    .choice = {.name = "dpmpp-3s",
               .summary = "DPM-Solver++ (3S), singlestep: 3 evaluations a step",
               .formula = "x_s = sigma_s / sigma_t x_t - signal_s (psi_1(-h) x_0 + 3/2 psi_2(-h) (x_0 of u_2 - x_0))",
               .paper = "dpmpp",
               .eq = "dpmpp:code",
               .file = "src/sampler/dpm_single.c",
               .options = options},
    .order = 3,
    .n_estimates = 3,
    .n_scratch = 1,
    .step = step_dpmpp_3s,
};
