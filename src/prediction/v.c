/* The network predicts v (Salimans, Ho 2022, section 4 and appendix D): defined at both ends of the process. Not the
 * velocity of flow matching. */
#include <ito/prediction.h>

static void row(const ito_opts *opts, const ito_level *t, double r[2])
{
    (void)opts;
    /* EQ[salimans22:D]  v = signal_t eps - sigma_t x_0, so x_0 = signal_t x_t - sigma_t v when signal^2 + sigma^2 = 1 */
    r[0] = -t->sigma;
    r[1] = t->signal;
}

const ito_prediction_def ito__prediction_v = {
    .choice = {.name = "v",
               .summary = "v = signal eps - sigma x_0, well defined at both ends",
               .formula = "v = signal_t eps - sigma_t x_0",
               .paper = "salimans22",
               .eq = "salimans22:D",
               .file = "src/prediction/v.c"},
    .row = row,
};
