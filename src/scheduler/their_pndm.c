/* PNDM (Liu, Ren, Lin, Zhao 2022) as diffusers' PNDMScheduler goes: a step of the loop for every evaluation, along levels that the file
 * says (scheduler_chain.c), for they jump where timesteps do not lie evenly. What the steps weigh is the network's output,
 * eps or v:
 *     at first: the second evaluation takes the first step again, with the mean of both (skip_prk); or three Runge-Kutta steps of four
 *     evaluations each, that all start where the first of the four stands;
 *     then:     (55 o_0 - 59 o_1 + 37 o_2 - 9 o_3) / 24, or of lower order where there are fewer;
 *     x_s = signal_s / signal_t x_t + (sigma_s - signal_s sigma_t / signal_t) eps'.
 * Known to a context that has opened such a file, by a name of its own: on other levels it has no meaning. */
#include <math.h>

#include "base/base.h"
#include "scheduler/their_samplers.h"

#define MOST_PAST 3
#define PRK_EVALS 12

enum { START, SUM, OUT, N_ARRAYS };

/* dst = sum + share times the output of e. */
static void add_output(ito_step *st, const ito_estimate *e, double share, const void *sum, void *dst)
{
    bool is_v = ito_opts_bool(st->opts, "of_v");
    ito_term terms[3] = {{share * (is_v ? e->t.signal : 1), e->eps}, {is_v ? -share * e->t.sigma : 0, e->x0}, {1, sum}};
    int n = is_v ? 2 : 1;
    if (sum) terms[n++] = (ito_term){1, sum};
    ito_step_combine(st, n, terms, dst);
}

/* The end of the step from x at t with the output that is in `out`. */
static ito_status go(ito_step *st, const void *x, const void *out)
{
    double of_x = st->s.signal / st->t.signal, gain = st->s.sigma - of_x * st->t.sigma;
    bool is_v = ito_opts_bool(st->opts, "of_v");
    /* EQ[pndm:9]  x_s = signal_s / signal_t x + (sigma_s - signal_s sigma_t / signal_t) eps, eps = signal_t v + sigma_t x */
    const ito_term terms[] = {{of_x + (is_v ? gain * st->t.sigma : 0), x}, {is_v ? gain * st->t.signal : gain, out}};
    return ito_step_to(st, 2, terms, 0);
}

static void keep_start(ito_step *st)
{
    ito_step_combine(st, 1, (const ito_term[]){{1, st->x}}, st->scratch[START]);
}

/* EQ[pndm:13]  (o_1 + 2 o_2 + 2 o_3 + o_4) / 6 */
static ito_status runge_kutta(ito_step *st, const ito_estimate *e, int stage)
{
    static const double shares[] = {1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0};
    void *const *s = st->scratch;
    if (!stage) keep_start(st);
    add_output(st, e, 1, NULL, s[OUT]);
    add_output(st, e, shares[stage], stage ? s[SUM] : NULL, s[SUM]);
    return go(st, s[START], stage < 3 ? s[OUT] : s[SUM]);
}

static ito_status first_again(ito_step *st, const ito_estimate *e)
{
    ito_estimate first;
    void *const *s = st->scratch;
    if (!ito_step_history(st, 1, &first)) return ito__fail(st->ctx, ITO_STATE, "PNDM's first steps cannot be repeated");
    add_output(st, &first, 0.5, NULL, s[SUM]);
    add_output(st, e, 0.5, s[SUM], s[OUT]);
    return go(st, s[START], s[OUT]);
}

static ito_status multistep(ito_step *st, const ito_estimate *e)
{
    /* EQ[pndm:12]  of the newest first */
    static const double weights[][MOST_PAST + 1] = {
        {1}, {3 / 2.0, -1 / 2.0}, {23 / 12.0, -16 / 12.0, 5 / 12.0}, {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}};
    ito_estimate past[MOST_PAST];
    void *out = st->scratch[OUT];
    int n = 0;
    while (n < MOST_PAST && ito_step_history(st, n + 1, &past[n])) n++;
    add_output(st, e, weights[n][0], NULL, out);
    for (int j = 0; j < n; j++) add_output(st, &past[j], weights[n][1 + j], out, out);
    return go(st, st->x, out);
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    bool skips = ito_opts_bool(st->opts, "skip_prk");
    bool is_stage = !skips && st->index < PRK_EVALS, is_second = skips && st->index == 1;
    int stage = st->index % 4;
    /* What is kept for the steps after is of the first slot. */
    ITO_TRY(ito_step_predict(st, is_second || (is_stage && stage), &st->t, st->x, &e));
    if (is_stage) return runge_kutta(st, &e, stage);
    if (is_second) return first_again(st, &e);
    if (skips && !st->index) keep_start(st);
    return multistep(st, &e);
}

static const ito_opt_def options[] = {
    ITO_OPT_BOOL("skip_prk", 0, "skip_prk_steps"),
    ITO_OPT_BOOL("of_v", 0, "what is weighed is v"),
    ITO_OPT_END,
};

const ito_sampler_def ito__their_pndm = {
    .choice = {.name = "diffusers-pndm", .summary = "PNDM on the levels of a scheduler's file", .options = options},
    .n_estimates = 2,
    .n_history = MOST_PAST,
    .n_scratch = N_ARRAYS,
    .step = step,
};
