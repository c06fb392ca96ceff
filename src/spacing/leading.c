/* Leading spacing: whole strides that end at the first timestep, as in DDIM (Song, Meng, Ermon 2021, section D.2) and as
 * diffusers has it. The last timesteps before T are never visited. */
#include <ito/spacing.h>

#include "base/base.h"

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    int n_timesteps = ito_process_n_timesteps(process);
    if (!n_timesteps) return ito__fail(ctx, ITO_USAGE, "spacing leading needs a discrete process; use trailing");
    int stride = n_timesteps / n_steps, offset = (int)ito_opts_int(opts, "offset");
    /* EQ[ddim:D.2]  t_k = 1 + offset + (n_steps - 1 - k) floor(T / n_steps), k = 0 .. n_steps - 1 */
    for (int k = 0; k < n_steps; k++) t[k] = 1 + offset + (double)(n_steps - 1 - k) * stride;
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("offset", 0, 0, 1000, "added to every timestep (steps_offset of diffusers)"),
    ITO_OPT_END,
};

const ito_spacing_def ito__spacing_leading = {
    .choice = {.name = "leading",
               .summary = "whole strides that end at the first timestep",
               .formula = "t_k = 1 + offset + (n_steps - 1 - k) floor(T / n_steps)",
               .paper = "ddim",
               .eq = "ddim:D.2",
               .file = "src/spacing/leading.c",
               .options = options},
    .fill = fill,
};
