/* Uniform times: of 1..T when the process is discrete (Ho, Jain, Abbeel 2020, algorithm 1), else of t_min..t_max. */
#include <ito/timedist.h>

#include "base/base.h"
#include "timedist/span.h"

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    (void)opts;
    ito__span *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = ito__span_of(process);
    return ITO_OK;
}

static void destroy(ito_ctx *ctx, void *state)
{
    ito__free(ctx, state);
}

static double quantile(const void *state, double u, double *factor)
{
    (void)factor;
    return ito__span_time(state, u); /* EQ[ddpm:a1]  t ~ U{1, .., T} */
}

const ito_timedist_def ito__timedist_uniform = {
    .choice = {.name = "uniform",
               .summary = "every timestep, or all times between the ends, alike",
               .formula = "t ~ U{1, .., T} or U(t_min, t_max)",
               .paper = "ddpm",
               .eq = "ddpm:a1",
               .file = "src/timedist/uniform.c"},
    .create = create,
    .destroy = destroy,
    .quantile = quantile,
};
