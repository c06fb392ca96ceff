/* Linear spacing from T to the first timestep, both visited (Nichol, Dhariwal 2021, section 4). A single step starts at
 * T: diffusers would start it at the clean end, where noise is no input. */
#include <ito/spacing.h>

#include <math.h>

#include "base/base.h"

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)opts;
    int n_timesteps = ito_process_n_timesteps(process);
    if (!n_timesteps) return ito__fail(ctx, ITO_USAGE, "spacing linspace needs a discrete process; use trailing");
    t[0] = n_timesteps;
    /* EQ[iddpm:s4]  t_k = 1 + round((T - 1) (n_steps - 1 - k) / (n_steps - 1)), k = 0 .. n_steps - 1 */
    for (int k = 1; k < n_steps; k++)
        t[k] = 1 + rint((double)(n_steps - 1 - k) * ((double)(n_timesteps - 1) / (n_steps - 1)));
    return ITO_OK;
}

const ito_spacing_def ito__spacing_linspace = {
    .choice = {.name = "linspace",
               .summary = "evenly from T to the first timestep, both visited",
               .formula = "t_k = 1 + round((T - 1) (n_steps - 1 - k) / (n_steps - 1))",
               .paper = "iddpm",
               .eq = "iddpm:s4",
               .file = "src/spacing/linspace.c"},
    .fill = fill,
};
