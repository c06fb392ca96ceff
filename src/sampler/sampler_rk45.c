/* The probability-flow ODE by Dormand and Prince's pair (base/dopri.h), with an error, a step size and an end of its own for every
 * sample: what fails is tried again with a shorter step, what arrives waits, and its evaluations no longer count. The path runs over
 * the angle of process/angle.h and y = x / rho, where no process has an infinite rate:
 *     dy/dphi = cos(phi) eps - sin(phi) x_0.
 * The step is accepted when |y5 - y4| <= (atol sqrt(size) + rtol max(|y|, |y_next|)), norms of a sample.
 *
 * The run's times are only where the samples meet, so the natural number of steps is 1, from the first time to the end; more cost
 * about one evaluation each. The data itself has no eps: a path to it ends at the first timestep of a discrete process, or at sigma =
 * 1e-3 signal, whose x_0 is the result. Six evaluations for each try, one for each interval; ito_sampler_n_evals counts those of the
 * sample with most. Tested in tests/exact/test_sampler_rk45.c. */
#include <ito/sampler.h>

#include <math.h>

#include "base/base.h"
#include "base/dopri.h"
#include "process/angle.h"

#define STAGES ITO__DOPRI_STAGES

/* scratch: the stages' rates, then */
enum { Y = STAGES, Y_NEXT, X, N_ARRAYS };
/* numbers: where each sample is, its next step (positive), was the last try rejected?, is it under way? three norms, then rows of
 * coefficients and of levels */
enum { PHI, H, REJECTED, ACTIVE, ERROR, NORM, NEXT_NORM, COEF, LEVELS = COEF + STAGES + 1 };

#define LEVEL_ROWS ((int)(sizeof(ito_level) / sizeof(double)))

_Static_assert(sizeof(ito_level) % sizeof(double) == 0, "levels take whole rows of numbers");

typedef struct path {
    ito_step *st;
    double from, to, direction;
    ito_level low, high;
    ito_level *level; /* [n] */
    bool *active;     /* [n] */
    double *coef, *phi, *h;
} path;

static path open_path(ito_step *st)
{
    double *const *number = st->number;
    path p = {.st = st, .coef = number[COEF], .phi = number[PHI], .h = number[H]};
    ito_level first = ito_process_level(st->process, ito__first_time(st->process));
    p.low = st->t.t < st->s.t ? st->t : st->s;
    p.high = st->t.t < st->s.t ? st->s : st->t;
    if (!(p.low.sigma > 0) && first.t < p.high.t) p.low = first;
    p.direction = st->t.t < st->s.t ? 1 : -1;
    p.from = ito__angle_of(p.direction > 0 ? &p.low : &p.high);
    p.to = ito__angle_of(p.direction > 0 ? &p.high : &p.low);
    p.level = (void *)number[LEVELS];
    p.active = (void *)number[ACTIVE];
    return p;
}

static double left(const path *p, int64_t i)
{
    return p->direction * (p->to - p->phi[i]);
}

/* Where sample i stands after the share `node` of its step. */
static double angle_after(const path *p, int64_t i, double node)
{
    bool arrives = node >= 1 && left(p, i) - p->h[i] < 1e-12 * fabs(p->to - p->from); /* whatever was rounded */
    return arrives ? p->to : p->phi[i] + p->direction * node * p->h[i];
}

/* sum of h row_j k_j over the first n stages, and y in front if asked for, times rho if asked for; into dst. */
static void combine_stages(const path *p, bool with_y, const double *row, int n, bool scaled, void *dst)
{
    const void *src[STAGES + 1];
    int64_t count = p->st->n;
    int at = 0;
    if (with_y) src[at++] = p->st->scratch[Y];
    for (int k = 0; k < n; k++) src[at + k] = p->st->scratch[k];
    for (int64_t i = 0; i < count; i++) {
        double rho = scaled ? hypot(p->level[i].signal, p->level[i].sigma) : 1;
        double h = p->active[i] ? p->direction * p->h[i] * rho : 0;
        if (with_y) p->coef[i] = rho;
        for (int k = 0; k < n; k++) p->coef[(at + k) * count + i] = h * row[k];
    }
    ito_step_combine_each(p->st, at + n, p->coef, src, dst);
}

/* The rate of a stage into scratch[stage]; 0 is where the step starts. */
static ito_status ask(const path *p, int stage)
{
    ito_step *st = p->st;
    ito_estimate e;
    int64_t n = st->n;
    for (int64_t i = 0; i < n; i++) {
        double phi = p->active[i] ? angle_after(p, i, ito__dopri_node[stage]) : p->to;
        p->level[i] = ito__level_at_angle(st->process, phi, &p->low, &p->high);
    }
    combine_stages(p, true, ito__dopri_tableau[stage], stage, true, st->scratch[X]);
    ITO_TRY(ito_step_predict_each(st, 0, p->level, p->active, st->scratch[X], &e));
    for (int64_t i = 0; i < n; i++) {
        double rho = hypot(p->level[i].signal, p->level[i].sigma);
        /* EQ[salimans22:D]  dy/dphi = cos(phi) eps - sin(phi) x_0 */
        p->coef[i] = p->level[i].signal / rho;
        p->coef[n + i] = -p->level[i].sigma / rho;
    }
    ito_step_combine_each(st, 2, p->coef, (const void *const[]){e.eps, e.x0}, st->scratch[stage]);
    return ITO_OK;
}

