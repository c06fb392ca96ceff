/* DPM-Solver and DPM-Solver++ in single steps as diffusers' DPMSolverSinglestepScheduler goes: the stages of a step of order k are the
 * last k levels of the run, and a step of the loop is made for every evaluation: of order 1, 2, .. k from where the first of
 * them stands. sampler/dpm_single.c has the papers' form, whose stages lie between the levels. Known to a context that has
 * opened such a file. */
#include <math.h>

#include "base/base.h"
#include "sampler/exp_integrator.h"
#include "scheduler/their_samplers.h"

#define MOST_ORDER 3

/* The order of the step, no more than there are estimates. */
static int order_now(const ito_step *st, ito_estimate *first)
{
    const char *orders = ito_opts_text(st->opts, "orders");
    int order = orders[st->index] - '0';
    while (order > 1 && !ito_step_history(st, order - 1, first)) order--;
    return order;
}

/* EQ[dpmsolver:a2] = EQ[dpmpp:a1]  weights of the estimates at r[0] = 0, r[1], r[2] */
static void weigh(const ito_step *st, double z, int n, const double *r, double *w)
{
    bool is_heun = ito_opts_bool(st->opts, "heun"), is_noisy = ito_opts_bool(st->opts, "sde");
    double last = n == 2 ? 0.5 * ito__psi(1, z) : ito__psi(2, z);
    if (n == 1 || is_heun) {
        for (int k = 0; k < n; k++) w[k] = (k == 2 ? 2 : 1) * (ito__psi(k + 1, z) + (k == 2 && is_noisy));
        ito__match_moments(n, r, w); /* 1 more than psi_3 of the SDE: diffusers has the sign of 1/2 wrong there */
        return;
    }
    w[0] = ito__psi(1, z) - last / r[n - 1];
    w[1] = 0;
    w[n - 1] = last / r[n - 1];
}

/* Into *out; the deviation of the noise. */
static double between(const ito_step *st, const ito_level *from, ito__exp_step *out)
{
    bool of_x0 = ito_opts_bool(st->opts, "of_x0");
    if (!ito__exp_step_between(of_x0, from, &st->s, out) || !ito_opts_bool(st->opts, "sde")) return 0;
    /* EQ[dpmpp:s4.3]  of the SDE: exp(-h) more, z = -2 h, sd = sigma_s sqrt(1 - exp(-2 h)) */
    out->of_x *= exp(-out->h);
    out->z = -2 * out->h;
    return st->s.sigma * sqrt(-expm1(-2 * out->h));
}

static ito_status step(ito_step *st)
{
    ito_estimate e[MOST_ORDER];
    ito__exp_step whole = {0};
    double r[MOST_ORDER] = {0}, w[MOST_ORDER];
    bool of_x0 = ito_opts_bool(st->opts, "of_x0");
    ito_estimate now;
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &now));
    int n = order_now(st, &e[0]);
    for (int j = 0; j < n - 1; j++) ito_step_history(st, n - 1 - j, &e[j]);
    e[n - 1] = now;
    if (n == 1) ito_step_combine(st, 1, (const ito_term[]){{1, st->x}}, st->scratch[0]);
    if (!(st->s.sigma > 0)) return ito_step_to(st, 1, (const ito_term[]){{st->s.signal, now.x0}}, 0);
    double sd = between(st, &e[0].t, &whole);
    for (int j = 1; j < n; j++) r[j] = 0.5 * (e[j].t.log_snr - e[0].t.log_snr) / whole.h;
    weigh(st, whole.z, n, r, w);
    ito_term terms[1 + MOST_ORDER] = {{whole.of_x, st->scratch[0]}};
    for (int j = 0; j < n; j++) terms[1 + j] = (ito_term){whole.gain * w[j], ito__exp_model(of_x0, &e[j])};
    return ito_step_to(st, 1 + n, terms, sd);
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_bool(opts, "sde");
}

static const ito_opt_def options[] = {
    ITO_OPT_TEXT("orders", "", "of each step, one digit each"),
    ITO_OPT_BOOL("of_x0", 1, "follow x_0 (DPM-Solver++) or eps"),
    ITO_OPT_BOOL("heun", 0, "solver_type heun"),
    ITO_OPT_BOOL("sde", 0, "with fresh noise in every step"),
    ITO_OPT_END,
};

const ito_sampler_def ito__their_singlestep = {
    .choice = {.name = "diffusers-singlestep",
               .summary = "DPM-Solver in single steps whose stages are the run's own levels",
               .options = options},
    .n_history = MOST_ORDER - 1,
    .n_scratch = 1,
    .is_noisy = is_noisy,
    .step = step,
};
