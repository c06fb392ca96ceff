/* The axis "variance", and what it says of a chain's last step: DDPM's and improved DDPM's code clip the logarithm of beta_tilde,
 * which is 0 there, to that of the step before. Sampling adds no noise in that step, so only bounds of the likelihood see
 * this. */
#include <ito/variance.h>

#include <math.h>
#include <stdio.h>

#define ITO_CHOICE_LIST "variance/variance_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_variance_def *def = (const ito_variance_def *)choice;
    snprintf(text, size, "%s", def->range ? "learned: an extra output channel for each channel of x" : "");
    return text;
}

ITO_AXIS_DEFINE(variance, .question = "what is the variance of p(x_s | x_t)?", .claims = claims);

ito_status ito_variance_register(ito_ctx *ctx, const ito_variance_def *def)
{
    if (!def->fixed == !def->range)
        return ito__fail(ctx, ITO_USAGE, "a variance to register needs its function, fixed or range");
    return ito_choice_register(ctx, &ito__axis_variance, &def->choice);
}

ito_status ito_variance_find(ito_ctx *ctx, const char *name, const ito_variance_def **out)
{
    return ito__def_find(ctx, &ito__axis_variance, name, out);
}

double ito_variance_log_clipped(const ito_process *process, const ito_level *before, const ito_level *t,
                                const ito_level *s)
{
    if (s->sigma > 0) return log(ito_level_posterior(t, s).variance);
    ito_level noisier = before ? *before : ito_process_level(process, t->t + (t->t - s->t));
    return log(noisier.t > t->t ? ito_level_posterior(&noisier, t).variance : ito_level_transition(t, s).variance);
}

ito_log_variance ito_variance_log(const ito_variance_def *def, const ito_process *process, const ito_level *before,
                                  const ito_level *t, const ito_level *s)
{
    bool is_last = !(s->sigma > 0);
    double ends[2];
    if (def->range)
        def->range(process, t, s, ends);
    else
        ends[0] = ends[1] = log(is_last && def->is_small_at_data ? 0 : def->fixed(t, s));
    for (int k = 0; is_last && k < 2; k++)
        if (ends[k] == -(double)INFINITY) ends[k] = ito_variance_log_clipped(process, before, t, s);
    return (ito_log_variance){0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0])};
}
