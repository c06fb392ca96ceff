/* Any betas: a list of them is the schedule, and its length T. */
#include "process/vp_table.h"

#include <stdlib.h>

#include "base/base.h"

static int count(const char *text)
{
    int n = 1;
    for (; *text; text++) n += *text == ',';
    return n;
}

/* The number at *text, which moves past its comma. */
static ito_status next_beta(ito_ctx *ctx, int t, const char **text, double *beta)
{
    char *end;
    const char *start = *text;
    *beta = strtod(start, &end);
    bool is_number = end != start;
    while (*end == ' ') end++;
    if (is_number && (!*end || *end == ',')) {
        *text = end + (*end == ',');
        return ITO_OK;
    }
    return ito__fail(ctx, ITO_USAGE, "process vp-betas: beta_%d is '%.20s', expected numbers with commas between them",
                     t, start);
}

static ito_status put_all(ito_ctx *ctx, int n_timesteps, const char *text, void *state)
{
    for (int t = 1; t <= n_timesteps; t++) {
        double beta;
        ITO_TRY(next_beta(ctx, t, &text, &beta));
        /* EQ[ddpm:s2]  alpha_bar_t = prod_{i <= t} (1 - beta_i) */
        ITO_TRY(ito__vp_put_beta(ctx, "vp-betas", state, t, beta));
    }
    return ITO_OK;
}

static ito_status create_float(ito_ctx *ctx, const ito_opts *opts, int n_timesteps, const char *text,
                               ito_process_ends *ends, void **state)
{
    float *betas = ito__alloc_array(ctx, (size_t)n_timesteps, sizeof *betas);
    ito_status st = betas ? ITO_OK : ITO_MEMORY;
    for (int t = 1; t <= n_timesteps && st == ITO_OK; t++) {
        double beta = 0;
        st = next_beta(ctx, t, &text, &beta);
        betas[t - 1] = (float)beta;
    }
    if (st == ITO_OK) st = ito__vp_finish_float(ctx, "vp-betas", opts, n_timesteps, betas, ends, state);
    ito__free(ctx, betas);
    return st;
}

static ito_status create(ito_ctx *ctx, const ito_opts *opts, ito_process_ends *ends, void **state)
{
    const char *text = ito_opts_text(opts, "betas");
    if (!*text)
        return ito__fail(ctx, ITO_USAGE,
                         "process vp-betas: betas is empty; give beta_1, beta_2, ... with commas between them, as in "
                         "betas=0.1,0.2,0.4");
    int n_timesteps = count(text);
    if (ito__vp_is_float(opts)) return create_float(ctx, opts, n_timesteps, text, ends, state);
    ITO_TRY(ito__vp_begin(ctx, n_timesteps, state));
    ITO_TRY(put_all(ctx, n_timesteps, text, *state));
    return ito__vp_finish(ctx, "vp-betas", opts, ends, *state);
}

static const ito_opt_def options[] = {
    ITO_OPT_TEXT("betas", "", "beta_1, beta_2, ..., beta_T: numbers with commas between them"),
    ITO__VP_ZERO_SNR,
    ITO__VP_TABLES,
    ITO_OPT_END,
};

const ito_process_def ito__process_vp_betas = {
    .choice = {.name = "vp-betas",
               .summary = "variance preserving, betas given one by one",
               .formula = "alpha_bar_t = prod_{i <= t} (1 - beta_i)",
               .paper = "ddpm",
               .eq = "ddpm:s2",
               .file = "src/process/vp_betas.c",
               .options = options},
    .create = create,
    ITO__VP_FUNCTIONS,
};
