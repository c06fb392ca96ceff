/* PNDM's pseudo linear multistep (Liu, Ren, Lin, Zhao 2022), and iPNDM, its form without a start of its own (Zhang, Chen 2023).
 * Adams-Bashforth's weights for even steps make one eps of the last four, and DDIM's transfer phi takes it from t to s:
 *     eps' = (55 eps_0 - 59 eps_1 + 37 eps_2 - 9 eps_3) / 24,    phi: x_s = signal_s / signal_t x_t + (sigma_s -
 *     signal_s sigma_t / signal_t) eps'.
 * The transfer is not the integral that the weights belong to, so the order is 2, of times that lie evenly.
 *
 * plms starts with three steps of Runge and Kutta's weights (4 evaluations each), or with skip_prk, as Stable Diffusion has it,
 * with one of Heun's and then the lower orders; ipndm with the lower orders alone. A step from a level without signal, or of
 * Runge and Kutta's to one without noise, is DDIM's. Where the first levels have next to no signal (vp-cosine at T) an eps' that is
 * not the level's own is divided by it, and the state leaves the data: use vp-linear, a later start, or another solver.
 * Tested in tests/exact/test_multistep.c and test_orders.c. */
#include <ito/sampler.h>

#include "base/base.h"
#include "sampler/solver.h"

#define MOST_PAST 3

enum { DDIM, DIFFUSERS };
static const char *const ipndm_starts[] = {"ddim", "diffusers", NULL};

/* sigma_s - signal_s sigma_t / signal_t: signal_s times the step of sigma_hat */
static double span(const ito_level *t, const ito_level *s)
{
    return s->sigma - s->signal * ito__level_sigma_hat(t);
}

/* phi(x_t, eps, t, to); dst NULL: the end of the step */
static ito_status transfer(ito_step *st, const ito_level *to, const void *eps, void *dst)
{
    /* EQ[pndm:9]  phi(x_t, eps, t, s) = signal_s / signal_t x_t + (sigma_s - signal_s sigma_t / signal_t) eps */
    const ito_term terms[] = {{to->signal / st->t.signal, st->x}, {span(&st->t, to), eps}};
    if (!dst) return ito_step_to(st, 2, terms, 0);
    ito_step_combine(st, 2, terms, dst);
    return ITO_OK;
}

/* One estimate more, at the transfer's result with the eps of slot 1, or of e. Adds share of it to the sum. */
static ito_status ask(ito_step *st, const ito_level *at, double share, ito_estimate *e)
{
    void *x = st->scratch[0], *sum = st->scratch[1];
    transfer(st, at, e->eps, x);
    ITO_TRY(ito_step_predict(st, 1, at, x, e));
    ito_step_combine(st, 2, (const ito_term[]){{1, sum}, {share, e->eps}}, sum);
    return ITO_OK;
}

/* EQ[pndm:13]  eps' = (eps_1 + 2 eps_2 + 2 eps_3 + eps_4) / 6, at t, twice half-way in time, and at s */
static ito_status runge_kutta(ito_step *st, ito_estimate e)
{
    ito_level half = ito_process_level(st->process, 0.5 * (st->t.t + st->s.t));
    ito_step_combine(st, 1, (const ito_term[]){{1 / 6.0, e.eps}}, st->scratch[1]);
    ITO_TRY(ask(st, &half, 1 / 3.0, &e));
    ITO_TRY(ask(st, &half, 1 / 3.0, &e));
    ITO_TRY(ask(st, &st->s, 1 / 6.0, &e));
    return transfer(st, &st->s, st->scratch[1], NULL);
}

static ito_status heun(ito_step *st, ito_estimate e)
{
    ito_step_combine(st, 1, (const ito_term[]){{0.5, e.eps}}, st->scratch[1]);
    ITO_TRY(ask(st, &st->s, 0.5, &e));
    return transfer(st, &st->s, st->scratch[1], NULL);
}

