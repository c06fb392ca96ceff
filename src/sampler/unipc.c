/* UniPC (Zhao, Bai, Rao, Zhou, Lu 2023), multistep, with one evaluation a step: the predictor UniP goes from t to s on the estimates
 * at t and before; once the denoiser has been asked at s, the corrector UniC makes the same step again with what it said there.
 * The last step is not corrected. Over lambda, half the log-SNR; m is x_0 or, without predict_x0, eps.
 *
 * Weights match the integrals of polynomials (exp_integrator.h) except where one difference is all there is, which gets
 * B(h) / 2: bh1 is B = h, bh2 B = expm1(h). So UniP of order p is of order p, corrected p + 1.
 *
 * The loop's state at t is the predicted one, on which hooks may have worked. Corrected and predicted differ by a sum over
 * estimates alone, which is added to that state at the start of the step: nothing has to be kept, and edits stay.
 *
 * Tested in tests/exact/test_exp_solvers.c and test_orders.c. */
#include <ito/sampler.h>

#include <stdlib.h>

#include "base/base.h"
#include "sampler/exp_integrator.h"
#include "sampler/solver.h"

#define MOST_ORDER 3

enum { BH1, BH2 };
static const char *const types[] = {"bh1", "bh2", NULL};

/* Weights of n estimates at r. */
static void weigh(const ito_opts *opts, double z, int n, const double *r, double *w)
{
    if (n != 2) {
        /* EQ[unipc:a2]  sum_j w_j r_j^k = k! psi_(k+1)(z), k = 0 .. n - 1 */
        ito__exp_weights(z, n, r, w);
        return;
    }
    /* EQ[unipc:code]  one difference: w = B(h) / (2 r), B(h) = h (bh1) or expm1(h) (bh2) */
    double b = ito_opts_choice(opts, "solver_type") == BH1 ? z : ito__psi(1, z);
    w[1] = 0.5 * b / r[1];
    w[0] = ito__psi(1, z) - w[1];
}

/* The order of step `index` of the run, with n_past estimates before it. */
static int order_at(const ito_step *st, int index, int n_past)
{
    int order = (int)ito_opts_int(st->opts, "order");
    if (ito_opts_bool(st->opts, "lower_order_final")) order = ITO_MIN(order, st->n_steps - index);
    return ITO_MIN(order, n_past + 1);
}

/* Is the step to stay as it was predicted? "0,3": the first and the fourth. */
static bool is_uncorrected(const ito_opts *opts, int index)
{
    const char *at = ito_opts_text(opts, "uncorrected");
    while (*at) {
        char *end;
        long step = strtol(at, &end, 10);
        if (end == at) break;
        if (step == index) return true;
        at = end + (*end == ',');
    }
    return !ito_opts_bool(opts, "corrector");
}

/* EQ[unipc:a1]  UniC - UniP of the step that led to t: adds its coefficients of m_t to *of_now and of the past to of_past[]. */
static void correct(const ito_step *st, bool of_x0, int n_past, const ito_estimate *past, double *of_now,
                    double *of_past)
{
    ito__exp_step led;
    double r[MOST_ORDER + 1], predicted[MOST_ORDER], corrected[MOST_ORDER + 1];
    *of_now = 0;
    for (int j = 0; j < n_past; j++) of_past[j] = 0;
    if (!n_past || is_uncorrected(st->opts, st->index - 1) || !ito__exp_step_between(of_x0, &past[0].t, &st->t, &led))
        return;
    int order = order_at(st, st->index - 1, n_past - 1);
    ito__exp_nodes(&led, &past[0].t, order - 1, past + 1, r);
    weigh(st->opts, led.z, order, r, predicted);
    r[order] = 1;
    weigh(st->opts, led.z, order + 1, r, corrected);
    *of_now = led.gain * corrected[order];
    for (int j = 0; j < order; j++) of_past[j] = led.gain * (corrected[j] - predicted[j]);
}

static ito_status step(ito_step *st)
{
    ito_estimate e, past[MOST_ORDER];
    ito__exp_step whole;
    double r[MOST_ORDER], w[MOST_ORDER], of_now, of_past[MOST_ORDER];
    bool of_x0 = ito_opts_bool(st->opts, "predict_x0");
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &e));
    if (!ito__exp_step_between(of_x0, &st->t, &st->s, &whole)) return ito__step_ddim(st, &e);
    int n_past = ito__step_past(st, MOST_ORDER, past), order = order_at(st, st->index, n_past);
    correct(st, of_x0, n_past, past, &of_now, of_past);
    ito__exp_nodes(&whole, &st->t, order - 1, past, r);
    weigh(st->opts, whole.z, order, r, w);
    /* EQ[unipc:a2]  x_s = of_x x_t + gain sum_j w_j m_j, x_t the corrected one */
    ito_term terms[2 + MOST_ORDER] = {{whole.of_x, st->x},
                                      {whole.of_x * of_now + whole.gain * w[0], ito__exp_model(of_x0, &e)}};
    for (int j = 0; j < n_past; j++) {
        double coef = whole.of_x * of_past[j] + (j + 1 < order ? whole.gain * w[j + 1] : 0);
        terms[2 + j] = (ito_term){coef, ito__exp_model(of_x0, &past[j])};
    }
    return ito_step_to(st, 2 + n_past, terms, 0);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("order", 2, 1, MOST_ORDER, "of the predictor; the corrector adds one"),
    ITO_OPT_CHOICE("solver_type", BH2, types, "B(h): h, or expm1(h)"),
    ITO_OPT_BOOL("predict_x0", 1, "follow x_0 as DPM-Solver++ does; false: eps"),
    ITO_OPT_BOOL("corrector", 1, "false: the predictor alone"),
    ITO_OPT_TEXT("uncorrected", "", "steps that are not corrected, counted from 0: 0,1"),
    ITO_OPT_BOOL("lower_order_final", 1, "the last steps are of lower order"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_unipc = {
    .choice = {.name = "unipc",
               .summary = "UniPC: predictor and corrector for one evaluation a step, for 5 to 20 steps",
               .formula = "x_s = of_x x_t + gain sum_j w_j m_j, then again with m_s among them",
               .paper = "unipc",
               .eq = "unipc:a2",
               .file = "src/sampler/unipc.c",
               .options = options},
    .order = 3,
    .run_order = 2,
    .n_history = MOST_ORDER,
    .step = step,
};
