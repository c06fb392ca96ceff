/* Dynamic thresholding (Saharia et al. 2022, section 2.3): when guidance drives x_0 out of range, scale it back sample
 * by sample instead of saturating it. */
#include <ito/clip.h>

#include <math.h>

static ito_status apply(ito_step *step, const ito_opts *opts, double *limit, float *x0)
{
    double high = ito_opts_real(opts, "max");
    ito_step_abs_quantile(step, ito_opts_real(opts, "quantile"), x0, limit);
    for (int64_t i = 0; i < step->n; i++) limit[i] = fmin(fmax(limit[i], 1), high);
    /* EQ[imagen:s2.3]  l = max(quantile of |x_0|, 1), x_0 <- min(max(x_0, -l), l) / l */
    ito_step_clamp(step, limit, true, x0);
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("quantile", 0.995, 0, 1, "this fraction of |x_0| is kept from saturating"),
    ITO_OPT_REAL("max", 1e6, 1e-6, 1e6, "the limit never exceeds this (sample_max_value of diffusers)"),
    ITO_OPT_END,
};

const ito_clip_def ito__clip_dynamic = {
    .choice = {.name = "dynamic",
               .summary = "cut at a quantile of |x_0| and scale back to -1..1, sample by sample",
               .formula = "l = max(quantile of |x_0|, 1), x_0 <- min(max(x_0, -l), l) / l",
               .paper = "imagen",
               .eq = "imagen:s2.3",
               .file = "src/sampler/clip_dynamic.c",
               .options = options},
    .apply = apply,
};
