/* The network predicts the velocity of x_t between a sample and its noise (Lipman et al. 2023; Liu et al. 2023): for
 * rectified flow eps - x_0, defined at both ends, and whatever its shift, which is about the times that are seen (Esser et
 * al. 2024). Not the v of Salimans and Ho, and not the probability flow's velocity at x_t, which is its mean over x_0.
 * Where a rate is infinite (sigma of a variance preserving process at the data) there is no output; x_0 = x_t is known
 * there still. */
#include <ito/prediction.h>

#include <math.h>

static void row(const ito_opts *opts, const ito_level *t, double r[2])
{
    (void)opts;
    double unit = t->u_rate > 0 ? t->u_rate : 1;
    /* EQ[flow:15]  output = d x_t / du at fixed x_0 and eps = (signal_t' x_0 + sigma_t' eps) / u_t', u = t but for a shift */
    r[0] = isfinite(t->signal_rate) ? t->signal_rate / unit : (double)NAN;
    r[1] = isfinite(t->sigma_rate) ? t->sigma_rate / unit : (double)NAN;
}

const ito_prediction_def ito__prediction_velocity = {
    .choice = {.name = "velocity",
               .summary = "dx_t/du from data to noise: flow matching, rectified flow",
               .formula =
                   "velocity = d signal/du x_0 + d sigma/du eps, u = t but for a shift; eps - x_0 of rectified flow",
               .paper = "flow",
               .eq = "flow:15",
               .file = "src/prediction/velocity.c"},
    .row = row,
};
