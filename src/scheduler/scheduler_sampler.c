/* Samplers and their options: which of ito's a class is, with what its file says. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "scheduler/scheduler_impl.h"
#include "scheduler/their_samplers.h"

ito_status ito__scheduler_use_sampler(ito_scheduler *s, const char *name)
{
    const ito_sampler_def *def;
    ITO_TRY(ito_sampler_find(s->ctx, name, &def));
    s->sampler = def->choice.name;
    return ito_opts_create(s->ctx, def->choice.options, &s->sampler_opts);
}

/* One that has a meaning for schedulers alone: the context learns of it here. */
static ito_status use_own(ito_scheduler *s, const ito_sampler_def *own)
{
    const ito_sampler_def *def;
    if (ito_sampler_find(s->ctx, own->choice.name, &def) == ITO_NOT_FOUND) ITO_TRY(ito_sampler_register(s->ctx, own));
    return ito__scheduler_use_sampler(s, own->choice.name);
}

static ito_status set(ito_scheduler *s, const char *name, double value)
{
    return ito_opts_set_number(s->sampler_opts, s->where, name, value);
}

static ito_status set_text(ito_scheduler *s, const char *name, const char *value)
{
    return ito_opts_set(s->sampler_opts, s->where, name, value);
}

/* ---- along the chain ---- */

ito_status ito__choose_ddim(ito_scheduler *s, ito_sample_options *options)
{
    options->keep_eps = true; /* clipping changes x_0 alone */
    return ito__scheduler_use_sampler(s, "ddim");
}

ito_status ito__choose_inverse(ito_scheduler *s, ito_sample_options *options)
{
    options->encode = true;
    return ito__choose_ddim(s, options);
}

ito_status ito__choose_ddpm(ito_scheduler *s, ito_sample_options *options)
{
    static const char *const names[] = {[ITO__SMALL] = "fixed_small",
                                        [ITO__SMALL_LOG] = "fixed_small",
                                        [ITO__LARGE] = "fixed_large",
                                        [ITO__LEARNED_RANGE] = "learned_range",
                                        [ITO__NO_VARIANCE] = "fixed_small"};
    (void)options;
    if (s->o.variance == ITO__LEARNED || s->o.variance == ITO__LARGE_LOG)
        return ito__fail(s->ctx, ITO_UNSUPPORTED,
                         "%s: variance_type \"%s\" cannot be used: %s; give fixed_small, fixed_large or learned_range",
                         s->where, s->o.variance == ITO__LEARNED ? "learned" : "fixed_large_log",
                         s->o.variance == ITO__LEARNED ? "no sampler takes a variance from the network as it is"
                                                       : "diffusers takes the root of a negative logarithm");
    ITO_TRY(ito__scheduler_use_sampler(s, "ddpm"));
    ITO_TRY(set(s, "noisy_end", 1));
    return set_text(s, "variance", names[s->o.variance]);
}

ito_status ito__choose_pndm(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(use_own(s, &ito__their_pndm));
    ITO_TRY(set(s, "skip_prk", s->o.skip_prk));
    return set(s, "of_v", s->o.prediction == ITO__THEIR_V);
}

ito_status ito__choose_lcm(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(ito__scheduler_use_sampler(s, "lcm"));
    return set(s, "timestep_scaling", s->o.timestep_scaling);
}

/* ---- exponential integrators ---- */

static bool is_of_x0(const ito_scheduler *s)
{
    return s->o.algorithm != ITO__DPM && s->o.algorithm != ITO__SDE_DPM;
}

static bool is_sde(const ito_scheduler *s)
{
    return s->o.algorithm == ITO__SDE_DPM_PP || s->o.algorithm == ITO__SDE_DPM;
}

ito_status ito__choose_multistep(ito_scheduler *s, ito_sample_options *options)
{
    static const char *const names[][2] = {{"dpm-2m", "dpmpp-2m"}, {"dpm-3m", "dpmpp-3m"}};
    const ito__their_options *o = &s->o;
    (void)options;
    if (o->order == 3 && o->algorithm == ITO__SDE_DPM)
        return ito__fail(s->ctx, ITO_UNSUPPORTED,
                         "%s: algorithm_type \"sde-dpmsolver\" has no solver_order 3: give 1 or 2", s->where);
    ITO_TRY(ito__scheduler_use_sampler(s, names[o->order == 3][is_of_x0(s)]));
    if (o->order == 3) ITO_TRY(set_text(s, "form", "code"));
    ITO_TRY(set(s, "order", o->order));
    ITO_TRY(set(s, "sde", is_sde(s)));
    ITO_TRY(set(s, "lower_order_final", o->lower_order_final));
    ITO_TRY(set(s, "euler_at_final", o->euler_at_final));
    return set_text(s, "solver_type", o->solver == ITO__HEUN ? "heun" : "midpoint");
}

ito_status ito__choose_edm(ito_scheduler *s, ito_sample_options *options)
{
    if (s->o.order == 3 && is_sde(s))
        return ito__fail(s->ctx, ITO_UNSUPPORTED,
                         "%s: algorithm_type \"sde-dpmsolver++\" has no solver_order 3 here: give 1 or 2", s->where);
    return ito__choose_multistep(s, options);
}

