/* P2, "perception prioritized" (Choi et al. 2022): the error of eps counts less where little noise hides only
 * imperceptible detail. gamma = 0 is DDPM's L_simple. */
#include <ito/weighting.h>

#include <math.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)process;
    /* EQ[p2:8]  1 / (k + snr)^gamma of eps */
    return pow(ito_opts_real(opts, "k") + exp(t->log_snr), -ito_opts_real(opts, "gamma"));
}

static const ito_opt_def options[] = {
    ITO_OPT_REAL("k", 1, 1e-6, 1e6, "bounds the weight where no signal is left"),
    ITO_OPT_REAL("gamma", 1, 0, 10, "how much less; 0: the plain error of eps"),
    ITO_OPT_END,
};

const ito_weighting_def ito__weighting_p2 = {
    .choice = {.name = "p2",
               .summary = "the error of eps, less where there is little noise",
               .formula = "w(t) = 1 / (k + snr)^gamma",
               .paper = "p2",
               .eq = "p2:8",
               .file = "src/weighting/p2.c",
               .options = options},
    .error = ITO_ERROR_OF_EPS,
    .weight = weight,
};
