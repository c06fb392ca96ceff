/* Levels and variances of a chain of any times of any process, ending at the data. */
#include "likelihood/chain.h"

#include <math.h>

/* x_0 itself, also for processes whose own time stops short of it. */
static ito_level data_level(const ito_process *process)
{
    return (ito_level){.t = ito_process_t_min(process), .signal = 1, .log_snr = (double)INFINITY};
}

static ito_status check_times(ito_ctx *ctx, const ito_process *process, const double *times, int n)
{
    const char *name = ito_process_get_def(process)->choice.name;
    double t_min = ito_process_t_min(process), t_max = ito_process_t_max(process);
    if (!times && !ito_process_n_timesteps(process))
        return ito__fail(
            ctx, ITO_USAGE,
            "process %s has continuous time and no chain of its own: the variational bound needs a list of times",
            name);
    if (times && n < 1) return ito__fail(ctx, ITO_USAGE, "a chain needs at least 1 time, found %d", n);
    for (int k = 0; times && k < n; k++) {
        bool falls = k ? times[k] < times[k - 1] : times[k] <= t_max;
        if (!falls || !(times[k] >= t_min) || !(ito_process_sigma(process, times[k]) > 0))
            return ito__fail(
                ctx, ITO_USAGE,
                "times of a chain must fall strictly, from at most %g to where there still is noise (process "
                "%s); time %d of %d is %g",
                t_max, name, k, n, times[k]);
    }
    return ITO_OK;
}

/* before: where the chain came from; the first step has none before it, which a level says that is t's own. */
static ito_status set_variances(ito_ctx *ctx, const ito_process *process, const ito_variance_def *variance,
                                const ito_level *before, ito__link *l)
{
    l->log_q = log(ito_level_posterior(&l->t, &l->s).variance);
    l->log_p = ito_variance_log(variance, process, before, &l->t, &l->s);
    if (isfinite(l->log_p.shift) && isfinite(l->log_p.scale)) return ITO_OK;
    return ito__fail(
        ctx, ITO_NUMERIC,
        "variance %s has no finite logarithm in the step from t = %g to %g (process %s): a variance must be "
        "positive there",
        variance->choice.name, l->t.t, l->s.t, ito_process_get_def(process)->choice.name);
}

static ito_status set_link(ito_ctx *ctx, const ito_process *process, const ito_prediction *prediction, ito__link *l)
{
    ito_prediction_map map = ito_prediction_map_in(prediction, process, &l->t);
    if (!map.has_x0)
        return ito__fail(
            ctx, ITO_NUMERIC,
            "%s prediction cannot tell x_0 at t = %g, where no signal is left: start the chain at an earlier time",
            prediction->def->choice.name, l->t.t);
    l->coef_x0 = ito_level_posterior(&l->t, &l->s).coef_x0;
    l->x0_x = map.x0_x;
    l->x0_out = map.x0_out;
    return ITO_OK;
}

ito_status ito__chain_create(ito_ctx *ctx, const ito_process *process, const ito_prediction *prediction,
                             const ito_vlb_options *options, ito__chain *chain)
{
    const double *times = options->times;
    *chain = (ito__chain){.n = times ? options->n_times : ito_process_n_timesteps(process),
                          .prior_sd = ito_process_prior_sd(process)};
    ITO_TRY(check_times(ctx, process, times, options->n_times));
    ITO_TRY(ito_prediction_check(ctx, prediction, process));
    chain->link = ito__alloc_array(ctx, (size_t)chain->n, sizeof *chain->link);
    if (!chain->link) return ITO_MEMORY;
    for (int k = 0; k < chain->n; k++) {
        ito__link *l = &chain->link[k];
        l->t = ito_process_level(process, times ? times[k] : chain->n - k);
        if (k) chain->link[k - 1].s = l->t;
    }
    chain->link[chain->n - 1].s = data_level(process);
    for (int k = 0; k < chain->n; k++) {
        ITO_TRY(set_link(ctx, process, prediction, &chain->link[k]));
        ITO_TRY(set_variances(ctx, process, options->variance, &chain->link[ITO_MAX(k - 1, 0)].t, &chain->link[k]));
    }
    return ITO_OK;
}