/* The orders of n steps into text [n + 1]. */
static void list_orders(const ito_scheduler *s, int n, char *orders)
{
    const ito__their_options *o = &s->o;
    int order = o->order, last = n - 1;
    bool lowers = o->lower_order_final || n % order || o->final == ITO__FINAL_ZERO;
    for (int i = 0; i < n; i++) orders[i] = (char)('1' + i % order);
    orders[n] = '\0';
    if (lowers && n % order == 0 && order > 1) orders[last] = '1';
    if (lowers && n % order == 0 && order == 3) orders[last - 1] = '2';
    if (o->final == ITO__FINAL_ZERO) orders[last] = '1';
}

ito_status ito__choose_singlestep(ito_scheduler *s, ito_sample_options *options)
{
    char *orders = ito__alloc(s->ctx, (size_t)s->n + 1);
    (void)options;
    if (!orders) return ITO_MEMORY;
    list_orders(s, s->n, orders);
    ito_status st = use_own(s, &ito__their_singlestep);
    if (st == ITO_OK) st = set_text(s, "orders", orders);
    ito__free(s->ctx, orders);
    if (st != ITO_OK) return st;
    if (s->o.thresholding && !is_of_x0(s))
        return ito__fail(s->ctx, ITO_UNSUPPORTED, "%s: thresholding is of x_0: give algorithm_type \"dpmsolver++\"",
                         s->where);
    ITO_TRY(set(s, "of_x0", is_of_x0(s)));
    ITO_TRY(set(s, "sde", is_sde(s)));
    return set(s, "heun", s->o.solver == ITO__HEUN);
}

ito_status ito__choose_deis(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(ito__scheduler_use_sampler(s, "deis"));
    ITO_TRY(set_text(s, "variable", "log-sigma"));
    ITO_TRY(set(s, "order", s->o.order));
    return set(s, "lower_order_final", s->o.lower_order_final);
}

/* "0,1,3": steps after which UniPC corrects nothing. */
static ito_status set_uncorrected(ito_scheduler *s)
{
    char text[ITO__MOST_DISABLED * 4 + 1] = "";
    size_t used = 0;
    for (int i = 0; i < ITO__MOST_DISABLED; i++)
        if (s->o.disabled[i]) used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", used ? "," : "", i);
    return set_text(s, "uncorrected", text);
}

ito_status ito__choose_unipc(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    if (s->o.dynamic && s->o.flow)
        return ito__fail(s->ctx, ITO_UNSUPPORTED,
                         "%s: use_dynamic_shifting takes a shift that the file does not hold: give flow_shift",
                         s->where);
    ITO_TRY(ito__scheduler_use_sampler(s, "unipc"));
    ITO_TRY(set(s, "order", s->o.order));
    ITO_TRY(set(s, "predict_x0", s->o.predict_x0));
    ITO_TRY(set(s, "lower_order_final", s->o.lower_order_final));
    ITO_TRY(set_uncorrected(s));
    return set_text(s, "solver_type", s->o.solver == ITO__BH1 ? "bh1" : "bh2");
}

/* tau is 1 at timesteps from 200 to 800; the sampler knows levels. */
static ito_status set_tau(ito_scheduler *s)
{
    double least = (double)INFINITY, most = 0;
    for (int i = 0; i < s->n; i++) {
        const ito_level *t = &s->levels[i].t;
        if (s->times[i] < 200 || s->times[i] > 800) continue;
        least = fmin(least, t->sigma / t->signal);
        most = fmax(most, t->sigma / t->signal);
    }
    ITO_TRY(set(s, "tau", most > 0));
    ITO_TRY(set(s, "tau_min", most > 0 ? least * (1 - 1e-9) : 0));
    return set(s, "tau_max", most * (1 + 1e-9));
}

ito_status ito__choose_sa(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    bool of_x0 = s->o.algorithm == ITO__DATA;
    if (s->o.thresholding && !of_x0)
        return ito__fail(s->ctx, ITO_UNSUPPORTED, "%s: thresholding is of x_0: give algorithm_type \"data_prediction\"",
                         s->where);
    ITO_TRY(ito__scheduler_use_sampler(s, "sa-solver"));
    ITO_TRY(set(s, "predict_x0", of_x0));
    ITO_TRY(set(s, "predictor_order", s->o.predictor_order));
    ITO_TRY(set(s, "corrector_order", s->o.corrector_order));
    ITO_TRY(set(s, "lower_order_final", s->o.lower_order_final));
    return set_tau(s);
}

/* ---- the others ---- */

ito_status ito__choose_ipndm(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(ito__scheduler_use_sampler(s, "ipndm"));
    return set_text(s, "start", "diffusers");
}

ito_status ito__choose_score(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(ito__scheduler_use_sampler(s, "pc"));
    ITO_TRY(set_text(s, "predictor", "reverse-diffusion"));
    ITO_TRY(set_text(s, "corrector", "langevin"));
    ITO_TRY(set(s, "batch_norms", 1));
    ITO_TRY(set(s, "snr", s->o.snr));
    return set(s, "n_corrections", s->o.correct_steps);
}

ito_status ito__choose_consistency(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(ito__scheduler_use_sampler(s, "consistency"));
    return set(s, "s_noise", s->o.s_noise);
}

ito_status ito__choose_flow(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    return ito__scheduler_use_sampler(s, s->o.stochastic ? "consistency" : "euler");
}

ito_status ito__choose_flow_heun(ito_scheduler *s, ito_sample_options *options)
{
    (void)options;
    ITO_TRY(ito__scheduler_use_sampler(s, "heun"));
    return set_text(s, "space", "time");
}
