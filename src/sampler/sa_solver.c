/* SA-Solver (Xue et al. 2023): stochastic Adams methods on x_0 for the reverse SDE whose noise is tau(t) times the forward
 * one's. With lambda half the log-SNR, h = lambda_s - lambda_t, K = 1 + tau^2, and tau constant over a step,
 *     x_s = sigma_s / sigma_t exp(-tau^2 h) x_t + signal_s sum_j w_j x0_j + sigma_s sqrt(1 - exp(-2 tau^2 h)) z,
 *     sum_j w_j r_j^k = K int_0^h exp(-K (h - u)) u^k du,    r_j = lambda_j - lambda_t,
 * over the estimates before s (predictor) or with the one made at the predicted x_s among them (corrector), with the same z. The
 * corrector acts at the start of the next step, which asks the denoiser there in any case: one evaluation a step, and the last step
 * is the predictor's. What hooks do to x in between is kept.
 *
 * Of two estimates, the authors' code replaces the first moment by K h^2 / 2, a change of O(h^3) that they find better with few steps
 * (few_steps). tau = 0 is the deterministic Adams method, of order predictor_order without a corrector, else of corrector_order or
 * predictor_order + 1, whichever is less. Tested in tests/exact/test_sde_solvers.c. */
#include <math.h>

#include "base/base.h"
#include "sampler/ancestral.h"
#include "sampler/sde_solver.h"

#define NODES 4

enum { BEFORE, NOISE, PREDICTED, N_ARRAYS }; /* the state that the last step went from, its noise, where it went */

/* EQ[sa:s6]  tau(t) = tau where sigma / signal lies in [tau_min, tau_max], or 0 */
static double tau_at(const ito_step *st, const ito_level *t)
{
    double ratio = ito__level_sigma_hat(t);
    bool inside = ratio >= ito_opts_real(st->opts, "tau_min") && ratio <= ito_opts_real(st->opts, "tau_max");
    return inside ? ito_opts_real(st->opts, "tau") : 0;
}

static const void *model(const ito_step *st, const ito_estimate *e)
{
    return ito_opts_bool(st->opts, "predict_x0") ? e->x0 : e->eps;
}

/* What one step is made of, from `from` to `to`. */
typedef struct adams {
    ito__sde_step c;
    double factor; /* of the weights' integrals */
    int n;
    double r[NODES], w[NODES];
} adams;

static adams adams_begin(const ito_step *st, const ito_level *from, const ito_level *to)
{
    double tau = tau_at(st, from);
    adams a = {.c = ito__sde_step_between(from, to, tau * tau, 1), .factor = to->signal};
    if (ito_opts_bool(st->opts, "predict_x0")) return a;
    /* EQ[sa:s5]  of eps: x_s = signal_s / signal_t x_t - K sigma_s sum_j w_j eps_j + tau sigma_s sqrt(exp(2 h) - 1) z */
    a.factor = -(1 + tau * tau) * to->sigma;
    a.c = (ito__sde_step){.h = a.c.h,
                          .of_x = to->signal / from->signal,
                          .sd = tau * to->sigma * sqrt(expm1(2 * a.c.h)),
                          .gain = a.factor * expm1(a.c.h)};
    return a;
}

/* K int_0^h exp(-K (h - u)) u^k du, K h = x, by parts: m_k = h^k - k / K m_(k-1) */
static void moments(int n, double h, double big_k, double *m)
{
    double power = 1;
    for (int k = 0; k < n; k++) {
        m[k] = k ? power - k / big_k * m[k - 1] : -expm1(-big_k * h);
        power *= h;
    }
}

/* The same of eps: int_0^h exp(h - u) u^k du, m_k = k m_(k-1) - h^k */
static void moments_of_eps(int n, double h, double *m)
{
    double power = 1;
    for (int k = 0; k < n; k++) {
        m[k] = k ? k * m[k - 1] - power : expm1(h);
        power *= h;
    }
}

/* EQ[sa:a1]  w_j = the integral against Lagrange's polynomial that is 1 at r_j and 0 at the others, times the factor */
static void fill_weights(const ito_step *st, double tau, adams *a)
{
    double h = a->c.h, m[NODES];
    bool of_x0 = ito_opts_bool(st->opts, "predict_x0");
    if (!isfinite(h)) a->n = 1;
    a->w[0] = a->c.gain;
    if (a->n == 1) return;
    if (of_x0)
        moments(a->n, h, 1 + tau * tau, m);
    else
        moments_of_eps(a->n, h, m);
    if (a->n == 2 && of_x0 && ito_opts_bool(st->opts, "few_steps")) m[1] = 0.5 * (1 + tau * tau) * h * h;
    for (int j = 0; j < a->n; j++) {
        double poly[NODES] = {1}; /* coefficients of u^k */
        int degree = 0;
        for (int i = 0; i < a->n; i++) {
            if (i == j) continue;
            double scale = 1 / (a->r[j] - a->r[i]);
            for (int k = ++degree; k >= 0; k--)
                poly[k] = ((k ? poly[k - 1] : 0) - a->r[i] * (k < degree ? poly[k] : 0)) * scale;
        }
        a->w[j] = 0;
        for (int k = 0; k < a->n; k++) a->w[j] += a->factor * poly[k] * m[k];
    }
}

