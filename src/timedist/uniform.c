/* Uniform times: of 1..T when the process is discrete (Ho, Jain, Abbeel 2020, algorithm 1), else of t_min..t_max, or of
 * what `skip` leaves of it. Song et al. (2021) leave 1e-5 out: a weight like g^2 / sigma^2 is infinite at the data and has
 * no mean over all times. */
#include <ito/timedist.h>

#include "base/base.h"
#include "timedist/span.h"

typedef struct uniform {
    ito__span span;
    double first; /* the least share of the range of times */
} uniform;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    uniform *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (uniform){ito__span_of(process), ito_process_n_timesteps(process) ? 0 : ito_opts_real(opts, "skip")};
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

static double quantile(const void *state, double u, double *factor)
{
    const uniform *d = state;
    (void)factor;
    /* EQ[ddpm:a1] = EQ[sde:C]  t ~ U{1, .., T}, or U(eps, 1) */
    return ito__span_time(&d->span, d->first + (1 - d->first) * u);
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("skip", 0, 0, 0.99, "share of the range, next to the data, that is left out of continuous times"),
    ITO_OPT_END,
};

const ito_timedist_def ito__timedist_uniform = {
    .choice = {.name = "uniform",
               .summary = "every timestep, or all times between the ends, alike",
               .formula = "t ~ U{1, .., T} or U(t_min, t_max)",
               .paper = "ddpm",
               .eq = "ddpm:a1",
               .file = "src/timedist/uniform.c",
               .options = options},
    .create = create,
    .destroy = destroy,
    .quantile = quantile,
};
