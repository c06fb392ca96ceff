/* Dormand and Prince's pair (base/dopri.h): six evaluations a step, since the last one is the next step's first. The
 * fifth-order solution goes on; its distance from the fourth-order one is the error, held below atol + rtol |y| as a root
 * mean square. */
#include "likelihood/rk45.h"

#include <math.h>

#include "base/dopri.h"

#define STAGES ITO__DOPRI_STAGES

typedef struct run {
    const ito__ode *ode;
    double *y, *y_next;     /* [n, size] */
    double *k[STAGES];      /* [n, size] */
    double *t, *t_next, *h; /* [n] */
    bool *rejected;         /* [n]: the last try was */
    ito__ode_row *rows;
} run;

static ito_status alloc_run(run *r, double **numbers)
{
    const ito__ode *o = r->ode;
    size_t n = (size_t)o->n, count = n * (size_t)o->size;
    double *at = *numbers = ito__alloc_array(o->ctx, (STAGES + 1) * count + 3 * n, sizeof **numbers);
    r->rejected = ito__alloc_array(o->ctx, n, sizeof *r->rejected);
    if (!at || !r->rejected) return ITO_MEMORY;
    r->y_next = at;
    for (int s = 0; s < STAGES; s++) r->k[s] = at += count;
    r->t = at + count;
    r->t_next = r->t + n;
    r->h = r->t_next + n;
    return ITO_OK;
}

static void stage_row(run *r, int stage, int64_t i)
{
    const ito__ode *o = r->ode;
    double end = r->t[i] + r->h[i];
    if (o->to - end < 1e-12 * (o->to - o->from)) end = o->to; /* arrives, whatever was rounded */
    r->t_next[i] = ito__dopri_node[stage] < 1 ? r->t[i] + ito__dopri_node[stage] * r->h[i] : end;
    for (int64_t j = i * o->size; j < (i + 1) * o->size; j++) {
        double sum = 0;
        for (int s = 0; s < stage; s++) sum += ito__dopri_tableau[stage][s] * r->k[s][j];
        r->y_next[j] = r->y[j] + r->h[i] * sum;
    }
}

/* Root mean square of the error of numbers first .. last - 1 of row i, in units of the tolerance. */
static double error_of(const run *r, int64_t i, int64_t first, int64_t last)
{
    const ito__ode *o = r->ode;
    double squares = 0;
    for (int64_t j = i * o->size + first; j < i * o->size + last; j++) {
        double sum = 0, size = fmax(fabs(r->y[j]), fabs(r->y_next[j]));
        for (int s = 0; s < STAGES; s++) sum += ito__dopri_difference[s] * r->k[s][j];
        double error = r->h[i] * sum / (o->atol + o->rtol * size);
        squares += error * error;
    }
    return last > first ? sqrt(squares / (double)(last - first)) : 0;
}

static bool is_active(const run *r, int64_t i)
{
    return r->t[i] < r->ode->to;
}

/* Takes the step or not, and chooses the next one. */
static ito_status finish_row(run *r, int64_t i)
{
    const ito__ode *o = r->ode;
    double main = error_of(r, i, 0, o->n_main), rest = error_of(r, i, o->n_main, o->size);
    double error = main > rest ? main : rest;
    r->rows[i].n_evals += STAGES - 1;
    if (!isfinite(main + rest))
        return ito__fail(
            o->ctx, ITO_NUMERIC,
            "the path of row %lld is not finite near %g (it runs from %g to %g): the denoiser's output or its "
            "gradient is not finite",
            (long long)i, r->t[i], o->from, o->to);
    bool accepted = error <= 1;
    double factor = ito__dopri_factor(error, r->rejected[i]);
    if (accepted) {
        r->rows[i].n_steps++;
        r->t[i] = r->t_next[i];
        for (int64_t j = i * o->size; j < (i + 1) * o->size; j++) {
            r->y[j] = r->y_next[j];
            r->k[0][j] = r->k[STAGES - 1][j];
        }
    }
    r->rejected[i] = !accepted;
    r->h[i] = is_active(r, i) ? fmin(factor * r->h[i], o->to - r->t[i]) : 0;
    return ITO_OK;
}

/* One try for every row that is under way. */
static ito_status try_step(run *r)
{
    const ito__ode *o = r->ode;
    for (int stage = 1; stage < STAGES; stage++) {
        for (int64_t i = 0; i < o->n; i++) stage_row(r, stage, i);
        ITO_TRY(o->rate(o->self, r->t_next, r->y_next, r->k[stage]));
    }
    for (int64_t i = 0; i < o->n; i++)
        if (is_active(r, i)) ITO_TRY(finish_row(r, i));
    return ITO_OK;
}

static int64_t first_active(const run *r)
{
    for (int64_t i = 0; i < r->ode->n; i++)
        if (is_active(r, i)) return i;
    return -1;
}

static ito_status integrate(run *r)
{
    const ito__ode *o = r->ode;
    for (int64_t i = 0; i < o->n; i++) {
        r->t[i] = o->from;
        r->h[i] = 0.01 * (o->to - o->from); /* what is too long is rejected, what is too short grows fast */
        r->rows[i] = (ito__ode_row){.n_evals = 1};
    }
    ITO_TRY(o->rate(o->self, r->t, r->y, r->k[0]));
    for (int tries = 0; first_active(r) >= 0; tries++) {
        int64_t i = first_active(r);
        if (tries == o->max_steps)
            return ito__fail(
                o->ctx, ITO_NUMERIC,
                "row %lld is at %g on its way from %g to %g after %d steps, the last of %.3g: allow more with "
                "max_steps, or larger errors with rtol and atol",
                (long long)i, r->t[i], o->from, o->to, o->max_steps, r->h[i]);
        ITO_TRY(try_step(r));
    }
    return ITO_OK;
}

ito_status ito__rk45(const ito__ode *ode, double *y, ito__ode_row *rows)
{
    run r = {.ode = ode, .y = y, .rows = rows};
    double *numbers = NULL;
    ito_status st = alloc_run(&r, &numbers);
    if (st == ITO_OK) st = integrate(&r);
    ito__free(ode->ctx, numbers);
    ito__free(ode->ctx, r.rejected);
    return st;
}
