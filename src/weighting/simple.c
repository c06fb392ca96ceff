/* Every level's error counts the same, whatever the network predicts (Ho, Jain, Abbeel 2020, section 3.4). */
#include <ito/weighting.h>

static double weight(const ito_opts *opts, const ito_process *process, const ito_level *t)
{
    (void)opts;
    (void)process;
    (void)t;
    return 1; /* EQ[ddpm:14] */
}

const ito_weighting_def ito__weighting_simple = {
    .choice = {.name = "simple",
               .summary = "the output's own error, the same at every level",
               .formula = "w(t) = 1",
               .paper = "ddpm",
               .eq = "ddpm:14",
               .file = "src/weighting/simple.c"},
    .error = ITO_ERROR_OF_OUTPUT,
    .weight = weight,
};
