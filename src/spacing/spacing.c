/* The axis "spacing", and what every spacing must keep: times strictly decreasing inside the process. */
#include <ito/spacing.h>

#define ITO_CHOICE_LIST "spacing/spacing_list.h"
#include "base/axis.h"

ITO_AXIS_DEFINE(spacing, .question = "which timesteps does a sampler visit?");

ito_status ito_spacing_register(ito_ctx *ctx, const ito_spacing_def *def)
{
    if (!def->fill) return ito__fail(ctx, ITO_USAGE, "a spacing to register needs its fill function");
    return ito_choice_register(ctx, &ito__axis_spacing, &def->choice);
}

ito_status ito_spacing_find(ito_ctx *ctx, const char *name, const ito_spacing_def **out)
{
    return ito__def_find(ctx, &ito__axis_spacing, name, out);
}

static ito_status check(ito_ctx *ctx, const char *name, const ito_process *process, int n, const double *t)
{
    for (int i = 0; i < n; i++)
        if (t[i] > ito_process_t_max(process) || !(t[i] > ito_process_t_min(process)) || (i && t[i] >= t[i - 1]))
            return ito__fail(ctx, ITO_USAGE,
                             "spacing %s with %d steps: time %d is %g, but times must fall strictly inside %g..%g; "
                             "change its options or the number of steps",
                             name, n, i, t[i], ito_process_t_min(process), ito_process_t_max(process));
    return ITO_OK;
}

ito_status ito_spacing_fill(ito_ctx *ctx, const char *name, const ito_opts *opts, const ito_process *process,
                            int n_steps, double *t)
{
    const ito_spacing_def *def;
    ito_opts *defaults = NULL;
    int n_timesteps = ito_process_n_timesteps(process);
    ito_status st;
    ITO_GO(ito_spacing_find(ctx, name, &def));
    if (n_steps < 1 || (n_timesteps && n_steps > n_timesteps)) {
        st = ito__fail(ctx, ITO_USAGE, "%d steps asked for, but the process allows 1 to %d", n_steps,
                       n_timesteps ? n_timesteps : INT32_MAX);
        goto done;
    }
    ITO_GO(ito_choice_opts(ctx, &def->choice, opts, &defaults, &opts));
    ITO_GO(def->fill(ctx, opts, process, n_steps, t));
    st = check(ctx, name, process, n_steps, t);
done:
    ito_opts_destroy(defaults);
    return st;
}
