/* Uniform times: of 1..T when the process is discrete (Ho, Jain, Abbeel 2020, algorithm 1), else of t_min..t_max. */
#include <ito/timedist.h>

#include <math.h>

#include "base/base.h"

typedef struct uniform {
    int n_timesteps;
    double low, high;
} uniform;

static ito_status create(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, void **state)
{
    (void)opts;
    uniform *d = *state = ito__alloc(ctx, sizeof *d);
    if (!d) return ITO_MEMORY;
    *d = (uniform){ito_process_n_timesteps(process), ito_process_t_min(process), ito_process_t_max(process)};
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
    /* EQ[ddpm:a1]  t ~ U{1, .., T} */
    if (d->n_timesteps) return 1 + fmin(floor(u * d->n_timesteps), d->n_timesteps - 1);
    return d->low + u * (d->high - d->low);
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
