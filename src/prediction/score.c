/* The network predicts the score, the gradient of log q(x_t) (Song, Ermon 2019). At sigma = 0 there is none, so that
 * only x_0 = x_t is known there; at signal = 0 it tells nothing about x_0. */
#include <ito/prediction.h>

#include <math.h>

static void row(const ito_opts *opts, const ito_level *t, double r[2])
{
    (void)opts;
    /* EQ[survey:21] = EQ[sde:7]  output = grad log q(x_t | x_0) = -eps / sigma_t, whose mean is grad log q(x_t) */
    r[0] = 0;
    r[1] = t->sigma > 0 ? -1 / t->sigma : (double)NAN;
}

const ito_prediction_def ito__prediction_score = {
    .choice = {.name = "score",
               .summary = "the gradient of the log density",
               .formula = "score = -eps / sigma_t",
               .paper = "sde",
               .eq = "sde:7",
               .file = "src/prediction/score.c"},
    .row = row,
};
