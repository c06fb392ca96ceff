/* What solvers share. */
#include "sampler/solver.h"

#include <assert.h>
#include <math.h>

#define MOST_PAST 3

bool ito__level_is_inner(const ito_level *t)
{
    return t->signal > 0 && t->sigma > 0;
}

double ito__level_sigma_hat(const ito_level *t)
{
    return t->sigma / t->signal;
}

ito_level ito__level_at_sigma_hat(const ito_process *process, double sigma_hat)
{
    return ito_process_level(process, ito_process_time(process, -2 * log(sigma_hat)));
}

ito_level ito__level_at_lambda(const ito_process *process, double lambda)
{
    return ito_process_level(process, ito_process_time(process, 2 * lambda));
}

ito_status ito__step_ddim(ito_step *st, const ito_estimate *e)
{
    /* EQ[dpmsolver:3.7] = EQ[ddim:13]  x_s = signal_s x_0 + sigma_s eps */
    return ito_step_to(st, 2, (const ito_term[]){{st->s.signal, e->x0}, {st->s.sigma, e->eps}}, 0);
}

int ito__step_past(const ito_step *st, int most, ito_estimate *past)
{
    int n = 0;
    while (n < most && ito_step_history(st, n + 1, &past[n]) && ito__level_is_inner(&past[n].t)) n++;
    return n;
}

ito_status ito__step_with_past(ito_step *st, const ito_estimate *e, int n, const ito_estimate *past,
                               const double *weight)
{
    ito_term terms[2 + MOST_PAST] = {{st->s.signal, e->x0}, {st->s.sigma, e->eps}};
    assert(n <= MOST_PAST);
    for (int j = 0; j < n; j++) {
        terms[1].coef -= weight[j];
        terms[2 + j] = (ito_term){weight[j], past[j].eps};
    }
    return ito_step_to(st, 2 + n, terms, 0);
}
