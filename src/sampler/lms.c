/* Linear multistep in sigma_hat = sigma / signal (k-diffusion's LMS): Adams-Bashforth on uneven steps. x / signal moves by the
 * integral of the polynomial through the last estimates of eps, d(x / signal) = eps d sigma_hat. One evaluation a step; the
 * first steps are of lower order. Ends at sigma = 0 with its full order. Tested in tests/exact/test_multistep.c and
 * test_orders.c. */
#include <ito/sampler.h>

#include "base/base.h"
#include "sampler/lagrange.h"
#include "sampler/solver.h"

#define MOST_ORDER 4

static ito_status step(ito_step *st)
{
    ito_estimate e, past[MOST_ORDER - 1];
    double nodes[MOST_ORDER], w[MOST_ORDER];
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &e));
    if (!ito__level_is_inner(&st->t) || !(st->s.signal > 0)) return ito__step_ddim(st, &e);
    int n_past = ito__step_past(st, (int)ito_opts_int(st->opts, "order") - 1, past);
    nodes[0] = ito__level_sigma_hat(&st->t);
    for (int j = 0; j < n_past; j++) nodes[1 + j] = ito__level_sigma_hat(&past[j].t);
    /* EQ[hairer:III.5]  w_j = signal_s times the integral of L_j over sigma_hat from t to s */
    ito__lagrange_integrals(1 + n_past, nodes, nodes[0], ito__level_sigma_hat(&st->s), w);
    for (int j = 0; j <= n_past; j++) w[j] *= st->s.signal;
    return ito__step_with_past(st, &e, n_past, past, w + 1);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("order", MOST_ORDER, 1, MOST_ORDER, "estimates that the polynomial goes through"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_lms = {
    .choice = {.name = "lms",
               .summary = "linear multistep in sigma / signal: 1 evaluation a step",
               .formula = "x_s / signal_s = x_t / signal_t + sum_j eps_j int L_j d sigma_hat",
               .paper = "hairer",
               .eq = "hairer:III.5",
               .file = "src/sampler/lms.c",
               .options = options},
    .order = 4,
    .run_order = 2,
    .n_history = MOST_ORDER - 1,
    .step = step,
};
