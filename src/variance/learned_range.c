/* Learned variances (Nichol, Dhariwal 2021, section 3.1): for every element the network's extra output o chooses
 * between the two fixed variances, on a logarithmic scale: v = (o + 1) / 2 is 0 for beta_tilde and 1 for beta. o is not
 * cut to -1..1. */
#include <ito/variance.h>

#include <math.h>

static void range(const ito_process *process, const ito_level *t, const ito_level *s, double log_variance[2])
{
    (void)process;
    /* EQ[iddpm:15] = EQ[survey:23]  log variance = v log beta + (1 - v) log beta_tilde: its ends at v = 1 and v = 0 */
    log_variance[1] = log(ito_level_transition(t, s).variance);
    log_variance[0] = log(ito_level_posterior(t, s).variance);
}

const ito_variance_def ito__variance_learned_range = {
    .choice = {.name = "learned_range",
               .summary = "between beta tilde and beta, element by element",
               .formula = "log variance = v log beta + (1 - v) log beta_tilde, v = (o + 1) / 2 of the extra output o",
               .paper = "iddpm",
               .eq = "iddpm:15",
               .file = "src/variance/learned_range.c"},
    .range = range,
};
