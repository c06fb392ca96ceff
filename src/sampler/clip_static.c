/* Static clipping: x_0 is cut to the range of the data (Saharia et al. 2022, section 2.3, "static thresholding"). */
#include <ito/clip.h>

static ito_status apply(ito_step *step, const ito_opts *opts, double *limit, float *x0)
{
    for (int64_t i = 0; i < step->n; i++) limit[i] = ito_opts_real(opts, "range");
    /* EQ[imagen:s2.3]  x_0 <- min(max(x_0, -range), range) */
    ito_step_clamp(step, limit, false, x0);
    return ITO_OK;
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("range", 1, 1e-6, 1e6, "the data lies in -range..range"),
    ITO_OPT_END,
};

const ito_clip_def ito__clip_static = {
    .choice = {.name = "static",
               .summary = "cut to the range of the data",
               .formula = "x_0 <- min(max(x_0, -range), range)",
               .paper = "imagen",
               .eq = "imagen:s2.3",
               .file = "src/sampler/clip_static.c",
               .options = options},
    .apply = apply,
};
