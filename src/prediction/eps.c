/* The network predicts the noise (Ho, Jain, Abbeel 2020). Where signal = 0 its output tells nothing about x_0. */
#include <ito/prediction.h>

static void row(const ito_opts *opts, const ito_level *t, double r[2])
{
    (void)opts;
    (void)t;
    /* EQ[ddpm:15] = EQ[survey:11]  output = eps, so x_0 = (x_t - sigma_t eps) / signal_t */
    r[0] = 0;
    r[1] = 1;
}

const ito_prediction_def ito__prediction_eps = {
    .choice = {.name = "eps",
               .summary = "the noise",
               .formula = "x_0 = (x_t - sigma_t eps) / signal_t",
               .paper = "ddpm",
               .eq = "ddpm:15",
               .file = "src/prediction/eps.c"},
    .row = row,
};
