/* DEIS (Zhang, Chen 2023), Adams-Bashforth: x / signal moves by the integral over sigma_hat = sigma / signal of the polynomial
 * through the last estimates of eps. A polynomial in the process's own time is the paper's tAB-DEIS of order - 1; in
 * sigma_hat it is rhoAB-DEIS, which is lms; in log(sigma_hat) it is what diffusers calls DEIS, and DPM-Solver's multistep
 * form. The paper's integrand is the same: 1/2 Psi(s, tau) g^2 / sigma d tau = signal_s d sigma_hat. The weights are exact
 * to about 14 digits, or in closed form where the polynomial allows. The first steps are of lower order. Tested in
 * tests/exact/test_multistep.c and test_orders.c. */
#include <ito/sampler.h>

#include <math.h>

#include "base/base.h"
#include "sampler/exp_integrator.h"
#include "sampler/lagrange.h"
#include "sampler/solver.h"

#define MOST_ORDER 4
#define FEW_STEPS  15

enum { IN_TIME, IN_SIGMA, IN_LOG_SIGMA };
static const char *const variables[] = {"time", "sigma", "log-sigma", NULL};

static double time_of(const void *process, double sigma_hat)
{
    if (!(sigma_hat > 0)) return ito_process_t_min(process);
    return ito_process_time(process, -2 * log(sigma_hat));
}

/* In lambda = -log(sigma_hat): the integral of m exp(-lambda) d lambda. */
static void weigh_logs(const ito_step *st, int n_past, const ito_estimate *past, double *w)
{
    ito__exp_step whole;
    double r[MOST_ORDER];
    ito__exp_step_between(false, &st->t, &st->s, &whole);
    ito__exp_nodes(&whole, &st->t, n_past, past, r);
    ito__exp_weights(whole.z, 1 + n_past, r, w);
    for (int j = 0; j <= n_past; j++) w[j] *= whole.gain;
}

static void weigh(const ito_step *st, int n_past, const ito_estimate *past, double *w)
{
    int variable = ito_opts_choice(st->opts, "variable");
    double from = ito__level_sigma_hat(&st->t), to = ito__level_sigma_hat(&st->s), nodes[MOST_ORDER];
    if (variable == IN_LOG_SIGMA) {
        weigh_logs(st, n_past, past, w);
        return;
    }
    nodes[0] = variable == IN_TIME ? st->t.t : from;
    for (int j = 0; j < n_past; j++)
        nodes[1 + j] = variable == IN_TIME ? past[j].t.t : ito__level_sigma_hat(&past[j].t);
    /* EQ[deis:15]  C_j = signal_s times the integral of L_j(tau) over sigma_hat from t to s */
    if (variable == IN_TIME)
        ito__lagrange_integrals_of(1 + n_past, nodes, time_of, st->process, from, to, w);
    else
        ito__lagrange_integrals(1 + n_past, nodes, from, to, w);
    for (int j = 0; j <= n_past; j++) w[j] *= st->s.signal;
}

static int order_now(const ito_step *st)
{
    int order = (int)ito_opts_int(st->opts, "order"), left = st->n_steps - st->index;
    bool is_careful = ito_opts_bool(st->opts, "lower_order_final") && st->n_steps < FEW_STEPS;
    return is_careful ? ITO_MIN(order, left) : order;
}

static ito_status step(ito_step *st)
{
    ito_estimate e, past[MOST_ORDER - 1];
    double w[MOST_ORDER];
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &e));
    bool reaches = st->s.sigma > 0 || ito_opts_choice(st->opts, "variable") != IN_LOG_SIGMA;
    bool moves = st->s.log_snr > st->t.log_snr; /* schedules of diffusers may end with the same level twice */
    if (!ito__level_is_inner(&st->t) || !(st->s.signal > 0) || !reaches || !moves) return ito__step_ddim(st, &e);
    int n_past = ito__step_past(st, order_now(st) - 1, past);
    weigh(st, n_past, past, w);
    /* EQ[deis:14]  x_s = signal_s / signal_t x_t + sum_j C_j eps_j */
    return ito__step_with_past(st, &e, n_past, past, w + 1);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("order", 3, 1, MOST_ORDER, "estimates that the polynomial goes through: tAB2 has 3"),
    ITO_OPT_CHOICE("variable", IN_TIME, variables, "of the polynomial: tAB, rhoAB, or diffusers' \"logrho\""),
    ITO_OPT_BOOL("lower_order_final", 1, "the last steps are of lower order in a run of fewer than 15"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_deis = {
    .choice = {.name = "deis",
               .summary = "DEIS (tAB), multistep with exact weights: for 5 to 20 evaluations",
               .formula = "x_s = signal_s / signal_t x_t + sum_j eps_j signal_s int L_j(tau) d sigma_hat",
               .paper = "deis",
               .eq = "deis:14",
               .file = "src/sampler/deis.c",
               .options = options},
    .order = 3,
    .run_order = 2,
    .n_history = MOST_ORDER - 1,
    .step = step,
};
