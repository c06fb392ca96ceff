/* Processes as objects: a descriptor, the state its create() built, and the two ends of time. */
#include <ito/process.h>

#include <math.h>
#include <stdio.h>

#define ITO_CHOICE_LIST "process/process_list.h"
#include "base/axis.h"
#include "process/process_impl.h"

struct ito_process {
    ito_ctx *ctx;
    const ito_process_def *def;
    ito_process_ends ends;
    void *state;
};

static const char *claims(const ito_choice *choice, char *text, size_t size)
{
    const ito_process_def *def = (const ito_process_def *)choice;
    snprintf(text, size, "%s time%s", def->is_discrete ? "discrete" : "continuous",
             def->is_variance_preserving ? ", variance preserving" : "");
    return text;
}

ITO_AXIS_DEFINE(process, .question = "how is data noised? x_t = signal(t) x_0 + sigma(t) eps", .claims = claims);

ito_status ito_process_register(ito_ctx *ctx, const ito_process_def *def)
{
    if (!def->create || !def->level || !def->time || !def->drift || !def->diffusion || !def->label)
        return ito__fail(ctx, ITO_USAGE, "process %s lacks one of create, level, time, drift, diffusion, label",
                         def->choice.name ? def->choice.name : "(unnamed)");
    return ito_choice_register(ctx, &ito__axis_process, &def->choice);
}

ito_status ito_process_find(ito_ctx *ctx, const char *name, const ito_process_def **out)
{
    return ito__def_find(ctx, &ito__axis_process, name, out);
}

void ito__state_free(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

/* Between 1000 times at most: what lies between, the descriptor answers for. */
static ito_status check_falls(const ito_process *p)
{
    int n = p->ends.n_timesteps ? ITO_MIN(p->ends.n_timesteps, 1000) : 64;
    ito_level before = ito_process_level(p, p->ends.t_min);
    for (int i = 1; i <= n; i++) {
        ito_level now = ito_process_level(p, p->ends.t_min + (p->ends.t_max - p->ends.t_min) * i / n);
        if (!(now.log_snr < before.log_snr))
            return ito__fail(
                p->ctx, ITO_USAGE,
                "process %s: the log-SNR is %.9g at t = %g and %.9g at t = %g, but it must fall all the way; "
                "change its options",
                p->def->choice.name, before.log_snr, before.t, now.log_snr, now.t);
        if (!(before.signal > 0))
            return ito__fail(p->ctx, ITO_USAGE,
                             "process %s: at t = %g, before the end, the signal is too small for a number already "
                             "(log-SNR %.9g); give less noise or fewer timesteps",
                             p->def->choice.name, before.t, before.log_snr);
        before = now;
    }
    return ITO_OK;
}

static ito_status build(ito_process *p, const ito_opts *opts)
{
    ITO_TRY(p->def->create(p->ctx, opts, &p->ends, &p->state));
    if (!(p->ends.t_min < p->ends.t_max) || !(p->ends.prior_sd > 0))
        return ito__fail(p->ctx, ITO_USAGE,
                         "process %s: time must run from t_min < t_max (found %g, %g) to a prior of "
                         "positive deviation (found %g)",
                         p->def->choice.name, p->ends.t_min, p->ends.t_max, p->ends.prior_sd);
    return check_falls(p);
}

ito_status ito_process_create(ito_ctx *ctx, const char *name, const ito_opts *opts, ito_process **out)
{
    const ito_process_def *def;
    ito_opts *defaults = NULL;
    ito_status st;
    *out = NULL;
    ITO_GO(ito_process_find(ctx, name, &def));
    ITO_GO(ito_choice_opts(ctx, &def->choice, opts, &defaults, &opts));
    ito_process *p = ito__alloc(ctx, sizeof *p);
    if (!p) {
        st = ITO_MEMORY;
        goto done;
    }
    p->ctx = ctx;
    p->def = def;
    st = build(p, opts);
    if (st == ITO_OK)
        *out = p;
    else
        ito_process_destroy(p);
done:
    ito_opts_destroy(defaults);
    return st;
}

void ito_process_destroy(ito_process *process)
{
    if (!process) return;
    if (process->def->destroy) process->def->destroy(process->ctx, process->state);
    ito__free(process->ctx, process);
}

const ito_process_def *ito_process_get_def(const ito_process *process)
{
    return process->def;
}

int ito_process_n_timesteps(const ito_process *process)
{
    return process->ends.n_timesteps;
}

double ito_process_t_min(const ito_process *process)
{
    return process->ends.t_min;
}

double ito_process_t_max(const ito_process *process)
{
    return process->ends.t_max;
}

double ito_process_prior_sd(const ito_process *process)
{
    return process->ends.prior_sd;
}

static double inside(const ito_process *p, double t)
{
    return fmin(fmax(t, p->ends.t_min), p->ends.t_max);
}

ito_level ito_process_level(const ito_process *process, double t)
{
    return process->def->level(process->state, inside(process, t));
}

double ito_process_signal(const ito_process *process, double t)
{
    return ito_process_level(process, t).signal;
}

double ito_process_sigma(const ito_process *process, double t)
{
    return ito_process_level(process, t).sigma;
}

double ito_process_log_snr(const ito_process *process, double t)
{
    return ito_process_level(process, t).log_snr;
}

double ito_process_time(const ito_process *process, double log_snr)
{
    return process->def->time(process->state, log_snr);
}

double ito_process_drift(const ito_process *process, double t)
{
    return process->def->drift(process->state, inside(process, t));
}

double ito_process_diffusion(const ito_process *process, double t)
{
    return process->def->diffusion(process->state, inside(process, t));
}

double ito_process_label(const ito_process *process, double t)
{
    return process->def->label(process->state, inside(process, t));
}

double ito_process_alpha_bar(const ito_process *process, double t)
{
    double signal = ito_process_signal(process, t);
    return signal * signal;
}

double ito_process_beta(const ito_process *process, int t)
{
    ito_level now = ito_process_level(process, t), before = ito_process_level(process, t - 1);
    return ito_level_transition(&now, &before).variance;
}
