/* The axis "timedist": a descriptor with the state its create() built. */
#include <ito/timedist.h>

#include <stdio.h>

#define ITO_CHOICE_LIST "timedist/timedist_list.h"
#include "base/axis.h"

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_timedist_def *def = (const ito_timedist_def *)choice;
    snprintf(text, size, "%s", def->observe ? "learns from the losses" : "");
    return text;
}

ITO_AXIS_DEFINE(timedist, .question = "which noise levels does training see?", .claims = claims);

struct ito_timedist {
    ito_ctx *ctx;
    const ito_timedist_def *def;
    void *state;
};

ito_status ito_timedist_register(ito_ctx *ctx, const ito_timedist_def *def)
{
    if (!def->create || !def->quantile || !def->observe != !def->history)
        return ito__fail(ctx, ITO_USAGE,
                         "a time distribution to register needs create and quantile, and observe only with history");
    return ito_choice_register(ctx, &ito__axis_timedist, &def->choice);
}

ito_status ito_timedist_find(ito_ctx *ctx, const char *name, const ito_timedist_def **out)
{
    return ito__def_find(ctx, &ito__axis_timedist, name, out);
}

ito_status ito_timedist_create(ito_ctx *ctx, const char *name, const ito_opts *opts, const ito_process *process,
                               ito_timedist **out)
{
    const ito_timedist_def *def;
    ito_opts *defaults = NULL;
    ito_timedist *d = NULL;
    ito_status st;
    *out = NULL;
    ITO_GO(ito_timedist_find(ctx, name, &def));
    ITO_GO(ito_choice_opts(ctx, &def->choice, opts, &defaults, &opts));
    d = ito__alloc(ctx, sizeof *d);
    if (!d) {
        st = ITO_MEMORY;
        goto done;
    }
    *d = (ito_timedist){.ctx = ctx, .def = def};
    ITO_GO(def->create(ctx, opts, process, &d->state));
    *out = d;
    d = NULL;
done:
    ito_timedist_destroy(d);
    ito_opts_destroy(defaults);
    return st;
}

void ito_timedist_destroy(ito_timedist *timedist)
{
    if (!timedist) return;
    if (timedist->def->destroy) timedist->def->destroy(timedist->ctx, timedist->state);
    ito__free(timedist->ctx, timedist);
}

const ito_timedist_def *ito_timedist_get_def(const ito_timedist *timedist)
{
    return timedist->def;
}

double ito_timedist_quantile(const ito_timedist *timedist, double u, double *factor)
{
    *factor = 1;
    return timedist->def->quantile(timedist->state, u, factor);
}

void ito_timedist_observe(ito_timedist *timedist, int n, const double *t, const double *loss)
{
    if (timedist->def->observe) timedist->def->observe(timedist->state, n, t, loss);
}

void *ito_timedist_history(ito_timedist *timedist, size_t *bytes)
{
    *bytes = 0;
    return timedist->def->history ? timedist->def->history(timedist->state, bytes) : NULL;
}
