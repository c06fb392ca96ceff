/* The network predicts the clean sample. Where sigma = 0 its output tells nothing about eps. */
#include <ito/prediction.h>

static void row(const ito_opts *opts, const ito_level *t, double r[2])
{
    (void)opts;
    (void)t;
    /* EQ[ddpm:s3.2]  output = x_0, so eps = (x_t - signal_t x_0) / sigma_t */
    r[0] = 1;
    r[1] = 0;
}

const ito_prediction_def ito__prediction_x0 = {
    .choice = {.name = "x0",
               .summary = "the clean sample",
               .formula = "eps = (x_t - signal_t x_0) / sigma_t",
               .paper = "ddpm",
               .eq = "ddpm:s3.2",
               .file = "src/prediction/x0.c"},
    .row = row,
};
