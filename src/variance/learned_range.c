/* Learned variances (Nichol, Dhariwal 2021, section 3.1): for every element the network's extra output o chooses
 * between the two fixed variances, on a logarithmic scale: v = (o + 1) / 2 is 0 for beta_tilde and 1 for beta. o is not
 * cut to -1..1.
 *
 * At s = 0 beta_tilde is 0 and has no logarithm. There the lower end is beta_tilde of the pair one stride noisier, (2t,
 * t), which for t = 1 is beta_tilde_2 as in the paper's code; where the process has no such pair, or at its only
 * timestep, it is the upper end. Sampling adds no noise in a step that ends at the data, so only bounds of the
 * likelihood see this. */
#include <ito/variance.h>

#include <math.h>

static double log_small(const ito_process *process, const ito_level *t, const ito_level *s, double log_large)
{
    if (s->sigma > 0) return log(ito_level_posterior(t, s).variance);
    ito_level next = ito_process_level(process, t->t + (t->t - s->t));
    return next.t > t->t ? log(ito_level_posterior(&next, t).variance) : log_large;
}

static void range(const ito_process *process, const ito_level *t, const ito_level *s, double log_variance[2])
{
    /* EQ[iddpm:15] = EQ[survey:23]  log variance = v log beta + (1 - v) log beta_tilde: its ends at v = 1 and v = 0 */
    log_variance[1] = log(ito_level_transition(t, s).variance);
    log_variance[0] = log_small(process, t, s, log_variance[1]);
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
