/* Samplers and their options: which of ito's a class is, with what its file says. */
#include "base/base.h"
#include "scheduler/scheduler_impl.h"

/* The sampler, with all defaults. */
static ito_status use(ito_scheduler *s, const char *name)
{
    const ito_sampler_def *def;
    ITO_TRY(ito_sampler_find(s->ctx, name, &def));
    s->sampler = def->choice.name;
    return ito_opts_create(s->ctx, def->choice.options, &s->sampler_opts);
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
    return use(s, "ddim");
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
    ITO_TRY(use(s, "ddpm"));
    ITO_TRY(set(s, "noisy_end", 1));
    return set_text(s, "variance", names[s->o.variance]);
}
