/* Trailing spacing: starts at T, where the samples are pure noise (Lin, Liu, Li, Yang 2023, table 2). Also for
 * continuous processes: equal steps from t_max down. */
#include <ito/spacing.h>

#include <math.h>

static ito_status fill(ito_ctx *ctx, const ito_opts *opts, const ito_process *process, int n_steps, double *t)
{
    (void)ctx;
    (void)opts;
    double first = ito_process_t_max(process), span = first - ito_process_t_min(process);
    bool whole = ito_process_n_timesteps(process) > 0;
    for (int k = 0; k < n_steps; k++) {
        /* EQ[lin23:t2]  t_k = round(T - k T / n_steps), k = 0 .. n_steps - 1 */
        double at = first - k * (span / n_steps);
        t[k] = whole ? rint(at) : at;
    }
    return ITO_OK;
}

const ito_spacing_def ito__spacing_trailing = {
    .choice = {.name = "trailing",
               .summary = "equal steps that start at T",
               .formula = "t_k = round(T - k T / n_steps)",
               .paper = "lin23",
               .eq = "lin23:t2",
               .file = "src/spacing/trailing.c"},
    .fill = fill,
};