/* Appends estimates of steps before, `back` ago and further, to at most `most` of all; terms get their arrays. */
static void add_nodes(const ito_step *st, const ito_level *from, int back, int most, adams *a, ito_term *terms)
{
    ito_estimate e;
    for (; a->n < most && back < NODES && ito_step_history(st, back, &e) && ito__level_is_inner(&e.t); back++) {
        a->r[a->n] = ito__half_snr(&e.t) - ito__half_snr(from);
        terms[a->n++].src = model(st, &e);
    }
}

/* scratch[BEFORE] becomes the state at t: the corrector's, with what was changed since the predictor's; or x. */
static void correct(ito_step *st, const ito_estimate *e)
{
    ito_estimate before;
    void *const *s = st->scratch;
    int most = (int)ito_opts_int(st->opts, "corrector_order");
    if (most && ito_opts_bool(st->opts, "lower_order_final")) most = ITO_MIN(most, st->n_steps - st->index + 2);
    ito_term terms[NODES + 4] = {{0, model(st, e)}};
    if (!most || !ito_step_history(st, 1, &before) || !ito__level_is_inner(&before.t)) {
        ito_step_combine(st, 1, (const ito_term[]){{1, st->x}}, s[BEFORE]);
        return;
    }
    adams a = adams_begin(st, &before.t, &st->t);
    a.r[a.n++] = a.c.h;
    add_nodes(st, &before.t, 1, most, &a, terms);
    fill_weights(st, tau_at(st, &before.t), &a);
    for (int j = 0; j < a.n; j++) terms[j].coef = a.w[j];
    int n = a.n;
    terms[n++] = (ito_term){a.c.of_x, s[BEFORE]};
    if (a.c.sd > 0) terms[n++] = (ito_term){a.c.sd, s[NOISE]};
    terms[n++] = (ito_term){1, st->x};
    terms[n++] = (ito_term){-1, s[PREDICTED]};
    ito_step_combine(st, n, terms, s[BEFORE]);
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    void *const *s = st->scratch;
    ito_status status = ito_step_predict(st, 0, &st->t, st->x, &e);
    if (status != ITO_OK) return status;
    correct(st, &e);
    ito_term terms[NODES + 2] = {{0, model(st, &e)}};
    adams a = adams_begin(st, &st->t, &st->s);
    int most = (int)ito_opts_int(st->opts, "predictor_order");
    if (ito_opts_bool(st->opts, "lower_order_final")) most = ITO_MIN(most, st->n_steps - st->index);
    a.r[a.n++] = 0;
    if (ito__level_is_inner(&st->t)) add_nodes(st, &st->t, 1, most, &a, terms);
    fill_weights(st, tau_at(st, &st->t), &a);
    for (int j = 0; j < a.n; j++) terms[j].coef = a.w[j];
    int n = a.n;
    terms[n++] = (ito_term){a.c.of_x, s[BEFORE]};
    if (a.c.sd > 0) {
        status = ito_step_brownian(st, 0, st->t.t, st->s.t, s[NOISE]);
        if (status != ITO_OK) return status;
        terms[n++] = (ito_term){a.c.sd, s[NOISE]};
    }
    ito_step_combine(st, n, terms, s[PREDICTED]);
    return ito_step_to(st, 1, (const ito_term[]){{1, s[PREDICTED]}}, 0);
}

static bool is_noisy(const ito_opts *opts)
{
    return ito_opts_real(opts, "tau") > 0;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("predictor_order", 2, 1, NODES, "estimates that the predictor uses"),
    ITO_OPT_INT("corrector_order", 2, 0, NODES, "estimates that the corrector uses, the new one among them; 0: none"),
    ITO_OPT_REAL("tau", 1, 0, 10, "0 is deterministic, 1 injects the noise of the reverse SDE"),
    ITO_OPT_REAL("tau_min", 0.05, 0, 1e9, "sigma / signal below which no noise is injected"),
    ITO_OPT_REAL("tau_max", 1, 0, 1e9, "sigma / signal above which no noise is injected"),
    ITO_OPT_BOOL("lower_order_final", true, "lower the order in the last steps"),
    ITO_OPT_BOOL("predict_x0", true, "follow x_0; false: eps"),
    ITO_OPT_BOOL("few_steps", true, "the authors' change of O(h^3) where two estimates are used"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_sa_solver = {
    .choice = {.name = "sa-solver",
               .summary = "stochastic Adams predictor and corrector along a Brownian path",
               .formula = "x_s = sigma_s / sigma_t exp(-tau^2 h) x_t + signal_s sum_j w_j x0_j "
                          "+ sigma_s sqrt(1 - exp(-2 tau^2 h)) z",
               .paper = "sa",
               .eq = "sa:a1",
               .file = "src/sampler/sa_solver.c",
               .options = options},
    .is_stochastic = true,
    .n_history = NODES - 1,
    .n_scratch = N_ARRAYS,
    .follows_path = true,
    .is_noisy = is_noisy,
    .step = step,
};