static ito_status multistep(ito_step *st, const ito_estimate *e, int n_past, const ito_estimate *past)
{
    /* EQ[pndm:12] = EQ[deis:H]  eps' = (55 eps_0 - 59 eps_1 + 37 eps_2 - 9 eps_3) / 24; of order 3: (23, -16, 5) / 12; of
     * order 2: (3, -1) / 2. These are the weights of the past; eps_0 gets what is left of 1 */
    static const double weights[MOST_PAST][MOST_PAST] = {
        {-1 / 2.0}, {-16 / 12.0, 5 / 12.0}, {-59 / 24.0, 37 / 24.0, -9 / 24.0}};
    double w[MOST_PAST];
    for (int j = 0; j < n_past; j++) w[j] = span(&st->t, &st->s) * weights[n_past - 1][j];
    return ito__step_with_past(st, e, n_past, past, w);
}

static ito_status step_plms(ito_step *st)
{
    ito_estimate e, past[MOST_PAST];
    bool skips = ito_opts_bool(st->opts, "skip_prk");
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &e));
    if (!ito__level_is_inner(&st->t)) return ito__step_ddim(st, &e);
    int n_past = ito__step_past(st, MOST_PAST, past);
    bool starts = skips ? n_past == 0 : n_past < MOST_PAST;
    if (!starts) return multistep(st, &e, n_past, past);
    if (!ito__level_is_inner(&st->s)) return ito__step_ddim(st, &e);
    return skips ? heun(st, e) : runge_kutta(st, e);
}

/* diffusers' iPNDM starts where no signal is left: it takes x_0 for 0 there, and weighs that eps with the others. */
static ito_status step_from_noise(ito_step *st, const ito_estimate *e)
{
    return ito_step_to(st, 1, (const ito_term[]){{st->s.sigma, e->eps}}, 0);
}

static ito_status step_ipndm(ito_step *st)
{
    ito_estimate e, past[MOST_PAST];
    int most = (int)ito_opts_int(st->opts, "order") - 1, n = 0;
    bool is_theirs = ito_opts_choice(st->opts, "start") == DIFFUSERS;
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->x, &e));
    if (is_theirs && !(st->t.signal > 0)) return step_from_noise(st, &e);
    if (!ito__level_is_inner(&st->t)) return ito__step_ddim(st, &e);
    while (is_theirs && n < most && ito_step_history(st, n + 1, &past[n])) n++;
    return multistep(st, &e, is_theirs ? n : ito__step_past(st, most, past), past);
}

static const ito_opt_def options_plms[] = {
    ITO_OPT_BOOL("skip_prk", 0,
                 "start with Heun's step and lower orders instead of Runge and Kutta's (skip_prk_steps)"),
    ITO_OPT_END,
};

static const ito_opt_def options_ipndm[] = {
    ITO_OPT_INT("order", 4, 1, 4, "estimates that are weighed"),
    ITO_OPT_CHOICE("start", DDIM, ipndm_starts,
                   "from where no signal is left: by DDIM, or with x_0 = 0 as diffusers does"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_plms = {
    .choice = {.name = "plms",
               .summary = "PNDM: pseudo linear multistep after three Runge-Kutta steps",
               .formula = "x_s = phi(x_t, (55 eps_0 - 59 eps_1 + 37 eps_2 - 9 eps_3) / 24), phi DDIM's transfer",
               .paper = "pndm",
               .eq = "pndm:12",
               .file = "src/sampler/plms.c",
               .options = options_plms},
    .order = 2,
    .n_estimates = 2,
    .n_history = MOST_PAST,
    .n_scratch = 2,
    .step = step_plms,
};

const ito_sampler_def ito__sampler_ipndm = {
    .choice = {.name = "ipndm",
               .summary = "PNDM's multistep from lower orders on: 1 evaluation a step",
               .formula = "x_s = phi(x_t, (55 eps_0 - 59 eps_1 + 37 eps_2 - 9 eps_3) / 24), phi DDIM's transfer",
               .paper = "deis",
               .eq = "deis:H",
               .file = "src/sampler/plms.c",
               .options = options_ipndm},
    .order = 2,
    .n_history = MOST_PAST,
    .step = step_ipndm,
};