/* The step's error in units of the tolerance into number[ERROR]. */
static void measure(const path *p)
{
    ito_step *st = p->st;
    double *error = st->number[ERROR], *norm = st->number[NORM], *next = st->number[NEXT_NORM];
    double rtol = ito_opts_real(st->opts, "rtol"), atol = ito_opts_real(st->opts, "atol") * sqrt((double)st->size);
    combine_stages(p, true, ito__dopri_tableau[STAGES - 1], STAGES - 1, false, st->scratch[Y_NEXT]);
    combine_stages(p, false, ito__dopri_difference, STAGES, false, st->scratch[X]);
    ito_step_norm(st, st->scratch[X], error);
    ito_step_norm(st, st->scratch[Y], norm);
    ito_step_norm(st, st->scratch[Y_NEXT], next);
    for (int64_t i = 0; i < st->n; i++) error[i] /= atol + rtol * fmax(norm[i], next[i]);
}

/* dst becomes src where the step counted. The first row of coefficients is 1 there. */
static void take(const path *p, void *dst, const void *src)
{
    ito_step_combine_each(p->st, 2, p->coef, (const void *const[]){src, dst}, dst);
}

static ito_status fail_at(const path *p, int64_t i, const char *what)
{
    return ito__fail(
        p->st->ctx, ITO_NUMERIC,
        "rk45: sample %lld %s near t = %g, on its way from %g to %g: allow more steps with max_steps, larger "
        "errors with rtol and atol, or try clip = static",
        (long long)i, what, ito__level_at_angle(p->st->process, p->phi[i], &p->low, &p->high).t, p->st->t.t,
        p->st->s.t);
}

/* Takes the tries that are good enough and chooses the next steps. */
static ito_status accept(const path *p)
{
    ito_step *st = p->st;
    double *rejected = st->number[REJECTED];
    const double *error = st->number[ERROR];
    for (int64_t i = 0; i < st->n; i++) {
        if (p->active[i] && !isfinite(error[i])) return fail_at(p, i, "is not finite");
        bool takes = p->active[i] && error[i] <= 1;
        p->coef[i] = takes ? 1 : 0;
        p->coef[st->n + i] = takes ? 0 : 1;
        if (!p->active[i]) continue;
        double next = p->h[i] * ito__dopri_factor(error[i], rejected[i] > 0);
        if (takes) p->phi[i] = angle_after(p, i, 1);
        rejected[i] = !takes;
        p->h[i] = next;
        p->active[i] = left(p, i) > 0;
    }
    take(p, st->scratch[Y], st->scratch[Y_NEXT]);
    take(p, st->scratch[0], st->scratch[STAGES - 1]);
    return ITO_OK;
}

/* Samples start at p->from; a step that an earlier interval chose is kept. */
static void begin(const path *p)
{
    ito_step *st = p->st;
    ito_level start = p->direction > 0 ? p->low : p->high;
    /* towards noise from the data, x_0 stands for x / signal at the first level */
    double scale = st->t.sigma > 0 ? 1 / hypot(start.signal, start.sigma)
                                   : start.signal / hypot(start.signal, start.sigma) / st->t.signal;
    ito_step_combine(st, 1, (const ito_term[]){{scale, st->x}}, st->scratch[Y]);
    for (int64_t i = 0; i < st->n; i++) {
        p->phi[i] = p->from;
        if (!(p->h[i] > 0)) p->h[i] = 0.01 * fabs(p->to - p->from); /* too long is rejected, too short grows fast */
        p->active[i] = true;
    }
}

static int64_t first_active(const path *p)
{
    for (int64_t i = 0; i < p->st->n; i++)
        if (p->active[i]) return i;
    return -1;
}

static ito_status follow(const path *p)
{
    int most = (int)ito_opts_int(p->st->opts, "max_steps");
    begin(p);
    ITO_TRY(ask(p, 0));
    for (int tries = 0; first_active(p) >= 0; tries++) {
        if (tries == most) return fail_at(p, first_active(p), "needs more than max_steps steps");
        for (int64_t i = 0; i < p->st->n; i++)
            if (p->active[i]) p->h[i] = fmin(p->h[i], left(p, i));
        for (int stage = 1; stage < STAGES; stage++) ITO_TRY(ask(p, stage));
        measure(p);
        ITO_TRY(accept(p));
    }
    return ITO_OK;
}

static ito_status step(ito_step *st)
{
    ito_estimate e;
    path p = open_path(st);
    if (p.low.t < p.high.t) ITO_TRY(follow(&p));
    const ito_level *end = p.direction > 0 ? &p.high : &p.low;
    ito_term last = {hypot(end->signal, end->sigma), st->scratch[Y]};
    if (end->t == st->s.t) return ito_step_to(st, 1, &last, 0);
    ito_step_combine(st, 1, &last, st->scratch[X]);
    ITO_TRY(ito_step_predict(st, 0, end, st->scratch[X], &e));
    return ito_step_to(st, 2, (const ito_term[]){{st->s.signal, e.x0}, {st->s.sigma, e.eps}}, 0);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("rtol", 1e-5, 0, 1, "error of a step allowed, relative to the sample"),
    ITO_OPT_REAL("atol", 1e-5, 1e-12, 1, "error of a step allowed, absolute"),
    ITO_OPT_INT("max_steps", 10000, 1, 1e9, "tries between two of the run's times"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_rk45 = {
    .choice = {.name = "rk45",
               .summary = "adaptive Dormand-Prince, errors and steps of each sample's own; with 1 step",
               .formula = "dy/dphi = cos(phi) eps - sin(phi) x_0, tan(phi) = sigma / signal, |y5 - y4| <= tolerance",
               .paper = "salimans22",
               .eq = "salimans22:D",
               .file = "src/sampler/sampler_rk45.c",
               .options = options},
    .n_scratch = N_ARRAYS,
    .n_numbers = LEVELS + LEVEL_ROWS,
    .step = step,
};
