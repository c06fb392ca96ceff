/* Annealed Langevin dynamics (Song, Ermon 2019, algorithm 1): at each of the run's times, from the noisiest on, n_per_level updates
 *     x <- x + size / 2 sigma^2 score + sqrt(size) sigma z,
 * with a size in units of sigma^2 that is the same at every level, eps / sigma_L^2 of the paper: 0.2 there, with 100 updates.
 * What is left of noise at the last level is taken off by its x_0, unless denoise is false (Song, Ermon 2020, section 3.4).
 *
 * step_size = 0 takes the size that NCSNv2's technique 4 derives from the levels' ratio and n_per_level (0.2 of a single level).
 * (That paper writes size for half of ours: x + size score + sqrt(2 size) z.) Processes that lose signal go through x / signal, where
 * score and sigma are those of sigma / signal. n_per_level evaluations a step, and one to denoise. Tested in
 * tests/exact/test_langevin.c. */
#include <math.h>

#include "base/base.h"
#include "sampler/ancestral.h"
#include "sampler/langevin.h"

/* How far the variance at a level is from the level's, in units of it, after n updates with r = eps / sigma_L^2: never negative. */
static double excess(double r, double ratio, int n)
{
    double stationary = 2 / (2 - r);
    /* EQ[ncsnv2:4]  (1 - r)^(2 n) (ratio^2 - 2 r / (1 - (1 - r)^2)) + 2 r / (1 - (1 - r)^2) is to be 1 */
    return pow(1 - r, 2 * n) * (ratio * ratio - stationary) + stationary - 1;
}

/* Where the excess is least; it falls, then rises. Twice NCSNv2's r. */
static double best_size(double ratio, int n)
{
    const double golden = 0.6180339887498949;
    double low = 0, high = 1;
    for (int i = 0; i < 60; i++) {
        double a = high - golden * (high - low), b = low + golden * (high - low);
        if (excess(a, ratio, n) < excess(b, ratio, n))
            high = b;
        else
            low = a;
    }
    return low + high;
}

static ito_level level_at(const ito_step *st, int index)
{
    return ito_process_level(st->process, ito_sampler_time(st->sampler, index));
}

static double size_of(const ito_step *st, int n)
{
    double size = ito_opts_real(st->opts, "step_size");
    ito_level first = level_at(st, 0), last = level_at(st, st->n_steps - 1);
    if (size > 0 || st->n_steps == 1) return size > 0 ? size : 0.2;
    double log_ratio = log(ito__level_sigma_hat(&first) / ito__level_sigma_hat(&last)) / (st->n_steps - 1);
    return best_size(exp(log_ratio), n);
}

/* The state at t is what the state at s starts from, or is denoised. */
static ito_status leave_level(ito_step *st)
{
    ito_estimate e;
    bool is_last = st->index == st->n_steps - 1;
    if (!is_last || !ito_opts_bool(st->opts, "denoise"))
        return ito_step_to(st, 1, (const ito_term[]){{st->s.signal / st->t.signal, st->scratch[0]}}, 0);
    ITO_TRY(ito_step_predict(st, 0, &st->t, st->scratch[0], &e));
    /* EQ[ncsnv2:s3.4]  x_0 = x + sigma_L^2 score */
    return ito_step_to(st, 1, (const ito_term[]){{st->s.signal, e.x0}}, 0);
}

static ito_status step(ito_step *st)
{
    int n = (int)ito_opts_int(st->opts, "n_per_level");
    if (!(st->t.signal > 0))
        return ito__fail(st->ctx, ITO_NUMERIC,
                         "annealed Langevin dynamics needs signal, and none is left at t = %g of process %s: start at "
                         "an earlier time",
                         st->t.t, ito_process_get_def(st->process)->choice.name);
    double size = size_of(st, n);
    ito__langevin_begin(st);
    /* EQ[ncsn:a1]  size_t = eps sigma_t^2 / sigma_L^2 at every level */
    for (int j = 0; j < n; j++) ITO_TRY(ito__langevin_update(st, &st->t, size, j));
    return leave_level(st);
}

static const ito_opt_def options[] = {
    ITO_OPT_INT("n_per_level", 100, 1, 1000, "updates at each level"),
    ITO_OPT_REAL("step_size", 0.2, 0, 2, "their size / sigma^2, eps / sigma_L^2 of NCSN; 0: by NCSNv2's technique 4"),
    ITO_OPT_BOOL("denoise", true, "end with x_0 of the last level"),
    ITO_OPT_END,
};

const ito_sampler_def ito__sampler_annealed_langevin = {
    .choice = {.name = "annealed-langevin",
               .summary = "Langevin dynamics from level to level (NCSN, NCSNv2)",
               .formula =
                   "x <- x + step_size / 2 sigma^2 score + sqrt(step_size) sigma z, n_per_level times at each level",
               .paper = "ncsn",
               .eq = "ncsn:a1",
               .file = "src/sampler/annealed_langevin.c",
               .options = options},
    .has_no_limit = true,
    .is_stochastic = true,
    .n_scratch = ITO__LANGEVIN_ARRAYS,
    .step = step,
};
